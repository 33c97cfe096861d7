#include <map>

#include <fmt/format.h>

#include "bench/detection/analysing.h"

namespace detection {
namespace {

namespace evaluation = montage::evaluation;
using evaluation::Case;

/// The electrodes, and what else there is.
std::string MontageOf(const synth::EegSpec& spec) {
  size_t eeg = 0;
  size_t eyes = 0;
  bool chin = false;
  for (const std::string& name : spec.channels) {
    if (name.starts_with('E')) {
      (name == "EMG chin" ? chin = true : eyes += 1);
    } else {
      eeg += 1;
    }
  }
  return fmt::format("{} EEG, {} eyes, {} chin, {} Hz", eeg, eyes, chin ? 1 : 0, spec.rate_hz);
}

}  // namespace

base::Result<Measured> MeasureSleep(const Selection& selection, const Progress& progress) {
  const montage::analysis::Request request{.type = montage::analysis::AnalysisType::kQuick,
                                           .spectral_analysis = false,
                                           .sleep_analysis = true};
  TRY(const auto outcomes, AnalyseAll(NightCorpus(selection), request, progress));
  std::vector<Case> cases;
  std::map<std::string, std::vector<Case>> by_group;
  for (const Outcome& outcome : outcomes) {
    const Case& one = outcome.compared;
    cases.push_back(one);
    by_group[outcome.recording.group].push_back(one);
    by_group[MontageOf(outcome.recording.spec)].push_back(one);
    by_group[fmt::format("{} surroundings", ToString(outcome.recording.noise))].push_back(one);
  }
  Measured out = MeasuredOf(outcomes);
  evaluation::FigureTable table = evaluation::ScoreSleep(cases, {.kappa = 0.8});
  for (const auto& [group, nights] : by_group) {
    evaluation::Figure kappa = evaluation::ScoreSleep(nights).figures.front();
    kappa.subject = group;
    table.figures.push_back(std::move(kappa));
  }
  out.tables.push_back(std::move(table));
  return out;
}

}  // namespace detection
