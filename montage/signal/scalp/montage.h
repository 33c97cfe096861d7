#pragma once
// Montages: named sets of derivations, each a weighted sum of electrodes, applied to whatever
// channels a recording has.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/scalp/electrodes.h"

namespace montage::signal {

struct WeightedElectrode {
  std::string electrode;
  double weight = 0;
};

/// The sum of weight * potential over the terms; weights that sum to 0 do not depend on the
/// reference of the recording.
struct MontageDerivation {
  std::string name;  ///< `Fp1-F7`, `Cz-avg`
  std::vector<WeightedElectrode> terms;
};

/// A derivation that a recording allows, by channel instead of electrode.
struct FittedDerivation {
  std::string name;
  std::vector<size_t> channels;
  std::vector<double> weights;  ///< one a channel
};

/// A derivation that it does not allow.
struct ImpossibleDerivation {
  std::string name;
  std::string reason;  ///< which electrode is missing, unusable or there more than once
};

/// A montage on the channels of one recording.
struct FittedMontage {
  std::string name;
  size_t channels = 0;                    ///< of the recording
  std::vector<FittedDerivation> derived;  ///< in the montage's order
  std::vector<ImpossibleDerivation> impossible;
};

class Montage {
 public:
  Montage(std::string name, std::vector<MontageDerivation> derivations);

  const std::string& name() const { return name_; }
  std::span<const MontageDerivation> derivations() const { return derivations_; }
  /// Those that the derivations use, each once, in order of their first use.
  std::vector<std::string> Electrodes() const;

  /// Finds the electrodes among the channels' labels. Names are compared as StandardElectrodeName
  /// does (any case, T3 is T7); others (A1, M2) in any case. `usable` has a flag a channel, false
  /// for those found bad, or is empty. An electrode of two channels is ambiguous, unless only one
  /// of them is usable. Error kInvalid: as many flags as labels, or none, were expected.
  base::Result<FittedMontage> Fit(std::span<const std::string> labels,
                                  std::span<const bool> usable = {}) const;

 private:
  std::string name_;
  std::vector<MontageDerivation> derivations_;
};

/// Writes every derivation of the fit into its row of `out`, in the samples' unit. May not run in
/// place. Error kInvalid: other numbers of channels or rows than the fit has, different lengths, or
/// a non-finite sample of a channel that is used (naming channel and index).
base::Result<void> ApplyMontage(const FittedMontage& fit,
                                std::span<const std::span<const double>> channels,
                                std::span<const std::span<double>> out);

/// One derivation a pair: `first-second`.
Montage BipolarMontage(std::string name, std::span<const Derivation> pairs);

/// Every electrode against the mean of the reference electrodes, `electrode-reference_name`:
/// linked ears ({"A1", "A2"}), linked mastoids ({"M1", "M2"}), a common electrode ({"Cz"}). An
/// electrode that is itself part of the reference has its weight reduced by its share.
Montage ReferencedMontage(std::string name, std::span<const std::string_view> electrodes,
                          std::span<const std::string_view> reference,
                          std::string_view reference_name);

/// Every electrode against the mean of all of them, itself included (Offner 1950): `Cz-avg`.
Montage AverageMontage(std::span<const std::string_view> electrodes);

enum class NeighbourWeights {
  kEqual,            ///< Hjorth 1975
  kInverseDistance,  ///< by the angle on the sphere (Thickbroom et al. 1984)
};

/// Every electrode against the weighted mean of its nearest ones (Hjorth's source derivation):
/// `Cz-lap`. Among electrodes of one distance the earlier in the list is nearer. Electrodes on the
/// edge of the cap have neighbours on one side only, so that their values are of little use.
/// Error kInvalid: an electrode without a position (FindElectrode) or named twice, no neighbours,
/// or not more electrodes than neighbours.
base::Result<Montage> LocalLaplacian(std::span<const std::string_view> electrodes,
                                     size_t neighbours = 4,
                                     NeighbourWeights weights = NeighbourWeights::kEqual);

}  // namespace montage::signal
