#pragma once
// How much worse each metric may be.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/baseline/judge.h"
#include "assay/baseline/metric.h"
#include "lib/base/result.h"

namespace assay::baseline {

/// What a project or a command line says about some metrics; absent: as it was.
struct MetricRule {
  std::string metrics;              ///< name with wildcards: `*:latency.p99`
  std::optional<double> tolerance;  ///< share of the baseline's value
  std::optional<double> floor;      ///< in the metric's unit
  std::optional<Better> better;
  bool ignore = false;
};

struct Tolerances {
  double tolerance = kDefaultTolerance;
  std::vector<MetricRule> rules;  ///< in order; what a later one says holds

  /// Nothing when the metric is ignored.
  std::optional<Rule> RuleFor(const Metric& metric) const;
};

/// `*` any characters, also none, `?` one; the whole text must match.
bool MatchesWildcard(std::string_view text, std::string_view pattern);

/// `*:latency.p99=15%`
base::Result<MetricRule> ParseMetricTolerance(std::string_view text);

}  // namespace assay::baseline
