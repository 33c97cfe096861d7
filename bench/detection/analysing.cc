#include "bench/detection/analysing.h"

#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/analysis/builtin_analyses.h"
#include "montage/evaluation/parallel.h"

namespace detection {
namespace {

using base::Result;
using montage::analysis::Stage;
namespace analysis = montage::analysis;
namespace evaluation = montage::evaluation;

evaluation::Truth TruthOf(const CorpusRecording& recording, const synth::Truth& truth) {
  evaluation::Truth out{.is_abnormal = recording.abnormal};
  for (const synth::TruthEvent& event : truth.events) {
    const std::string_view kind = evaluation::MeaningOf(event.kind);
    if (!kind.empty()) out.events.push_back({std::string(kind), event.onset_s, event.duration_s});
  }
  out.events = evaluation::JoinOverlapping(std::move(out.events));
  for (const synth::SleepStage stage : truth.hypnogram)
    out.stages.emplace_back(static_cast<evaluation::SleepStage>(stage));
  return out;
}

/// The event detection by itself: told that the recording is abnormal, as it would be if that
/// decision never erred.
Result<std::vector<evaluation::TimedEvent>> DetectUngated(const analysis::RecordingView& view,
                                                          const analysis::Registry& registry,
                                                          analysis::Findings findings) {
  const analysis::Analysis* const events = registry.Find(Stage::kEventDetection);
  if (events == nullptr) return std::vector<evaluation::TimedEvent>();
  findings.abnormality = analysis::AbnormalityVerdict{.is_abnormal = true, .score = 1};
  TRY(boost::json::object part, events->Run(view, findings, {}));
  TRY(evaluation::Prediction prediction,
      evaluation::ReadPrediction({{"event_detection", std::move(part)}}));
  return std::move(prediction.events);
}

Result<Outcome> AnalyseOne(const CorpusRecording& recording, const analysis::Request& request,
                           const analysis::Registry& registry) {
  TRY(auto generator, synth::EegGenerator::Create(recording.spec));
  const analysis::GeneratedRecording source(std::move(generator));
  const analysis::RecordingView& view = source.view();
  const base::SystemClock clock;
  TRY(const auto result, analysis::Analyse(view, request, registry, {}, clock));
  Outcome out{.recording = recording};
  out.compared.name = fmt::format("{} {}", recording.group, recording.spec.seed);
  out.compared.duration_s = view.duration_s;
  out.compared.truth = TruthOf(recording, source.truth());
  TRY(out.compared.prediction, evaluation::ReadPrediction(analysis::ToJson(result, view)));
  for (const synth::BadChannel& bad : source.truth().bad_channels)
    out.bad_channels.push_back(bad.channel);
  if (request.event_detection.value_or(false)) {
    TRY(out.ungated_events, DetectUngated(view, registry, result.findings));
  }
  return out;
}

}  // namespace

Result<std::vector<Outcome>> AnalyseAll(const std::vector<CorpusRecording>& corpus,
                                        const analysis::Request& request,
                                        const Progress& progress) {
  const analysis::Registry registry = analysis::BuiltInAnalyses();
  std::vector<std::optional<Result<Outcome>>> results(corpus.size());
  evaluation::ForEachInParallel(
      corpus.size(), evaluation::WorkerCount(),
      [&](size_t i) { results[i] = AnalyseOne(corpus[i], request, registry); },
      [&](size_t done) {
        if (progress) progress(done, corpus.size());
      });
  std::vector<Outcome> out;
  for (size_t i = 0; i < corpus.size(); ++i) {
    if (!*results[i]) {
      return base::Fail(std::move(results[i]->error())
                            .While(fmt::format("analysing the recording \"{}\" of seed {}",
                                               corpus[i].group, corpus[i].spec.seed)));
    }
    out.push_back(**std::move(results[i]));
  }
  return out;
}

Measured MeasuredOf(const std::vector<Outcome>& outcomes) {
  Measured out{.recordings = outcomes.size()};
  for (const Outcome& outcome : outcomes) out.hours += outcome.compared.duration_s / 3600;
  return out;
}

}  // namespace detection
