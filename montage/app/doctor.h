#pragma once
// Is everything that is kept still whole and consistent?

#include <string>
#include <vector>

#include "montage/app/data_directory.h"

namespace montage::app {

/// One thing that was examined.
struct CheckUp {
  std::string name;  ///< schema, database, keys, audit, recordings, clinical, results
  bool ok = true;
  std::string detail;
};

/// Changes nothing. Every recording and every clinical record is opened, so it reads the whole
/// store. Errors only when the examination itself could not be done.
base::Result<std::vector<CheckUp>> Examine(DataDirectory& directory, const base::Clock& clock,
                                           base::Deadline deadline);

}  // namespace montage::app
