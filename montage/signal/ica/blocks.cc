#include "montage/signal/ica/blocks.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <numbers>

#include "montage/signal/ica/tanh.h"

namespace montage::signal {
namespace {

constexpr size_t kSamples = SampleBlocks::kSamples;
constexpr size_t kVectors = kSamples / kOct;
constexpr size_t kTile = 4;  ///< rows worked on together
constexpr auto kAlignment = std::align_val_t{64};

size_t Padded(size_t rows) { return (rows + kTile - 1) / kTile * kTile; }

/// Zero-filled memory on a cache line.
double* Allocate(size_t count) {
  auto* values = static_cast<double*>(::operator new(count * sizeof(double), kAlignment));
  std::fill_n(values, count, 0.0);
  return values;
}

struct Release {
  void operator()(double* values) const { ::operator delete(values, kAlignment); }
};
using Buffer = std::unique_ptr<double[], Release>;
Buffer MakeBuffer(size_t count) { return Buffer(Allocate(count)); }

/// Row after row with rows and columns filled up to multiples of 4, as the passes read them.
Buffer PaddedCopy(const Matrix& matrix) {
  const size_t columns = Padded(matrix.columns);
  Buffer copy = MakeBuffer(Padded(matrix.rows) * columns);
  for (size_t i = 0; i < matrix.rows; ++i) {
    std::ranges::copy(matrix.Row(i), copy.get() + i * columns);
  }
  return copy;
}

/// Copies samples first, first + 1, ... without the offsets, and zeros behind the end.
void Pack(ConstChannels channels, std::span<const double> offsets, size_t first, double* block) {
  const size_t count = std::min(kSamples, channels.front().size() - first);
  for (size_t c = 0; c < channels.size(); ++c) {
    const double* from = channels[c].data() + first;
    double* to = block + c * kSamples;
    for (size_t i = 0; i < count; ++i) to[i] = from[i] - offsets[c];
    std::fill(to + count, to + kSamples, 0.0);
  }
}

/// Four rows of map times sixteen samples of the block.
MONTAGE_SIMD_INLINE void MultiplyTile(const double* map, size_t columns, const double* block,
                                      Oct (&sum)[kTile][2]) {
  for (auto& row : sum) row[0] = row[1] = Oct{};
  for (size_t j = 0; j < columns; ++j) {
    const Oct a = In<Oct>(block + j * kSamples).v;
    const Oct b = In<Oct>(block + j * kSamples + kOct).v;
    for (size_t i = 0; i < kTile; ++i) {
      const double factor = map[i * columns + j];
      sum[i][0] += factor * a;
      sum[i][1] += factor * b;
    }
  }
}

/// out = map * block, all rows.
MONTAGE_SIMD_CLONES
void Multiply(const double* map, size_t rows, size_t columns, const double* block, double* out) {
  for (size_t i = 0; i < rows; i += kTile) {
    for (size_t s = 0; s < kSamples; s += 2 * kOct) {
      Oct sum[kTile][2];
      MultiplyTile(map + i * columns, columns, block + s, sum);
      for (size_t r = 0; r < kTile; ++r) {
        Out<Oct>(out + (i + r) * kSamples + s).v = sum[r][0];
        Out<Oct>(out + (i + r) * kSamples + s + kOct).v = sum[r][1];
      }
    }
  }
}

/// sums[i][j] += a[i] * b[j], lane by lane, for four rows of each.
MONTAGE_SIMD_INLINE void OuterTile(const double* a, const double* b, size_t stride, double* sums) {
  Oct sum[kTile][kTile] = {};
  for (size_t s = 0; s < kSamples; s += kOct) {
    Oct left[kTile], right[kTile];
    for (size_t i = 0; i < kTile; ++i) {
      left[i] = In<Oct>(a + i * kSamples + s).v;
      right[i] = In<Oct>(b + i * kSamples + s).v;
    }
    for (size_t i = 0; i < kTile; ++i) {
      for (size_t j = 0; j < kTile; ++j) sum[i][j] += left[i] * right[j];
    }
  }
  for (size_t i = 0; i < kTile; ++i) {
    for (size_t j = 0; j < kTile; ++j) {
      Out<Oct>(sums + (i * stride + j) * kOct).v += sum[i][j];
    }
  }
}

/// sums += block * block', the lower triangle of tiles.
MONTAGE_SIMD_CLONES
void AddSquare(const double* block, size_t rows, double* sums) {
  for (size_t i = 0; i < rows; i += kTile) {
    for (size_t j = 0; j <= i; j += kTile) {
      OuterTile(block + i * kSamples, block + j * kSamples, rows, sums + (i * rows + j) * kOct);
    }
  }
}

/// Sums over the lanes and blocks of one pass.
struct PassSums {
  double* cross;    ///< [row][row][lane]
  double* slope;    ///< [row][lane]
  double* size;     ///< [row][lane] of |y|
  double* product;  ///< [row][lane] of 1 + exp(-2 |y|); its logarithm is taken now and then
  double* scores;   ///< [row][sample] of the block at hand
};

/// tanh of four rows of y, and what is summed row by row.
MONTAGE_SIMD_INLINE void ScoreTile(const Oct (&y)[kTile][2], double* scores, double* slope,
                                   double* size, double* product) {
  for (size_t i = 0; i < kTile; ++i) {
    Oct slopes = In<Oct>(slope + i * kOct).v;
    Oct sizes = In<Oct>(size + i * kOct).v;
    Oct products = In<Oct>(product + i * kOct).v;
    for (size_t half = 0; half < 2; ++half) {
      Oct score, decay;
      Tanh(y[i][half], score, decay);
      slopes += 1.0 - score * score;
      sizes += y[i][half] < 0.0 ? -y[i][half] : y[i][half];
      products *= 1.0 + decay;
      Out<Oct>(scores + i * kSamples + half * kOct).v = score;
    }
    Out<Oct>(slope + i * kOct).v = slopes;
    Out<Oct>(size + i * kOct).v = sizes;
    Out<Oct>(product + i * kOct).v = products;
  }
}

MONTAGE_SIMD_CLONES
void AddScores(const double* unmixing, const double* block, size_t rows, const PassSums& sums) {
  for (size_t i = 0; i < rows; i += kTile) {
    const size_t at = i * kOct;
    for (size_t s = 0; s < kSamples; s += 2 * kOct) {
      Oct y[kTile][2];
      MultiplyTile(unmixing + i * rows, rows, block + s, y);
      ScoreTile(y, sums.scores + i * kSamples + s, sums.slope + at, sums.size + at,
                sums.product + at);
    }
  }
  for (size_t i = 0; i < rows; i += kTile) {
    for (size_t j = 0; j < rows; j += kTile) {
      OuterTile(sums.scores + i * kSamples, block + j * kSamples, rows,
                sums.cross + (i * rows + j) * kOct);
    }
  }
}

double SumOfLanes(const double* at) {
  return ((at[0] + at[4]) + (at[1] + at[5])) + ((at[2] + at[6]) + (at[3] + at[7]));
}

/// Both triangles from lane sums of the lower one.
Matrix Symmetric(const double* sums, size_t rows, size_t padded, double scale) {
  Matrix matrix = Matrix::Zero(rows, rows);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      matrix(i, j) = matrix(j, i) = scale * SumOfLanes(sums + (i * padded + j) * kOct);
    }
  }
  return matrix;
}

}  // namespace

