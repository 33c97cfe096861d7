#pragma once
// Whether one metric got worse: pure, from numbers to a word.
//
// Let b and c be the medians of the metric over the n runs of the baseline and the m runs that are
// judged, and w how much worse c is than b (positive: worse). It is a regression when both hold:
//
//   1.  w > max(tolerance * |b|, floor)
//   2.  w > k * s * sqrt(v(n) + v(m))            known noise
//
// s is the noise from run to run: the median of the distances from the median (MAD), times 1.4826
// and the factor of Croux and Rousseeuw (1992) for few values, so that it estimates the standard
// deviation of a normal sample and one wild run in five does not move it (P. J. Rousseeuw and C.
// Croux, "Alternatives to the median absolute deviation", J. Am. Stat. Assoc. 88 (1993)). It is
// taken over the runs of the baseline; with three judged runs or more their distances from their
// own median, scaled to the baseline, count as well. v is the variance of what stands for a group,
// in units of s^2: pi / 2n for a median of three runs or more, 1/n for fewer. k is Student's t at
// 0.999 with as many degrees of freedom as distances minus one a group: noise that is known from
// few runs must be exceeded by more. Measured: no alarm in thousands of trials while the noise is a
// third of the tolerance or less; about 1 in 100 when it is three times as large, because the MAD
// of few runs is itself uncertain. s is never taken as less than what the runs show inside
// themselves (Metric::error), because runs that agree by chance do not make a histogram sharper.
//
// Fewer than four distances (kFewestRuns) say nothing of the noise: it is *unknown*. Then
//
//   2a. w > 5 * sqrt(e_b^2 + e_c^2)              with the errors inside the runs, when both are
//   known:
//                                                5 instead of 3, as they leave out what differs
//                                                from run to run
//   2b. w > 3 * max(tolerance * |b|, floor)      with nothing; a smaller excess is inconclusive

#include <optional>
#include <string_view>
#include <vector>

#include "assay/baseline/metric.h"

namespace assay::baseline {

inline constexpr double kDefaultTolerance = 0.10;
inline constexpr size_t kFewestRuns = 4;

/// How one metric is judged.
struct Rule {
  double tolerance = kDefaultTolerance;  ///< share of the baseline's value
  double floor = 0;                      ///< in the metric's unit
  Better better = Better::kLower;
};

/// One metric over repeats.
struct Repeats {
  std::vector<double> values;  ///< at least one
  std::vector<double> errors;  ///< inside each run; empty unless known for all
};

enum class Change {
  kUnchanged,     ///< within tolerance
  kImproved,      ///< better by more than tolerance and noise
  kWithinNoise,   ///< over the tolerance, but runs of the baseline differ as much
  kInconclusive,  ///< over the tolerance, and nobody knows how much runs differ
  kRegressed,
  kNotJudged,  ///< Better::kNeither
};

/// `unchanged`, `improved`, `within noise`, `inconclusive`, `regressed`, `not judged`.
std::string_view ToString(Change change);

/// Where the noise limit comes from.
enum class NoiseSource { kRepeats, kWithinRun, kUnknown };

struct Judgement {
  Change change = Change::kUnchanged;
  double before = 0;     ///< median of the baseline
  double after = 0;      ///< median of the judged runs
  double worse_by = 0;   ///< negative: better; in the metric's unit
  double tolerated = 0;  ///< limit of rule 1
  double noise = 0;      ///< limit of rule 2; 0 when unknown
  NoiseSource source = NoiseSource::kUnknown;

  /// after / before - 1; nothing when before is zero.
  std::optional<double> relative() const;
};

/// Requires: both have values; finite.
Judgement Judge(const Repeats& before, const Repeats& after, const Rule& rule);

}  // namespace assay::baseline
