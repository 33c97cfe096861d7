#include "montage/signal/connectivity/analytic_band.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/fft.h"
#include "montage/signal/filter/iir.h"

namespace montage::signal {
namespace {

constexpr size_t kLanes = 8;

/// The Hilbert transform of kLanes channels at once: minus 90 degrees at every frequency.
class LaneHilbert {
 public:
  explicit LaneHilbert(size_t length)
      : fft_(length, kLanes),
        frames_(length * kLanes),
        real_(fft_.bins() * kLanes),
        imaginary_(real_.size()) {}

  /// Requires: at most kLanes pairs of equally long rows.
  void Transform(std::span<const std::span<double>> rows, std::span<const std::span<double>> out) {
    const size_t n = fft_.length();
    if (rows.size() < kLanes) std::ranges::fill(frames_, 0.0);
    for (size_t l = 0; l < rows.size(); ++l) {
      for (size_t i = 0; i < n; ++i) frames_[i * kLanes + l] = rows[l][i];
    }
    fft_.Forward(frames_, real_, imaginary_);
    for (size_t k = 0; k < fft_.bins(); ++k) {
      const bool alone = k == 0 || 2 * k == n;
      for (size_t i = k * kLanes; i < (k + 1) * kLanes; ++i) {
        const double was_real = real_[i];
        real_[i] = alone ? 0.0 : imaginary_[i];
        imaginary_[i] = alone ? 0.0 : -was_real;
      }
    }
    fft_.Inverse(real_, imaginary_, frames_);
    for (size_t l = 0; l < out.size(); ++l) {
      for (size_t i = 0; i < n; ++i) out[l][i] = frames_[i * kLanes + l];
    }
  }

 private:
  RealFft fft_;
  std::vector<double> frames_;
  std::vector<double> real_;
  std::vector<double> imaginary_;
};

base::Result<void> CheckChannels(std::span<const std::span<const double>> channels,
                                 const AnalyticBandOptions& options) {
  if (channels.empty()) {
    return base::Fail(base::ErrorCode::kInvalid, "no channels, expected at least one");
  }
  const size_t length = channels.front().size();
  for (const auto& channel : channels) {
    if (channel.size() == length) continue;
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("channels of {} and {} samples, expected equal lengths", length,
                                  channel.size()));
  }
  if (options.before >= length || options.after >= length - options.before) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("nothing is left of {} samples without the first {} and the last "
                                  "{}",
                                  length, options.before, options.after));
  }
  return {};
}

}  // namespace

base::Result<AnalyticChannels> AnalyticInBand(std::span<const std::span<const double>> channels,
                                              double rate_hz, const AnalyticBandOptions& options) {
  TRY(CheckChannels(channels, options));
  TRY(const auto sections,
      Butterworth(options.order, Band::kBandPass, {options.band.low, options.band.high}, rate_hz));
  const size_t length = channels.front().size();
  AnalyticChannels analytic;
  analytic.channels = channels.size();
  analytic.samples = length - options.before - options.after;
  analytic.real.reserve(analytic.channels * analytic.samples);
  analytic.imaginary.reserve(analytic.channels * analytic.samples);

  LaneHilbert hilbert(length);
  std::vector<double> filtered(kLanes * length), transformed(kLanes * length);
  for (size_t first = 0; first < channels.size(); first += kLanes) {
    const size_t count = std::min(kLanes, channels.size() - first);
    std::vector<std::span<double>> rows, out;
    for (size_t l = 0; l < count; ++l) {
      rows.push_back(std::span(filtered).subspan(l * length, length));
      out.push_back(std::span(transformed).subspan(l * length, length));
      std::ranges::copy(channels[first + l], rows.back().begin());
    }
    TRY(FilterZeroPhase(sections, rows));
    hilbert.Transform(rows, out);
    for (size_t l = 0; l < count; ++l) {
      const auto real = rows[l].subspan(options.before, analytic.samples);
      const auto imaginary = out[l].subspan(options.before, analytic.samples);
      analytic.real.insert(analytic.real.end(), real.begin(), real.end());
      analytic.imaginary.insert(analytic.imaginary.end(), imaginary.begin(), imaginary.end());
    }
  }
  return analytic;
}

}  // namespace montage::signal
