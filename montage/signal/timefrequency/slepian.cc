#include "montage/signal/timefrequency/slepian.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/fft.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

/// Symmetric, with off[i] between rows i and i + 1.
struct Tridiagonal {
  std::vector<double> diagonal;
  std::vector<double> off;

  size_t size() const { return diagonal.size(); }
};

/// The matrix whose eigenvectors the sequences are equals its mirror image, so that they are
/// symmetric or antisymmetric, alternating. Either kind is an eigenvector of a matrix of half the
/// size: the upper half, with the row of the middle adjusted.
Tridiagonal HalfMatrix(size_t length, double half_bandwidth, bool symmetric) {
  const auto n = static_cast<double>(length);
  const double cosine = std::cos(2.0 * std::numbers::pi * half_bandwidth / n);
  const bool has_middle = length % 2 == 1;
  const size_t half = length / 2 + (has_middle && symmetric ? 1 : 0);
  Tridiagonal matrix;
  for (size_t i = 0; i < half; ++i) {
    const auto t = static_cast<double>(i);
    const double from_middle = 0.5 * (n - 1.0 - 2.0 * t);
    matrix.diagonal.push_back(from_middle * from_middle * cosine);
    if (i + 1 < half) matrix.off.push_back(0.5 * (t + 1.0) * (n - t - 1.0));
  }
  if (!has_middle) {
    const double across = 0.25 * n * n / 2.0;
    matrix.diagonal.back() += symmetric ? across : -across;
  } else if (symmetric && half > 1) {
    matrix.off.back() *= std::numbers::sqrt2;
  }
  return matrix;
}

constexpr size_t kLanes = 8;
using Lanes = std::array<double, kLanes>;

/// How many eigenvalues are greater than each value: the positive pivots of the factorised
/// matrix - value (Sylvester's law of inertia; Barth, Martin, Wilkinson 1967). A pivot waits for
/// the division of the one before, so that several values take the time of one.
MONTAGE_SIMD_CLONES void CountAbove(const double* diagonal, const double* squared_off, size_t size,
                                    const Lanes& values, Lanes& above) {
  constexpr double kTiny =
      std::numeric_limits<double>::min() / std::numeric_limits<double>::epsilon();
  Lanes pivots;
  pivots.fill(1.0);
  above.fill(0.0);
  for (size_t i = 0; i < size; ++i) {
    for (size_t l = 0; l < kLanes; ++l) {
      const double pivot = diagonal[i] - values[l] - squared_off[i] / pivots[l];
      pivots[l] = std::abs(pivot) < kTiny ? -kTiny : pivot;
      above[l] += pivots[l] > 0.0 ? 1.0 : 0.0;
    }
  }
}

/// The `count` greatest eigenvalues, in descending order, to the last bits: by bisection.
std::vector<double> GreatestEigenvalues(const Tridiagonal& matrix, size_t count) {
  double least = INFINITY, greatest = -INFINITY;
  std::vector<double> squared_off(matrix.size(), 0.0);  // of the row above
  for (size_t i = 0; i < matrix.size(); ++i) {          // Gershgorin's discs
    const double above = i > 0 ? std::abs(matrix.off[i - 1]) : 0.0;
    const double radius = above + (i < matrix.off.size() ? std::abs(matrix.off[i]) : 0.0);
    squared_off[i] = above * above;
    least = std::min(least, matrix.diagonal[i] - radius);
    greatest = std::max(greatest, matrix.diagonal[i] + radius);
  }
  const double close =
      2.0 * std::numeric_limits<double>::epsilon() * std::max(std::abs(least), std::abs(greatest));
  std::vector<double> eigenvalues;
  for (size_t first = 0; first < count; first += kLanes) {
    Lanes low, high, middle, above;
    low.fill(least), high.fill(greatest);
    // All lanes halve the same width.
    for (double width = greatest - least; width > close; width *= 0.5) {
      for (size_t l = 0; l < kLanes; ++l) middle[l] = low[l] + 0.5 * (high[l] - low[l]);
      CountAbove(matrix.diagonal.data(), squared_off.data(), matrix.size(), middle, above);
      for (size_t l = 0; l < kLanes; ++l) {
        (above[l] > static_cast<double>(first + l) ? low : high)[l] = middle[l];
      }
    }
    for (size_t l = 0; l < kLanes && first + l < count; ++l) {
      eigenvalues.push_back(low[l] + 0.5 * (high[l] - low[l]));
    }
  }
  return eigenvalues;
}

