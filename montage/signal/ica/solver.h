#pragma once
// Internal to this folder: the two searches for an unmixing of whitened samples.

#include <cstddef>

#include "montage/signal/ica/blocks.h"
#include "montage/signal/ica/likelihood.h"
#include "montage/signal/ica/matrix.h"

namespace montage::signal {

// Both take the last steps of the level before and leave theirs: what the coarse samples showed of
// the Hessian holds for the fine ones.

/// When a search ends.
struct SearchLimit {
  double tolerance = 0;
  size_t iterations = 0;
};

/// Where a search ended. The unmixing is the best so far whether or not it converged.
struct Found {
  Matrix unmixing = {};  ///< square; sources = unmixing * z
  bool converged = false;
  size_t iterations = 0;
  size_t passes = 0;    ///< over the samples
  double residual = 0;  ///< what is compared with the tolerance
};

/// FastICA, symmetric, log cosh (Hyvarinen 1999, equations 20 and 25 with g = tanh): the rows of W
/// become E[g(y) z'] - E[g'(y)] W, then W becomes (W W')^(-1/2) W. These steps go on as long as
/// each at least halves the residual. Where they have become slow, the same fixed points are
/// searched by quasi-Newton steps over rotations (Picard-O: Ablin, Cardoso, Gramfort 2018, "Faster
/// ICA under orthogonal constraint"). Residual: largest |entry| of the antisymmetric part of E[k
/// tanh(y) y'], which is 0 at the fixed points; k as below.
Found SearchFastIca(const SampleBlocks& z, const Matrix& start, SearchLimit limit,
                    StepMemory& memory);

/// Extended Infomax (Lee, Girolami, Sejnowski 1999): the maximum of the likelihood whose scores are
/// y + k tanh y, with k = 1 for components above and -1 for those below the normal's peakedness, by
/// their stability criterion k = sign(E[1 - tanh^2 y] E[y^2] - E[y tanh y]).
/// Instead of their stochastic gradient, which reaches the same stationary points slowly:
/// quasi-Newton with the block-diagonal Hessian approximation as the start of L-BFGS (Picard:
/// Ablin, Cardoso, Gramfort 2018). Residual: largest |E[(y + k tanh y) y'] - I|.
Found SearchInfomax(const SampleBlocks& z, const Matrix& start, SearchLimit limit,
                    StepMemory& memory);

}  // namespace montage::signal
