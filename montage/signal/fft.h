#pragma once
// Discrete Fourier transforms of any length, double precision, several sequences at once.
//
// Self-written because Debian 12 has no permissively licensed double precision transform for every
// length (FFTW is GPL, libkissfft is single precision). It is a Stockham autosort transform
// (Cochran et al. 1967; Van Loan 1992, section 1.7) with radices 2, 3, 4, 5, 8 and small primes,
// and Bluestein's chirp transform (1970) for lengths with a larger prime factor. Starting the
// Stockham recursion at stride `lanes` transforms that many interleaved sequences with unit-stride
// loops. One sequence of a length divisible by 4 is itself such an interleaving, of its every
// fourth or eighth sample, and needs a last pass that joins their transforms.
//
// Lengths that are quick: products of 8, 4, 2, 3 and 5 that 8 divides. One lane at a time is
// quickest, because most of its passes work on blocks in the first-level cache.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "montage/signal/simd.h"

namespace montage::signal {

/// Complex transform of one length over `lanes` interleaved sequences: element j of lane l is at
/// j * lanes + l. Holds scratch memory: use one object a thread.
class Fft {
 public:
  /// Requires: length > 0, lanes > 0.
  explicit Fft(size_t length, size_t lanes = 1);
  ~Fft();
  Fft(Fft&&) noexcept;
  Fft& operator=(Fft&&) noexcept;

  size_t length() const { return length_; }
  size_t lanes() const { return lanes_; }

  /// In place, X[k] = sum x[j] exp(-2 pi i j k / n). Requires: both spans length() * lanes() long.
  void Forward(std::span<double> real, std::span<double> imaginary);
  /// Real and imaginary parts, length() * lanes() of each.
  struct Parts {
    double* real;
    double* imaginary;
  };
  /// As Forward, but the result is wherever the last pass left it: in the arguments or in scratch
  /// memory, there until the next call.
  Parts ForwardAnywhere(std::span<double> real, std::span<double> imaginary);
  /// In place, scaled by 1 / n, so that it undoes Forward.
  void Inverse(std::span<double> real, std::span<double> imaginary);

 private:
  struct Stage {
    size_t radix;
    size_t groups;                 ///< sub-transform length after this stage
    size_t stride;                 ///< in elements, lanes included
    std::vector<double> twiddles;  ///< cos, sin of [group][1..radix-1]
  };
  struct Chirp;

  Parts RunPasses(std::span<double> real, std::span<double> imaginary);
  void RunBlocks(size_t split, Parts block);
  Parts RunStages(Parts block);
  void PlanPasses(std::vector<size_t> factors);
  void PlaceRows();
  void RunChirp(std::span<double> real, std::span<double> imaginary);

  size_t length_;
  size_t lanes_;
  size_t columns_ = 1;  ///< that a single sequence is split into
  std::vector<Stage>
      splits_;  ///< into blocks that fit the first-level cache, when columns are joined
  std::vector<Stage> stages_;     ///< of a block
  std::vector<uint32_t> places_;  ///< [k] row of index k after splits and stages
  LineVector join_twiddles_;
  std::unique_ptr<Chirp> chirp_;
  LineVector scratch_real_;
  LineVector scratch_imaginary_;
};

/// Transform of real sequences: n samples to n / 2 + 1 bins. Even lengths run as one complex
/// transform of half the length.
class RealFft {
 public:
  /// Requires: length > 0, lanes > 0.
  explicit RealFft(size_t length, size_t lanes = 1);

  size_t length() const { return length_; }
  size_t lanes() const { return lanes_; }
  size_t bins() const { return length_ / 2 + 1; }

  /// Requires: samples length() * lanes() long, real and imaginary bins() * lanes() long.
  void Forward(std::span<const double> samples, std::span<double> real,
               std::span<double> imaginary);
  /// Undoes Forward; ignores the imaginary part of the first and, for even lengths, last bin.
  void Inverse(std::span<const double> real, std::span<const double> imaginary,
               std::span<double> samples);

 private:
  size_t length_;
  size_t lanes_;
  Fft half_;
  std::vector<double> cosines_;
  std::vector<double> sines_;
  LineVector real_;
  LineVector imaginary_;
};

}  // namespace montage::signal
