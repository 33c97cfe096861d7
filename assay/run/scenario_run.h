#pragma once
// One instance of a scenario from its inputs to its verdict, with its retries and its cleanup.

#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "assay/plan/plan.h"
#include "assay/run/recorder.h"
#include "assay/run/scope.h"
#include "assay/run/source/outcome_source.h"
#include "assay/run/stopper.h"
#include "lib/net/task.h"

namespace assay::run {

/// What all scenarios of a run share. Everything outlives the scenarios.
struct ScenarioContext {
  OutcomeSource& source;
  Recorder& recorder;
  uint64_t seed = 0;
  base::Duration cleanup_timeout{};
  /// run, env, environment, endpoints and scenario as this instance sees them.
  std::function<Globals(const plan::PlannedScenario&)> globals;
  Stopper& run_stopper;      ///< stopped by the first Ctrl-C: steps end, cleanups run
  Stopper& cleanup_stopper;  ///< stopped by the second one: cleanups end as well
};

struct ScenarioEnd {
  Judgement judgement;
  bool flaky = false;
  size_t attempts = 1;
};

/// Writes scenario.started to scenario.finished. Does not return before every step, background
/// steps included, has ended; must not be cancelled.
net::Task<ScenarioEnd> RunScenario(const plan::PlannedScenario& scenario,
                                   const ScenarioContext& context);

/// The scenario is not run: writes scenario.skipped.
void SkipScenario(const plan::PlannedScenario& scenario, const std::string& reason,
                  Recorder& recorder);

}  // namespace assay::run
