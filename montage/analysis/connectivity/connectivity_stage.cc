#include "montage/analysis/connectivity/connectivity_stage.h"

#include <fmt/format.h>

#include "montage/analysis/connectivity/connectivity.h"

namespace montage::analysis {
namespace {

constexpr double kMinRecordingS = 8.0;

class ConnectivityAnalysis final : public Analysis {
 public:
  Stage stage() const override { return Stage::kConnectivityAnalysis; }
  Method method() const override { return kConnectivityMethod; }
  std::vector<Stage> needs() const override { return {Stage::kQualityControl}; }

  std::optional<Skip> Declines(const RecordingView& recording,
                               const Findings& findings) const override {
    if (recording.duration_s < kMinRecordingS) {
      return Skip{
          SkipReason::kRecordingTooShort,
          fmt::format("{:.1f} s, expected at least {:g} s", recording.duration_s, kMinRecordingS)};
    }
    const QualityReport& quality = *findings.quality;
    const size_t good = quality.channels.size() - quality.bad_channels.size();
    if (good < 2) {
      return Skip{SkipReason::kUnsuitableRecording,
                  fmt::format("{} EEG channels are not bad, expected at least two", good)};
    }
    return std::nullopt;
  }

  base::Result<boost::json::object> Run(const RecordingView& recording, Findings& findings,
                                        const Control& control) const override {
    TRY(const auto report, AnalyseConnectivity(recording, &*findings.quality, {}, control));
    return ToJson(report);
  }
};

}  // namespace

std::unique_ptr<Analysis> MakeConnectivityAnalysis() {
  return std::make_unique<ConnectivityAnalysis>();
}

}  // namespace montage::analysis
