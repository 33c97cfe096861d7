#pragma once
// What a run measured, as numbers that can be compared with those of other runs.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/history/verdict.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::baseline {

/// Which direction is the good one. kNeither: shown, never judged.
enum class Better { kLower, kHigher, kNeither };

/// `lower`, `higher`, `neither`.
std::string_view ToString(Better better);
std::optional<Better> ParseBetter(std::string_view text);

/// One number of one run.
struct Metric {
  /// `PATH:QUANTITY`: the path of the scenario or step, then what was measured there:
  /// `NS-1/1:duration`, `NS-1/1/load:latency.p99`, `NS-1/1/watch:api.rss.max`. The rounds of a
  /// loop are one metric, `NS-1/1/loop[]/get:duration`, the median over them.
  std::string name;
  std::string
      unit;  ///< `s`, `1/s`, `share` (0 to 1), `bytes`, `cores`, `` (a count), or these `/s`
  Better better = Better::kLower;
  double value = 0;
  /// Standard error as the run itself shows it, from its parts or its histogram. It knows nothing
  /// of what differs from run to run, so it is a lower bound. Absent: not known.
  std::optional<double> error;
  /// In `unit`. A change of at most so much is never one, whatever its share of the value.
  double floor = 0;

  std::string_view path() const;
  std::string_view quantity() const;
  bool operator==(const Metric&) const = default;
};

/// Conditions under which the metrics of a run mean what they mean, as (name, value), sorted by
/// name, each name once.
using Configuration = std::vector<std::pair<std::string, std::string>>;

struct MeasuredRun {
  std::string id;    ///< name of the run directory
  std::string head;  ///< hash of the last event
  base::WallTime started{};
  history::Verdict verdict = history::Verdict::kSkipped;
  bool complete = false;  ///< run.finished was read
  Configuration configuration;
  std::vector<Metric> metrics;  ///< sorted by name, each name once
  /// Instances that did not pass, with their verdicts: nothing of them is measured.
  std::vector<std::pair<std::string, std::string>> not_passed;

  /// Null when there is none of that name.
  const Metric* Find(std::string_view name) const;
};

/// {run, head, started, verdict, complete, not_passed{instance: verdict}, metrics{name: {value,
/// unit, better, error, floor}}}; without the configuration.
boost::json::object ToJson(const MeasuredRun& run);
/// kCorrupt names the member that is missing or of another kind.
base::Result<MeasuredRun> ReadMeasuredRun(const boost::json::object& from);

/// {name: value}
boost::json::object ToJson(const Configuration& configuration);
base::Result<Configuration> ReadConfiguration(const boost::json::object& from);

/// For people: `12.4 ms`, `1,234 /s`, `0.12 %`, `96 MiB`.
std::string Shown(double value, std::string_view unit);

}  // namespace assay::baseline
