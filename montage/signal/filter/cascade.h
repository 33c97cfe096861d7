#pragma once
// How cascades of second-order sections run: in direct form I, whose sections share their
// histories, with the sections held in registers and one, four or eight lanes a step. Internal to
// this folder.
//
//     frames --> * gain --> section --> section --> ... --> frames
//                       |           |           |
//                  history[0]  history[1]  history[2]      the last two values of every lane
//
// A section whose numerator is 1 - 1/z^2 (band-pass) costs three operations a sample, any other
// monic one five.

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "montage/signal/filter/iir.h"

namespace montage::signal {

/// Sequences side by side: frame i of them begins at frames + i * stride.
struct Columns {
  double* frames;
  size_t stride;
  size_t width;  ///< of them, 1, 4 or 8
};

/// One channel a row. Equal rows are allowed when they read and write the same and are not turned.
struct Rows {
  size_t width;  ///< of them, 4 or 8
  /// Forward leaves every square of width x width samples turned, for a Backward over as many
  /// samples that turns it back: frames are then filtered without being turned twice in between.
  bool turned;
  std::array<const double*, 8> in;
  std::array<double*, 8> out;
};

/// Sections ready to run. The state is passed in, so that one cascade serves many sequences.
class Cascade {
 public:
  explicit Cascade(std::span<const Biquad> sections);

  /// Values of state for a width of columns.
  size_t StateSize(size_t width) const;
  /// The state that a constant input of level[column] leads to.
  void Settle(std::span<const double> level, std::span<double> state) const;
  /// Filters `count` frames in place.
  void Forward(Columns columns, size_t count, double* state) const;
  /// The same from the last frame to the first.
  void Backward(Columns columns, size_t count, double* state) const;
  /// Samples of channels, read from and written to rows; the rows read and written may be the same.
  /// State as of as many columns.
  void Forward(const Rows& rows, size_t count, double* state) const;
  void Backward(const Rows& rows, size_t count, double* state) const;

 private:
  /// Sections that run in one loop, with histories of their own at both ends.
  struct Group {
    size_t first = 0;
    size_t count = 0;  ///< 1, 2 or 4
    bool band_pass = false;
  };
  void Run(Columns columns, size_t count, double* state, bool backward) const;
  void Run(const Rows& rows, size_t count, double* state, bool backward) const;

  std::vector<Biquad> sections_;  ///< monic: gain_ has their b0, unless one of them is 0
  std::vector<Group> groups_;
  double gain_ = 1.0;
};

}  // namespace montage::signal
