#include "montage/signal/fft.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <numbers>
#include <utility>

#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

constexpr size_t kLargestRadix = 13;

/// Input and output of one stage, split into real and imaginary parts.
struct Planes {
  const double* __restrict in_real;
  const double* __restrict in_imaginary;
  double* __restrict out_real;
  double* __restrict out_imaginary;
};

/// cos and sin of -2 pi numerator / denominator; reduced first, so that it is exact at the axes.
std::pair<double, double> UnitRoot(size_t numerator, size_t denominator) {
  const size_t turn = numerator % denominator;
  if (turn == 0) return {1.0, 0.0};
  if (2 * turn == denominator) return {-1.0, 0.0};
  if (4 * turn == denominator) return {0.0, -1.0};
  if (4 * turn == 3 * denominator) return {0.0, 1.0};
  const double angle =
      2.0 * std::numbers::pi * static_cast<double>(turn) / static_cast<double>(denominator);
  return {std::cos(angle), -std::sin(angle)};
}

MONTAGE_SIMD_CLONES void Radix2(const Planes& planes, size_t groups, size_t stride,
                                const double* twiddles) {
  for (size_t p = 0; p < groups; ++p) {
    const double w_real = twiddles[2 * p];
    const double w_imaginary = twiddles[2 * p + 1];
    const double* __restrict a_real = planes.in_real + stride * p;
    const double* __restrict a_imaginary = planes.in_imaginary + stride * p;
    const double* __restrict b_real = a_real + stride * groups;
    const double* __restrict b_imaginary = a_imaginary + stride * groups;
    double* __restrict y_real = planes.out_real + stride * 2 * p;
    double* __restrict y_imaginary = planes.out_imaginary + stride * 2 * p;
    for (size_t q = 0; q < stride; ++q) {
      const double d_real = a_real[q] - b_real[q];
      const double d_imaginary = a_imaginary[q] - b_imaginary[q];
      y_real[q] = a_real[q] + b_real[q];
      y_imaginary[q] = a_imaginary[q] + b_imaginary[q];
      y_real[q + stride] = d_real * w_real - d_imaginary * w_imaginary;
      y_imaginary[q + stride] = d_real * w_imaginary + d_imaginary * w_real;
    }
  }
}

MONTAGE_SIMD_CLONES void Radix4(const Planes& planes, size_t groups, size_t stride,
                                const double* twiddles) {
  const size_t quarter = stride * groups;
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 6 * p;
    const double w1_real = w[0], w1_imaginary = w[1], w2_real = w[2];
    const double w2_imaginary = w[3], w3_real = w[4], w3_imaginary = w[5];
    const double* __restrict x_real = planes.in_real + stride * p;
    const double* __restrict x_imaginary = planes.in_imaginary + stride * p;
    double* __restrict y_real = planes.out_real + stride * 4 * p;
    double* __restrict y_imaginary = planes.out_imaginary + stride * 4 * p;
    for (size_t q = 0; q < stride; ++q) {
      const double even_real = x_real[q] + x_real[q + 2 * quarter];
      const double even_imaginary = x_imaginary[q] + x_imaginary[q + 2 * quarter];
      const double even_d_real = x_real[q] - x_real[q + 2 * quarter];
      const double even_d_imaginary = x_imaginary[q] - x_imaginary[q + 2 * quarter];
      const double odd_real = x_real[q + quarter] + x_real[q + 3 * quarter];
      const double odd_imaginary = x_imaginary[q + quarter] + x_imaginary[q + 3 * quarter];
      const double odd_d_real = x_real[q + quarter] - x_real[q + 3 * quarter];
      const double odd_d_imaginary = x_imaginary[q + quarter] - x_imaginary[q + 3 * quarter];
      const double s1_real = even_d_real + odd_d_imaginary;
      const double s1_imaginary = even_d_imaginary - odd_d_real;
      const double s2_real = even_real - odd_real;
      const double s2_imaginary = even_imaginary - odd_imaginary;
      const double s3_real = even_d_real - odd_d_imaginary;
      const double s3_imaginary = even_d_imaginary + odd_d_real;
      y_real[q] = even_real + odd_real;
      y_imaginary[q] = even_imaginary + odd_imaginary;
      y_real[q + stride] = s1_real * w1_real - s1_imaginary * w1_imaginary;
      y_imaginary[q + stride] = s1_real * w1_imaginary + s1_imaginary * w1_real;
      y_real[q + 2 * stride] = s2_real * w2_real - s2_imaginary * w2_imaginary;
      y_imaginary[q + 2 * stride] = s2_real * w2_imaginary + s2_imaginary * w2_real;
      y_real[q + 3 * stride] = s3_real * w3_real - s3_imaginary * w3_imaginary;
      y_imaginary[q + 3 * stride] = s3_real * w3_imaginary + s3_imaginary * w3_real;
    }
  }
}

