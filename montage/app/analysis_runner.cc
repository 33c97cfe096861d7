#include "montage/app/analysis_runner.h"

#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/json/parse.h"
#include "montage/analysis/features/window_features.h"
#include "montage/recordings/edf_recording.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;

class ActiveAnalysis {
 public:
  explicit ActiveAnalysis(telemetry::Metrics& metrics) : metrics_(metrics) {
    metrics_.AddActiveAnalyses(1);
  }
  ~ActiveAnalysis() { metrics_.AddActiveAnalyses(-1); }
  ActiveAnalysis(const ActiveAnalysis&) = delete;
  ActiveAnalysis& operator=(const ActiveAnalysis&) = delete;

 private:
  telemetry::Metrics& metrics_;
};

/// What feature extraction took, when it was carried out.
std::optional<base::Duration> InferenceTime(const analysis::AnalysisResult& result) {
  const auto& stage = result.At(analysis::Stage::kFeatureExtraction);
  if (stage.status != analysis::StageStatus::kCompleted) return std::nullopt;
  return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(stage.seconds));
}

class Runner {
 public:
  explicit Runner(AnalysisRunnerParts parts) : parts_(std::move(parts)) {}

  Result<jobs::JobOutcome> Run(const jobs::Job& job, jobs::JobContext& context) const {
    const ActiveAnalysis active(parts_.metrics);
    const base::SteadyTime start = parts_.clock.Steady();
    auto outcome = Analyse(job, context, start);
    const base::Duration took = parts_.clock.Steady() - start;
    if (outcome) {
      parts_.metrics.CountAnalysis(job.request.analysis_type, "completed", took);
    } else if (outcome.error().code == ErrorCode::kCancelled && !context.cancelled()) {
      // Not the user's wish: somebody else takes the job after the restart.
      return base::Fail(ErrorCode::kUnavailable, "the service is stopping");
    } else if (!jobs::MayPass(outcome.error().code)) {  // else it is not finished yet
      const bool cancelled = outcome.error().code == ErrorCode::kCancelled;
      parts_.metrics.CountAnalysis(job.request.analysis_type, cancelled ? "cancelled" : "failed",
                                   took);
    }
    return outcome;
  }

 private:
  Result<jobs::JobOutcome> Analyse(const jobs::Job& job, jobs::JobContext& context,
                                   base::SteadyTime start) const {
    const analysis::Control control{
        .clock = &parts_.clock,
        .cancelled = [&] { return context.cancelled() || parts_.stop.stop_requested(); },
        .progress = [&](double done) { context.Report(std::llround(done * 100)); }};
    TRY(const auto request,
        ParseAnalysisRequest(job.request.analysis_type, job.request.parameters));
    TRY(const auto content, parts_.recordings.Open(job.request.file_id, control.deadline));
    TRY(const auto recording,
        recordings::EdfRecording::Open(*content, parts_.spool_folder, control.deadline));
    TRY(const auto result,
        analysis::Analyse(recording->view(), request, parts_.analyses(), control, parts_.clock));
    const base::Duration took = parts_.clock.Steady() - start;
    boost::json::object json = analysis::ToJson(result, recording->view());
    json["job_id"] = job.job_id;
    json["file_id"] = job.request.file_id;
    json["analysis_type"] = job.request.analysis_type;
    json["status"] = "completed";
    json["processing_time_ms"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
    jobs::JobOutcome outcome{.results = boost::json::serialize(json)};
    if (const auto inference = InferenceTime(result)) {
      parts_.metrics.CountInference("eegpt", analysis::kFeatureMethod.name, *inference);
      outcome.model_inference_time_ms =
          std::chrono::duration_cast<std::chrono::milliseconds>(*inference).count();
    }
    return outcome;
  }

  AnalysisRunnerParts parts_;
};

}  // namespace

jobs::JobRunner MakeAnalysisRunner(AnalysisRunnerParts parts) {
  return [runner = std::make_shared<Runner>(std::move(parts))](
             const jobs::Job& job, jobs::JobContext& context) { return runner->Run(job, context); };
}

Result<analysis::Request> ParseAnalysisRequest(std::string_view analysis_type,
                                               std::string_view parameters) {
  analysis::Request request;
  TRY(request.type, analysis::ParseAnalysisType(analysis_type));
  TRY(const auto json, json::Parse(parameters));
  const auto* object = json.if_object();
  if (object == nullptr)
    return base::Fail(ErrorCode::kInvalid, "the parameters of the analysis are no JSON object");
  for (const auto& [stage, member] : analysis::kStageOptions) {
    const auto* value = object->if_contains(analysis::ToString(stage));
    if (value == nullptr || value->is_null()) continue;
    if (!value->is_bool()) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("{} is {}, expected true or false", analysis::ToString(stage),
                                    boost::json::serialize(*value)));
    }
    request.*member = value->as_bool();
  }
  return request;
}

}  // namespace montage::app
