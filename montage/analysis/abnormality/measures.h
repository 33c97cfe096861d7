#pragma once
// What is measured of each window of 4 s, as numbers from which its abnormality is scored.
//
// The measures follow what a reader looks for (Schomer, Lopes da Silva, Niedermeyer's
// Electroencephalography, 7th ed., chapters on normal and abnormal EEG of adults): slow activity
// where there should be none, a posterior rhythm below 8 Hz, an asymmetry of the sides, a
// suppressed background, and what event detection finds. A window is usable when half of its
// channels are free of artifact; what an event covers is usable in any case, for its amplitude may
// pass for an artifact.

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "montage/analysis/events/event.h"
#include "montage/analysis/events/survey.h"

namespace montage::analysis {

enum class Measure {
  kSlowLevel,      ///< median over channels of ln power of 1 to 8 Hz, uV^2, smoothed over 10 s
  kSlowRatio,      ///< median over channels of ln (1 to 8 Hz over 8 to 30 Hz), smoothed over 10 s
  kFocalSlow,      ///< largest |ln| of the ratio of slow power left to right, smoothed over 60 s
  kPosteriorSlow,  ///< Hz by which the posterior centre lies below 9.5, smoothed over 30 s
  kSuppressed,     ///< fraction of the window's frames that are suppressed
  kEpileptiform,   ///< confidence of the epileptiform event in the window; 0 without
  kPeriodic,       ///< the same of periodic discharges
  kSeizure,        ///< the same of a seizure
  kBurstSuppression,
};
inline constexpr size_t kMeasureCount = 9;
std::string_view ToString(Measure measure);

struct WindowMeasures {
  std::array<double, kMeasureCount> values{};
  bool usable = false;
  double weight = 0;    ///< share of its channels that are free of artifact
  bool asleep = false;  ///< near sleep spindles: slow activity says nothing here

  double operator[](Measure measure) const { return values[static_cast<size_t>(measure)]; }
};

/// One of each window of the survey.
std::vector<WindowMeasures> MeasureWindows(const Survey& survey, const std::vector<Event>& events);

/// What is slow and where, over the whole recording; for words.
struct SlowingSummary {
  double slow_share = 0;  ///< median over channels of 1 to 8 Hz over 1 to 30 Hz
  double theta_share = 0;
  double delta_share = 0;
  std::optional<size_t> focal_row = {};  ///< where slow power exceeds the other side's most
  double focal_ratio = 1;
  std::optional<double> posterior_hz = {};  ///< peak of 4 to 13 Hz at the back; none: no peak
  double suppressed_fraction = 0;
  double asleep_fraction = 0;
};
SlowingSummary SummariseSlowing(const Survey& survey, const std::vector<WindowMeasures>& windows);

}  // namespace montage::analysis
