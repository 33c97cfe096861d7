#pragma once
// Where the electrodes of the 10-20 and 10-10 systems are, and which pairs a montage joins.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace montage::signal {

/// On the unit sphere: x to the right ear, y to the nose, z to the vertex.
struct Position {
  double x = 0, y = 0, z = 0;
};

/// Position of an electrode by its name in any case (`Fp1`, `FP1`); the older names T3, T4, T5 and
/// T6 are T7, T8, P7 and P8 (American Clinical Neurophysiology Society, guideline 2, 2016). None
/// for names that are not on the scalp (A1, M2, EOG, ...).
///
/// Ideal sphere: 10 % of the nasion-inion and of the ear-to-ear arc is 18 degrees, rows between the
/// circumference and the midline are divided evenly (Oostenveld, Praamstra 2001).
std::optional<Position> FindElectrode(std::string_view name);

/// The name as FindElectrode knows it, in its standard case: `fp1` is `Fp1`, `T3` is `T7`.
std::optional<std::string> StandardElectrodeName(std::string_view name);

/// The 19 electrodes of the 10-20 system in the usual order.
std::span<const std::string_view> TenTwenty();

/// One derivation: `first` minus `second`, by electrode name.
struct Derivation {
  std::string_view first;
  std::string_view second;
};
/// Longitudinal bipolar montage, 18 derivations (guideline 3: left temporal, right temporal, left
/// parasagittal, right parasagittal, midline).
std::span<const Derivation> DoubleBanana();
/// Transverse bipolar montage, 18 derivations from left to right, rows from front to back
/// (guideline 3, TB 18.1).
std::span<const Derivation> TransverseBipolar();

/// Subtracts, sample by sample, the mean of the channels with reference[c] true from all channels.
/// Requires equally long channels, one flag each. Does nothing when no flag is set.
void AverageReference(std::span<const std::span<double>> channels, std::span<const bool> reference);

/// out[i] = first[i] - second[i]. Requires equal lengths.
void Derive(std::span<const double> first, std::span<const double> second, std::span<double> out);

/// Angle between two positions seen from the centre, in radians.
double AngleBetween(const Position& a, const Position& b);

}  // namespace montage::signal
