#pragma once
// The stages of an analysis, what there is to carry them out, and the result.
//
//   quality_control --> spectral_analysis
//          |----------> artifact_detection
//          |----------> connectivity_analysis
//          |----------> abnormality_detection --> event_detection   (only when abnormal)
//          |----------> sleep_analysis
//          '----------> feature_extraction
//
// A stage that another one needs runs also when it was not asked for; then its part is left out of
// the result. A stage that is not built in is reported as not available; nothing stands in for it.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"
#include "montage/analysis/spectral.h"

namespace montage::analysis {

inline constexpr std::string_view kDisclaimer =
    "This output is decision support for a qualified reader, not a diagnosis.";

enum class Stage {
  kQualityControl,
  kSpectralAnalysis,
  kArtifactDetection,
  kConnectivityAnalysis,
  kAbnormalityDetection,
  kEventDetection,
  kSleepAnalysis,
  kFeatureExtraction,
};
inline constexpr Stage kStages[] = {Stage::kQualityControl,       Stage::kSpectralAnalysis,
                                    Stage::kArtifactDetection,    Stage::kConnectivityAnalysis,
                                    Stage::kAbnormalityDetection, Stage::kEventDetection,
                                    Stage::kSleepAnalysis,        Stage::kFeatureExtraction};
inline constexpr size_t kStageCount = std::size(kStages);
/// `quality_control`, ...
std::string_view ToString(Stage stage);

enum class StageStatus { kCompleted, kFailed, kSkipped };
std::string_view ToString(StageStatus status);

enum class SkipReason {
  kNone,
  kNotRequested,
  kNotAbnormal,
  kUpstreamFailure,
  kRecordingTooShort,
  kUnsuitableRecording,  ///< lacks the channels or the rate that the stage works on
  kNotAvailable,
};
std::string_view ToString(SkipReason reason);

enum class AnalysisType { kQuick, kComprehensive, kScreening };
std::string_view ToString(AnalysisType type);
/// Error kInvalid naming the three types.
base::Result<AnalysisType> ParseAnalysisType(std::string_view text);

/// What the caller asked for. An option that is set adds or removes its stage; one that is not set
/// follows the type: quick is quality and spectrum, screening adds abnormality, comprehensive is
/// everything.
struct Request {
  AnalysisType type = AnalysisType::kComprehensive;
  std::optional<bool> quality_control =
      {};  ///< false: the report is left out; the stage still runs
  std::optional<bool> spectral_analysis = {};
  std::optional<bool> artifact_detection = {};
  std::optional<bool> connectivity_analysis = {};
  std::optional<bool> abnormality_detection = {};
  std::optional<bool> event_detection = {};
  std::optional<bool> sleep_analysis = {};
  std::optional<bool> feature_extraction = {};
};

/// The option of a stage, by the stage's name.
struct StageOption {
  Stage stage;
  std::optional<bool> Request::* member;
};
inline constexpr StageOption kStageOptions[] = {
    {Stage::kQualityControl, &Request::quality_control},
    {Stage::kSpectralAnalysis, &Request::spectral_analysis},
    {Stage::kArtifactDetection, &Request::artifact_detection},
    {Stage::kConnectivityAnalysis, &Request::connectivity_analysis},
    {Stage::kAbnormalityDetection, &Request::abnormality_detection},
    {Stage::kEventDetection, &Request::event_detection},
    {Stage::kSleepAnalysis, &Request::sleep_analysis},
    {Stage::kFeatureExtraction, &Request::feature_extraction},
};

bool IsRequested(const Request& request, Stage stage);

enum class Triage { kRoutine, kExpedite, kUrgent };
std::string_view ToString(Triage triage);

/// What later stages need to know of an abnormality detection.
struct AbnormalityVerdict {
  bool is_abnormal = false;
  double score = 0;
  double confidence = 0;
  Triage triage = Triage::kRoutine;
};

struct SurveyedEvents;  // events/event_stage.h

/// What the stages so far have found.
struct Findings {
  std::optional<QualityReport> quality = {};
  std::optional<SpectralReport> spectral = {};
  std::optional<AbnormalityVerdict> abnormality = {};
  /// What abnormality detection has seen of events on the way, so that the recording is read once.
  std::shared_ptr<const SurveyedEvents> events = {};
};

/// Why an analysis does not apply to a recording, with words for the reader.
struct Skip {
  SkipReason reason = SkipReason::kNone;
  std::string detail = {};
};

/// One stage. Stateless: Run may be called from several threads at once.
class Analysis {
 public:
  virtual ~Analysis() = default;
  virtual Stage stage() const = 0;
  virtual Method method() const = 0;
  /// Stages that must have completed; they run for this one also when nobody asked for them.
  virtual std::vector<Stage> needs() const { return {}; }
  /// A reason not to run on this recording at all.
  virtual std::optional<Skip> Declines(const RecordingView& /*recording*/,
                                       const Findings& /*findings*/) const {
    return std::nullopt;
  }
  /// The stage's part of the result; may add to the findings.
  virtual base::Result<boost::json::object> Run(const RecordingView& recording, Findings& findings,
                                                const Control& control) const = 0;
  /// The cautious answer after a failure, marked as such by the pipeline; none by default.
  virtual std::optional<boost::json::object> Fallback() const { return std::nullopt; }
};

/// Which stages this build can carry out. Filled at start, then only read.
class Registry {
 public:
  /// Replaces an analysis of the same stage.
  void Add(std::unique_ptr<Analysis> analysis);
  const Analysis* Find(Stage stage) const;
  /// Stages asked for by an option that is set to true, which are not there: the API's 501.
  std::vector<Stage> MissingFor(const Request& request) const;

 private:
  std::vector<std::unique_ptr<Analysis>> analyses_ = {};
};

struct StageReport {
  Stage stage = Stage::kQualityControl;
  StageStatus status = StageStatus::kSkipped;
  SkipReason reason = SkipReason::kNone;
  std::string detail = {};  ///< of a skip or a failure
  double seconds = 0;
  std::optional<Method> method = {};
  std::optional<boost::json::object> fallback = {};
};

struct AnalysisResult {
  Request request = {};
  std::vector<StageReport> stages = {};                        ///< one of each, in order
  std::vector<std::optional<boost::json::object>> parts = {};  ///< by Stage
  Findings findings = {};
  double seconds = 0;

  const StageReport& At(Stage stage) const { return stages[static_cast<size_t>(stage)]; }
};

/// Runs what is requested and possible. A stage that fails does not stop the others. Errors only
/// for cancellation, the deadline, and a recording without source.
base::Result<AnalysisResult> Analyse(const RecordingView& recording, const Request& request,
                                     const Registry& registry, const Control& control,
                                     const base::Clock& clock);

/// The published form: quality_report, abnormality_detection, sleep_analysis, event_detection (null
/// when absent), spectral_analysis, features, stages, recording, disclaimer.
boost::json::object ToJson(const AnalysisResult& result, const RecordingView& recording);

}  // namespace montage::analysis
