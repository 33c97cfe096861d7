#pragma once
// Rotation of the master keys that seal everything at rest.
//
//   rotate:  new master key -> every data key of an older one is sealed anew -> done
//   retire:  nothing needs the older master keys -> they leave the key file
//
// A data key that was sealed anew lies on the shelf (storage/data_key_shelf.h); payloads are
// neither read nor written. Each step is complete in itself, so a rotation that was interrupted
// goes on where it was. Servers may run meanwhile: they use the keys that they have until they are
// started again.

#include <functional>
#include <string>
#include <vector>

#include "montage/app/data_directory.h"

namespace montage::app {

/// How many payloads need a master key: recordings, the names they were uploaded under,
/// and versions of clinical records.
struct KeyUse {
  std::string key_id;
  bool newest = false;
  bool present = true;  ///< in the key file
  size_t payloads = 0;
};

/// The newest first; every key of payloads, and the newest also when it has none.
base::Result<std::vector<KeyUse>> CountKeyUse(DataDirectory& directory, base::Deadline deadline);

struct Rotation {
  std::string newest;
  bool resumed = false;  ///< an older rotation was not finished: there is no new key
  size_t rewrapped = 0;  ///< data keys
  size_t forgotten = 0;  ///< from the shelf, because their payloads are gone
};

/// `progress` gets how many payloads were looked at. Uses the key file as it is now; `directory`
/// keeps the ring that it was opened with.
base::Result<Rotation> RotateKeys(DataDirectory& directory, base::Deadline deadline,
                                  const std::function<void(size_t)>& progress);

/// Removes older master keys from the file; returns how many. kConflict while a payload needs one.
/// What is cached under an older key is computed again.
base::Result<size_t> RetireKeys(DataDirectory& directory, base::Deadline deadline);

}  // namespace montage::app
