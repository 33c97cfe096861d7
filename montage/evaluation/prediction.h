#pragma once
// What an analysis says about a recording, read from its published result, so that an evaluation
// sees what a user sees.

#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "lib/base/result.h"
#include "montage/evaluation/truth/truth.h"

namespace montage::evaluation {

struct Prediction {
  /// The detector's verdict; none for the cautious one that stands in when it failed.
  std::optional<bool> is_abnormal = {};
  /// Probability of being abnormal, in [0, 1].
  std::optional<double> abnormality = {};
  std::vector<TimedEvent> events = {};  ///< of kEventKinds
  std::vector<std::optional<SleepStage>> stages = {};
  std::vector<std::string> bad_channels = {};
  /// Stages of the analysis that did not complete: `sleep_analysis: not_available`.
  std::vector<std::string> incomplete = {};

  bool Completed(std::string_view stage) const;
};

/// Reads what the API and `montage analyze --json` give. A part that is null is left out; one of an
/// unexpected form is kCorrupt, naming it.
base::Result<Prediction> ReadPrediction(const boost::json::object& result);

}  // namespace montage::evaluation
