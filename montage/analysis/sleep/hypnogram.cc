#include "montage/analysis/sleep/hypnogram.h"

#include <algorithm>

namespace montage::analysis {
namespace {

constexpr double kEpochMin = kSleepEpochS / 60.0;
constexpr size_t kCycleNonRemEpochs = 30;  // 15 min
constexpr size_t kCycleRemEpochs = 10;     // 5 min

/// NREM-REM cycles, see HypnogramMetrics::cycles.
size_t CountCycles(std::span<const SleepStage> hypnogram) {
  size_t cycles = 0, non_rem = 0, rem = 0;
  bool counted = false;  // the REM period that is running has been counted
  for (const SleepStage stage : hypnogram) {
    if (IsNonRem(stage)) {
      ++non_rem;
      continue;
    }
    if (stage != SleepStage::kRem) continue;
    if (non_rem >= kCycleNonRemEpochs) {
      rem = 0;
      counted = false;
    } else if (cycles == 0 && rem == 0) {
      continue;  // REM at sleep onset closes no cycle
    }
    non_rem = 0;
    ++rem;
    if (!counted && rem >= (cycles == 0 ? 1 : kCycleRemEpochs)) {
      ++cycles;
      counted = true;
    }
  }
  return cycles;
}

void CountChanges(std::span<const SleepStage> period, HypnogramMetrics& metrics) {
  size_t broken = 0, asleep = 0;
  for (size_t e = 0; e < period.size(); ++e) {
    if (!IsAsleep(period[e])) continue;
    ++asleep;
    if (e + 1 == period.size()) break;
    const SleepStage next = period[e + 1];
    if (!IsAsleep(next)) ++metrics.awakenings;
    if (!IsAsleep(next) || (next == SleepStage::kN1 && period[e] != SleepStage::kN1)) ++broken;
  }
  for (size_t e = 1; e < period.size(); ++e) metrics.transitions += period[e] != period[e - 1];
  metrics.fragmentation = static_cast<double>(broken) / static_cast<double>(asleep);
}

double PointsAtLeast(double value, std::array<double, 3> limits, std::array<double, 4> points) {
  for (size_t i = 0; i < limits.size(); ++i) {
    if (value >= limits[i]) return points[i];
  }
  return points[3];
}

double PointsOfRem(double percent) {
  if (percent >= 18 && percent <= 25) return 20;
  if (percent >= 15 && percent <= 30) return 15;
  if (percent >= 10 && percent <= 35) return 10;
  return 5;
}

}  // namespace

std::string_view ToString(SleepStage stage) {
  switch (stage) {
    case SleepStage::kWake:
      return "W";
    case SleepStage::kN1:
      return "N1";
    case SleepStage::kN2:
      return "N2";
    case SleepStage::kN3:
      return "N3";
    case SleepStage::kRem:
      return "REM";
  }
  return "W";
}

HypnogramMetrics MeasureHypnogram(std::span<const SleepStage> hypnogram) {
  HypnogramMetrics metrics;
  metrics.time_in_bed = kEpochMin * static_cast<double>(hypnogram.size());
  for (const SleepStage stage : hypnogram) {
    metrics.stage_minutes[static_cast<size_t>(stage)] += kEpochMin;
  }
  const auto first = std::ranges::find_if(hypnogram, IsAsleep);
  if (first == hypnogram.end()) return metrics;
  size_t end = hypnogram.size();
  while (!IsAsleep(hypnogram[end - 1])) --end;
  const auto onset = static_cast<size_t>(first - hypnogram.begin());
  const auto period = hypnogram.subspan(onset, end - onset);

  metrics.total_sleep = metrics.time_in_bed - metrics.stage_minutes[0];
  metrics.sleep_period = kEpochMin * static_cast<double>(period.size());
  metrics.sleep_latency = kEpochMin * static_cast<double>(onset);
  metrics.wake_after_onset = metrics.time_in_bed - *metrics.sleep_latency - metrics.total_sleep;
  const auto rem = std::ranges::find(period, SleepStage::kRem);
  if (rem != period.end()) {
    metrics.rem_latency = kEpochMin * static_cast<double>(rem - period.begin());
  }
  metrics.sleep_efficiency = 100.0 * metrics.total_sleep / metrics.time_in_bed;
  for (size_t s = 1; s < kSleepStages; ++s) {
    metrics.stage_percent[s] = 100.0 * metrics.stage_minutes[s] / metrics.total_sleep;
  }
  CountChanges(period, metrics);
  metrics.cycles = CountCycles(period);
  return metrics;
}

std::vector<std::string> FlagsOf(const HypnogramMetrics& metrics) {
  std::vector<std::string> flags;
  if (!(metrics.total_sleep > 0)) return {"no_sleep"};
  const auto percent = [&](SleepStage stage) {
    return metrics.stage_percent[static_cast<size_t>(stage)];
  };
  if (metrics.sleep_efficiency < 70) flags.emplace_back("low_sleep_efficiency");
  if (metrics.fragmentation > 0.3) flags.emplace_back("fragmented_sleep");
  if (percent(SleepStage::kRem) < 10) flags.emplace_back("little_rem");
  if (percent(SleepStage::kN3) < 5) flags.emplace_back("little_n3");
  if (*metrics.sleep_latency > 60) flags.emplace_back("long_sleep_latency");
  if (metrics.rem_latency.value_or(0) > 120) flags.emplace_back("long_rem_latency");
  return flags;
}

std::optional<SleepQuality> ScoreSleep(const HypnogramMetrics& metrics,
                                       std::optional<double> spindles_per_minute) {
  if (!(metrics.total_sleep > 0)) return std::nullopt;
  double points = PointsAtLeast(metrics.sleep_efficiency, {85, 75, 65}, {25, 20, 15, 10});
  points += PointsAtLeast(-metrics.fragmentation, {-0.1, -0.2, -0.3}, {20, 15, 10, 5});
  points += PointsOfRem(metrics.stage_percent[static_cast<size_t>(SleepStage::kRem)]);
  points += PointsAtLeast(metrics.stage_percent[static_cast<size_t>(SleepStage::kN3)], {15, 10, 5},
                          {20, 15, 10, 5});
  double most = 85;
  if (spindles_per_minute) {
    points += PointsAtLeast(*spindles_per_minute, {2, 1, 0.5}, {15, 10, 5, 0});
    most += 15;
  }
  SleepQuality quality{.score = 100.0 * points / most};
  constexpr std::array<std::pair<double, char>, 4> kGrades = {
      {{90, 'A'}, {80, 'B'}, {70, 'C'}, {60, 'D'}}};
  for (const auto& [least, grade] : kGrades) {
    if (quality.score >= least) {
      quality.grade = grade;
      break;
    }
  }
  return quality;
}

}  // namespace montage::analysis