void Normalise(std::span<double> x) {
  double power = 0.0;
  for (const double value : x) power += value * value;
  const double scale = 1.0 / std::sqrt(power);
  for (double& value : x) value *= scale;
}

/// Factors of matrix - value with row exchanges: an upper triangle of three diagonals.
class ShiftedFactors {
 public:
  ShiftedFactors(const Tridiagonal& matrix, double value)
      : pivots_(matrix.size()),
        first_(matrix.size()),
        second_(matrix.size()),
        multipliers_(matrix.size()),
        exchanged_(matrix.size()) {
    const size_t n = matrix.size();
    const double tiny = std::numeric_limits<double>::epsilon() *
                        std::max(std::abs(value), std::numeric_limits<double>::min());
    double pivot = matrix.diagonal[0] - value, next = n > 1 ? matrix.off[0] : 0.0;
    for (size_t i = 0; i + 1 < n; ++i) {
      const double below = matrix.off[i], diagonal = matrix.diagonal[i + 1] - value;
      const double beyond = i + 2 < n ? matrix.off[i + 1] : 0.0;
      exchanged_[i] = std::abs(below) > std::abs(pivot);
      if (exchanged_[i]) {
        pivots_[i] = below, first_[i] = diagonal, second_[i] = beyond;
        multipliers_[i] = pivot / below;
        pivot = next - multipliers_[i] * diagonal;
        next = -multipliers_[i] * beyond;
      } else {
        pivots_[i] = pivot == 0.0 ? tiny : pivot;
        first_[i] = next, second_[i] = 0.0;
        multipliers_[i] = below / pivots_[i];
        pivot = diagonal - multipliers_[i] * next;
        next = beyond;
      }
    }
    pivots_[n - 1] = std::abs(pivot) < tiny ? tiny : pivot;
  }

  void Solve(std::span<double> x) const {
    const size_t n = pivots_.size();
    for (size_t i = 0; i + 1 < n; ++i) {
      if (exchanged_[i]) std::swap(x[i], x[i + 1]);
      x[i + 1] -= multipliers_[i] * x[i];
    }
    for (size_t i = n; i-- > 0;) {
      if (i + 1 < n) x[i] -= first_[i] * x[i + 1];
      if (i + 2 < n) x[i] -= second_[i] * x[i + 2];
      x[i] /= pivots_[i];
    }
  }

 private:
  std::vector<double> pivots_, first_, second_, multipliers_;
  std::vector<bool> exchanged_;
};

