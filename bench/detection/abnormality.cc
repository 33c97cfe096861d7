#include <map>

#include "bench/detection/analysing.h"

namespace detection {

namespace evaluation = montage::evaluation;

base::Result<Measured> MeasureAbnormality(const Selection& selection, const Progress& progress) {
  const montage::analysis::Request request{.type = montage::analysis::AnalysisType::kQuick,
                                           .spectral_analysis = false,
                                           .abnormality_detection = true};
  TRY(const auto outcomes, AnalyseAll(AbnormalityCorpus(selection), request, progress));
  std::vector<evaluation::Case> cases;
  std::map<std::pair<bool, std::string>, evaluation::Count> by_group;
  for (const Outcome& outcome : outcomes) {
    cases.push_back(outcome.compared);
    const bool truth = outcome.recording.abnormal;
    const auto found = outcome.compared.prediction.is_abnormal;
    if (found) by_group[{truth, outcome.recording.group}].Add(*found == truth);
  }
  Measured out = MeasuredOf(outcomes);
  out.tables.push_back(evaluation::ScoreAbnormality(cases, {.auroc = 0.95}));
  evaluation::FigureTable groups{.title = "Normal and abnormal recordings by what was planted"};
  for (const auto& [group, count] : by_group) {
    groups.AddShare(group.second, group.first ? "found abnormal" : "found normal", count,
                    "recordings");
  }
  out.tables.push_back(std::move(groups));
  return out;
}

}  // namespace detection
