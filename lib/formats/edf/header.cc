#include "lib/formats/edf/header.h"

#include <array>
#include <cmath>
#include <utility>

namespace formats::edf {

std::string_view ToString(Variant variant) {
  switch (variant) {
    case Variant::kEdf:
      return "EDF";
    case Variant::kEdfPlusC:
      return "EDF+C";
    case Variant::kEdfPlusD:
      return "EDF+D";
    case Variant::kBdf:
      return "BDF";
    case Variant::kBdfPlusC:
      return "BDF+C";
    case Variant::kBdfPlusD:
      return "BDF+D";
  }
  return "EDF";
}

bool IsBdf(Variant variant) {
  return variant == Variant::kBdf || variant == Variant::kBdfPlusC || variant == Variant::kBdfPlusD;
}

bool IsPlus(Variant variant) { return variant != Variant::kEdf && variant != Variant::kBdf; }

bool IsDiscontinuous(Variant variant) {
  return variant == Variant::kEdfPlusD || variant == Variant::kBdfPlusD;
}

uint32_t BytesPerSample(Variant variant) { return IsBdf(variant) ? 3 : 2; }

bool Signal::is_annotations() const {
  return label == "EDF Annotations" || label == "BDF Annotations";
}

double Signal::gain() const {
  return (physical_max - physical_min) /
         (static_cast<double>(digital_max) - static_cast<double>(digital_min));
}

double Signal::ToPhysical(int32_t digital) const {
  return (static_cast<double>(digital) - static_cast<double>(digital_min)) * gain() + physical_min;
}

std::optional<double> Signal::microvolts_per_unit() const {
  // U+00B5 micro sign and U+03BC Greek mu, both in use for "micro".
  static constexpr std::array<std::pair<std::string_view, double>, 8> kUnits = {{
      {"uV", 1.0},
      {"UV", 1.0},
      {"\xc2\xb5V", 1.0},
      {"\xce\xbcV", 1.0},
      {"mV", 1e3},
      {"V", 1e6},
      {"nV", 1e-3},
      {"uv", 1.0},
  }};
  for (const auto& [name, factor] : kUnits) {
    if (physical_dimension == name) return factor;
  }
  return std::nullopt;
}

uint64_t Header::record_bytes() const {
  uint64_t samples = 0;
  for (const Signal& signal : signals) samples += signal.samples_per_record;
  return samples * BytesPerSample(variant);
}

double Header::rate_hz(size_t signal) const {
  if (record_duration_s <= 0 || signals[signal].is_annotations()) return 0;
  return signals[signal].samples_per_record / record_duration_s;
}

Signal MakeAnnotationSignal(Variant variant, uint32_t bytes) {
  const uint32_t width = BytesPerSample(variant);
  Signal signal;
  signal.label = IsBdf(variant) ? "BDF Annotations" : "EDF Annotations";
  signal.physical_min = -1;
  signal.physical_max = 1;
  signal.digital_min = IsBdf(variant) ? -8388608 : -32768;
  signal.digital_max = IsBdf(variant) ? 8388607 : 32767;
  signal.samples_per_record = (bytes + width - 1) / width;
  return signal;
}

}  // namespace formats::edf
