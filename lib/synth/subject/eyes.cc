#include "lib/synth/subject/eyes.h"

#include <algorithm>
#include <cmath>

namespace synth {
namespace {

/// Of the wake epochs of a night without a plan: those in which the sleeper looks around.
constexpr uint64_t kOpenPercent = 25;
/// Absorbs the rounding of a time that should lie on a change.
constexpr double kGrainS = 1e-6;

}  // namespace

Eyes::Eyes(std::vector<EyesFor> plan, std::vector<SleepStage> hypnogram, uint64_t seed)
    : plan_(std::move(plan)), hypnogram_(std::move(hypnogram)), seed_(seed) {
  for (const EyesFor& part : plan_) period_s_ += part.length_s;
  const bool sleeps = !hypnogram_.empty();
  const bool wakes = std::ranges::count(hypnogram_, SleepStage::kWake) > 0;
  const bool planned = std::ranges::any_of(plan_, &EyesFor::open);
  can_open_ = (wakes || !sleeps) && (planned || (sleeps && plan_.empty()));
}

bool Eyes::OpenAt(double seconds) const {
  const auto epoch = static_cast<size_t>((seconds + kGrainS) / kEpochSeconds);
  if (!hypnogram_.empty()) {
    if (hypnogram_[std::min(epoch, hypnogram_.size() - 1)] != SleepStage::kWake) return false;
    if (plan_.empty()) {
      uint64_t z = (seed_ ^ 0x6579657300000000ULL) + (epoch + 1) * 0x9e3779b97f4a7c15ULL;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      return ((z ^ (z >> 31)) >> 16) % 100 < kOpenPercent;
    }
  }
  if (plan_.empty()) return false;
  double at = seconds + kGrainS - std::floor((seconds + kGrainS) / period_s_) * period_s_;
  for (const EyesFor& part : plan_) {
    if (at < part.length_s) return part.open;
    at -= part.length_s;
  }
  return plan_.back().open;
}

/// The first time after `seconds` at which something may change.
double Eyes::NextChange(double seconds) const {
  double next = (std::floor((seconds + kGrainS) / kEpochSeconds) + 1) * kEpochSeconds;
  if (hypnogram_.empty()) next = seconds + 1e12;
  if (plan_.empty()) return next;
  const double cycle = std::floor((seconds + kGrainS) / period_s_) * period_s_;
  double change = cycle;
  for (const EyesFor& part : plan_) {
    change += part.length_s;
    if (change > seconds + kGrainS) return std::min(next, change);
  }
  return std::min(next, cycle + period_s_);
}

std::vector<Stretch> Eyes::OpenStretches(double duration_s) const {
  std::vector<Stretch> out;
  if (!CanOpen()) return out;
  for (double at = 0; at < duration_s;) {
    const double until = std::min(NextChange(at), duration_s);
    if (OpenAt(at)) {
      const bool joins = !out.empty() && out.back().onset_s + out.back().duration_s > at - kGrainS;
      if (joins) {
        out.back().duration_s = until - out.back().onset_s;
      } else {
        out.push_back({at, until - at});
      }
    }
    at = until;
  }
  return out;
}

}  // namespace synth
