#include "montage/analysis/abnormality/abnormality_stage.h"

#include <utility>

#include <fmt/format.h>

#include "montage/analysis/abnormality/abnormality.h"
#include "montage/analysis/requirements.h"

namespace montage::analysis {
namespace {

constexpr size_t kLeastChannels = 4;
/// Below a half, so that nobody takes it for a finding.
constexpr double kFallbackConfidence = 0.2;

class AbnormalityDetection final : public Analysis {
 public:
  explicit AbnormalityDetection(std::shared_ptr<WindowModel> model) : model_(std::move(model)) {}

  Stage stage() const override { return Stage::kAbnormalityDetection; }
  Method method() const override {
    if (model_ != nullptr) return {model_->name(), model_->version()};
    return kAbnormalityMethod;
  }
  std::vector<Stage> needs() const override { return {Stage::kQualityControl}; }

  std::optional<Skip> Declines(const RecordingView& recording,
                               const Findings& /*findings*/) const override {
    if (recording.duration_s < kMinDurationS) {
      return Skip{SkipReason::kRecordingTooShort, fmt::format("{:.3g} s, expected at least {:g} s",
                                                              recording.duration_s, kMinDurationS)};
    }
    const size_t channels = CheckRecording(recording).eeg.size();
    if (channels < kLeastChannels) {
      return Skip{SkipReason::kUnsuitableRecording,
                  fmt::format("{} EEG channels can be analysed, expected at least {}", channels,
                              kLeastChannels)};
    }
    return std::nullopt;
  }

  base::Result<boost::json::object> Run(const RecordingView& recording, Findings& findings,
                                        const Control& control) const override {
    Control survey = control;
    // A learned judge takes longer than the survey.
    const double share = model_ != nullptr ? 0.3 : 1.0;
    survey.progress = [&](double fraction) { control.Report(share * fraction); };
    TRY(findings.events, SurveyEvents(recording, *findings.quality, survey));
    Control judging = control;
    judging.progress = [&](double fraction) { control.Report(share + (1 - share) * fraction); };
    TRY(const auto report,
        DetectAbnormality(recording, *findings.quality, *findings.events, model_.get(), judging));
    findings.abnormality = report.verdict;
    return ToJson(report);
  }

  std::optional<boost::json::object> Fallback() const override {
    return boost::json::object{{"is_abnormal", true},
                               {"confidence", kFallbackConfidence},
                               {"triage_priority", "expedite"}};
  }

 private:
  std::shared_ptr<WindowModel> model_;
};

}  // namespace

std::unique_ptr<Analysis> MakeAbnormalityDetection(std::shared_ptr<WindowModel> model) {
  return std::make_unique<AbnormalityDetection>(std::move(model));
}

}  // namespace montage::analysis
