#include "montage/analysis/pipeline.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "montage/analysis/report_json.h"

namespace montage::analysis {
namespace {

double Seconds(base::Duration duration) { return std::chrono::duration<double>(duration).count(); }

bool Contains(const std::vector<Stage>& stages, Stage stage) {
  return std::ranges::find(stages, stage) != stages.end();
}

bool StopsEverything(const base::Error& error) {
  return error.code == base::ErrorCode::kCancelled || error.code == base::ErrorCode::kTimeout;
}

/// Carries out the stages one after another; progress counts every stage alike.
class Pipeline {
 public:
  Pipeline(const RecordingView& recording, const Registry& registry, const Control& control,
           const base::Clock& clock, AnalysisResult& result)
      : recording_(recording),
        registry_(registry),
        control_(control),
        clock_(clock),
        result_(result) {}

  base::Result<void> Run() {
    for (const Stage stage : kStages) {
      TRY(control_.Check());
      StageReport report{.stage = stage};
      if (const std::optional<Skip> skip = ReasonToSkip(stage)) {
        report.reason = skip->reason;
        report.detail = skip->detail;
        result_.stages.push_back(std::move(report));
        result_.parts.emplace_back();
      } else {
        TRY(Carry(*registry_.Find(stage), std::move(report)));
      }
      control_.Report(static_cast<double>(result_.stages.size()) / kStageCount);
    }
    return {};
  }

 private:
  /// Asked for, or needed by a stage that is; quality control always, for what it knows of bad
  /// channels serves every stage.
  bool IsWanted(Stage stage) const {
    if (stage == Stage::kQualityControl || IsRequested(result_.request, stage)) return true;
    return std::ranges::any_of(kStages, [&](Stage other) {
      const Analysis* analysis = registry_.Find(other);
      return analysis != nullptr && IsRequested(result_.request, other) &&
             Contains(analysis->needs(), stage);
    });
  }

  std::optional<Skip> ReasonToSkip(Stage stage) const {
    if (!IsWanted(stage)) return Skip{SkipReason::kNotRequested, {}};
    const Analysis* analysis = registry_.Find(stage);
    if (analysis == nullptr) {
      return Skip{SkipReason::kNotAvailable, fmt::format("this build has no {}", ToString(stage))};
    }
    for (const Stage needed : analysis->needs()) {
      const StageReport& upstream = result_.At(needed);
      if (upstream.status == StageStatus::kFailed ||
          upstream.reason == SkipReason::kUpstreamFailure) {
        return Skip{SkipReason::kUpstreamFailure, fmt::format("{} failed", ToString(needed))};
      }
      if (upstream.status == StageStatus::kSkipped) {
        return Skip{upstream.reason, fmt::format("{} was skipped", ToString(needed))};
      }
    }
    const auto& verdict = result_.findings.abnormality;
    if (stage == Stage::kEventDetection && verdict && !verdict->is_abnormal) {
      return Skip{SkipReason::kNotAbnormal, "events are searched for in abnormal recordings only"};
    }
    return analysis->Declines(recording_, result_.findings);
  }

  base::Result<void> Carry(const Analysis& analysis, StageReport report) {
    Control inner = control_;
    const double done = static_cast<double>(result_.stages.size());
    inner.progress = [this, done](double fraction) {
      control_.Report((done + std::clamp(fraction, 0.0, 1.0)) / kStageCount);
    };
    const base::SteadyTime start = clock_.Steady();
    auto part = analysis.Run(recording_, result_.findings, inner);
    report.seconds = Seconds(clock_.Steady() - start);
    report.method = analysis.method();
    if (!part && StopsEverything(part.error())) return base::Fail(std::move(part).error());
    std::optional<boost::json::object> kept;
    if (part) {
      report.status = StageStatus::kCompleted;
      kept = WithMethod(std::move(*part), analysis.method());
    } else {
      report.status = StageStatus::kFailed;
      report.detail = part.error().ToString();
      report.fallback = analysis.Fallback();
      if (report.fallback) {
        (*report.fallback)["fallback"] = true;
        kept = WithMethod(*report.fallback, analysis.method());
      }
    }
    result_.stages.push_back(std::move(report));
    result_.parts.push_back(std::move(kept));
    return {};
  }

