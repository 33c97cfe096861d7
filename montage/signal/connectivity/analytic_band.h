#pragma once
// Amplitude and phase of a rhythm in many channels: band-limited, then made analytic.

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/spectrum.h"

namespace montage::signal {

/// Complex samples of `channels` equally long channels, one after the other.
struct AnalyticChannels {
  size_t channels = 0;
  size_t samples = 0;
  std::vector<double> real;       ///< [channel][sample], the band-limited signal
  std::vector<double> imaginary;  ///< its Hilbert transform

  std::span<const double> Real(size_t channel) const {
    return std::span(real).subspan(channel * samples, samples);
  }
  std::span<const double> Imaginary(size_t channel) const {
    return std::span(imaginary).subspan(channel * samples, samples);
  }
};

struct AnalyticBandOptions {
  FrequencyRange band = {};  ///< Hz, inside (0, rate / 2)
  int order = 4;             ///< of the Butterworth band-pass, 1 to 16
  size_t before = 0;         ///< samples cut off the beginning and
  size_t after = 0;          ///< the end of the result, where the filter has no past or future
};

/// Filters every channel by a zero-phase Butterworth band-pass (FilterZeroPhase) and makes it
/// analytic (scipy.signal.hilbert). Each channel is done once, however many pairs are formed.
/// Memory: 16 bytes a channel and sample.
/// Error kInvalid: no channels, different lengths, non-finite samples, too few for the filter
/// (ZeroPhasePadding), edges outside (0, rate / 2), nothing left between `before` and `after`.
base::Result<AnalyticChannels> AnalyticInBand(std::span<const std::span<const double>> channels,
                                              double rate_hz, const AnalyticBandOptions& options);

}  // namespace montage::signal
