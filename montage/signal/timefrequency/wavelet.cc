#include "montage/signal/timefrequency/wavelet.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>
#include <vector>

#include <Eigen/Dense>
#include <fmt/format.h>

#include "montage/signal/finite.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

constexpr int kMostMoments = 8;
using Complex = std::complex<double>;

/// P(y) = sum over k < N of C(N - 1 + k, k) y^k, lowest power first.
std::vector<double> HalfBandPolynomial(int moments) {
  std::vector<double> coefficients;
  double binomial = 1.0;
  for (int k = 0; k < moments; ++k) {
    coefficients.push_back(binomial);
    binomial *= static_cast<double>(moments + k) / (k + 1);
  }
  return coefficients;
}

/// All roots: eigenvalues of the companion matrix, polished by Newton's method.
std::vector<Complex> RootsOf(const std::vector<double>& coefficients) {
  const auto degree = static_cast<Eigen::Index>(coefficients.size()) - 1;
  if (degree == 0) return {};
  Eigen::MatrixXd companion = Eigen::MatrixXd::Zero(degree, degree);
  for (Eigen::Index i = 0; i < degree; ++i) {
    companion(i, degree - 1) = -coefficients[static_cast<size_t>(i)] / coefficients.back();
    if (i > 0) companion(i, i - 1) = 1.0;
  }
  std::vector<Complex> roots;
  for (Complex root : companion.eigenvalues()) {
    for (int round = 0; round < 8; ++round) {
      Complex value = 0.0, slope = 0.0;
      for (size_t k = coefficients.size(); k-- > 0;) {
        slope = slope * root + value;
        value = value * root + coefficients[k];
      }
      root -= value / slope;
    }
    roots.push_back(root);
  }
  return roots;
}

base::Result<void> CheckMoments(int moments) {
  if (moments >= 1 && moments <= kMostMoments) return {};
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("wavelet db{}, expected db1 to db{}", moments, kMostMoments));
}

/// Index of the sample that stands at `at`, which may be outside [0, n).
size_t Extended(ptrdiff_t at, size_t n, Extension extension) {
  const auto count = static_cast<ptrdiff_t>(n);
  if (extension == Extension::kPeriodic) {
    const ptrdiff_t period = count + count % 2;
    const ptrdiff_t in = ((at % period) + period) % period;
    return static_cast<size_t>(std::min(in, count - 1));
  }
  const ptrdiff_t in = ((at % (2 * count)) + 2 * count) % (2 * count);
  return static_cast<size_t>(in < count ? in : 2 * count - 1 - in);
}

size_t CoefficientCount(size_t samples, size_t taps, Extension extension) {
  return extension == Extension::kPeriodic ? (samples + 1) / 2 : (samples + taps - 1) / 2;
}

/// Coefficient o is the sum over j of filter[j] * x[2 o + offset - j], filter the decomposition's.
ptrdiff_t FirstSample(size_t taps, Extension extension) {
  return extension == Extension::kPeriodic ? static_cast<ptrdiff_t>(taps / 2) : 1;
}

/// out[o] += tap * phase[o].
MONTAGE_SIMD_CLONES void AddScaled(double tap, const double* __restrict phase, size_t count,
                                   double* __restrict out) {
  for (size_t o = 0; o < count; ++o) out[o] += tap * phase[o];
}

/// One level: low-pass and high-pass coefficients.
std::pair<std::vector<double>, std::vector<double>> Split(std::span<const double> samples,
                                                          const WaveletFilters& filters,
                                                          Extension extension) {
  const size_t taps = filters.low.size();
  const size_t count = CoefficientCount(samples.size(), taps, extension);
  // Reconstruction filters are the decomposition's reversed, so that the sum runs over
  // low[j] * x[2 o + start + j]: even and odd samples apart, every tap reads with stride 1.
  const ptrdiff_t start = FirstSample(taps, extension) - static_cast<ptrdiff_t>(taps) + 1;
  const size_t length = count + taps / 2;
  std::vector<double> phases[2] = {std::vector<double>(length), std::vector<double>(length)};
  for (size_t i = 0; i < 2 * length; ++i) {
    const ptrdiff_t at = start + static_cast<ptrdiff_t>(i);
    const bool inside = at >= 0 && static_cast<size_t>(at) < samples.size();
    phases[i % 2][i / 2] =
        samples[inside ? static_cast<size_t>(at) : Extended(at, samples.size(), extension)];
  }
  std::vector<double> low(count, 0.0), high(count, 0.0);
  for (size_t j = 0; j < taps; ++j) {
    const double* phase = &phases[j % 2][j / 2];
    AddScaled(filters.low[j], phase, count, low.data());
    AddScaled(filters.high[j], phase, count, high.data());
  }
  return {std::move(low), std::move(high)};
}

