#pragma once
// Runs against runs: every metric judged, and what could not be.

#include <span>
#include <string>
#include <vector>

#include "assay/baseline/configuration.h"
#include "assay/baseline/judge.h"
#include "assay/baseline/metric.h"
#include "assay/baseline/tolerance.h"
#include "assay/history/verdict.h"

namespace assay::baseline {

struct MetricChange {
  Metric metric;  ///< as the last judged run has it
  Rule rule;
  Repeats before;
  Repeats after;
  Judgement judgement;
};

/// A metric of the baseline that no judged run has.
struct MissingMetric {
  std::string name;
  std::string reason;  ///< `the scenario failed`, `not measured any more`
};

struct Comparison {
  std::string baseline;             ///< what it is called: a file, or "runs"
  std::vector<std::string> before;  ///< names of the runs
  std::vector<std::string> after;
  std::vector<Difference> differences;
  bool forced = false;
  std::vector<MetricChange> metrics;  ///< sorted by name; empty when refused
  std::vector<MissingMetric> missing;
  std::vector<std::string> added;  ///< metrics that the baseline does not have
  size_t ignored = 0;

  /// Nothing was judged, because the conditions differ.
  bool refused() const { return !differences.empty() && !forced; }
  size_t Count(Change change) const;
  /// failed: something regressed. inconclusive: refused, missing, or noise unknown. passed: else;
  /// with nothing to compare at all inconclusive.
  history::Verdict verdict() const;
};

/// Requires: both have at least one run. `force`: judges although conditions differ; the
/// differences stay listed.
Comparison Compare(std::span<const MeasuredRun> before, std::span<const MeasuredRun> after,
                   const Tolerances& tolerances, bool force);

}  // namespace assay::baseline