/// Any radix up to kLargestRadix, by its definition.
void RadixAny(const Planes& planes, size_t radix, size_t groups, size_t stride,
              const double* twiddles) {
  std::array<std::pair<double, double>, kLargestRadix> roots;
  for (size_t k = 0; k < radix; ++k) roots[k] = UnitRoot(k, radix);
  std::array<double, kLargestRadix> a_real{};
  std::array<double, kLargestRadix> a_imaginary{};
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 2 * (radix - 1) * p;
    for (size_t q = 0; q < stride; ++q) {
      for (size_t k = 0; k < radix; ++k) {
        a_real[k] = planes.in_real[q + stride * (p + groups * k)];
        a_imaginary[k] = planes.in_imaginary[q + stride * (p + groups * k)];
      }
      for (size_t j = 0; j < radix; ++j) {
        double real = 0;
        double imaginary = 0;
        for (size_t k = 0; k < radix; ++k) {
          const auto [c, s] = roots[j * k % radix];
          real += a_real[k] * c - a_imaginary[k] * s;
          imaginary += a_real[k] * s + a_imaginary[k] * c;
        }
        const double w_real = j == 0 ? 1.0 : w[2 * (j - 1)];
        const double w_imaginary = j == 0 ? 0.0 : w[2 * (j - 1) + 1];
        planes.out_real[q + stride * (radix * p + j)] = real * w_real - imaginary * w_imaginary;
        planes.out_imaginary[q + stride * (radix * p + j)] =
            real * w_imaginary + imaginary * w_real;
      }
    }
  }
}

/// Radices whose product is `length`; empty when a prime factor is over kLargestRadix.
std::vector<size_t> Factors(size_t length) {
  std::vector<size_t> factors;
  for (const size_t radix :
       {size_t{4}, size_t{2}, size_t{3}, size_t{5}, size_t{7}, size_t{11}, size_t{13}}) {
    while (length % radix == 0) {
      factors.push_back(radix);
      length /= radix;
    }
  }
  if (length != 1) factors.clear();
  return factors;
}

}  // namespace

/// Bluestein: the transform as a convolution with a chirp, done at a power of two.
struct Fft::Chirp {
  explicit Chirp(size_t length, size_t lanes)
      : padded(std::bit_ceil(2 * length - 1), lanes),
        real(padded.length() * lanes),
        imaginary(padded.length() * lanes) {
    const size_t m = padded.length();
    cosines.resize(length);
    sines.resize(length);
    for (size_t j = 0; j < length; ++j) {
      // exp(-i pi j^2 / n); j^2 is reduced modulo 2n to keep the angle small.
      const auto [c, s] = UnitRoot(j * j % (2 * length), 2 * length);
      cosines[j] = c;
      sines[j] = s;
    }
    Fft single(m);
    kernel_real.assign(m, 0.0);
    kernel_imaginary.assign(m, 0.0);
    for (size_t j = 0; j < length; ++j) {
      kernel_real[j] = cosines[j];
      kernel_imaginary[j] = -sines[j];
      if (j > 0) {
        kernel_real[m - j] = cosines[j];
        kernel_imaginary[m - j] = -sines[j];
      }
    }
    single.Forward(kernel_real, kernel_imaginary);
  }

  Fft padded;
  std::vector<double> cosines;
  std::vector<double> sines;
  std::vector<double> kernel_real;
  std::vector<double> kernel_imaginary;
  std::vector<double> real;
  std::vector<double> imaginary;
};

Fft::Fft(size_t length, size_t lanes) : length_(length), lanes_(lanes) {
  assert(length > 0 && lanes > 0);
  const std::vector<size_t> factors = Factors(length);
  if (length > 1 && factors.empty()) {
    chirp_ = std::make_unique<Chirp>(length, lanes);
    return;
  }
  size_t current = length;
  size_t stride = lanes;
  for (const size_t radix : factors) {
    Stage stage{radix, current / radix, stride, {}};
    stage.twiddles.reserve(2 * stage.groups * (radix - 1));
    for (size_t p = 0; p < stage.groups; ++p) {
      for (size_t j = 1; j < radix; ++j) {
        const auto [c, s] = UnitRoot(j * p, current);
        stage.twiddles.push_back(c);
        stage.twiddles.push_back(s);
      }
    }
    stages_.push_back(std::move(stage));
    current /= radix;
    stride *= radix;
  }
  scratch_real_.resize(length * lanes);
  scratch_imaginary_.resize(length * lanes);
}

