#include "montage/signal/dynamics/complexity.h"

#include <array>
#include <cassert>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/finite.h"
#include "montage/signal/statistics.h"

namespace montage::signal {
namespace {

/// All substrings of the symbols so far, as the smallest automaton that accepts them (Blumer et al.
/// 1985). A state stands for the substrings of `link`'s length + 1 to `length` that end at the same
/// places.
class SubstringAutomaton {
 public:
  explicit SubstringAutomaton(size_t symbols) {
    states_.reserve(2 * symbols);
    states_.push_back({});
  }

  static constexpr int32_t kNone = -1;
  int32_t Next(int32_t state, size_t symbol) const { return At(state).next[symbol]; }

  /// The state of the last `length` symbols that led to `state`, which appending may have split.
  int32_t Settle(int32_t state, size_t length) const {
    while (state != 0 && At(At(state).link).length >= length) state = At(state).link;
    return state;
  }

  void Append(size_t symbol) {
    const int32_t fresh = Add({.length = At(last_).length + 1});
    int32_t at = last_;
    for (; at != kNone && At(at).next[symbol] == kNone; at = At(at).link) {
      At(at).next[symbol] = fresh;
    }
    last_ = fresh;
    if (at == kNone) {
      At(fresh).link = 0;
      return;
    }
    const int32_t target = At(at).next[symbol];
    if (At(target).length == At(at).length + 1) {
      At(fresh).link = target;
      return;
    }
    State split = At(target);
    split.length = At(at).length + 1;
    const int32_t clone = Add(split);
    for (; at != kNone && At(at).next[symbol] == target; at = At(at).link) {
      At(at).next[symbol] = clone;
    }
    At(target).link = clone;
    At(fresh).link = clone;
  }

 private:
  struct State {
    size_t length = 0;
    int32_t link = kNone;
    std::array<int32_t, 2> next = {kNone, kNone};
  };

  State& At(int32_t state) { return states_[static_cast<size_t>(state)]; }
  const State& At(int32_t state) const { return states_[static_cast<size_t>(state)]; }
  int32_t Add(const State& state) {
    states_.push_back(state);
    return static_cast<int32_t>(states_.size() - 1);
  }

  std::vector<State> states_;
  int32_t last_ = 0;
};

}  // namespace

size_t LempelZivWords(std::span<const uint8_t> symbols) {
  SubstringAutomaton seen(symbols.size());
  size_t words = 0, length = 0;
  int32_t state = 0;
  for (const uint8_t value : symbols) {
    const size_t symbol = value != 0 ? 1 : 0;
    const int32_t next = seen.Next(state, symbol);
    if (next == SubstringAutomaton::kNone) {
      ++words;
      length = 0;
      state = 0;
    } else {
      ++length;
      state = next;
    }
    seen.Append(symbol);
    state = seen.Settle(state, length);
  }
  return words + (length > 0 ? 1U : 0U);
}

base::Result<double> LempelZivComplexity(std::span<const double> samples) {
  if (samples.size() < 2) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} samples are too few for Lempel-Ziv complexity, expected at "
                                  "least 2",
                                  samples.size()));
  }
  TRY(CheckFinite(samples));
  std::vector<double> scratch(samples.begin(), samples.end());
  const double median = Median(scratch);
  std::vector<uint8_t> symbols(samples.size());
  for (size_t i = 0; i < samples.size(); ++i) symbols[i] = samples[i] > median ? 1 : 0;
  const auto n = static_cast<double>(samples.size());
  return static_cast<double>(LempelZivWords(symbols)) * std::log2(n) / n;
}

void TeagerEnergy(std::span<const double> samples, std::span<double> energy) {
  assert(samples.size() == energy.size() + 2);
  for (size_t i = 0; i < energy.size(); ++i) {
    energy[i] = samples[i + 1] * samples[i + 1] - samples[i] * samples[i + 2];
  }
}

base::Result<double> NonlinearEnergy(std::span<const double> samples) {
  if (samples.size() < 3) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} samples are too few for nonlinear energy, expected at least "
                                  "3",
                                  samples.size()));
  }
  TRY(CheckFinite(samples));
  std::vector<double> energy(samples.size() - 2);
  TeagerEnergy(samples, energy);
  return Mean(energy);
}

}  // namespace montage::signal
