#pragma once
// Is the recording abnormal, how sure is that, and how soon should it be read?
//
// A learned judge of windows scores the windows when there is one (window_model.h); the documented
// measures do otherwise. Aggregation, verdict and triage are the same for both.

#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/base/result.h"
#include "montage/analysis/abnormality/measures.h"
#include "montage/analysis/abnormality/scoring.h"
#include "montage/analysis/abnormality/window_model.h"
#include "montage/analysis/events/event_stage.h"
#include "montage/analysis/pipeline.h"

namespace montage::analysis {

inline constexpr Method kAbnormalityMethod{"montage-abnormality-features", "1.0"};
inline constexpr size_t kLeastWindows = 10;
inline constexpr double kAbnormalScore = 0.5;
inline constexpr double kExpediteScore = 0.6;
inline constexpr double kUrgentScore = 0.8;

struct AbnormalityReport {
  AbnormalityVerdict verdict = {};
  Aggregate aggregate = {};
  std::vector<double> scores = {};  ///< by window; NaN where it is not usable
  size_t used = 0;
  double used_weight = 0;                  ///< mean weight of all windows
  bool asleep = false;                     ///< more than half of the windows look like sleep
  bool learned = false;                    ///< a model scored the windows
  std::vector<std::string> findings = {};  ///< in words, the weightiest first
  std::vector<std::string> notes = {};
};

/// Above kUrgentScore urgent, above kExpediteScore expedite, otherwise routine; a recording of poor
/// quality is expedite at least.
Triage TriageOf(double score, const QualityReport& quality);

/// `model` may be null. Error kUnsupported when fewer than kLeastWindows windows are usable, naming
/// how many; the model's own errors; I/O, cancellation, deadline.
base::Result<AbnormalityReport> DetectAbnormality(const RecordingView& recording,
                                                  const QualityReport& quality,
                                                  const SurveyedEvents& found, WindowModel* model,
                                                  const Control& control);

boost::json::object ToJson(const AbnormalityReport& report);

}  // namespace montage::analysis
