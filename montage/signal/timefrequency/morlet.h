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
  /// The same into a result whose memory is used again: fresh pages of a long one take as long as
  /// the transform.
  base::Result<void> Transform(std::span<const double> samples, TimeFrequency& result) const;

 private:
  static constexpr size_t kLanes = 4;
  /// Wavelets of consecutive frequencies that are transformed together.
  struct Group {
    size_t first = 0;               ///< frequency
    size_t count = 0;               ///< of frequencies, at most kLanes
    size_t longest = 0;             ///< samples of the longest
    size_t block = 0;               ///< length of the transforms
    std::vector<double> real = {};  ///< spectra of the centred wavelets, [bin][lane]
    std::vector<double> imaginary = {};
  };
  MorletTransform() = default;
  static Group MakeGroup(size_t first, std::span<const ComplexWavelet> wavelets);
  void Run(const Group& group, std::span<const double> samples, TimeFrequency& result) const;

  double rate_hz_ = 0;
  size_t decimation_ = 1;
  size_t longest_ = 0;
  std::vector<double> frequencies_hz_;
  std::vector<Group> groups_;
};

}  // namespace montage::signal
