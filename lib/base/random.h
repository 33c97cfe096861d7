#pragma once
// Seeded randomness that gives the same numbers on every machine and compiler. Not for secrets.

#include <array>
#include <cstdint>
#include <string_view>

namespace base {

/// xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64. The standard library's distributions
/// differ between implementations, so those used here are our own.
class Random {
 public:
  explicit Random(uint64_t seed);
  /// An independent stream for a named part, so that adding a part does not shift the others.
  static Random ForPart(uint64_t seed, std::string_view part);

  uint64_t Next();
  /// Uniform in [0, 1), 53 bits.
  double Uniform();
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }
  /// Uniform in [0, bound), without modulo bias. Requires: bound > 0.
  uint64_t Below(uint64_t bound);
  /// Standard normal by the polar method (Marsaglia 1964).
  double Normal();

 private:
  std::array<uint64_t, 4> state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

/// FNV-1a, 64 bits; for deriving seeds and shard numbers, not for security.
uint64_t StableHash(std::string_view text, uint64_t seed = 0xcbf29ce484222325ULL);

}  // namespace base
