#pragma once
// Discrete prolate spheroidal sequences (Slepian 1978): the windows of one length with the most
// energy within a bandwidth.

#include <cstddef>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/filter/window.h"

namespace montage::signal {

struct Tapers {
  std::vector<std::vector<double>> tapers;  ///< each of unit energy, the most concentrated first
  std::vector<double> concentration;        ///< share of its energy within the bandwidth, in (0, 1)
};

/// The first `count` sequences of `length` samples whose half bandwidth is `half_bandwidth` (NW) in
/// units of rate / length; about 2 NW - 1 of them are concentrated. They are eigenvectors of a
/// symmetric tridiagonal matrix (Percival, Walden 1993, section 8.3), found in O(length) each by
/// bisection and inverse iteration. Numbers and signs are those of
/// scipy.signal.windows.dpss(norm=2): symmetric ones have a positive sum, the others begin with a
/// positive lobe; periodic ones are those of one sample more without the last, as mne uses, and
/// concentrations are those before it is left out. Error kInvalid: length 0, count 0 or over
/// length, NW outside (0, length / 2).
base::Result<Tapers> Slepian(size_t length, double half_bandwidth, size_t count,
                             Symmetry symmetry = Symmetry::kSymmetric);

}  // namespace montage::signal
