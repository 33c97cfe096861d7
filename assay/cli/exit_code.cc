#include "assay/cli/exit_code.h"

#include <algorithm>

namespace assay::cli {

using history::Verdict;

ExitCode ExitCodeOf(const history::RunModel& model) {
  if (model.interrupted) return ExitCode::kInterrupted;
  const auto any = [&](Verdict verdict) {
    return std::ranges::any_of(model.scenarios, [&](const history::ScenarioResult& scenario) {
      return !scenario.optional && scenario.verdict == verdict;
    });
  };
  if (any(Verdict::kFailed)) return ExitCode::kFailed;
  // The run's own verdict is error when the environment did not start.
  const bool is_engine_error =
      model.verdict == Verdict::kError &&
      std::ranges::none_of(model.scenarios, [](const history::ScenarioResult& scenario) {
        return scenario.verdict == Verdict::kError;
      });
  if (any(Verdict::kError) || is_engine_error || !model.complete) return ExitCode::kError;
  if (any(Verdict::kInconclusive)) return ExitCode::kInconclusive;
  const bool passed = std::ranges::any_of(
      model.scenarios, [](const auto& scenario) { return scenario.verdict == Verdict::kPassed; });
  return passed ? ExitCode::kPassed : ExitCode::kInconclusive;
}

}  // namespace assay::cli
