#include "montage/signal/filter/resample.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include <fmt/format.h>

#include "montage/signal/filter/fir.h"
#include "montage/signal/filter/interleave.h"
#include "montage/signal/filter/polyphase.h"
#include "montage/signal/filter/window.h"
#include "montage/signal/finite.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

/// Frames that are pushed together when a whole recording is resampled.
constexpr size_t kBlock = 1024;

}  // namespace

Resampler::Resampler(size_t up, size_t down, size_t lanes) : up_(up), down_(down), lanes_(lanes) {
  const size_t slower = std::max(up, down);
  std::vector<double> taps = {1.0};
  if (slower > 1) {
    delay_ = 10 * slower;
    const auto window = Kaiser(2 * delay_ + 1, 5.0);
    // The low-pass edge of 1 / slower of half the rate, which is 1 here.
    taps = FirDesign(Band::kLowPass, {1.0 / static_cast<double>(slower), 0.0}, 2.0, window).value();
  }
  const size_t longest = (taps.size() + up - 1) / up;
  phase_taps_ = (longest + 3) / 4 * 4;
  taps_.assign(phase_taps_ * up, 0.0);
  for (size_t k = 0; k < taps.size(); ++k) {
    taps_[k % up * phase_taps_ + (phase_taps_ - 1 - k / up)] = taps[k] * static_cast<double>(up);
  }
  Restart();
}

void Resampler::Restart() {
  frames_.assign((phase_taps_ - 1) * lanes_, 0.0);
  first_frame_ = received_ = emitted_ = 0;
}

base::Result<Resampler> Resampler::Make(size_t up, size_t down, size_t lanes) {
  if (up == 0 || down == 0) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("cannot resample by {}/{}, expected positive numbers", up, down));
  }
  const size_t divisor = std::gcd(up, down);
  return Resampler(up / divisor, down / divisor, lanes);
}

base::Result<void> Resampler::Push(std::span<const double> samples, std::vector<double>& out) {
  assert(samples.size() % lanes_ == 0);
  TRY(CheckFinite(samples));
  frames_.insert(frames_.end(), samples.begin(), samples.end());
  received_ += samples.size() / lanes_;
  // Output i needs inputs up to floor((i * down + delay) / up).
  const uint64_t reach = received_ * up_;
  if (reach > delay_) Emit((reach - delay_ + down_ - 1) / down_, out);
  return {};
}

void Resampler::Finish(std::vector<double>& out) {
  const uint64_t outputs = ResampledLength(received_, up_, down_);
  if (outputs > emitted_) {
    const uint64_t newest = ((outputs - 1) * down_ + delay_) / up_;
    if (newest >= received_) {
      frames_.resize(frames_.size() + static_cast<size_t>(newest + 1 - received_) * lanes_, 0.0);
    }
    Emit(outputs, out);
  }
  Restart();
}

/// Frame f of the input is frame f + phase_taps_ - 1 of those counted from the zeros before it, so
/// the taps of output i begin at floor((i * down + delay) / up) of the latter.
void Resampler::Emit(uint64_t outputs, std::vector<double>& out) {
  if (outputs <= emitted_) return;
  const auto count = static_cast<size_t>(outputs - emitted_);
  const uint64_t position = emitted_ * down_ + delay_;
  const size_t start = out.size();
  out.resize(start + count * lanes_);
  const PolyphaseRun run{taps_.data(), phase_taps_, up_, down_,
                         static_cast<size_t>(position % up_)};
  const double* frames =
      frames_.data() + static_cast<size_t>(position / up_ - first_frame_) * lanes_;
  for (size_t l = 0; l < lanes_;) {
    const size_t width = lanes_ - l >= kOct ? kOct : 1;
    RunPolyphase(run, frames + l, lanes_, width, out.data() + start + l, lanes_, count);
    l += width;
  }
  emitted_ = outputs;
  const uint64_t next = (emitted_ * down_ + delay_) / up_;
  const uint64_t held = frames_.size() / lanes_;
  const uint64_t unneeded = std::min(next - first_frame_, held);
  frames_.erase(frames_.begin(), frames_.begin() + static_cast<ptrdiff_t>(unneeded * lanes_));
  first_frame_ += unneeded;
}

uint64_t ResampledLength(uint64_t samples, size_t up, size_t down) {
  const size_t divisor = std::gcd(up, down);
  return (samples * (up / divisor) + down / divisor - 1) / (down / divisor);
}

base::Result<std::vector<double>> Resample(std::span<const double> samples, size_t up,
                                           size_t down) {
  std::vector<double> resampled;
  if (down > 0) resampled.resize(static_cast<size_t>(ResampledLength(samples.size(), up, down)));
  const std::span<double> out(resampled);
  TRY(ResampleAll(std::span(&samples, 1), up, down, std::span(&out, 1)));
  return resampled;
}

base::Result<void> ResampleAll(std::span<const std::span<const double>> inputs, size_t up,
                               size_t down, std::span<const std::span<double>> outputs) {
  assert(inputs.size() == outputs.size());
  for (const auto& channel : inputs) {
    assert(channel.size() == inputs.front().size());
    if (channel.empty()) {
      return base::Fail(base::ErrorCode::kInvalid, "no samples to resample");
    }
    TRY(CheckFinite(channel));
  }
  std::vector<double> frames;
  std::vector<double> resampled;
  for (size_t first = 0; first < inputs.size(); first += kOct) {
    const size_t count = std::min(kOct, inputs.size() - first);
    const auto group = inputs.subspan(first, count);
    const size_t lanes = count == 1 ? 1 : kOct;
    TRY(Resampler resampler, Resampler::Make(up, down, lanes));
    const size_t n = group.front().size();
    size_t written = 0;
    const auto take = [&] {
      Scatter(resampled, lanes, outputs.subspan(first, count), written);
      written += resampled.size() / lanes;
      resampled.clear();
    };
    for (size_t at = 0; at < n; at += kBlock) {
      frames.resize(std::min(kBlock, n - at) * lanes);
      Gather(group, at, lanes, frames);
      TRY(resampler.Push(frames, resampled));
      take();
    }
    resampler.Finish(resampled);
    take();
  }
  return {};
}

}  // namespace montage::signal
