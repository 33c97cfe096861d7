#pragma once
// Which scenario runs when: dependencies, exclusive ones, concurrency, and when to stop.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "assay/plan/plan.h"
#include "assay/run/scenario_run.h"
#include "lib/net/event.h"
#include "lib/net/task.h"
#include "lib/net/task_group.h"

namespace assay::run {

struct ScheduleOptions {
  size_t jobs = 1;         ///< scenarios at a time
  bool fail_fast = false;  ///< after a failed or errored scenario no other one begins
  /// Why a scenario cannot run here (a service is missing), or nothing.
  std::function<std::optional<std::string>(const plan::PlannedScenario&)> prerequisite;
  /// Called when a scenario has ended.
  std::function<void(const plan::PlannedScenario&)> ended;
};

/// Runs the scenarios of a plan, in its order as far as `after`, `exclusive` and `jobs` allow.
/// Belongs to the run's loop.
class Scheduler {
 public:
  /// All of them outlive the scheduler.
  Scheduler(const plan::RunPlan& plan, ScheduleOptions options, const ScenarioContext& context);

  /// Returns when every scenario has ended or was skipped. Must not be cancelled: see Stop.
  net::Task<void> Run();
  /// No further scenario begins; those not begun are skipped with this reason.
  void Stop(std::string reason);

  /// In the order of the plan, after Run.
  const std::vector<history::Verdict>& verdicts() const { return verdicts_; }

 private:
  enum class State { kPending, kRunning, kDone };

  void Dispatch(net::TaskGroup& group);
  std::optional<std::string> WhyNot(size_t index) const;
  bool IsReady(size_t index) const;
  net::Task<void> RunOne(size_t index);

  const plan::RunPlan& plan_;
  ScheduleOptions options_;
  const ScenarioContext& context_;
  std::vector<State> states_;
  std::vector<history::Verdict> verdicts_;
  size_t running_ = 0;
  bool exclusive_ = false;
  std::string stopped_;
  net::Event changed_;
};

}  // namespace assay::run
