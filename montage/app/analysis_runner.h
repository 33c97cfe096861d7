#pragma once
// What workers do with a job: open its recording, analyse it, write down the result.

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>

#include "montage/analysis/pipeline.h"
#include "montage/jobs/worker.h"
#include "montage/recordings/recordings.h"
#include "montage/telemetry/metrics.h"

namespace montage::app {

/// What a runner works with; everything outlives it.
struct AnalysisRunnerParts {
  recordings::Recordings& recordings;
  /// Asked for each job: the model may be another one than for the job before.
  std::function<analysis::Registry()> analyses;
  telemetry::Metrics& metrics;
  const base::Clock& clock;
  std::filesystem::path spool_folder;
  /// Requested when the service must end now: running jobs go back to the queue.
  std::stop_token stop;
};

/// The result is analysis::ToJson with job_id, file_id, analysis_type, status, processing_time_ms.
/// A damaged or unreadable recording (kCorrupt, kInvalid, kNotFound) is final; I/O errors and the
/// service's own end may pass.
jobs::JobRunner MakeAnalysisRunner(AnalysisRunnerParts parts);

/// The options that a job carries as JSON: quality_control, abnormality_detection,
/// event_detection, sleep_analysis. kInvalid for an unknown type or an option that is no boolean.
base::Result<analysis::Request> ParseAnalysisRequest(std::string_view analysis_type,
                                                     std::string_view parameters);

}  // namespace montage::app
