#pragma once
// What a load did, as the values that thresholds read and the events that charts are drawn from.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/cel/value.h"
#include "assay/scenario/schema.h"
#include "assay/workload/figures/tally.h"
#include "lib/base/result.h"

namespace assay::workload {

/// What is known besides the counts.
struct LoadState {
  std::vector<std::string> tasks;    ///< names
  base::Duration elapsed{};          ///< since the start; over zero
  uint64_t scheduled = 0;            ///< arrivals that were due until then; closed models: begun
  uint64_t dropped = 0;              ///< of them never begun
  int64_t most_vus = 0;              ///< most users at a time
  std::set<int64_t> named_statuses;  ///< statuses that expressions ask for: there even when zero
  std::map<FailureClass, uint64_t> failures;
  std::string engine;         ///< `wire` or `steps`
  std::string engine_reason;  ///< why it is not `wire`
  std::string aborted;        ///< the condition that ended it early; ""
  std::string lagging;        ///< why the figures cannot be trusted; ""
};

/// The outcome variables (see the table in workload_schema.cc).
cel::Value MetricsOf(const Tally& tally, const LoadState& state);

/// The content of a workload.interval event.
boost::json::object IntervalOf(const Tally& tally, const std::vector<std::string>& tasks,
                               int64_t second, int64_t vus);

/// The same read back, so that intervals of several shards add up without loss. `names`: of the
/// tasks, in order. kCorrupt names what is missing or damaged.
base::Result<Tally> ReadInterval(const boost::json::object& content,
                                 const std::vector<std::string>& names);

/// Statuses such as 404 in `status['404'].count` and `tasks.x.status['404'].count`.
std::set<int64_t> StatusesNamedIn(const std::vector<std::vector<std::string>>& references);

/// Fields of the outcome that MetricsOf makes.
std::vector<scenario::Field> MetricFields();

}  // namespace assay::workload
