#include "montage/signal/fft.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <tuple>
#include <utility>

#include "montage/signal/radix.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

/// Spectrum of the real sequence from the transform Z of even samples + i odd samples:
/// X[k] = E + w O, X[half - k] = conj(E - w O), E and O being recovered from Z[k], conj(Z[half -
/// k]).
MONTAGE_SIMD_CLONES void UnpackReal(const double* __restrict z_real,
                                    const double* __restrict z_imaginary, const double* cosines,
                                    const double* sines, size_t half, size_t lanes,
                                    double* __restrict real, double* __restrict imaginary) {
  for (size_t k = 0; k <= half / 2; ++k) {
    const size_t a = k * lanes;
    const size_t b = (k == 0 ? 0 : half - k) * lanes;
    const size_t out = (half - k) * lanes;
    const double c = cosines[k];
    const double s = sines[k];
    for (size_t l = 0; l < lanes; ++l) {
      const double e_real = 0.5 * (z_real[a + l] + z_real[b + l]);
      const double e_imaginary = 0.5 * (z_imaginary[a + l] - z_imaginary[b + l]);
      const double o_real = 0.5 * (z_imaginary[a + l] + z_imaginary[b + l]);
      const double o_imaginary = 0.5 * (z_real[b + l] - z_real[a + l]);
      const double t_real = o_real * c - o_imaginary * s;
      const double t_imaginary = o_real * s + o_imaginary * c;
      real[a + l] = e_real + t_real;
      imaginary[a + l] = e_imaginary + t_imaginary;
      real[out + l] = e_real - t_real;
      imaginary[out + l] = t_imaginary - e_imaginary;
    }
  }
}

/// Even samples to `real`, odd ones to `imaginary`, lane by lane.
MONTAGE_SIMD_CLONES void SplitEvenOdd(const double* __restrict samples, size_t half, size_t lanes,
                                      double* __restrict real, double* __restrict imaginary) {
  for (size_t k = 0; k < half; ++k) {
    for (size_t l = 0; l < lanes; ++l) {
      real[k * lanes + l] = samples[2 * k * lanes + l];
      imaginary[k * lanes + l] = samples[(2 * k + 1) * lanes + l];
    }
  }
}

/// Radices whose product is `length`; empty when a prime factor is over kLargestRadix. Factors of
/// two are taken together in eights and fours, a two being left only when there is no other.
std::vector<size_t> Factors(size_t length) {
  const auto twos = static_cast<size_t>(std::countr_zero(length));
  size_t eights = twos / 3;
  size_t fours = twos % 3 == 2 ? 1 : 0;
  if (twos % 3 == 1 && eights > 0) {
    --eights;
    fours = 2;
  }
  std::vector<size_t> factors(eights, 8);
  factors.insert(factors.end(), fours, 4);
  if (twos == 1) factors.push_back(2);
  length >>= twos;
  for (const size_t radix : {size_t{5}, size_t{3}, size_t{7}, size_t{11}, size_t{13}}) {
    while (length % radix == 0) {
      factors.push_back(radix);
      length /= radix;
    }
  }
  if (length != 1) factors.clear();
  return factors;
}

/// Columns that one sequence is split into; each must be at least as long as there are columns.
size_t ColumnsOf(size_t length, size_t lanes) {
  if (lanes != 1) return 1;
  for (const size_t columns : {size_t{8}, size_t{4}}) {
    if (length % columns == 0 && length / columns >= columns) return columns;
  }
  return 1;
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
  LineVector real;
  LineVector imaginary;
};

Fft::Fft(size_t length, size_t lanes) : length_(length), lanes_(lanes) {
  assert(length > 0 && lanes > 0);
  const std::vector<size_t> factors = Factors(length);
  if (length > 1 && factors.empty()) {
    chirp_ = std::make_unique<Chirp>(length, lanes);
    return;
  }
  columns_ = ColumnsOf(length, lanes);
  PlanPasses(columns_ == 1 ? factors : Factors(length / columns_));
  PlaceRows();
  scratch_real_.resize(length * lanes);
  scratch_imaginary_.resize(length * lanes);
}

void Fft::PlanPasses(std::vector<size_t> factors) {
  // Two complex copies of a block, its data and the scratch of its stages, and some twiddles.
  constexpr size_t kNearest = 40 * 1024 / (4 * sizeof(double));
  size_t left = length_ / columns_;
  const size_t first_stride = lanes_ * columns_;
  const auto pass = [](size_t radix, size_t from, size_t stride) {
    Stage stage{radix, from / radix, stride, {}};
    stage.twiddles.reserve(2 * stage.groups * (radix - 1));
    for (size_t p = 0; p < stage.groups; ++p) {
      for (size_t j = 1; j < radix; ++j) {
        const auto [c, s] = UnitRoot(j * p, from);
        stage.twiddles.push_back(c);
        stage.twiddles.push_back(s);
      }
    }
    return stage;
  };
  auto factor = factors.begin();
  for (; columns_ > 1 && left * columns_ > kNearest && factor != factors.end(); ++factor) {
    splits_.push_back(pass(*factor, left, first_stride));
    left /= *factor;
  }
  for (size_t stride = first_stride; factor != factors.end(); ++factor) {
    stages_.push_back(pass(*factor, left, stride));
    left /= *factor;
    stride *= *factor;
  }
}