/// Undoes Split for a signal of `samples`.
std::vector<double> Join(std::span<const double> low, std::span<const double> high,
                         const WaveletFilters& filters, Extension extension, size_t samples) {
  const size_t taps = filters.low.size(), count = low.size();
  const ptrdiff_t start = FirstSample(taps, extension) - static_cast<ptrdiff_t>(taps) + 1;
  // The transpose of Split without extension; a periodic signal's ends are wrapped round.
  const size_t length = count + taps / 2;
  std::vector<double> phases[2] = {std::vector<double>(length, 0.0),
                                   std::vector<double>(length, 0.0)};
  for (size_t j = 0; j < taps; ++j) {
    double* phase = &phases[j % 2][j / 2];
    AddScaled(filters.low[j], low.data(), count, phase);
    AddScaled(filters.high[j], high.data(), count, phase);
  }
  std::vector<double> joined(2 * count, 0.0);
  const auto period = static_cast<ptrdiff_t>(2 * count);
  for (size_t i = 0; i < 2 * length; ++i) {
    ptrdiff_t at = start + static_cast<ptrdiff_t>(i);
    if (extension == Extension::kPeriodic) {
      at = ((at % period) + period) % period;
    } else if (at < 0 || at >= period) {
      continue;
    }
    joined[static_cast<size_t>(at)] += phases[i % 2][i / 2];
  }
  joined.resize(samples);
  return joined;
}

double Energy(std::span<const double> values) {
  double energy = 0.0;
  for (const double value : values) energy += value * value;
  return energy;
}

}  // namespace

base::Result<WaveletFilters> DaubechiesFilters(int moments) {
  TRY(CheckMoments(moments));
  // (1 + z)^N times the factors of the roots inside the unit circle: z + 1 / z = 2 - 4 y.
  std::vector<Complex> polynomial = {1.0};
  const auto multiply = [&polynomial](Complex root) {
    polynomial.push_back(0.0);
    for (size_t k = polynomial.size() - 1; k > 0; --k) polynomial[k] -= root * polynomial[k - 1];
  };
  for (int i = 0; i < moments; ++i) multiply(-1.0);
  for (const Complex y : RootsOf(HalfBandPolynomial(moments))) {
    const Complex middle = 1.0 - 2.0 * y;
    const Complex outside = std::sqrt(middle * middle - 1.0);
    const Complex one = middle + outside, other = middle - outside;
    multiply(std::abs(one) < 1.0 ? one : other);
  }
  WaveletFilters filters;
  double sum = 0.0;
  for (const Complex value : polynomial) sum += value.real();
  for (const Complex value : polynomial) {
    filters.low.push_back(value.real() * std::numbers::sqrt2 / sum);
  }
  const size_t taps = filters.low.size();
  for (size_t k = 0; k < taps; ++k) {
    filters.high.push_back((k % 2 == 0 ? 1.0 : -1.0) * filters.low[taps - 1 - k]);
  }
  return filters;
}

int DeepestWaveletLevel(size_t samples, int moments) {
  if (moments < 1) return 0;
  const size_t reach = 2 * static_cast<size_t>(moments) - 1;
  int level = 0;
  while (samples / reach >= (size_t{2} << level)) ++level;
  return level;
}

base::Result<WaveletDecomposition> DecomposeIntoWavelets(std::span<const double> samples,
                                                         int levels, WaveletOptions options) {
  TRY(const auto filters, DaubechiesFilters(options.moments));
  const int deepest = DeepestWaveletLevel(samples.size(), options.moments);
  if (levels < 1 || levels > deepest) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("level {} of db{} for {} samples, expected 1 to {}", levels,
                                  options.moments, samples.size(), deepest));
  }
  TRY(CheckFinite(samples));
  WaveletDecomposition found{.options = options, .samples = samples.size()};
  found.approximation.assign(samples.begin(), samples.end());
  for (int level = 0; level < levels; ++level) {
    auto [low, high] = Split(found.approximation, filters, options.extension);
    found.approximation = std::move(low);
    found.details.push_back(std::move(high));
  }
  return found;
}

base::Result<std::vector<double>> ComposeFromWavelets(const WaveletDecomposition& decomposition) {
  const Extension extension = decomposition.options.extension;
  TRY(const auto filters, DaubechiesFilters(decomposition.options.moments));
  std::vector<size_t> lengths = {decomposition.samples};
  for (const auto& detail : decomposition.details) {
    lengths.push_back(CoefficientCount(lengths.back(), filters.low.size(), extension));
    if (detail.size() != lengths.back()) {
      return base::Fail(
          base::ErrorCode::kInvalid,
          fmt::format("{} details of level {}, expected {} for {} samples", detail.size(),
                      lengths.size() - 1, lengths.back(), decomposition.samples));
    }
    TRY(CheckFinite(detail));
  }
  if (decomposition.approximation.size() != lengths.back()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("approximation of {} coefficients, expected {}",
                                  decomposition.approximation.size(), lengths.back()));
  }
  TRY(CheckFinite(decomposition.approximation));
  std::vector<double> joined = decomposition.approximation;
  for (size_t level = decomposition.levels(); level-- > 0;) {
    joined = Join(joined, decomposition.details[level], filters, extension, lengths[level]);
  }
  return joined;
}

std::vector<WaveletBand> WaveletEnergies(const WaveletDecomposition& decomposition,
                                         double rate_hz) {
  std::vector<WaveletBand> bands;
  double high = 0.5 * rate_hz, total = 0.0;
  for (const auto& detail : decomposition.details) {
    bands.push_back({.nominal = {0.5 * high, high}, .energy = Energy(detail)});
    high *= 0.5;
  }
  bands.push_back({.nominal = {0.0, high}, .energy = Energy(decomposition.approximation)});
  for (const WaveletBand& band : bands) total += band.energy;
  for (WaveletBand& band : bands) band.relative = total > 0.0 ? band.energy / total : 0.0;
  return bands;
}

}  // namespace montage::signal
