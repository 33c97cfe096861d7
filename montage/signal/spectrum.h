#pragma once
// Power spectra by Welch's method (1967) and what is read off them.
//
// Frequencies in Hz; power density in unit^2 / Hz for samples in `unit` (microvolts here),
// one-sided.

#include <complex>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/fft.h"
#include "montage/signal/simd.h"

namespace montage::signal {

/// One-sided density at 0, step_hz, 2 step_hz, ...
struct Spectrum {
  double step_hz = 0;
  size_t segments = 0;  ///< how many were averaged
  std::vector<double> density;

  double FrequencyAt(size_t bin) const { return step_hz * static_cast<double>(bin); }
};

struct FrequencyRange {
  double low = 0;
  double high = 0;  ///< both ends belong to the range
};

/// Bins with low <= frequency <= high: [first, last). Empty when none.
struct BinRange {
  size_t first = 0;
  size_t last = 0;
};
BinRange BinsIn(const Spectrum& spectrum, FrequencyRange range);
/// The same of `bins` bins at 0, step_hz, ...
BinRange BinsIn(double step_hz, size_t bins, FrequencyRange range);
/// Every bin there is.
inline constexpr FrequencyRange kAllFrequencies{0.0, std::numeric_limits<double>::infinity()};

struct WelchOptions {
  size_t segment = 0;  ///< samples
  size_t overlap = 0;  ///< samples, less than segment
};

/// Averages the periodograms of segments that it is fed one by one (Hann window, mean removed from
/// each, density scaling: scipy.signal.welch). Holds one segment and the sums, whatever the length
/// of the recording. Threads each fill an averager of their own and merge them.
class WelchAverager {
 public:
  /// Requires: segment > 0, rate_hz > 0.
  WelchAverager(size_t segment, double rate_hz);

  size_t segment() const { return fft_.length(); }
  /// How many were added since the last Finish.
  size_t segments() const { return segments_; }
  /// Requires: finite samples, exactly segment() of them.
  void Add(std::span<const double> samples);
  /// Takes over the segments of another one, which starts afresh. Requires: same segment and rate.
  void Merge(WelchAverager& other);
  /// The average so far; a density of zeros when no segment was added. Starts afresh.
  Spectrum Finish();

 private:
  void Flush();
  void Transform();

  double rate_hz_;
  Fft fft_;
  LineVector window_;
  bool pending_ = false;  ///< a segment waits in first_ for its partner
  size_t segments_ = 0;
  LineVector first_;
  LineVector second_;
  LineVector power_;  ///< of all bins, both signs
};

/// Welch's spectrum of the samples. As SciPy does, an input shorter than a segment is one segment.
/// Error kInvalid: empty or non-finite input, overlap >= segment.
base::Result<Spectrum> Welch(std::span<const double> samples, double rate_hz, WelchOptions options);
/// The same for many channels of one rate, sharing tables and scratch memory.
base::Result<std::vector<Spectrum>> WelchAll(std::span<const std::span<const double>> channels,
                                             double rate_hz, WelchOptions options);

/// Cross-spectrum and both spectra of two signals over the same segments.
struct CrossSpectrum {
  Spectrum first;
  Spectrum second;
  std::vector<std::complex<double>> cross;  ///< conj(X) Y density (scipy.signal.csd)
};
/// Errors as Welch; also for different lengths.
base::Result<CrossSpectrum> Cross(std::span<const double> first, std::span<const double> second,
                                  double rate_hz, WelchOptions options);
/// |Pxy|^2 / (Pxx Pyy) a bin (scipy.signal.coherence); 0 where a spectrum is 0.
std::vector<double> Coherence(const CrossSpectrum& cross);
/// Im(Pxy) / sqrt(Pxx Pyy) a bin (Nolte et al. 2004), in [-1, 1].
std::vector<double> ImaginaryCoherence(const CrossSpectrum& cross);

/// Sums of products of the spectra of many channels, segment by segment: what the coherence of all
/// their pairs is made of (Hann window, mean removed). Memory is bounded whatever the length: about
/// 8 channels^2 + 512 channels bytes a bin. Threads each fill an averager of their own and merge
/// them.
class CrossAverager {
 public:
  /// Requires: channels > 0, segment > 0, rate_hz > 0. Only bins in the range are kept.
  CrossAverager(size_t channels, size_t segment, double rate_hz,
                FrequencyRange range = kAllFrequencies);

