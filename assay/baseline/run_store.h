#pragma once
// What was measured over time: one row a run, one a metric, in a SQLite file beside the results. It
// outlives the run directories.
//
//   run     id, head, started, verdict, complete, configuration (JSON), configuration_digest,
//           not_passed (JSON)
//   metric  run, name, unit, better, value, error, floor

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay/baseline/metric.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/sql/database.h"

namespace assay::baseline {

/// Thread-safe; several processes may have it open.
class RunStore {
 public:
  /// Made when it is missing, with its folder. kUnsupported when a newer version wrote it.
  static base::Result<RunStore> Open(const std::filesystem::path& file, base::Deadline deadline);

  /// Enters a run, or replaces what is there under its name.
  base::Result<void> Enter(const MeasuredRun& run, base::Deadline deadline);
  base::Result<bool> Holds(std::string_view run_id, base::Deadline deadline) const;
  /// The latest `count`, oldest first. `configuration_digest`: only those with it; "": all.
  base::Result<std::vector<MeasuredRun>> Latest(size_t count, std::string_view configuration_digest,
                                                base::Deadline deadline) const;

 private:
  explicit RunStore(std::shared_ptr<sql::Database> database) : database_(std::move(database)) {}
  std::shared_ptr<sql::Database> database_;
};

/// Its name in the folder of all runs.
inline constexpr std::string_view kStoreFile = "history.db";

}  // namespace assay::baseline
