#include "assay/workload/control.h"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/action/nested/step_bodies.h"
#include "assay/history/event.h"
#include "lib/base/units.h"
#include "lib/net/runtime.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"

namespace assay::workload {
namespace {

using history::Disposition;
using history::Outcome;

// Workers deliver at whole seconds; a moment later all of them have.
constexpr base::Duration kGather = std::chrono::milliseconds(50);
// A loop that computes all the time cannot begin anything when it is due.
constexpr double kSaturated = 0.97;

std::set<int64_t> NamedStatuses(const plan::PlannedStep& step) {
  std::vector<std::vector<std::string>> references;
  const auto add = [&](const plan::PlannedExpression& expression) {
    const auto& used = expression.program().references();
    references.insert(references.end(), used.begin(), used.end());
  };
  for (const plan::NamedProgram& condition : step.conditions) add(condition.expression);
  for (const plan::PlannedExpression& expectation : step.expect) add(expectation);
  for (const plan::NamedProgram& save : step.save) add(save.expression);
  return StatusesNamedIn(references);
}

}  // namespace

Control::Control(const WorkloadParams& params, const action::ActionContext& context, Flow& flow,
                 Collector& collector, Workers& workers, std::string engine_reason)
    : params_(params),
      context_(context),
      flow_(flow),
      collector_(collector),
      workers_(workers),
      engine_reason_(std::move(engine_reason)),
      names_(params.load.TaskNames()),
      named_statuses_(NamedStatuses(context.bodies->step())),
      interval_(params.load.tasks.size()) {}

net::Task<Outcome> Control::Run() {
  EmitStarted();
  net::TaskGroup group(co_await net::CurrentExecutor(), [this](const base::Error& error) {
    broken_ = "internal error: " + error.message;
    ended_.Set();
  });
  group.Spawn(RunWorkers());
  co_await Watch();
  // Whatever happened: no thread outlives the step.
  co_await net::Shielded([](net::TaskGroup& all) -> net::Task<void> {
    static_cast<void>(co_await all.Join(base::Deadline::Never()));
  }(group));
  co_return Conclude(cancelled_);
}

net::Task<void> Control::RunWorkers() {
  co_await workers_.Run();
  finished_ = context_.clock.Steady();
  ended_.Set();
}

net::Task<bool> Control::SleepUntil(base::SteadyTime time) {
  const auto waited = co_await ended_.Wait(base::Deadline::At(time));
  co_return !waited && waited.error().code == base::ErrorCode::kCancelled;
}

net::Task<void> Control::Watch() {
  base::SteadyTime give_up = flow_.last() + std::chrono::seconds(1);
  for (int64_t second = 1; !ended_.is_set(); ++second) {
    if (co_await SleepUntil(flow_.start() + std::chrono::seconds(second) + kGather)) {
      cancelled_ = true;
      flow_.Stop();
      workers_.Cancel();
      co_return;
    }
    if (ended_.is_set()) break;
    Second();
    const bool was_aborted = !aborted_.empty() || !broken_.empty();
    if (!was_aborted) AskAbort();
    if (!was_aborted && (!aborted_.empty() || !broken_.empty())) {
      flow_.Stop();
      workers_.Wake();
      give_up = std::min(give_up, context_.clock.Steady() + params_.load.executor.graceful_stop);
    }
    if (context_.clock.Steady() >= give_up) workers_.Cancel();
  }
}

void Control::EmitStarted() const {
  if (!context_.emit) return;
  boost::json::array tasks;
  for (const LoadTask& task : params_.load.tasks) {
    tasks.push_back(boost::json::object{{"name", task.name}, {"weight", task.weight}});
  }
  const Executor& executor = params_.load.executor;
  context_.emit(history::kind::kWorkloadStarted,
                {{"executor", ToString(executor.kind)},
                 {"tasks", std::move(tasks)},
                 {"span_ns", executor.span().count()},
                 {"vus", executor.most_vus()},
                 {"engine", workers_.name()},
                 {"engine_reason", engine_reason_}},
                {});
}

void Control::Second() {
  collector_.TakeInterval(interval_);
  if (context_.emit) {
    context_.emit(history::kind::kWorkloadInterval,
                  IntervalOf(interval_, names_, next_second_, flow_.users()), {});
  }
  ++next_second_;
  EmitFailures();
}

void Control::EmitFailures() {
  for (const Failure& failure : collector_.TakeFailures()) {
    std::vector<std::string> blobs;
    for (const std::string& content : failure.blobs) {
      // A full disk ends the run elsewhere; the failure itself is still told.
      if (auto name = context_.blobs.Put(content)) blobs.push_back(*std::move(name));
    }
    if (!context_.emit) continue;
    const bool has_transcript = std::ranges::find(blobs, failure.transcript) != blobs.end();
    context_.emit(history::kind::kWorkloadFailure,
                  {{"task", names_[failure.what.task]},
                   {"step", failure.what.step},
                   {"reason", failure.what.reason},
                   {"status", failure.status},
                   {"at_ns", failure.at.count()},
                   {"vu", failure.vu},
                   {"index", failure.index},
                   {"transcript", has_transcript ? failure.transcript : std::string()}},
                  std::move(blobs));
  }
}

void Control::AskAbort() {
  if (params_.abort_on.empty() || !context_.holds) return;
  const base::SteadyTime now = context_.clock.Steady();
  std::optional<cel::Value> figures;
  for (const AbortRule& rule : params_.abort_on) {
    if (now - flow_.start() < rule.delay) continue;
    if (!figures) figures = MetricsOf(collector_.Total(), State(now));
    const auto holds = context_.holds(rule.condition, *figures);
    if (!holds) continue;
    if (!*holds) {
      broken_ = holds->error().message;
      return;
    }
    if (!**holds) continue;
    const plan::PlannedExpression* condition =
        context_.bodies->step().FindCondition(rule.condition);
    aborted_ = condition == nullptr ? rule.condition : condition->source().text;
    return;
  }
}

LoadState Control::State(base::SteadyTime now) const {
  LoadState state;
  state.tasks = names_;
  const base::SteadyTime until = std::min(now, flow_.end());
  state.elapsed = std::max<base::Duration>(now - flow_.start(), std::chrono::nanoseconds(1));
  state.scheduled = flow_.ScheduledUntil(until);
  state.most_vus = flow_.most_users();
  state.named_statuses = named_statuses_;
  state.failures = collector_.Failures();
  state.engine = workers_.name();
  state.engine_reason = engine_reason_;
  state.aborted = aborted_;
  return state;
}

// Nothing is said about the system when the load was not what it should have been.
std::string Control::Lag(const Tally& total) const {
  const auto p99 = std::chrono::microseconds(static_cast<int64_t>(total.delay.ValueAt(0.99)));
  if (total.delay.count() > 0 && p99 > params_.max_lag) {
    return fmt::format(
        "the generator lagged: 1 % of the iterations began {} or more after they "
        "could (max_lag {})",
        base::HumanDuration(p99), base::FormatDuration(params_.max_lag));
  }
  const double present = std::chrono::duration<double>(total.present).count();
  const double busy = std::chrono::duration<double>(total.busy).count();
  if (params_.load.executor.is_open() && present > 1 && busy / present > kSaturated) {
    return fmt::format("the generator was saturated: its threads computed {:.0f} % of the time",
                       100 * busy / present);
  }
  return "";
}

Outcome Control::Conclude(bool cancelled) {
  const base::SteadyTime now =
      finished_ == base::SteadyTime{} ? context_.clock.Steady() : finished_;
  Second();
  const Tally total = collector_.Total();
  LoadState state = State(now);
  if (params_.load.executor.is_open()) {
    // Arrivals that were due before an abort and are not begun are not the system's fault.
    state.dropped = aborted_.empty() && !cancelled
                        ? state.scheduled - std::min(state.scheduled, total.begun)
                        : 0;
  } else {
    state.scheduled = total.begun;
  }
  state.lagging = Lag(total);
  Outcome outcome;
  outcome.value = MetricsOf(total, state);
  outcome.duration = state.elapsed;
  const auto ended_as = [&](Disposition disposition, base::ErrorCode code, std::string message) {
    outcome.disposition = disposition;
    outcome.error = base::Error{code, std::move(message)};
  };
  if (cancelled) {
    ended_as(Disposition::kInterrupted, base::ErrorCode::kCancelled,
             "the workload was interrupted");
  } else if (!broken_.empty()) {
    ended_as(Disposition::kError, base::ErrorCode::kInvalid, broken_);
  } else if (!state.lagging.empty()) {
    ended_as(Disposition::kInconclusive, base::ErrorCode::kExhausted, state.lagging);
  } else if (total.start_failures > 0 && total.begun == 0) {
    ended_as(Disposition::kError, base::ErrorCode::kUnavailable,
             "no user got through `on_start`, so nothing was loaded");
  }
  return outcome;
}

}  // namespace assay::workload
