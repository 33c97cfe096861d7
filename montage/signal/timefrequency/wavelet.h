#pragma once
// The discrete wavelet transform with Daubechies' orthogonal wavelets (Daubechies 1988; Mallat
// 1989): a signal as octaves, each at its own rate. Conventions and numbers are PyWavelets'.

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/spectrum.h"

namespace montage::signal {

/// What is assumed beyond the ends: the signal mirrored about them, each end sample twice
/// (`symmetric`), or the signal repeated, which makes as many coefficients as samples
/// (`periodization`; an odd length is made even by repeating the last sample).
enum class Extension { kSymmetric, kPeriodic };

/// Filters of the wavelet dbN, 2 N taps: low-pass and high-pass of the reconstruction; those of the
/// decomposition are their mirror images.
struct WaveletFilters {
  std::vector<double> low;
  std::vector<double> high;
};
/// dbN with N vanishing moments and extremal phase, made by spectral factorisation (Daubechies
/// 1992, section 6.4). Error kInvalid: moments outside 1 to 8.
base::Result<WaveletFilters> DaubechiesFilters(int moments);

struct WaveletOptions {
  int moments = 4;  ///< N of dbN, 1 to 8
  Extension extension = Extension::kSymmetric;
};

struct WaveletDecomposition {
  WaveletOptions options = {};
  size_t samples = 0;                 ///< of the signal
  std::vector<double> approximation;  ///< of the last level
  /// details[j - 1] of level j, about rate / 2^(j + 1) to rate / 2^j: the fastest first.
  std::vector<std::vector<double>> details;

  size_t levels() const { return details.size(); }
};

/// floor(log2(samples / (2 N - 1))): below it every coefficient sees the ends (pywt.dwt_max_level).
int DeepestWaveletLevel(size_t samples, int moments);

/// pywt.wavedec. Error kInvalid: non-finite samples, moments outside 1 to 8, levels less than 1 or
/// over DeepestWaveletLevel.
base::Result<WaveletDecomposition> DecomposeIntoWavelets(std::span<const double> samples,
                                                         int levels, WaveletOptions options = {});

/// Undoes DecomposeIntoWavelets, of coefficients that may have been changed (pywt.waverec, without
/// its additional sample for odd lengths). Error kInvalid: counts of coefficients that do not
/// belong together, moments outside 1 to 8, non-finite coefficients.
base::Result<std::vector<double>> ComposeFromWavelets(const WaveletDecomposition& decomposition);

/// One octave of a decomposition.
struct WaveletBand {
  FrequencyRange nominal = {};  ///< Hz; the filters' edges are soft
  double energy = 0;            ///< sum of squared coefficients, unit^2
  double relative = 0;          ///< its share of all, 0 when there is none
};
/// The details from the fastest to the slowest, then the approximation. With periodic extension the
/// energies add up to that of the signal (of even length at every level).
std::vector<WaveletBand> WaveletEnergies(const WaveletDecomposition& decomposition, double rate_hz);

}  // namespace montage::signal
