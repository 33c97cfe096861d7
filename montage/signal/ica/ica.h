#pragma once
// Independent component analysis: channels as a linear mixture of sources that do not know of each
// other, found without knowing the mixture.
//
//   x (channels) --(- means, sphere)--> z (white) --(rotation or more)--> s (sources)
//   x  =  means + mixing * s + what the left out principal components explain
//
// Search from coarse to fine: on every 16th sample, on every 4th, then on all of them to the
// tolerance. Sources are a property of single moments, so that thinning is a fair sample; the
// answer is the fixed point of all samples, only that few passes over all of them are left.
//
// Nothing is random: the search starts at the principal components unless told otherwise.

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/ica/matrix.h"
#include "montage/signal/ica/whitening.h"

namespace montage::signal {

enum class IcaMethod {
  kFastIca,          ///< symmetric, log cosh (Hyvarinen 1999): sources exactly uncorrelated
  kExtendedInfomax,  ///< Lee, Girolami, Sejnowski 1999, maximised as Ablin et al. 2018 do
};
/// `fast_ica`, `extended_infomax`.
std::string_view ToString(IcaMethod method);

struct IcaOptions {
  IcaMethod method = IcaMethod::kFastIca;
  ComponentLimit limit = {};
  /// Largest entry of the gradient by relative changes of the unmixing (FastICA: by rotations) at
  /// which the search ends; a component may then still turn by about ten times that angle.
  double tolerance = 1e-6;
  size_t iterations = 500;           ///< at most, on each level
  bool coarse_to_fine = true;        ///< false: all samples from the start
  std::optional<Matrix> start = {};  ///< first unmixing of the white components; square
};

/// How the search ended. Not converged is an outcome, not an error: the caller decides whether
/// components that may still turn are of use.
struct IcaConvergence {
  bool converged = false;
  size_t iterations = 0;  ///< on all levels
  double passes = 0;      ///< over the samples; a thinned pass counts as its part
  double residual = 0;    ///< what is compared with the tolerance
};

/// Sources have unit variance over the samples of the fit; each is turned so that its largest entry
/// of `mixing` is positive; they are in the order of the variance they explain.
struct IcaModel {
  std::vector<double> means = {};      ///< [channel], microvolts
  Matrix unmixing = {};                ///< components x channels, per microvolt
  Matrix mixing = {};                  ///< channels x components, microvolts: the pseudo-inverse
  std::vector<double> explained = {};  ///< part of the channels' variance that each one explains
  size_t rank = 0;                     ///< of the channels' covariance
  IcaConvergence convergence = {};

  size_t channels() const { return means.size(); }
  size_t components() const { return unmixing.rows; }
};

/// Memory: 8 bytes a component and sample, and a third of that while thinned copies are there.
/// Errors kInvalid: those of Whiten; fewer than two samples a component; a start of wrong shape.
base::Result<IcaModel> FitIca(std::span<const std::span<const double>> channels,
                              const IcaOptions& options);

/// s = unmixing * (x - means), for any part of a recording. `sources` has a span a component, as
/// long as the channels'. Requires: model.channels() channels of one length.
void Sources(const IcaModel& model, std::span<const std::span<const double>> channels,
             std::span<const std::span<double>> sources);

/// x - mixing * s over the components named, in place: means, other components and what the model
/// does not explain stay as they are. For any part of a recording. Error kInvalid for a component
/// that the model does not have. Requires: model.channels() channels of one length.
base::Result<void> RemoveComponents(const IcaModel& model, std::span<const size_t> components,
                                    std::span<const std::span<double>> channels);

}  // namespace montage::signal