Fft::~Fft() = default;
Fft::Fft(Fft&&) noexcept = default;
Fft& Fft::operator=(Fft&&) noexcept = default;

void Fft::Forward(std::span<double> real, std::span<double> imaginary) {
  assert(real.size() == length_ * lanes_ && imaginary.size() == real.size());
  if (chirp_) {
    RunChirp(real, imaginary);
  } else {
    RunStages(real, imaginary);
  }
}

void Fft::Inverse(std::span<double> real, std::span<double> imaginary) {
  // swap(Forward(swap(x))) / n is the inverse.
  Forward(imaginary, real);
  const double scale = 1.0 / static_cast<double>(length_);
  for (double& value : real) value *= scale;
  for (double& value : imaginary) value *= scale;
}

void Fft::RunStages(std::span<double> real, std::span<double> imaginary) {
  double* from_real = real.data();
  double* from_imaginary = imaginary.data();
  double* to_real = scratch_real_.data();
  double* to_imaginary = scratch_imaginary_.data();
  for (const Stage& stage : stages_) {
    const Planes planes{from_real, from_imaginary, to_real, to_imaginary};
    if (stage.radix == 4) {
      Radix4(planes, stage.groups, stage.stride, stage.twiddles.data());
    } else if (stage.radix == 2) {
      Radix2(planes, stage.groups, stage.stride, stage.twiddles.data());
    } else {
      RadixAny(planes, stage.radix, stage.groups, stage.stride, stage.twiddles.data());
    }
    std::swap(from_real, to_real);
    std::swap(from_imaginary, to_imaginary);
  }
  if (from_real != real.data()) {
    std::copy_n(from_real, real.size(), real.data());
    std::copy_n(from_imaginary, imaginary.size(), imaginary.data());
  }
}

void Fft::RunChirp(std::span<double> real, std::span<double> imaginary) {
  Chirp& chirp = *chirp_;
  std::ranges::fill(chirp.real, 0.0);
  std::ranges::fill(chirp.imaginary, 0.0);
  for (size_t j = 0; j < length_; ++j) {
    const double c = chirp.cosines[j];
    const double s = chirp.sines[j];
    for (size_t i = j * lanes_; i < (j + 1) * lanes_; ++i) {
      chirp.real[i] = real[i] * c - imaginary[i] * s;
      chirp.imaginary[i] = real[i] * s + imaginary[i] * c;
    }
  }
  chirp.padded.Forward(chirp.real, chirp.imaginary);
  for (size_t k = 0; k < chirp.padded.length(); ++k) {
    const double c = chirp.kernel_real[k];
    const double s = chirp.kernel_imaginary[k];
    for (size_t i = k * lanes_; i < (k + 1) * lanes_; ++i) {
      const double value = chirp.real[i] * c - chirp.imaginary[i] * s;
      chirp.imaginary[i] = chirp.real[i] * s + chirp.imaginary[i] * c;
      chirp.real[i] = value;
    }
  }
  chirp.padded.Inverse(chirp.real, chirp.imaginary);
  for (size_t j = 0; j < length_; ++j) {
    const double c = chirp.cosines[j];
    const double s = chirp.sines[j];
    for (size_t i = j * lanes_; i < (j + 1) * lanes_; ++i) {
      real[i] = chirp.real[i] * c - chirp.imaginary[i] * s;
      imaginary[i] = chirp.real[i] * s + chirp.imaginary[i] * c;
    }
  }
}

namespace {

bool RunsAtHalfLength(size_t length) { return length % 2 == 0; }

}  // namespace

RealFft::RealFft(size_t length, size_t lanes)
    : length_(length), lanes_(lanes), half_(RunsAtHalfLength(length) ? length / 2 : length, lanes) {
  real_.resize(half_.length() * lanes);
  imaginary_.resize(half_.length() * lanes);
  if (RunsAtHalfLength(length)) {
    for (size_t k = 0; k <= length / 4; ++k) {
      const auto [c, s] = UnitRoot(k, length);
      cosines_.push_back(c);
      sines_.push_back(s);
    }
  }
}