  const RecordingView& recording_;
  const Registry& registry_;
  const Control& control_;
  const base::Clock& clock_;
  AnalysisResult& result_;
};

}  // namespace

std::string_view ToString(Stage stage) {
  switch (stage) {
    case Stage::kQualityControl:
      return "quality_control";
    case Stage::kSpectralAnalysis:
      return "spectral_analysis";
    case Stage::kArtifactDetection:
      return "artifact_detection";
    case Stage::kConnectivityAnalysis:
      return "connectivity_analysis";
    case Stage::kAbnormalityDetection:
      return "abnormality_detection";
    case Stage::kEventDetection:
      return "event_detection";
    case Stage::kSleepAnalysis:
      return "sleep_analysis";
    case Stage::kFeatureExtraction:
      return "feature_extraction";
  }
  return "unknown";
}

std::string_view ToString(StageStatus status) {
  switch (status) {
    case StageStatus::kCompleted:
      return "completed";
    case StageStatus::kFailed:
      return "failed";
    case StageStatus::kSkipped:
      return "skipped";
  }
  return "unknown";
}

std::string_view ToString(SkipReason reason) {
  switch (reason) {
    case SkipReason::kNone:
      return "";
    case SkipReason::kNotRequested:
      return "not_requested";
    case SkipReason::kNotAbnormal:
      return "not_abnormal";
    case SkipReason::kUpstreamFailure:
      return "upstream_failure";
    case SkipReason::kRecordingTooShort:
      return "recording_too_short";
    case SkipReason::kUnsuitableRecording:
      return "unsuitable_recording";
    case SkipReason::kNotAvailable:
      return "not_available";
  }
  return "unknown";
}

std::string_view ToString(AnalysisType type) {
  switch (type) {
    case AnalysisType::kQuick:
      return "quick";
    case AnalysisType::kComprehensive:
      return "comprehensive";
    case AnalysisType::kScreening:
      return "screening";
  }
  return "unknown";
}

std::string_view ToString(Triage triage) {
  switch (triage) {
    case Triage::kRoutine:
      return "routine";
    case Triage::kExpedite:
      return "expedite";
    case Triage::kUrgent:
      return "urgent";
  }
  return "unknown";
}

base::Result<AnalysisType> ParseAnalysisType(std::string_view text) {
  for (const auto type :
       {AnalysisType::kQuick, AnalysisType::kComprehensive, AnalysisType::kScreening}) {
    if (text == ToString(type)) return type;
  }
  return base::Fail(
      base::ErrorCode::kInvalid,
      fmt::format("analysis_type '{}' is not quick, comprehensive or screening", text));
}

bool IsRequested(const Request& request, Stage stage) {
  const auto option = std::ranges::find(kStageOptions, stage, &StageOption::stage);
  if (const std::optional<bool> chosen = request.*option->member) return *chosen;
  switch (stage) {
    case Stage::kQualityControl:
    case Stage::kSpectralAnalysis:
      return true;
    case Stage::kAbnormalityDetection:
      return request.type != AnalysisType::kQuick;
    default:
      return request.type == AnalysisType::kComprehensive;
  }
}

void Registry::Add(std::unique_ptr<Analysis> analysis) {
  const Stage stage = analysis->stage();
  std::erase_if(analyses_, [&](const auto& known) { return known->stage() == stage; });
  analyses_.push_back(std::move(analysis));
}

const Analysis* Registry::Find(Stage stage) const {
  for (const auto& analysis : analyses_) {
    if (analysis->stage() == stage) return analysis.get();
  }
  return nullptr;
}

std::vector<Stage> Registry::MissingFor(const Request& request) const {
  std::vector<Stage> missing;
  for (const auto& [stage, member] : kStageOptions) {
    if ((request.*member).value_or(false) && Find(stage) == nullptr) missing.push_back(stage);
  }
  return missing;
}

base::Result<AnalysisResult> Analyse(const RecordingView& recording, const Request& request,
                                     const Registry& registry, const Control& control,
                                     const base::Clock& clock) {
  if (recording.source == nullptr) {
    return base::Fail(base::ErrorCode::kInvalid, "the recording has no source of samples");
  }
  AnalysisResult result{.request = request};
  const base::SteadyTime start = clock.Steady();
  TRY(Pipeline(recording, registry, control, clock, result).Run());
  result.seconds = Seconds(clock.Steady() - start);
  return result;
}

}  // namespace montage::analysis
