#include "assay/run/scheduler.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace assay::run {

using history::Verdict;

Scheduler::Scheduler(const plan::RunPlan& plan, ScheduleOptions options,
                     const ScenarioContext& context)
    : plan_(plan),
      options_(std::move(options)),
      context_(context),
      states_(plan.scenarios.size(), State::kPending),
      verdicts_(plan.scenarios.size(), Verdict::kSkipped) {
  options_.jobs = std::max<size_t>(options_.jobs, 1);
}

void Scheduler::Stop(std::string reason) {
  if (stopped_.empty()) stopped_ = std::move(reason);
  changed_.Set();
}

std::optional<std::string> Scheduler::WhyNot(size_t index) const {
  const plan::PlannedScenario& scenario = plan_.scenarios[index];
  if (!stopped_.empty()) return stopped_;
  if (!scenario.skip_reason.empty()) return scenario.skip_reason;
  for (const size_t before : scenario.after) {
    if (states_[before] != State::kDone || verdicts_[before] == Verdict::kPassed) continue;
    return fmt::format("not evaluated: it comes after {}, which ended as {}",
                       plan_.scenarios[before].path, history::ToString(verdicts_[before]));
  }
  return options_.prerequisite ? options_.prerequisite(scenario) : std::nullopt;
}

bool Scheduler::IsReady(size_t index) const {
  return std::ranges::all_of(plan_.scenarios[index].after,
                             [&](size_t before) { return states_[before] == State::kDone; });
}

void Scheduler::Dispatch(net::TaskGroup& group) {
  bool blocked = false;  // an exclusive scenario waits for the running ones to end
  for (size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] != State::kPending) continue;
    if (const auto reason = WhyNot(i)) {
      states_[i] = State::kDone;
      SkipScenario(plan_.scenarios[i], *reason, context_.recorder);
      continue;
    }
    if (blocked || exclusive_ || running_ >= options_.jobs || !IsReady(i)) continue;
    const bool alone = plan_.scenarios[i].source().exclusive;
    if (alone && running_ > 0) {
      blocked = true;
      continue;
    }
    states_[i] = State::kRunning;
    exclusive_ = alone;
    ++running_;
    group.Spawn(RunOne(i));
  }
}

net::Task<void> Scheduler::RunOne(size_t index) {
  const plan::PlannedScenario& scenario = plan_.scenarios[index];
  ScenarioEnd end;
  try {
    end = co_await RunScenario(scenario, context_);
  } catch (const std::exception& bug) {
    // The run goes on and says so; a scenario that hangs the scheduler would help nobody.
    end.judgement = {Verdict::kError, fmt::format("internal error: {}", bug.what())};
    context_.recorder.writer().Write(history::kind::kScenarioFinished, scenario.path,
                                     {{"verdict", history::ToString(end.judgement.verdict)},
                                      {"reason", end.judgement.reason},
                                      {"attempt", 1},
                                      {"flaky", false},
                                      {"duration_ns", 0}});
  }
  verdicts_[index] = end.judgement.verdict;
  states_[index] = State::kDone;
  --running_;
  exclusive_ = false;
  if (options_.ended) options_.ended(scenario);
  const bool bad = end.judgement.verdict >= Verdict::kError;
  if (options_.fail_fast && bad) Stop("not evaluated: an earlier scenario failed");
  if (context_.recorder.writer().failure()) Stop("not evaluated: the log cannot be written");
  changed_.Set();
}

net::Task<void> Scheduler::Run() {
  net::TaskGroup group(co_await net::CurrentExecutor(), [this](const base::Error& error) {
    context_.recorder.writer().Write(history::kind::kRunWarning, "",
                                     {{"message", error.ToString()}, {"where", "scheduler"}});
  });
  for (;;) {
    Dispatch(group);
    const bool done =
        std::ranges::all_of(states_, [](State state) { return state == State::kDone; });
    if (done) break;
    static_cast<void>(co_await changed_.Wait(base::Deadline::Never()));
    changed_.Reset();
  }
  static_cast<void>(co_await group.Join(base::Deadline::Never()));
}

}  // namespace assay::run