  BinRange bins() const { return bins_; }
  double step_hz() const { return step_hz_; }
  size_t segments() const { return segments_; }
  /// One segment of every channel. Requires: as many finite samples of each as the segment has.
  void Add(std::span<const std::span<const double>> segments);
  /// Takes over the segments of another one of the same making, which starts afresh.
  void Merge(CrossAverager& other);
  void Reset();

  /// Of the pairs (0, 1), (0, 2), ... (1, 2), ..., one row a pair, one value a bin of bins():
  /// |Pxy|^2 / (Pxx Pyy), 0 where a spectrum is 0.
  std::vector<std::vector<double>> Coherence();
  /// Im(Pxy) / sqrt(Pxx Pyy), likewise.
  std::vector<std::vector<double>> ImaginaryCoherence();

 private:
  static constexpr size_t kBatch = 32;  ///< segments whose products are summed together

  void TransformEight(std::span<const std::span<const double>> channels, size_t first);
  void Flush();
  /// Where the sum of conj(a) b is among those of a bin; the imaginary part is 64 further on.
  size_t Place(size_t a, size_t b) const;
  template <typename Measure>
  std::vector<std::vector<double>> OfPairs(Measure measure);

  size_t channels_;
  size_t padded_;  ///< channels_ rounded up to eights
  Fft fft_;
  double step_hz_;
  BinRange bins_;
  LineVector window_;
  LineVector transforms_;  ///< [channel of 8], with margins
  size_t bin_stride_ = 0;
  LineVector spectra_;  ///< [bin][segment of the batch][real, imaginary][channel]
  size_t bin_sums_ = 0;
  LineVector sums_;  ///< [bin][block on and above the diagonal][real, imaginary][8][8]
  size_t pending_ = 0;
  size_t segments_ = 0;
};

/// Coherence of all pairs of equally long channels over common segments, rows as those of
/// CrossAverager; only bins in the range. Errors as Cross.
base::Result<std::vector<std::vector<double>>> CoherenceOfPairs(
    std::span<const std::span<const double>> channels, double rate_hz, WelchOptions options,
    FrequencyRange range = kAllFrequencies);

/// Integral of equally spaced ordinates by Simpson's rule, with Cartwright's correction (2017) for
/// an even number of them (scipy.integrate.simpson).
double Simpson(std::span<const double> ordinates, double step);

/// Simpson's integral over the bins in the range, in unit^2; 0 with fewer than two bins. The rule's
/// alternating weights misjudge a pure tone, whose peak is three bins wide, by up to 11 %.
double BandPower(const Spectrum& spectrum, FrequencyRange range);
/// BandPower(range) / BandPower(total); 0 when the total is 0.
double RelativePower(const Spectrum& spectrum, FrequencyRange range, FrequencyRange total);
/// Frequency below which `fraction` of the range's power lies, by linear interpolation of the
/// trapezoidal cumulative power. 0 when the range has no power.
double SpectralEdge(const Spectrum& spectrum, FrequencyRange range, double fraction);
/// Frequency of the largest bin, refined by the parabola through its logarithm and its neighbours'
/// (Smith, Serra 1987). 0 when the range has no power.
double PeakFrequency(const Spectrum& spectrum, FrequencyRange range);
/// Power-weighted mean frequency of the range; 0 when it has no power.
double Centroid(const Spectrum& spectrum, FrequencyRange range);
/// Shannon entropy of the normalised bins over its maximum, in [0, 1] (Inouye et al. 1991).
double SpectralEntropy(const Spectrum& spectrum, FrequencyRange range);

/// Magnitude of the analytic signal (scipy.signal.hilbert). Errors: empty or non-finite input.
base::Result<std::vector<double>> Envelope(std::span<const double> samples);
/// The same for many channels; those of equal length share one transform.
base::Result<std::vector<std::vector<double>>> EnvelopeAll(
    std::span<const std::span<const double>> channels);
/// The analytic signal: the input plus i times its Hilbert transform (Marple 1999).
base::Result<std::vector<std::complex<double>>> AnalyticSignal(std::span<const double> samples);

}  // namespace montage::signal
