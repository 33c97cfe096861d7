#pragma once
// What a signal label means: electrodes of the 10-20 and 10-10 systems (Jasper 1958; Chatrian 1985;
// Oostenveld & Praamstra 2001) and the ways real files write them.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace formats::edf {

enum class SignalKind {
  kEeg,
  kEog,
  kEmg,
  kEcg,
  kRespiration,
  kSaturation,
  kTemperature,
  kTrigger,
  kAnnotation,
  kOther,
};

/// `eeg`, `eog`, ...
std::string_view ToString(SignalKind kind);

/// A place on the head, on the unit sphere: x to the right ear, y to the nose, z up.
struct Electrode {
  std::string_view name;
  double x = 0;
  double y = 0;
  double z = 0;
};

/// All known electrodes, the 19 of the 10-20 system first in their customary order
/// (Fp1 Fp2 F7 F3 Fz F4 F8 T7 C3 Cz C4 T8 P7 P3 Pz P4 P8 O1 O2).
std::span<const Electrode> Electrodes();
std::span<const Electrode> StandardElectrodes();  ///< those 19

/// Finds an electrode in any case and by its older names (T3 = T7, T4 = T8, T5 = P7, T6 = P8,
/// A1 = M1, A2 = M2); null when unknown.
const Electrode* FindElectrode(std::string_view name);

struct ChannelName {
  /// The electrode (`T7`), the pair (`Fpz-Cz`), or the cleaned label when neither is known.
  std::string canonical;
  SignalKind kind = SignalKind::kOther;
  std::string electrode;  ///< the active electrode, empty when unknown
  /// The second electrode of a bipolar lead, or the reference as written (`LE`, `REF`, `AVG`,
  /// `M1`).
  std::string reference;
  bool bipolar = false;  ///< between two scalp electrodes; not against ear, mastoid or average
};

/// Reads a label: `EEG FP1-REF`, `EEG T3-LE`, `EEG Fpz-Cz`, `FP1.`, `C3:A2`, `EOG horizontal`.
ChannelName ParseChannelName(std::string_view label);

}  // namespace formats::edf
