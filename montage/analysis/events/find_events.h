#pragma once
// From a survey to a list of events, in which one thing is one event:
//
//   burst suppression > seizure > trains of discharges > single discharges > artifacts
//
// What an event of higher rank covers by half is not listed again. A seizure gives way to a train
// that explains it (spike-and-wave is rhythmic too) unless its frequency evolves.

#include <array>
#include <cstddef>
#include <vector>

#include "montage/analysis/events/event.h"
#include "montage/analysis/events/survey.h"
#include "montage/analysis/quality/quality.h"

namespace montage::analysis {

/// Events by onset.
std::vector<Event> FindEvents(const Survey& survey, const QualityReport& quality);

/// How many of each type, by EventType.
std::array<size_t, 6> CountByType(const std::vector<Event>& events);

}  // namespace montage::analysis