std::vector<double> EigenvectorOf(const Tridiagonal& matrix, double value) {
  // The start has a part in every eigenvector; eigenvalues are far apart, so that each round brings
  // ten digits.
  std::vector<double> x(matrix.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = 1.0 + 0.5 * std::sin(static_cast<double>(i * i + 1));
  const ShiftedFactors factors(matrix, value);
  for (int round = 0; round < 4; ++round) {
    Normalise(x);
    factors.Solve(x);
  }
  Normalise(x);
  return x;
}

std::vector<double> Unfold(std::span<const double> half, size_t length, bool symmetric) {
  std::vector<double> whole(length, 0.0);
  const size_t pairs = length / 2;
  for (size_t i = 0; i < pairs; ++i) {
    whole[i] = half[i] / std::numbers::sqrt2;
    whole[length - 1 - i] = symmetric ? whole[i] : -whole[i];
  }
  if (length % 2 == 1 && symmetric) whole[pairs] = half[pairs];
  return whole;
}

void FixSign(std::span<double> taper, bool symmetric) {
  bool negative = false;
  if (symmetric) {
    double sum = 0.0;
    for (const double value : taper) sum += value;
    negative = sum < 0.0;
  } else {
    const double noise = std::max(1e-7, 1.0 / static_cast<double>(taper.size()));
    const auto lobe = std::ranges::find_if(taper, [&](double v) { return v * v > noise; });
    negative = lobe != taper.end() && *lobe < 0.0;
  }
  if (!negative) return;
  for (double& value : taper) value = -value;
}

/// Energy within the bandwidth: the autocorrelation times that of the ideal low-pass (Percival,
/// Walden 1993, page 390).
class Concentration {
 public:
  Concentration(size_t length, double half_bandwidth)
      : fft_(FastLength(2 * length - 1)),
        frame_(fft_.length()),
        real_(fft_.bins()),
        imaginary_(fft_.bins()),
        kernel_(length) {
    const double width = half_bandwidth / static_cast<double>(length);
    kernel_[0] = 2.0 * width;
    for (size_t lag = 1; lag < length; ++lag) {
      const auto t = static_cast<double>(lag);
      kernel_[lag] = 2.0 * std::sin(2.0 * std::numbers::pi * width * t) / (std::numbers::pi * t);
    }
  }

  double Of(std::span<const double> taper) {
    std::ranges::fill(frame_, 0.0);
    std::ranges::copy(taper, frame_.begin());
    fft_.Forward(frame_, real_, imaginary_);
    for (size_t k = 0; k < real_.size(); ++k) {
      real_[k] = real_[k] * real_[k] + imaginary_[k] * imaginary_[k];
      imaginary_[k] = 0.0;
    }
    fft_.Inverse(real_, imaginary_, frame_);
    double share = 0.0;
    for (size_t lag = 0; lag < kernel_.size(); ++lag) share += frame_[lag] * kernel_[lag];
    return share;
  }

 private:
  static size_t FastLength(size_t least) {
    size_t length = 1;
    while (length < least) length *= 2;
    return length;
  }

  RealFft fft_;
  std::vector<double> frame_, real_, imaginary_, kernel_;
};

}  // namespace

base::Result<Tapers> Slepian(size_t length, double half_bandwidth, size_t count,
                             Symmetry symmetry) {
  if (length == 0 || count == 0 || count > length) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} tapers of {} samples, expected at least 1 and at most their "
                                  "length",
                                  count, length));
  }
  if (length == 1) return Tapers{{{1.0}}, {1.0}};
  if (!(half_bandwidth > 0.0) || half_bandwidth >= 0.5 * static_cast<double>(length)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("half bandwidth {} of tapers of {} samples, expected more than 0 "
                                  "and less than half of them",
                                  half_bandwidth, length));
  }
  const size_t whole = symmetry == Symmetry::kPeriodic ? length + 1 : length;
  const Tridiagonal halves[2] = {HalfMatrix(whole, half_bandwidth, true),
                                 HalfMatrix(whole, half_bandwidth, false)};
  const std::vector<double> eigenvalues[2] = {GreatestEigenvalues(halves[0], (count + 1) / 2),
                                              GreatestEigenvalues(halves[1], count / 2)};
  Concentration concentration(whole, half_bandwidth);
  Tapers found;
  for (size_t k = 0; k < count; ++k) {
    const bool symmetric = k % 2 == 0;
    const Tridiagonal& half = halves[k % 2];
    const auto vector = EigenvectorOf(half, eigenvalues[k % 2][k / 2]);
    auto taper = Unfold(vector, whole, symmetric);
    FixSign(taper, symmetric);
    found.concentration.push_back(concentration.Of(taper));
    taper.resize(length);
    found.tapers.push_back(std::move(taper));
  }
  return found;
}

}  // namespace montage::signal
