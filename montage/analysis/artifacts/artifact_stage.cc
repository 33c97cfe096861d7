#include "montage/analysis/artifacts/artifact_stage.h"

#include "montage/analysis/artifacts/artifact_detection.h"
#include "montage/analysis/artifacts/artifact_json.h"
#include "montage/analysis/requirements.h"

namespace montage::analysis {
namespace {

class ArtifactDetection final : public Analysis {
 public:
  Stage stage() const override { return Stage::kArtifactDetection; }
  Method method() const override { return kArtifactMethod; }
  std::vector<Stage> needs() const override { return {Stage::kQualityControl}; }

  std::optional<Skip> Declines(const RecordingView& recording,
                               const Findings& findings) const override {
    const Eligibility eligibility = CheckRecording(recording);
    if (!eligibility.CanAnalyse()) {
      return Skip{SkipReason::kUnsuitableRecording, eligibility.shortcomings.front()};
    }
    if (findings.quality && findings.quality->bad_channels.size() == eligibility.eeg.size()) {
      return Skip{SkipReason::kUnsuitableRecording, "every EEG channel is bad"};
    }
    return std::nullopt;
  }

  base::Result<boost::json::object> Run(const RecordingView& recording, Findings& findings,
                                        const Control& control) const override {
    const QualityReport* quality = findings.quality ? &*findings.quality : nullptr;
    TRY(const auto report, DetectArtifacts(recording, quality, ArtifactOptions(), control));
    return ToJson(report);
  }
};

}  // namespace

std::unique_ptr<Analysis> MakeArtifactDetection() { return std::make_unique<ArtifactDetection>(); }

}  // namespace montage::analysis
