#pragma once
// The passes of Fft. Internal to this folder.
//
// A stage of a Stockham transform: with n = radix * groups the length that is left, sub-transform q
// of `stride` interleaved ones reads in[q + stride * (p + groups * k)] and writes
// out[q + stride * (radix * p + j)], times the twiddle exp(-2 pi i j p / n), which sorts as it
// goes. Twiddles are cos, sin of [p][j = 1..radix-1].
//
// A split is the same with the outputs where the inputs were, out[q + stride * (p + groups * j)]:
// it leaves `radix` blocks, each a transform of its own that fits a nearer cache. What belongs to
// index k is then in block k mod radix, at k / radix there.
//
//     split                     split                  stages           join
//     ................  ->  ........|........  ->  ....|....|....|....  ->  sorted
//
// Joining makes one transform of length n = columns * part from `columns` interleaved transforms of
// every columns-th sample (Cooley, Tukey 1965): X[part j + k] = sum_l w^(l k) W^(l j) Y_l[k] with
// w = exp(-2 pi i / n) and W = exp(-2 pi i / columns). It works on as many k at once as there are
// columns, turning rows of Y into columns in registers, so that one sequence is transformed with
// full vectors from its first pass to its last. It finds row k at places[k], which undoes splits.

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace montage::signal {

inline constexpr size_t kLargestRadix = 13;

/// Input and output of one pass, split into real and imaginary parts.
struct Planes {
  const double* in_real;
  const double* in_imaginary;
  double* out_real;
  double* out_imaginary;
};

/// Where the outputs of a pass go.
enum class Order { kSorted, kSplit };

/// cos and sin of -2 pi numerator / denominator; reduced first, so that it is exact at the axes.
std::pair<double, double> UnitRoot(size_t numerator, size_t denominator);

/// One stage or split. Output may be the input for a split, and for a stage of one group.
/// Requires: radix <= kLargestRadix; 2, 3, 4, 5 and 8 are quick.
void RunStage(const Planes& planes, Order order, size_t radix, size_t groups, size_t stride,
              const double* twiddles);

/// Joins 4 or 8 columns. Twiddles are the cos, then the sin of w^(l k) for every k, [l
/// = 1..][2][k]. Requires: as many places as a part is long, at least as many as columns; output
/// apart from the input.
void JoinColumns(const Planes& planes, size_t columns, std::span<const uint32_t> places,
                 const double* twiddles);

}  // namespace montage::signal
