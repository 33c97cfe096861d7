#pragma once
// Internal to the generator: what lies over the background, as a list of operations that can be
// applied to any stretch of samples. An operation depends only on the absolute sample index.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/synth/waves.h"

namespace synth {

enum class OpType {
  kGain,        ///< multiplies what is there (suppression)
  kShape,       ///< adds shape * amplitude
  kOscillator,  ///< adds wave(phase) * amplitude
  kNoise,       ///< adds broadband noise
  kTexture,     ///< adds shape * amplitude, repeated from the event's onset
  kOffset,      ///< adds a constant
  kClip,        ///< limits to +-amplitude
  kFlat,        ///< replaces by 0
};

/// What many events share.
struct Op {
  OpType type = OpType::kShape;
  std::vector<float> gains;  ///< by channel; 0: untouched
  Shape shape;
  const WaveTable* wave = nullptr;
  /// Phase after n samples: n step + n (n - 1) / 2 bend, in 2^-64 turns (wraps).
  uint64_t step = 0;
  uint64_t bend = 0;
  bool waxing = false;  ///< amplitude swings slowly by a fifth
  uint32_t fade = 0;    ///< samples of rising and falling edge
  uint32_t grow = 0;    ///< samples until full size (seizures)
  float level = 0;      ///< kGain
  /// cos and sin of k steps, k < 16, in 1/32768: set by Overlay::Add for a steady sine.
  std::array<int16_t, 16> turn_cos{};
  std::array<int16_t, 16> turn_sin{};
  bool differs_by_channel = false;  ///< kNoise: own noise a channel
  bool muscular = false;            ///< kNoise: the spectrum of muscle instead of a flat one
};

/// One application of an operation.
struct Event {
  uint64_t first = 0;   ///< sample
  uint64_t length = 0;  ///< samples
  uint32_t op = 0;
  int32_t amplitude = 0;  ///< ticks
  bool operator==(const Event&) const = default;
};

/// Events in the order in which they are applied (by the type of their operation, then by onset).
class Overlay {
 public:
  explicit Overlay(double rate_hz, uint64_t seed);

  uint32_t Add(Op op);
  void Add(Event event);
  /// To be called once, after the last Add.
  void Seal();
  /// Applies all that touches samples first, first + 1, ... of a channel.
  void Apply(size_t channel, uint64_t first, std::span<int16_t> samples) const;

 private:
  struct Layer {
    std::vector<Event> brief;    ///< by onset
    std::vector<Event> lasting;  ///< scanned always
    uint64_t longest_brief = 0;
  };
  void ApplyEvent(const Event& event, size_t channel, uint64_t first,
                  std::span<int16_t> samples) const;

  double rate_hz_;
  uint64_t waxing_step_;
  std::vector<Op> ops_;
  std::vector<Layer> layers_;
  std::vector<int16_t> noise_;   ///< white, +-32767 is about 4 sigma
  std::vector<int16_t> muscle_;  ///< the same with the spectrum of muscle
};

/// Phase step of a frequency in 2^-64 turns a sample.
uint64_t PhaseStep(double hz, double rate_hz);

}  // namespace synth
