#pragma once
// Power spectra by several orthogonal tapers (Thomson 1982): the variance of Welch's average from
// one segment, with leakage bounded by the tapers.

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/fft.h"
#include "montage/signal/spectrum.h"
#include "montage/signal/timefrequency/slepian.h"

namespace montage::signal {

struct MultitaperOptions {
  /// Full width over which power is smoothed, Hz; 0 for 8 rate / length (NW = 4).
  double bandwidth_hz = 0;
  /// Leave out tapers with a tenth or more of their energy outside the bandwidth.
  bool low_bias = true;
  /// Thomson's adaptive weights, which suppress leaking tapers where the spectrum is low; needs
  /// three tapers and is ignored with fewer.
  bool adaptive = false;
};

/// Spectra of windows of one length; the tapers are made once. Conventions and numbers are those of
/// mne.time_frequency.psd_array_multitaper(normalization="full"): the mean is removed, tapers are
/// weighted by their concentration.
class Multitaper {
 public:
  /// Error kInvalid: length < 2, rate_hz not positive, a bandwidth of less than rate / length or
  /// not less than the rate.
  static base::Result<Multitaper> Make(size_t length, double rate_hz, MultitaperOptions options);

  size_t length() const { return fft_.length(); }
  size_t tapers() const { return tapers_.tapers.size(); }

  /// One-sided density in unit^2 / Hz; Spectrum::segments is the number of tapers.
  /// Error kInvalid: non-finite samples, or not length() of them.
  base::Result<Spectrum> Estimate(std::span<const double> samples);

 private:
  Multitaper(size_t length, double rate_hz, bool adaptive, Tapers tapers);

  std::span<const double> PowerOf(size_t taper) const {
    return std::span(power_).subspan(taper * fft_.bins(), fft_.bins());
  }
  void Average(std::span<double> density) const;
  void AverageAdaptively(std::span<double> density) const;

  double rate_hz_;
  bool adaptive_;
  Tapers tapers_;
  RealFft fft_;
  std::vector<double> frames_;  ///< [sample][taper]; real_ and imaginary_ are [bin][taper]
  std::vector<double> real_;
  std::vector<double> imaginary_;
  std::vector<double> power_;  ///< [taper][bin]
};

}  // namespace montage::signal
