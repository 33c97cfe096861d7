#include "lib/formats/edf/channel_names.h"

#include <array>
#include <utility>

namespace formats::edf {
namespace {

/// Positions: the equator through Fpz, T7, Oz, T8 in steps of 10 % (18 degrees), the midline in
/// steps of 22.5 degrees, the rows between midline and equator divided into quarters.
constexpr auto kElectrodes = std::to_array<Electrode>({
    {"Fp1", -0.31, 0.95, 0.00},  {"Fp2", 0.31, 0.95, 0.00},    {"F7", -0.81, 0.59, 0.00},
    {"F3", -0.48, 0.77, 0.42},   {"Fz", 0.00, 0.71, 0.71},     {"F4", 0.48, 0.77, 0.42},
    {"F8", 0.81, 0.59, 0.00},    {"T7", -1.00, 0.00, 0.00},    {"C3", -0.71, 0.00, 0.71},
    {"Cz", 0.00, 0.00, 1.00},    {"C4", 0.71, 0.00, 0.71},     {"T8", 1.00, 0.00, 0.00},
    {"P7", -0.81, -0.59, 0.00},  {"P3", -0.48, -0.77, 0.42},   {"Pz", 0.00, -0.71, 0.71},
    {"P4", 0.48, -0.77, 0.42},   {"P8", 0.81, -0.59, 0.00},    {"O1", -0.31, -0.95, 0.00},
    {"O2", 0.31, -0.95, 0.00},   {"Fpz", 0.00, 1.00, 0.00},    {"AF1", -0.16, 0.94, 0.30},
    {"AF2", 0.16, 0.94, 0.30},   {"AF3", -0.31, 0.93, 0.20},   {"AF4", 0.31, 0.93, 0.20},
    {"Nz", 0.00, 0.92, -0.38},   {"AFz", 0.00, 0.92, 0.38},    {"AF5", -0.46, 0.88, 0.10},
    {"AF6", 0.46, 0.88, 0.10},   {"AF7", -0.59, 0.81, 0.00},   {"AF8", 0.59, 0.81, 0.00},
    {"F1", -0.25, 0.77, 0.59},   {"F2", 0.25, 0.77, 0.59},     {"F5", -0.67, 0.71, 0.22},
    {"F6", 0.67, 0.71, 0.22},    {"F9", -0.75, 0.54, -0.38},   {"F10", 0.75, 0.54, -0.38},
    {"FC3", -0.64, 0.46, 0.62},  {"FC4", 0.64, 0.46, 0.62},    {"FC1", -0.34, 0.45, 0.82},
    {"FC2", 0.34, 0.45, 0.82},   {"FC5", -0.85, 0.41, 0.33},   {"FC6", 0.85, 0.41, 0.33},
    {"FCz", 0.00, 0.38, 0.92},   {"FT7", -0.95, 0.31, 0.00},   {"FT8", 0.95, 0.31, 0.00},
    {"FT9", -0.88, 0.29, -0.38}, {"FT10", 0.88, 0.29, -0.38},  {"C5", -0.92, 0.00, 0.38},
    {"T9", -0.92, 0.00, -0.38},  {"C1", -0.38, 0.00, 0.92},    {"C2", 0.38, 0.00, 0.92},
    {"C6", 0.92, 0.00, 0.38},    {"T10", 0.92, 0.00, -0.38},   {"M1", -0.88, -0.08, -0.47},
    {"M2", 0.88, -0.08, -0.47},  {"TP9", -0.88, -0.29, -0.38}, {"TP10", 0.88, -0.29, -0.38},
    {"TP7", -0.95, -0.31, 0.00}, {"TP8", 0.95, -0.31, 0.00},   {"CPz", 0.00, -0.38, 0.92},
    {"CP5", -0.85, -0.41, 0.33}, {"CP6", 0.85, -0.41, 0.33},   {"CP1", -0.34, -0.45, 0.82},
    {"CP2", 0.34, -0.45, 0.82},  {"CP3", -0.64, -0.46, 0.62},  {"CP4", 0.64, -0.46, 0.62},
    {"P9", -0.75, -0.54, -0.38}, {"P10", 0.75, -0.54, -0.38},  {"P5", -0.67, -0.71, 0.22},
    {"P6", 0.67, -0.71, 0.22},   {"P1", -0.25, -0.77, 0.59},   {"P2", 0.25, -0.77, 0.59},
    {"PO7", -0.59, -0.81, 0.00}, {"PO8", 0.59, -0.81, 0.00},   {"PO5", -0.46, -0.88, 0.10},
    {"PO6", 0.46, -0.88, 0.10},  {"POz", 0.00, -0.92, 0.38},   {"Iz", 0.00, -0.92, -0.38},
    {"PO3", -0.31, -0.93, 0.20}, {"PO4", 0.31, -0.93, 0.20},   {"PO1", -0.16, -0.94, 0.30},
    {"PO2", 0.16, -0.94, 0.30},  {"Oz", 0.00, -1.00, 0.00},
});

constexpr size_t kStandardCount = 19;

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

template <size_t kCount>
bool ContainsAny(std::string_view text, const std::array<std::string_view, kCount>& parts) {
  for (const std::string_view part : parts) {
    if (Contains(text, part)) return true;
  }
  return false;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kPadding = " .:_-";
  while (!text.empty() && Contains(kPadding, text.substr(0, 1))) text.remove_prefix(1);
  while (!text.empty() && Contains(kPadding, text.substr(text.size() - 1))) text.remove_suffix(1);
  return text;
}

/// The kind that the EDF+ standard texts and common habits name, judged on the upper-case label.
SignalKind GuessKind(std::string_view upper) {
  using std::to_array;
  if (Contains(upper, "ANNOTATIONS")) return SignalKind::kAnnotation;
  if (ContainsAny(upper, to_array<std::string_view>({"EOG", "LOC", "ROC"})) || upper == "E1" ||
      upper == "E2" || upper.starts_with("E1-") || upper.starts_with("E2-")) {
    return SignalKind::kEog;
  }
  if (ContainsAny(upper, to_array<std::string_view>({"ECG", "EKG"}))) return SignalKind::kEcg;
  if (ContainsAny(upper, to_array<std::string_view>({"EMG", "CHIN", "TIBIALIS", "SUBMENTAL"}))) {
    return SignalKind::kEmg;
  }
  if (ContainsAny(upper, to_array<std::string_view>({"SPO2", "SAO2", "PULSE OX"}))) {
    return SignalKind::kSaturation;
  }
  if (ContainsAny(upper, to_array<std::string_view>({"RESP", "AIRFLOW", "FLOW", "THORAX", "CHEST",
                                                     "ABDO", "NASAL", "SNORE"}))) {
    return SignalKind::kRespiration;
  }
  if (Contains(upper, "TEMP ") || upper == "TEMP") return SignalKind::kTemperature;
  if (ContainsAny(upper, to_array<std::string_view>({"TRIG", "STATUS", "MARKER", "EVENT"}))) {
    return SignalKind::kTrigger;
  }
  if (upper.starts_with("EEG")) return SignalKind::kEeg;
  return SignalKind::kOther;
}

bool IsReferenceElectrode(const Electrode& electrode) {
  return electrode.name == "M1" || electrode.name == "M2";
}

/// Splits `FP1-REF`, `C3:A2`, `Fp1/Ref`, `T3_LE` at its separator.
std::pair<std::string_view, std::string_view> SplitLead(std::string_view lead) {
  const size_t at = lead.find_first_of("-:/_");
  if (at == std::string_view::npos) return {lead, {}};
  return {Trimmed(lead.substr(0, at)), Trimmed(lead.substr(at + 1))};
}

}  // namespace

std::string_view ToString(SignalKind kind) {
  switch (kind) {
    case SignalKind::kEeg:
      return "eeg";
    case SignalKind::kEog:
      return "eog";
    case SignalKind::kEmg:
      return "emg";
    case SignalKind::kEcg:
      return "ecg";
    case SignalKind::kRespiration:
      return "respiration";
    case SignalKind::kSaturation:
      return "saturation";
    case SignalKind::kTemperature:
      return "temperature";
    case SignalKind::kTrigger:
      return "trigger";
    case SignalKind::kAnnotation:
      return "annotation";
    case SignalKind::kOther:
      return "other";
  }
  return "other";
}

std::span<const Electrode> Electrodes() { return kElectrodes; }

std::span<const Electrode> StandardElectrodes() {
  return std::span<const Electrode>(kElectrodes).first(kStandardCount);
}

const Electrode* FindElectrode(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOlder = {{
      {"T3", "T7"},
      {"T4", "T8"},
      {"T5", "P7"},
      {"T6", "P8"},
      {"A1", "M1"},
      {"A2", "M2"},
  }};
  std::string wanted = Upper(Trimmed(name));
  for (const auto& [older, newer] : kOlder) {
    if (wanted == older) wanted = newer;
  }
  for (const Electrode& electrode : kElectrodes) {
    if (Upper(electrode.name) == wanted) return &electrode;
  }
  return nullptr;
}

ChannelName ParseChannelName(std::string_view label) {
  ChannelName out;
  const std::string_view text = Trimmed(label);
  out.canonical = std::string(text);
  const std::string upper = Upper(text);
  out.kind = GuessKind(upper);
  if (out.kind != SignalKind::kEeg && out.kind != SignalKind::kOther) return out;

  std::string_view lead = text;
  if (upper.starts_with("EEG")) lead = Trimmed(lead.substr(3));
  const auto [active, second] = SplitLead(lead);
  const Electrode* const first = FindElectrode(active);
  if (first == nullptr) {
    if (!lead.empty()) out.canonical = std::string(lead);
    return out;
  }
  out.kind = SignalKind::kEeg;
  out.electrode = std::string(first->name);
  out.canonical = out.electrode;
  if (second.empty()) return out;
  const Electrode* const other = FindElectrode(second);
  out.reference = other != nullptr ? std::string(other->name) : std::string(second);
  if (other != nullptr && !IsReferenceElectrode(*other)) {
    out.bipolar = true;
    out.canonical = out.electrode + "-" + out.reference;
  }
  return out;
}

}  // namespace formats::edf
