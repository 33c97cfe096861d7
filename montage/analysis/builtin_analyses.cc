#include "montage/analysis/builtin_analyses.h"

#include <utility>

#include "montage/analysis/abnormality/abnormality_stage.h"
#include "montage/analysis/artifacts/artifact_stage.h"
#include "montage/analysis/connectivity/connectivity_stage.h"
#include "montage/analysis/events/event_stage.h"
#include "montage/analysis/features/feature_stage.h"
#include "montage/analysis/report_json.h"
#include "montage/analysis/sleep/sleep.h"

namespace montage::analysis {
namespace {

class QualityControl final : public Analysis {
 public:
  Stage stage() const override { return Stage::kQualityControl; }
  Method method() const override { return kQualityMethod; }
  base::Result<boost::json::object> Run(const RecordingView& recording, Findings& findings,
                                        const Control& control) const override {
    TRY(auto report, AssessQuality(recording, QualityOptions(), control));
    findings.quality = std::move(report);
    return ToJson(*findings.quality);
  }
};

class SpectralAnalysis final : public Analysis {
 public:
  Stage stage() const override { return Stage::kSpectralAnalysis; }
  Method method() const override { return kSpectralMethod; }
  base::Result<boost::json::object> Run(const RecordingView& recording, Findings& findings,
                                        const Control& control) const override {
    const QualityReport* quality = findings.quality ? &*findings.quality : nullptr;
    TRY(auto report, AnalyseSpectrum(recording, quality, SpectralOptions(), control));
    findings.spectral = std::move(report);
    return ToJson(*findings.spectral);
  }
};

}  // namespace

std::unique_ptr<Analysis> MakeQualityControl() { return std::make_unique<QualityControl>(); }
std::unique_ptr<Analysis> MakeSpectralAnalysis() { return std::make_unique<SpectralAnalysis>(); }

Registry BuiltInAnalyses(std::shared_ptr<WindowModel> model) {
  Registry registry;
  registry.Add(MakeQualityControl());
  registry.Add(MakeSpectralAnalysis());
  registry.Add(MakeArtifactDetection());
  registry.Add(MakeConnectivityAnalysis());
  registry.Add(MakeAbnormalityDetection(std::move(model)));
  registry.Add(MakeEventDetection());
  registry.Add(MakeSleepAnalysis());
  registry.Add(MakeFeatureExtraction());
  return registry;
}

}  // namespace montage::analysis