void SampleBlocks::Free::operator()(double* values) const { ::operator delete(values, kAlignment); }

SampleBlocks::SampleBlocks(size_t rows, size_t samples)
    : rows_(rows),
      padded_rows_(Padded(rows)),
      samples_(samples),
      values_(Allocate(blocks() * padded_rows_ * kSamples)) {}

SampleBlocks SampleBlocks::Project(ConstChannels channels, std::span<const double> offsets,
                                   const Matrix& map) {
  SampleBlocks result(map.rows, channels.front().size());
  const Buffer factors = PaddedCopy(map);
  const size_t columns = Padded(map.columns);
  const Buffer packed = MakeBuffer(columns * kSamples);
  for (size_t b = 0; b < result.blocks(); ++b) {
    Pack(channels, offsets, b * kSamples, packed.get());
    Multiply(factors.get(), result.padded_rows_, columns, packed.get(), result.Block(b));
  }
  return result;
}

SampleBlocks SampleBlocks::Thinned(size_t stride) const {
  SampleBlocks result(rows_, (samples_ + stride - 1) / stride);
  for (size_t to = 0; to < result.samples_; ++to) {
    const size_t from = to * stride;
    const double* source = Block(from / kSamples) + from % kSamples;
    double* target = result.Block(to / kSamples) + to % kSamples;
    for (size_t row = 0; row < rows_; ++row) target[row * kSamples] = source[row * kSamples];
  }
  return result;
}

