#include "assay/baseline/judge.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lib/stats/sample.h"

namespace assay::baseline {
namespace {

constexpr double kCertainty = 0.999;
constexpr double kWithinRunFactor = 5;
constexpr double kBlindFactor = 3;
constexpr size_t kFewestForMedian = 3;

// Of what stands for `count` runs, in units of the variance of one.
double VarianceOfMiddle(size_t count) {
  const auto n = static_cast<double>(count);
  return count >= kFewestForMedian ? std::numbers::pi / (2 * n) : 1 / n;
}

double ErrorOf(const Repeats& repeats) {
  double sum = 0;
  for (const double error : repeats.errors) sum += error * error;
  return std::sqrt(sum / static_cast<double>(std::max<size_t>(1, repeats.errors.size())));
}

bool KnowsErrors(const Repeats& repeats) {
  return !repeats.errors.empty() && repeats.errors.size() == repeats.values.size();
}

struct Noise {
  double deviation = 0;  // of one run
  size_t freedom = 0;
};

// Distances of both groups from their own middle when the judged one is large enough to have one.
Noise NoiseOf(const Repeats& before, const Repeats& after, double b, double c) {
  const size_t n = before.values.size();
  const size_t m = after.values.size();
  if (m < kFewestForMedian || n < kFewestForMedian) {
    return {stats::RobustDeviationOfFew(before.values), n - 1};
  }
  const double scale = b != 0 && c != 0 ? std::abs(b / c) : 1;
  std::vector<double> distances;
  for (const double value : before.values) distances.push_back(value - b);
  for (const double value : after.values) distances.push_back((value - c) * scale);
  const auto all = static_cast<double>(n + m);
  // Two middles were taken from the same values that are measured from them.
  const double freed = std::sqrt(all / (all - 2));
  for (double& distance : distances) distance = std::abs(distance);
  constexpr double kNormal = 1.4826022185056018;
  return {kNormal * stats::FewValuesFactor(n + m) * freed * stats::Median(std::move(distances)),
          n + m - 2};
}

// The limit of the second rule, when the noise is known.
std::optional<double> KnownLimit(const Repeats& before, const Repeats& after, double b, double c) {
  const Noise noise = NoiseOf(before, after, b, c);
  if (noise.freedom + 1 < kFewestRuns) return std::nullopt;
  double deviation = noise.deviation;
  if (KnowsErrors(before)) deviation = std::max(deviation, ErrorOf(before));
  if (KnowsErrors(after)) deviation = std::max(deviation, ErrorOf(after));
  const double spread =
      std::sqrt(VarianceOfMiddle(before.values.size()) + VarianceOfMiddle(after.values.size()));
  return stats::StudentQuantile(kCertainty, noise.freedom) * deviation * spread;
}

void JudgeUnknown(const Repeats& before, const Repeats& after, double amount, Judgement& out) {
  if (KnowsErrors(before) && KnowsErrors(after)) {
    out.source = NoiseSource::kWithinRun;
    const double b = ErrorOf(before);
    const double c = ErrorOf(after);
    out.noise = kWithinRunFactor * std::sqrt(b * b / static_cast<double>(before.values.size()) +
                                             c * c / static_cast<double>(after.values.size()));
    if (amount <= out.noise) out.change = Change::kWithinNoise;
    return;
  }
  out.source = NoiseSource::kUnknown;
  if (amount <= kBlindFactor * out.tolerated) out.change = Change::kInconclusive;
}

}  // namespace

std::string_view ToString(Change change) {
  switch (change) {
    case Change::kUnchanged:
      return "unchanged";
    case Change::kImproved:
      return "improved";
    case Change::kWithinNoise:
      return "within noise";
    case Change::kInconclusive:
      return "inconclusive";
    case Change::kRegressed:
      return "regressed";
    case Change::kNotJudged:
      break;
  }
  return "not judged";
}

std::optional<double> Judgement::relative() const {
  if (before == 0) return std::nullopt;
  return (after - before) / std::abs(before);
}

Judgement Judge(const Repeats& before, const Repeats& after, const Rule& rule) {
  Judgement out;
  out.before = stats::Median(before.values);
  out.after = stats::Median(after.values);
  const double rise = out.after - out.before;
  out.worse_by = rule.better == Better::kHigher ? -rise : rise;
  out.tolerated = std::max(rule.tolerance * std::abs(out.before), rule.floor);
  const auto known = KnownLimit(before, after, out.before, out.after);
  if (known) {
    out.noise = *known;
    out.source = NoiseSource::kRepeats;
  }
  if (rule.better == Better::kNeither) {
    out.change = Change::kNotJudged;
    return out;
  }
  const double amount = std::abs(out.worse_by);
  const bool is_over = amount > out.tolerated;
  out.change = out.worse_by > 0 ? Change::kRegressed : Change::kImproved;
  if (known) {
    if (amount <= *known) out.change = Change::kWithinNoise;
  } else {
    JudgeUnknown(before, after, amount, out);
  }
  // What is better without proof is no news; what is worse without proof is.
  if (!is_over || (out.worse_by < 0 && out.change != Change::kImproved)) {
    out.change = Change::kUnchanged;
  }
  return out;
}

}  // namespace assay::baseline
