#include "montage/analysis/features/feature_stage.h"

#include <algorithm>
#include <span>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "montage/analysis/json_values.h"
#include "montage/signal/scalp/electrodes.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;

/// As a float that reads back equal.
json::array Numbers(std::span<const double> values) {
  json::array array;
  array.reserve(values.size());
  for (const double value : values) array.push_back(static_cast<float>(value));
  return array;
}

class FeatureExtraction final : public Analysis {
 public:
  Stage stage() const override { return Stage::kFeatureExtraction; }
  Method method() const override { return kFeatureMethod; }

  std::optional<Skip> Declines(const RecordingView& recording,
                               const Findings& /*findings*/) const override {
    if (recording.duration_s < kFeatureWindowS) {
      return Skip{SkipReason::kRecordingTooShort,
                  fmt::format("{:.1f} s, expected at least one window of {:g} s",
                              recording.duration_s, kFeatureWindowS)};
    }
    const auto has = [&](std::string_view name) {
      return recording.IndexOf(name) != recording.channels.size();
    };
    if (std::ranges::none_of(signal::TenTwenty(), has)) {
      return Skip{SkipReason::kUnsuitableRecording,
                  "no electrode of the 10-20 system (Fp1 to O2) was recorded"};
    }
    return std::nullopt;
  }

  base::Result<json::object> Run(const RecordingView& recording, Findings& /*findings*/,
                                 const Control& control) const override {
    TRY(const auto summary, SummariseFeatures(recording, control));
    return ToJson(summary);
  }
};

}  // namespace

std::unique_ptr<Analysis> MakeFeatureExtraction() { return std::make_unique<FeatureExtraction>(); }

json::object ToJson(const FeatureSummary& summary) {
  json::object object;
  object["windows"] = summary.windows;
  object["window_s"] = kFeatureWindowS;
  object["stride_s"] = kFeatureStrideS;
  object["length"] = kFeatureCount;
  object["interpolated_channels"] = JsonNames(summary.interpolated);
  object["missing_channels"] = JsonNames(summary.missing);
  object["mean"] = Numbers(summary.mean);
  object["deviation"] = Numbers(summary.deviation);
  return object;
}

}  // namespace montage::analysis
