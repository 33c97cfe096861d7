#include "montage/signal/dynamics/entropy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <Eigen/Dense>
#include <fmt/format.h>

#include "montage/signal/finite.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

constexpr size_t kLargestOrder = 8;

base::Result<void> CheckPatterns(std::span<const double> samples, const PermutationOptions& of) {
  if (of.order < 2 || of.order > kLargestOrder) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("order {} of the patterns, expected 2 to {}", of.order, kLargestOrder));
  }
  if (of.delay < 1) {
    return base::Fail(base::ErrorCode::kInvalid, "delay 0 of the patterns, expected at least 1");
  }
  const size_t steps = of.order - 1;
  if (samples.empty() || of.delay > (samples.size() - 1) / steps) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} samples are too few for patterns of order {} and delay {}",
                                  samples.size(), of.order, of.delay));
  }
  return CheckFinite(samples);
}

/// Numbers the order of the pattern at each of `count` starts by its Lehmer code: digit i is how
/// many later samples are smaller, in base order - i.
MONTAGE_SIMD_CLONES void NumberPatterns(const double* samples, size_t count, size_t order,
                                        size_t delay, double* codes) {
  std::fill(codes, codes + count, 0.0);
  for (size_t i = 0; i + 1 < order; ++i) {
    const auto base = static_cast<double>(order - i);
    const double* first = samples + i * delay;
    MONTAGE_SIMD_LOOP
    for (size_t k = 0; k < count; ++k) codes[k] *= base;
    for (size_t j = i + 1; j < order; ++j) {
      const double* later = samples + j * delay;
      MONTAGE_SIMD_LOOP
      for (size_t k = 0; k < count; ++k) codes[k] += later[k] < first[k] ? 1.0 : 0.0;
    }
  }
}

/// Sum of -p log p of weights that are normalised first.
double ShannonEntropy(std::span<const double> weights) {
  double total = 0.0;
  for (const double weight : weights) total += weight;
  double entropy = 0.0;
  for (const double weight : weights) {
    if (weight > 0.0) entropy -= weight / total * std::log(weight / total);
  }
  return entropy;
}

}  // namespace

base::Result<double> PermutationEntropy(std::span<const double> samples,
                                        PermutationOptions options) {
  TRY(CheckPatterns(samples, options));
  size_t patterns = 1;
  for (size_t i = 2; i <= options.order; ++i) patterns *= i;
  std::vector<double> counts(patterns, 0.0);
  constexpr size_t kBlock = 1024;
  std::array<double, kBlock> codes;
  const size_t starts = samples.size() - (options.order - 1) * options.delay;
  for (size_t first = 0; first < starts; first += kBlock) {
    const size_t count = std::min(kBlock, starts - first);
    NumberPatterns(samples.data() + first, count, options.order, options.delay, codes.data());
    for (size_t k = 0; k < count; ++k) counts[static_cast<size_t>(codes[k])] += 1.0;
  }
  const double most = std::log(static_cast<double>(patterns));
  return std::clamp(ShannonEntropy(counts) / most, 0.0, 1.0);
}

base::Result<double> SvdEntropy(std::span<const double> samples, PermutationOptions options) {
  TRY(CheckPatterns(samples, options));
  const auto order = static_cast<Eigen::Index>(options.order);
  const auto starts =
      static_cast<Eigen::Index>(samples.size() - (options.order - 1) * options.delay);
  const double largest =
      std::abs(*std::ranges::max_element(samples, {}, [](double v) { return std::abs(v); }));
  if (largest == 0.0) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "all samples are 0, so there are no singular values to compare");
  }
  // Singular values are the roots of the eigenvalues of the copies' products; scaled, so that no
  // product overflows.
  const Eigen::Map<const Eigen::VectorXd> all(samples.data(),
                                              static_cast<Eigen::Index>(samples.size()));
  const Eigen::VectorXd scaled = all / largest;
  const auto delay = static_cast<Eigen::Index>(options.delay);
  Eigen::MatrixXd products(order, order);
  for (Eigen::Index i = 0; i < order; ++i) {
    for (Eigen::Index j = i; j < order; ++j) {
      products(i, j) = scaled.segment(i * delay, starts).dot(scaled.segment(j * delay, starts));
      products(j, i) = products(i, j);
    }
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(products, Eigen::EigenvaluesOnly);
  std::vector<double> values;
  for (const double value : solver.eigenvalues()) values.push_back(std::sqrt(std::max(value, 0.0)));
  return std::clamp(ShannonEntropy(values) / std::log(static_cast<double>(order)), 0.0, 1.0);
}

}  // namespace montage::signal
