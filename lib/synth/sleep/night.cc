#include "lib/synth/sleep/night.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lib/base/random.h"

namespace synth {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"night", "fragmented_night", "late_night",
                                                    "shallow_night"};

struct Minutes {
  double least, most;
};

/// How a kind of night runs.
struct Course {
  Minutes latency;      ///< awake at first
  Minutes deep;         ///< N3 of the first cycle
  Minutes awakening;    ///< between cycles
  double wakes_after;   ///< chance of an awakening after a cycle
  double breaks_light;  ///< chance an epoch of N2 or REM that sleep is broken
  double breaks_deep;   ///< the same of N3
};

// Proportions of healthy adults: N2 half, N3 and REM a fifth each of the sleep, latency 5 to 25
// minutes, 10 to 25 changes of stage an hour (Ohayon et al. 2004; Carskadon and Dement 2011; Kishi
// et al. 2008). Old age: N3 down to a few percent (Ohayon). Fragmentation: 20 and more arousals an
// hour.
constexpr std::array<Course, 4> kCourses = {{
    {{5, 25}, {24, 42}, {1, 6}, 0.4, 0.03, 0.03},
    {{5, 25}, {8, 20}, {1, 12}, 0.6, 0.14, 0.12},
    {{35, 70}, {20, 40}, {1, 8}, 0.4, 0.04, 0.03},
    {{10, 35}, {1, 6}, {3, 20}, 0.6, 0.07, 0.1},
}};

class Planner {
 public:
  Planner(size_t epochs, uint64_t seed, NightKind kind)
      : epochs_(epochs),
        course_(kCourses[static_cast<size_t>(kind)]),
        random_(base::Random::ForPart(seed, "night")) {}

  std::vector<SleepStage> Run() {
    const double deep = Draw(course_.deep);
    Stay(SleepStage::kWake, Draw(course_.latency));
    for (int cycle = 0; out_.size() < epochs_; ++cycle) {
      const double depth = std::max(0.0, 1 - 0.3 * cycle);
      Stay(SleepStage::kN1, cycle == 0 ? random_.Uniform(2, 7) : random_.Uniform(0.5, 3));
      Stay(SleepStage::kN2, random_.Uniform(7, 18));
      if (depth > 0) Stay(SleepStage::kN3, deep * depth * random_.Uniform(0.8, 1.2));
      Stay(SleepStage::kN2, random_.Uniform(8, 20) + 22 * (1 - depth));
      // The first REM period is short and now and then missed.
      if (cycle > 0 || random_.Uniform() < 0.85) {
        Stay(SleepStage::kRem, random_.Uniform(4, 9) + random_.Uniform(4, 9) * std::min(cycle, 4));
      }
      if (random_.Uniform() < course_.wakes_after) Stay(SleepStage::kWake, Draw(course_.awakening));
    }
    out_.resize(epochs_);
    return std::move(out_);
  }

 private:
  double Draw(Minutes range) { return random_.Uniform(range.least, range.most); }

  void Append(SleepStage stage, size_t count) { out_.insert(out_.end(), count, stage); }

  void Stay(SleepStage stage, double minutes) {
    const auto count = static_cast<size_t>(std::max(1.0, std::floor(minutes * 2 + 0.5)));
    for (size_t i = 0; i < count && out_.size() < epochs_; ++i) {
      Append(stage, 1);
      const bool deep = stage == SleepStage::kN3;
      const double chance = deep ? course_.breaks_deep : course_.breaks_light;
      const bool asleep = stage != SleepStage::kWake && stage != SleepStage::kN1;
      // A draw for every epoch, so that the course of the night does not hang on the chances.
      const double draw = random_.Uniform();
      const auto length = static_cast<size_t>(1 + random_.Below(3));
      if (!asleep || i + 1 == count || draw >= chance) continue;
      Break(stage, length);
    }
  }

  /// N3 becomes shallower for a while, or the sleeper awakes; N2 and REM go through wake and N1.
  void Break(SleepStage stage, size_t length) {
    if (stage == SleepStage::kN3) {
      if (random_.Uniform() < 0.2) Append(SleepStage::kWake, 1);
      Append(SleepStage::kN2, length);
      return;
    }
    if (random_.Uniform() < 0.6) Append(SleepStage::kWake, 1 + random_.Below(length));
    if (stage == SleepStage::kN2) Append(SleepStage::kN1, 1 + random_.Below(2));
  }

  size_t epochs_;
  const Course& course_;
  base::Random random_;
  std::vector<SleepStage> out_;
};

}  // namespace

std::string_view ToString(NightKind kind) { return kNames[static_cast<size_t>(kind)]; }

std::optional<NightKind> ParseNightKind(std::string_view text) {
  const auto found = std::ranges::find(kNames, text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<NightKind>(found - kNames.begin());
}

std::vector<SleepStage> PlanNight(size_t epochs, uint64_t seed, NightKind kind) {
  return Planner(epochs, seed, kind).Run();
}

}  // namespace synth
