#pragma once
// What a generated recording really contains.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "lib/synth/subject/subject.h"

namespace synth {

/// AASM sleep stages; an epoch has 30 s.
enum class SleepStage { kWake, kN1, kN2, kN3, kRem };
/// `W`, `N1`, `N2`, `N3`, `REM`.
std::string_view ToString(SleepStage stage);
inline constexpr double kEpochSeconds = 30;

/// Something planted. Onset and duration bound the samples that differ from the background.
struct TruthEvent {
  std::string_view
      kind;  ///< name of the plant, or of the sleep figure (`spindle`, `k_complex`, ...)
  double onset_s = 0;
  double duration_s = 0;
  std::vector<uint32_t> channels;  ///< indices into Truth::channels, where it was planted
  double amplitude_uv = 0;         ///< largest deflection at those channels
  std::optional<double> hz;
  bool operator==(const TruthEvent&) const = default;
};

/// Seconds from the start of the recording.
struct Stretch {
  double onset_s = 0;
  double duration_s = 0;
  bool operator==(const Stretch&) const = default;
};

/// A channel that a quality check must find.
struct BadChannel {
  std::string channel;
  std::string_view kind;  ///< `flat`, `noisy`, `dc_offset`, `clipped`, `line_noise`, ...
  double onset_s = 0;
  double duration_s = 0;
  bool operator==(const BadChannel&) const = default;
};

struct Truth {
  uint64_t seed = 0;
  int generator_version = 0;  ///< changes when the same seed gives other bytes
  std::string format;
  std::vector<std::string> channels;
  double rate_hz = 0;
  double duration_s = 0;
  uint64_t bytes = 0;
  double background_alpha_hz = 0;  ///< of the wake background at the back of the head
  Subject subject;
  std::vector<Stretch> eyes_open;  ///< awake; closed otherwise
  std::vector<TruthEvent> events;  ///< by onset
  std::vector<BadChannel> bad_channels;
  std::vector<SleepStage> hypnogram;  ///< one an epoch; empty without a sleep plan
};

/// Field names as above; channels of events by name.
boost::json::object ToJson(const Truth& truth);

}  // namespace synth
