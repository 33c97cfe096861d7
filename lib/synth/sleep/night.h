#pragma once
// Plans the stages of a night.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lib/synth/truth.h"

namespace synth {

enum class NightKind {
  kNormal,      ///< falls asleep within 5 to 25 minutes, wakes briefly
  kFragmented,  ///< awakenings every few minutes, as with sleep apnoea
  kLate,        ///< lies awake for 35 to 70 minutes first
  kShallow,     ///< hardly any N3, much N1 and wake, as in old age
};
/// `night`, `fragmented_night`, `late_night`, `shallow_night`.
std::string_view ToString(NightKind kind);
std::optional<NightKind> ParseNightKind(std::string_view text);

/// A night of `epochs` epochs: cycles of about 90 minutes, deep sleep early, REM sleep late, broken
/// by short awakenings and changes of depth. Latency, cycles and shares differ from seed to seed.
std::vector<SleepStage> PlanNight(size_t epochs, uint64_t seed,
                                  NightKind kind = NightKind::kNormal);

}  // namespace synth
