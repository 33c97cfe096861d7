#pragma once
// Event detection as a stage of an analysis.

#include <memory>
#include <vector>

#include <boost/json/object.hpp>

#include "montage/analysis/events/event.h"
#include "montage/analysis/events/survey.h"
#include "montage/analysis/pipeline.h"

namespace montage::analysis {

inline constexpr Method kEventMethod{"montage-event-detection", "1.0"};
/// Events listed in a result; counts are of all.
inline constexpr size_t kMostListedEvents = 2000;

/// What abnormality detection and event detection share.
struct SurveyedEvents {
  Survey survey = {};
  std::vector<Event> events = {};
};

/// One pass over the recording. Errors only for I/O, cancellation and deadlines.
base::Result<std::shared_ptr<const SurveyedEvents>> SurveyEvents(const RecordingView& recording,
                                                                 const QualityReport& quality,
                                                                 const Control& control);

/// {events: [{event_type, form, onset, duration, channels, confidence, features}], counts, listed,
/// ...}; times in seconds. Past kMostListedEvents the least confident artifacts, then the least
/// confident others, are left out.
boost::json::object ToJson(const SurveyedEvents& found);

/// Stage kEventDetection; needs abnormality detection, and runs only after an abnormal verdict.
std::unique_ptr<Analysis> MakeEventDetection();

}  // namespace montage::analysis
