#include "lib/synth/subject/subject.h"

#include <string>

#include "lib/base/random.h"

namespace synth {
namespace {

// Sources. Level, alpha and beta: the awake EEG of adults has 20 to 50 uV peak to peak, alpha of 8
// to 13 Hz with its mode at 10 Hz and a width of 1 to 2 Hz (Chatrian 1974; Klimesch 1999; Haegens
// et al. 2014), blocked by open eyes to a fifth to a half of its amplitude (Barry et al. 2007).
// Awake exponents between 1 and 40 Hz: 0.8 to 1.6 (Voytek et al. 2015; Donoghue et al. 2020).
// Muscle at rest: Goncharova et al. 2003. Blinks: 8 to 24 a minute (Bentivoglio et al. 1997), 80 to
// 220 uV at Fp1 (Iwasaki et al. 2005). Spindles: 12 to 14.5 Hz, 2 to 8 a minute of N2 (Purcell et
// al. 2017; Warby et al. 2014). K complexes: 0.7 to 3 a minute of N2 (Colrain 2005). Slow waves of
// N3: more than 75 uV peak to peak over at least a fifth of the time (AASM), up to nearly all of it
// (Mongrain et al. 2010 count 10 to 30 a minute above that size).
constexpr auto kTraits = std::to_array<TraitRange>({
    {Trait::kBackgroundUv, "background_uv", "rms of the wake background in microvolts", 10, 18, 0.1,
     200},
    {Trait::kExponent, "exponent", "b of the 1/f^b background, awake", 0.8, 1.5, 0, 3},
    {Trait::kAlphaHz, "alpha_hz", "posterior rhythm with closed eyes", 8.5, 12, 4, 14},
    {Trait::kAlphaUv, "alpha_uv", "its rms at O1 and O2", 6, 14, 0, 100},
    {Trait::kAlphaWidthHz, "alpha_width_hz", "its bandwidth", 0.7, 1.6, 0.1, 4},
    {Trait::kAlphaOpen, "alpha_open", "share of its amplitude left with open eyes", 0.2, 0.5, 0, 1},
    {Trait::kBetaHz, "beta_hz", "frontal beta", 15, 24, 13, 30},
    {Trait::kBetaUv, "beta_uv", "its rms at F3 and F4", 1, 3.5, 0, 50},
    {Trait::kMuscleUv, "muscle_uv", "rms of temporal muscle tone, awake", 0.3, 1.8, 0, 100},
    {Trait::kChinUv, "chin_uv", "rms of the chin electromyogram, awake", 12, 32, 0, 500},
    {Trait::kChinRem, "chin_rem", "share of it left in REM sleep", 0.1, 0.35, 0, 1},
    {Trait::kBlinksPerMinute, "blinks_per_minute", "blinks with open eyes", 8, 24, 0, 60},
    {Trait::kBlinkUv, "blink_uv", "height of a blink at Fp1 and Fp2", 80, 220, 0, 1000},
    {Trait::kSpindleHz, "spindle_hz", "mean frequency of spindles", 12.3, 14.2, 11, 16},
    {Trait::kSpindlesPerMinute, "spindles_per_minute", "spindles of N2", 2.5, 7.5, 0, 15},
    {Trait::kSpindleUv, "spindle_uv", "height of a spindle at Cz", 24, 45, 0, 200},
    {Trait::kKComplexesPerMinute, "k_complexes_per_minute", "K complexes of N2", 0.8, 2.6, 0, 10},
    {Trait::kSlowWavesPerMinute, "slow_waves_per_minute", "slow waves of N3", 18, 34, 0, 60},
    {Trait::kSlowWaveUv, "slow_wave_uv", "height of a slow wave where it begins", 52, 82, 0, 500},
});
static_assert(kTraits.size() == kTraitCount);

}  // namespace

std::span<const TraitRange> TraitRanges() { return kTraits; }

Subject::Subject(uint64_t seed, const ChosenTraits& chosen) {
  for (size_t i = 0; i < kTraitCount; ++i) {
    const TraitRange& range = kTraits[i];
    base::Random random = base::Random::ForPart(seed, "subject." + std::string(range.name));
    // The mean of two uniforms: the middle is the most frequent.
    const double place = (random.Uniform() + random.Uniform()) / 2;
    values_[i] = chosen[i].value_or(range.low + (range.high - range.low) * place);
  }
}

}  // namespace synth