/// For joining: the rows of columns, found again after the splits, and the twiddles between
/// columns.
void Fft::PlaceRows() {
  if (columns_ == 1) return;
  const size_t part = length_ / columns_;
  places_.resize(part);
  for (size_t k = 0; k < part; ++k) {
    size_t place = 0, index = k;
    for (const Stage& split : splits_) {
      place += index % split.radix * split.groups;
      index /= split.radix;
    }
    places_[k] = static_cast<uint32_t>(place + index);
  }
  join_twiddles_.resize(2 * (columns_ - 1) * part);
  for (size_t l = 1; l < columns_; ++l) {
    for (size_t k = 0; k < part; ++k) {
      double* w = join_twiddles_.data() + 2 * (l - 1) * part + k;
      std::tie(w[0], w[part]) = UnitRoot(l * k, length_);
    }
  }
}

Fft::~Fft() = default;
Fft::Fft(Fft&&) noexcept = default;
Fft& Fft::operator=(Fft&&) noexcept = default;

void Fft::Forward(std::span<double> real, std::span<double> imaginary) {
  const Parts result = ForwardAnywhere(real, imaginary);
  if (result.real == real.data()) return;
  std::copy_n(result.real, real.size(), real.data());
  std::copy_n(result.imaginary, imaginary.size(), imaginary.data());
}

Fft::Parts Fft::ForwardAnywhere(std::span<double> real, std::span<double> imaginary) {
  assert(real.size() == length_ * lanes_ && imaginary.size() == real.size());
  if (!chirp_) return RunPasses(real, imaginary);
  RunChirp(real, imaginary);
  return {real.data(), imaginary.data()};
}

void Fft::Inverse(std::span<double> real, std::span<double> imaginary) {
  // swap(Forward(swap(x))) / n is the inverse.
  Forward(imaginary, real);
  const double scale = 1.0 / static_cast<double>(length_);
  for (double& value : real) value *= scale;
  for (double& value : imaginary) value *= scale;
}

Fft::Parts Fft::RunPasses(std::span<double> real, std::span<double> imaginary) {
  const Parts data{real.data(), imaginary.data()};
  if (columns_ == 1) return RunStages(data);
  RunBlocks(0, data);
  const Parts joined{scratch_real_.data(), scratch_imaginary_.data()};
  JoinColumns({data.real, data.imaginary, joined.real, joined.imaginary}, columns_, places_,
              join_twiddles_.data());
  return joined;
}

/// The block's splits from `split` on, each part being finished before the next is begun.
void Fft::RunBlocks(size_t split, Parts block) {
  if (split == splits_.size()) {
    RunStages(block);
    return;
  }
  const Stage& pass = splits_[split];
  RunStage({block.real, block.imaginary, block.real, block.imaginary}, Order::kSplit, pass.radix,
           pass.groups, pass.stride, pass.twiddles.data());
  for (size_t j = 0; j < pass.radix; ++j) {
    const size_t offset = j * pass.groups * pass.stride;
    RunBlocks(split + 1, {block.real + offset, block.imaginary + offset});
  }
}

/// To and fro between the block and the scratch memory; the last stage can work in place, so that
/// the result is in the block whatever their number.
Fft::Parts Fft::RunStages(Parts block) {
  Parts from = block;
  Parts to{scratch_real_.data(), scratch_imaginary_.data()};
  for (size_t i = 0; i < stages_.size(); ++i) {
    const Stage& stage = stages_[i];
    if (i + 1 == stages_.size()) to = block;
    RunStage({from.real, from.imaginary, to.real, to.imaginary}, Order::kSorted, stage.radix,
             stage.groups, stage.stride, stage.twiddles.data());
    std::swap(from, to);
  }
  return block;
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
  if (!RunsAtHalfLength(length_)) {
    std::ranges::copy(samples, real_.begin());
    std::ranges::fill(imaginary_, 0.0);
    half_.Forward(real_, imaginary_);
    std::copy_n(real_.begin(), real.size(), real.begin());
    std::copy_n(imaginary_.begin(), imaginary.size(), imaginary.begin());
    return;
  }
  const size_t half = length_ / 2;
  SplitEvenOdd(samples.data(), half, lanes_, real_.data(), imaginary_.data());
  half_.Forward(real_, imaginary_);
  UnpackReal(real_.data(), imaginary_.data(), cosines_.data(), sines_.data(), half, lanes_,
             real.data(), imaginary.data());
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
    for (size_t l = 0; l < lanes; ++l) {
      samples[2 * k * lanes + l] = real_[k * lanes + l];
      samples[(2 * k + 1) * lanes + l] = imaginary_[k * lanes + l];
    }
  }
}

}  // namespace montage::signal
