#pragma once
// The Stockwell transform (Stockwell, Mansinha, Lowe 1996): a short-time spectrum whose Gaussian
// window narrows as the frequency grows, with the phase of the signal kept.

#include <span>

#include "lib/base/result.h"
#include "montage/signal/spectrum.h"
#include "montage/signal/timefrequency/morlet.h"

namespace montage::signal {

/// Rows at the multiples of rate / n in the range, above 0; the window at f Hz is a Gaussian of
/// standard deviation width / f seconds and sum 1. The signal is taken to repeat. Memory: 16 bytes
/// a row and sample, so meant for windows of some seconds.
/// mne.time_frequency.tfr_array_stockwell(width=w) has windows of w * duration / f seconds: its
/// numbers are these for width = w * n / rate.
/// Error kInvalid: fewer than 2 samples, non-finite samples, width or rate not positive, no
/// multiple of rate / n in the range up to rate / 2; kTooLarge over 2^28 complex samples (4 GiB).
base::Result<TimeFrequency> Stockwell(std::span<const double> samples, double rate_hz,
                                      FrequencyRange range, double width = 1.0);

}  // namespace montage::signal
