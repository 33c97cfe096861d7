#pragma once
// Internal to this folder: samples in blocks that stay in the cache, and the three passes over them
// that all the work of a decomposition consists of.
//
//   channels  --(- offsets, x map)-->  blocks  --(scores)-->  sums that an iteration needs
//
// A block is kSamples of every row, row after row, so that a pass reads memory once from front to
// end and everything between reading and summing stays in the first-level cache.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "montage/signal/ica/matrix.h"

namespace montage::signal {

using ConstChannels = std::span<const std::span<const double>>;

/// What one pass with the unmixing W over samples z gives, for y = W z; means over the samples.
struct Scores {
  Matrix cross = {};                  ///< E[tanh(y_i) z_j]
  std::vector<double> slope = {};     ///< E[1 - tanh^2(y_i)]
  std::vector<double> log_cosh = {};  ///< E[log cosh y_i]
};

class SampleBlocks {
 public:
  static constexpr size_t kSamples = 128;

  SampleBlocks(size_t rows, size_t samples);
  /// map * (channels - offsets). Requires: map.columns channels of one length, one offset each.
  static SampleBlocks Project(ConstChannels channels, std::span<const double> offsets,
                              const Matrix& map);

  size_t rows() const { return rows_; }
  size_t samples() const { return samples_; }
  /// Every stride-th sample.
  SampleBlocks Thinned(size_t stride) const;
  /// E[z z'].
  Matrix Covariance() const;
  /// Requires: square unmixing of rows().
  Scores ScoresOf(const Matrix& unmixing) const;

 private:
  friend Matrix CovarianceOf(ConstChannels channels, std::span<const double> offsets);

  size_t blocks() const { return (samples_ + kSamples - 1) / kSamples; }
  double* Block(size_t block) { return values_.get() + block * padded_rows_ * kSamples; }
  const double* Block(size_t block) const {
    return values_.get() + block * padded_rows_ * kSamples;
  }

  size_t rows_;
  size_t padded_rows_;  ///< the next multiple of 4; the added rows are zero
  size_t samples_;      ///< the last block is filled up with zeros
  struct Free {
    void operator()(double* values) const;
  };
  std::unique_ptr<double[], Free> values_;
};

/// E[(x - offsets) (x - offsets)'] in one pass, without a copy of the samples. Requires as Project.
Matrix CovarianceOf(ConstChannels channels, std::span<const double> offsets);

/// out = map * (channels - offsets), channel after channel; `out` may be the channels themselves.
/// Requires: map.columns channels of one length with an offset each, map.rows spans of that length.
void ApplyMap(const Matrix& map, ConstChannels channels, std::span<const double> offsets,
              std::span<const std::span<double>> out);

}  // namespace montage::signal