void RealFft::Forward(std::span<const double> samples, std::span<double> real,
                      std::span<double> imaginary) {
  assert(samples.size() == length_ * lanes_);
  assert(real.size() == bins() * lanes_ && imaginary.size() == real.size());
  const size_t lanes = lanes_;
  if (!RunsAtHalfLength(length_)) {
    std::ranges::copy(samples, real_.begin());
    std::ranges::fill(imaginary_, 0.0);
    half_.Forward(real_, imaginary_);
    std::copy_n(real_.begin(), real.size(), real.begin());
    std::copy_n(imaginary_.begin(), imaginary.size(), imaginary.begin());
    return;
  }
  const size_t half = length_ / 2;
  for (size_t k = 0; k < half; ++k) {
    std::copy_n(samples.data() + 2 * k * lanes, lanes, real_.data() + k * lanes);
    std::copy_n(samples.data() + (2 * k + 1) * lanes, lanes, imaginary_.data() + k * lanes);
  }
  half_.Forward(real_, imaginary_);
  // With Z the packed transform: X[k] = E + w O, X[half - k] = conj(E - w O), where E and O are the
  // transforms of the even and odd samples recovered from Z[k] and conj(Z[half - k]).
  for (size_t k = 0; k <= half / 2; ++k) {
    const size_t mirror = k == 0 ? 0 : half - k;
    const double c = cosines_[k];
    const double s = sines_[k];
    for (size_t l = 0; l < lanes; ++l) {
      const double a_real = real_[k * lanes + l], a_imaginary = imaginary_[k * lanes + l];
      const double b_real = real_[mirror * lanes + l];
      const double b_imaginary = imaginary_[mirror * lanes + l];
      const double e_real = 0.5 * (a_real + b_real);
      const double e_imaginary = 0.5 * (a_imaginary - b_imaginary);
      const double o_real = 0.5 * (a_imaginary + b_imaginary);
      const double o_imaginary = 0.5 * (b_real - a_real);
      const double t_real = o_real * c - o_imaginary * s;
      const double t_imaginary = o_real * s + o_imaginary * c;
      real[k * lanes + l] = e_real + t_real;
      imaginary[k * lanes + l] = e_imaginary + t_imaginary;
      real[(half - k) * lanes + l] = e_real - t_real;
      imaginary[(half - k) * lanes + l] = t_imaginary - e_imaginary;
    }
  }
}

void RealFft::Inverse(std::span<const double> real, std::span<const double> imaginary,
                      std::span<double> samples) {
  assert(samples.size() == length_ * lanes_);
  assert(real.size() == bins() * lanes_ && imaginary.size() == real.size());
  const size_t lanes = lanes_;
  if (!RunsAtHalfLength(length_)) {
    for (size_t k = 0; k < length_; ++k) {
      const bool mirrored = k >= bins();
      const size_t from = mirrored ? length_ - k : k;
      for (size_t l = 0; l < lanes; ++l) {
        real_[k * lanes + l] = real[from * lanes + l];
        const double value = k == 0 ? 0.0 : imaginary[from * lanes + l];
        imaginary_[k * lanes + l] = mirrored ? -value : value;
      }
    }
    half_.Inverse(real_, imaginary_);
    std::ranges::copy(real_, samples.begin());
    return;
  }
  const size_t half = length_ / 2;
  for (size_t k = 0; k <= half / 2; ++k) {
    const size_t mirror = half - k;
    const double c = cosines_[k];
    const double s = -sines_[k];
    for (size_t l = 0; l < lanes; ++l) {
      const double a_real = real[k * lanes + l], b_real = real[mirror * lanes + l];
      const double a_imaginary = k == 0 ? 0.0 : imaginary[k * lanes + l];
      const double b_imaginary = k == 0 ? 0.0 : imaginary[mirror * lanes + l];
      const double e_real = 0.5 * (a_real + b_real);
      const double e_imaginary = 0.5 * (a_imaginary - b_imaginary);
      const double d_real = 0.5 * (a_real - b_real);
      const double d_imaginary = 0.5 * (a_imaginary + b_imaginary);
      const double o_real = d_real * c - d_imaginary * s;
      const double o_imaginary = d_real * s + d_imaginary * c;
      real_[k * lanes + l] = e_real - o_imaginary;
      imaginary_[k * lanes + l] = e_imaginary + o_real;
      if (k != 0 && mirror != k) {
        real_[mirror * lanes + l] = e_real + o_imaginary;
        imaginary_[mirror * lanes + l] = o_real - e_imaginary;
      }
    }
  }
  half_.Inverse(real_, imaginary_);
  for (size_t k = 0; k < half; ++k) {
    std::copy_n(real_.data() + k * lanes, lanes, samples.data() + 2 * k * lanes);
    std::copy_n(imaginary_.data() + k * lanes, lanes, samples.data() + (2 * k + 1) * lanes);
  }
}

}  // namespace montage::signal