Matrix SampleBlocks::Covariance() const {
  const Buffer sums = MakeBuffer(padded_rows_ * padded_rows_ * kOct);
  for (size_t b = 0; b < blocks(); ++b) AddSquare(Block(b), padded_rows_, sums.get());
  return Symmetric(sums.get(), rows_, padded_rows_, 1.0 / static_cast<double>(samples_));
}

Scores SampleBlocks::ScoresOf(const Matrix& unmixing) const {
  const size_t rows = padded_rows_;
  const Buffer factors = PaddedCopy(unmixing);
  const Buffer memory = MakeBuffer(rows * ((rows + 3) * kOct + kSamples));
  PassSums sums{.cross = memory.get()};
  sums.slope = sums.cross + rows * rows * kOct;
  sums.size = sums.slope + rows * kOct;
  sums.product = sums.size + rows * kOct;
  sums.scores = sums.product + rows * kOct;
  std::vector<double> logarithms(rows, 0.0);
  // Factors are at most 2 and a block adds kVectors of them to a lane, so that the product of this
  // many blocks stays below 2^1000.
  constexpr size_t kFlush = 1000 / kVectors;
  std::fill_n(sums.product, rows * kOct, 1.0);
  for (size_t b = 0; b < blocks(); ++b) {
    AddScores(factors.get(), Block(b), rows, sums);
    if (b % kFlush != kFlush - 1 && b + 1 != blocks()) continue;
    for (size_t i = 0; i < rows * kOct; ++i) {
      logarithms[i / kOct] += std::log(sums.product[i]);
      sums.product[i] = 1.0;
    }
  }
  // Samples that fill up the last block are 0: slope 1, log cosh 0, nothing else.
  const auto all = static_cast<double>(blocks() * kSamples);
  const auto count = static_cast<double>(samples_);
  Scores scores{.cross = Matrix::Zero(rows_, rows_)};
  for (size_t i = 0; i < rows_; ++i) {
    for (size_t j = 0; j < rows_; ++j) {
      scores.cross(i, j) = SumOfLanes(sums.cross + (i * rows + j) * kOct) / count;
    }
    const double size = SumOfLanes(sums.size + i * kOct);
    scores.slope.push_back((SumOfLanes(sums.slope + i * kOct) - (all - count)) / count);
    scores.log_cosh.push_back((size + logarithms[i] - all * std::numbers::ln2) / count);
  }
  return scores;
}

Matrix CovarianceOf(ConstChannels channels, std::span<const double> offsets) {
  const size_t rows = Padded(channels.size());
  const size_t samples = channels.front().size();
  const Buffer packed = MakeBuffer(rows * kSamples);
  const Buffer sums = MakeBuffer(rows * rows * kOct);
  for (size_t first = 0; first < samples; first += kSamples) {
    Pack(channels, offsets, first, packed.get());
    AddSquare(packed.get(), rows, sums.get());
  }
  return Symmetric(sums.get(), channels.size(), rows, 1.0 / static_cast<double>(samples));
}

void ApplyMap(const Matrix& map, ConstChannels channels, std::span<const double> offsets,
              std::span<const std::span<double>> out) {
  const size_t columns = Padded(map.columns), rows = Padded(map.rows);
  const size_t samples = channels.front().size();
  const Buffer factors = PaddedCopy(map);
  const Buffer packed = MakeBuffer(columns * kSamples);
  const Buffer product = MakeBuffer(rows * kSamples);
  for (size_t first = 0; first < samples; first += kSamples) {
    Pack(channels, offsets, first, packed.get());
    Multiply(factors.get(), rows, columns, packed.get(), product.get());
    const size_t count = std::min(kSamples, samples - first);
    for (size_t r = 0; r < map.rows; ++r) {
      std::copy_n(product.get() + r * kSamples, count, out[r].data() + first);
    }
  }
}

}  // namespace montage::signal
