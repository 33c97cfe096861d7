#pragma once
// Mixtures that the script of the vectors makes too, and how far two unmixings agree.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "montage/signal/ica/matrix.h"

namespace montage::signal {

using Rows = std::vector<std::vector<double>>;

inline std::vector<std::span<const double>> Spans(const Rows& rows) {
  return {rows.begin(), rows.end()};
}
inline std::vector<std::span<double>> Spans(Rows& rows) { return {rows.begin(), rows.end()}; }

/// splitmix64 (Steele, Lea, Flood 2014), in [0, 1).
inline std::vector<double> Uniforms(uint64_t seed, size_t count) {
  std::vector<double> values(count);
  for (size_t i = 0; i < count; ++i) {
    uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    z ^= z >> 31U;
    values[i] = static_cast<double>(z >> 11U) * 0x1.0p-53;
  }
  return values;
}

/// Laplace, uniform, exponential, arcsine, sparse, logistic: above and below the normal's
/// peakedness, symmetric and skewed.
inline double SourceValue(size_t kind, double u) {
  const double sign = u > 0.5 ? 1.0 : u < 0.5 ? -1.0 : 0.0;
  switch (kind) {
    case 0:
      return -sign * std::log1p(-2 * std::abs(u - 0.5));
    case 1:
      return u - 0.5;
    case 2:
      return -std::log1p(-u);
    case 3:
      return std::sin(2 * std::numbers::pi * u);
    case 4:
      return std::max(std::abs(u - 0.5) - 0.4, 0.0) * sign * 20;
    default:
      return std::log1p(-u) - std::log(std::max(u, 1e-300));
  }
}

struct MixtureSpec {
  uint64_t seed = 1;
  size_t channels = 6;
  size_t sources = 6;
  size_t samples = 5000;
  bool average_reference = false;
};

struct Mixture {
  Rows sources;
  Rows channels;  ///< with means of -60, -30, 0, ...
};

inline Mixture MakeMixture(const MixtureSpec& spec) {
  Mixture mixture;
  for (size_t k = 0; k < spec.sources; ++k) {
    mixture.sources.push_back(Uniforms(spec.seed + 1000 * k, spec.samples));
    for (double& value : mixture.sources.back()) value = SourceValue(k % 6, value);
  }
  const auto mixing = Uniforms(spec.seed + 500, spec.channels * spec.sources);
  for (size_t c = 0; c < spec.channels; ++c) {
    std::vector<double> channel(spec.samples, 30.0 * (static_cast<double>(c) - 2.0));
    for (size_t k = 0; k < spec.sources; ++k) {
      const double weight = 20 * (mixing[c * spec.sources + k] - 0.5);
      for (size_t i = 0; i < spec.samples; ++i) channel[i] += weight * mixture.sources[k][i];
    }
    mixture.channels.push_back(std::move(channel));
  }
  if (!spec.average_reference) return mixture;
  for (size_t i = 0; i < spec.samples; ++i) {
    double mean = 0;
    for (const auto& channel : mixture.channels) mean += channel[i];
    mean /= static_cast<double>(spec.channels);
    for (auto& channel : mixture.channels) channel[i] -= mean;
  }
  return mixture;
}

/// How far `a` and `b` (components x channels) agree but for order, sign and scale of the rows.
struct Agreement {
  double least_correlation = 1;  ///< of a component of `a` with its counterpart, over the samples
  double amari = 0;  ///< distance of Amari, Cichocki, Yang 1996, scaled to [0, 1]; 0 is equal
};

/// `product` is a * pseudo-inverse(b), for rows of unit variance: its entries are correlations when
/// both give uncorrelated sources.
inline Agreement AgreementOf(const Matrix& product) {
  Agreement agreement;
  const size_t n = product.rows;
  double spread = 0;
  for (const bool by_row : {true, false}) {
    for (size_t i = 0; i < n; ++i) {
      double sum = 0, top = 0, squares = 0;
      for (size_t j = 0; j < n; ++j) {
        const double entry = std::abs(by_row ? product(i, j) : product(j, i));
        sum += entry;
        squares += entry * entry;
        top = std::max(top, entry);
      }
      spread += sum / top - 1.0;
      agreement.least_correlation = std::min(agreement.least_correlation, top / std::sqrt(squares));
    }
  }
  if (n > 1) agreement.amari = spread / (2.0 * static_cast<double>(n * (n - 1)));
  return agreement;
}

}  // namespace montage::signal
