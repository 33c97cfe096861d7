#include <filesystem>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "bench/detection/measuring.h"
#include "lib/formats/edf/reader.h"
#include "montage/analysis/builtin_analyses.h"
#include "montage/evaluation/truth/edf_truth.h"
#include "montage/recordings/edf_recording.h"

namespace detection {
namespace {

using base::Result;
namespace fs = std::filesystem;
namespace analysis = montage::analysis;
namespace evaluation = montage::evaluation;

/// The excerpt keeps the start of its night, so the hypnogram of the night fits it.
Result<evaluation::Truth> TruthOf(const fs::path& hypnogram, double duration_s) {
  TRY(auto source, formats::edf::FileSource::Open(hypnogram, base::Deadline::Never()));
  TRY(const auto reader, formats::edf::Reader::Open(std::move(source)));
  TRY(const auto list, reader.Annotations());
  return evaluation::ReadEdfTruth(list.annotations, duration_s);
}

}  // namespace

Result<std::vector<std::string>> StageExcerpt(const std::string& folder) {
  const fs::path recording_path = fs::path(folder) / "short_psg.edf";
  const fs::path hypnogram = fs::path(folder) / "SC4001EC-Hypnogram.edf";
  for (const fs::path& path : {recording_path, hypnogram}) {
    if (!fs::exists(path))
      return base::Fail(base::ErrorCode::kNotFound, path.string() + " is not there");
  }
  TRY(auto source, formats::edf::FileSource::Open(recording_path, base::Deadline::Never()));
  TRY(const auto recording, montage::recordings::EdfRecording::Open(std::move(source)));
  const analysis::RecordingView& view = recording->view();
  TRY(const evaluation::Truth truth, TruthOf(hypnogram, view.duration_s));
  const base::SystemClock clock;
  TRY(const auto result, analysis::Analyse(view,
                                           {.type = analysis::AnalysisType::kQuick,
                                            .spectral_analysis = false,
                                            .sleep_analysis = true},
                                           analysis::BuiltInAnalyses(), {}, clock));
  TRY(const auto found, evaluation::ReadPrediction(analysis::ToJson(result, view)));
  std::vector<std::string> out = {fmt::format("{:.0f} s, {} epochs with an expert's stage",
                                              view.duration_s, truth.stages.size())};
  size_t agreed = 0;
  for (size_t i = 0; i < truth.stages.size(); ++i) {
    const auto show = [](const std::optional<evaluation::SleepStage>& stage) {
      return stage ? ToString(*stage) : std::string_view("-");
    };
    const auto ours = i < found.stages.size() ? found.stages[i] : std::nullopt;
    agreed += ours && ours == truth.stages[i] ? 1 : 0;
    out.push_back(
        fmt::format("epoch {}: expert {}, Montage {}", i + 1, show(truth.stages[i]), show(ours)));
  }
  for (const std::string& incomplete : found.incomplete)
    if (incomplete.starts_with("sleep")) out.push_back(incomplete);
  out.push_back(fmt::format("{} of {} agree", agreed, truth.stages.size()));
  return out;
}

}  // namespace detection
