#pragma once
// The parts of MeasureRun.

#include <span>
#include <vector>

#include "assay/baseline/metric.h"
#include "assay/cel/value.h"
#include "assay/history/run_model.h"

namespace assay::baseline {

/// `outcome`: the variables of the step's last attempt.
void MeasureLoad(const history::StepResult& step, const cel::Value& outcome,
                 std::vector<Metric>& into);
void MeasureMonitor(const history::StepResult& step, const cel::Value& outcome,
                    std::vector<Metric>& into);

/// The path of a step without the numbers of rounds: `a/loop[3]/get#2` -> `a/loop[]/get`.
std::string WithoutRounds(std::string_view path);

/// Standard error of the mean of a series from the means of its consecutive parts: G. S. Fishman,
/// "Grouping observations in digital simulation", Management Science 24 (1978). Parts that are long
/// against what binds neighbours together are nearly independent. Nothing for fewer than five.
std::optional<double> ErrorFromParts(std::vector<double> parts);

/// Into how many parts a series is cut.
inline constexpr size_t kParts = 10;
inline constexpr size_t kFewestParts = 5;

}  // namespace assay::baseline
