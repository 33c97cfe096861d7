#pragma once
// What distinguishes one generated person's EEG from another's.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace synth {

enum class Trait {
  kBackgroundUv,
  kExponent,
  kAlphaHz,
  kAlphaUv,
  kAlphaWidthHz,
  kAlphaOpen,
  kBetaHz,
  kBetaUv,
  kMuscleUv,
  kChinUv,
  kChinRem,
  kBlinksPerMinute,
  kBlinkUv,
  kSpindleHz,
  kSpindlesPerMinute,
  kSpindleUv,
  kKComplexesPerMinute,
  kSlowWavesPerMinute,
  kSlowWaveUv,
};
inline constexpr size_t kTraitCount = 19;

/// Where a trait lies in healthy adults, and what may be asked for.
struct TraitRange {
  Trait trait;
  std::string_view name;
  std::string_view doc;
  double low;  ///< drawn from the seed between low and high, the middle being the most frequent
  double high;
  double least;  ///< what a spec may say
  double most;
};
/// In the order of Trait. Sources of the ranges stand beside them in subject.cc.
std::span<const TraitRange> TraitRanges();

/// The traits that a spec fixes.
using ChosenTraits = std::array<std::optional<double>, kTraitCount>;

/// All traits of one person.
class Subject {
 public:
  Subject() = default;
  /// What is not chosen is drawn; each trait from a stream of its own, so that fixing one leaves
  /// the others as they are.
  Subject(uint64_t seed, const ChosenTraits& chosen);

  double operator[](Trait trait) const { return values_[static_cast<size_t>(trait)]; }

 private:
  std::array<double, kTraitCount> values_{};
};

}  // namespace synth
