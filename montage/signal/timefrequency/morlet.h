#pragma once
// Complex Morlet wavelets (Tallon-Baudry et al. 1997): amplitude and phase of a signal around each
// time and frequency.

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"

namespace montage::signal {

struct MorletOptions {
  double cycles = 7.0;     ///< the wavelet's standard deviation is cycles / (2 pi frequency) s; > 0
  bool zero_mean = false;  ///< subtract what a wavelet of few cycles sees of a constant
  size_t decimation = 1;   ///< keep every so many samples of the result, from the first
};

/// Complex samples, one row a frequency.
struct TimeFrequency {
  size_t times = 0;
  double step_s = 0;  ///< between times
  std::vector<double> frequencies_hz;
  std::vector<double> real;       ///< [frequency][time]
  std::vector<double> imaginary;  ///< [frequency][time]

  /// Squared magnitudes of a row.
  std::vector<double> Power(size_t frequency) const;
};

/// One wavelet, (exp(2 pi i f t) - offset) exp(-t^2 / (2 sigma^2)) out to 5 sigma, scaled to norm
/// sqrt 2: a real sinusoid at its frequency gives the same power at every frequency only after
/// division by sigma. The numbers of mne.time_frequency.morlet.
struct ComplexWavelet {
  std::vector<double> real;
  std::vector<double> imaginary;
};
/// Requires: rate_hz, frequency_hz and cycles positive and finite.
ComplexWavelet MorletWavelet(double rate_hz, double frequency_hz, const MorletOptions& options);

/// Convolution with wavelets of many frequencies; the numbers of
/// mne.time_frequency.tfr_array_morlet (zeros are assumed outside the signal, so that half a
/// wavelet at each end is damped). Long signals are transformed in overlapping blocks: scratch
/// memory depends on the longest wavelet only; the result takes 16 bytes a frequency and kept time.
class MorletTransform {
 public:
  /// Error kInvalid: no frequencies, one not in (0, rate / 2], cycles not positive, decimation 0, a
  /// wavelet of more than 2^22 samples.
  static base::Result<MorletTransform> Make(double rate_hz, std::span<const double> frequencies_hz,
                                            MorletOptions options = {});

  /// Samples of the longest wavelet.
  size_t longest() const { return longest_; }
  /// Error kInvalid: non-finite samples, or fewer than longest().
  base::Result<TimeFrequency> Transform(std::span<const double> samples) const;

 private:
  static constexpr size_t kLanes = 4;
  MorletTransform() = default;
  void Prepare(const std::vector<ComplexWavelet>& wavelets);

  double rate_hz_ = 0;
  size_t decimation_ = 1;
  size_t longest_ = 0;
  size_t block_ = 0;  ///< length of the transforms
  std::vector<double> frequencies_hz_;
  /// Spectra of the centred wavelets, [group of kLanes frequencies][bin][lane].
  std::vector<double> real_;
  std::vector<double> imaginary_;
};

}  // namespace montage::signal
