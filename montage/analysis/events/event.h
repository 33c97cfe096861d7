#pragma once
// What event detection reports.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace montage::analysis {

enum class EventType { kEpileptiform, kPled, kGped, kSeizure, kArtifact, kBurstSuppression };
inline constexpr EventType kEventTypes[] = {EventType::kEpileptiform, EventType::kPled,
                                            EventType::kGped,         EventType::kSeizure,
                                            EventType::kArtifact,     EventType::kBurstSuppression};
/// `epileptiform`, `PLED`, `GPED`, `seizure`, `artifact`, `burst_suppression`.
std::string_view ToString(EventType type);

/// A number that speaks for an event, with its unit in the name: `rate_hz`, `amplitude_uv`.
struct EventFeature {
  std::string_view name;
  double value = 0;
};

struct Event {
  EventType type = EventType::kArtifact;
  std::string_view form = {};  ///< `spike`, `spike_wave`, `blink`, ... of the type
  double onset_s = 0;
  double duration_s = 0;
  std::vector<std::string> channels = {};  ///< most involved first; at least one
  double confidence = 0;                   ///< in [0, 1]; formula in the reference page
  std::vector<EventFeature> features = {};

  double end_s() const { return onset_s + duration_s; }
};

}  // namespace montage::analysis
