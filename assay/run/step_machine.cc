#include "assay/run/step_machine.h"

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/text.h"
#include "assay/plan/path.h"

namespace assay::run {
namespace {

using history::Disposition;
using history::Verdict;

bool IsStructure(const plan::PlannedStep& step) {
  return step.action->role == scenario::ActionRole::kStructure;
}

bool IsBad(Verdict verdict) { return verdict > Verdict::kSkipped; }

std::string Because(const history::Outcome& outcome, std::string_view otherwise) {
  return outcome.error ? outcome.error->message : std::string(otherwise);
}

// What an attempt is worth before its expectations are asked.
Judgement JudgeDisposition(const history::Outcome& outcome) {
  switch (outcome.disposition) {
    case Disposition::kAnswered:
      return {};
    case Disposition::kError:
      return {Verdict::kError, Because(outcome, "could not be carried out")};
    case Disposition::kInconclusive:
      return {Verdict::kInconclusive, Because(outcome, "the proof is missing")};
    case Disposition::kSkipped:
      return {Verdict::kSkipped, Because(outcome, "not carried out")};
    case Disposition::kInterrupted:
      break;
  }
  const bool late = outcome.error && outcome.error->code == base::ErrorCode::kTimeout;
  return {late ? Verdict::kError : Verdict::kInconclusive, Because(outcome, "interrupted")};
}

Judgement JudgeStop(const StopCause& cause) {
  const bool late = cause.kind == StopCause::Kind::kTimeout;
  return {late ? Verdict::kError : Verdict::kInconclusive, cause.reason};
}

std::string_view NameOf(StopCause::Kind kind) {
  return kind == StopCause::Kind::kTimeout ? "timeout" : "cancelled";
}

// Variables that speak of an error: `error`, and what the action knows of a refusal, if it was one.
std::vector<std::string_view> ErrorVariables(const plan::PlannedStep& step,
                                             const history::Outcome& outcome) {
  std::vector<std::string_view> names = {"error"};
  for (const scenario::Field& field : step.action->outcome) {
    if (field.tells_refusal && outcome.value.Find(field.name) != nullptr) {
      names.push_back(field.name);
    }
  }
  return names;
}

bool UsesAny(const plan::PlannedExpression& expression, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return Uses(expression, name); });
}

// What the action waited for and did not get, by its own account: `until` that never came true.
std::string_view UnmetOf(const history::Outcome& outcome) {
  const cel::Value* unmet = outcome.value.Find("unmet");
  return unmet != nullptr && unmet->is_string() ? unmet->string() : std::string_view();
}

// An error is judged by the expectations when one of them asks for it.
bool AsksForError(const plan::PlannedStep& step, const history::Outcome& outcome) {
  const auto names = ErrorVariables(step, outcome);
  if (step.poll && UsesAny(step.poll->until, names)) return true;
  return std::ranges::any_of(step.expect, [&](const auto& e) { return UsesAny(e, names); });
}

bool CouldBeJudged(const history::Outcome& outcome) {
  if (outcome.disposition == Disposition::kAnswered) return true;
  if (outcome.disposition == Disposition::kError) return true;
  return outcome.disposition == Disposition::kInterrupted && outcome.error &&
         outcome.error->code == base::ErrorCode::kTimeout;
}

base::Duration WaitBefore(const scenario::Retry& retry, int64_t round) {
  if (retry.backoff == scenario::Backoff::kConstant) return retry.every;
  constexpr int64_t kMostDoublings = 20;
  return retry.every * (int64_t{1} << std::min(round - 1, kMostDoublings));
}

}  // namespace

Judgement ListEnd::Whole() const {
  if (!counted) return {Verdict::kSkipped, "no step was carried out"};
  return judgement;
}

bool GoesOnUntilJoined(const plan::PlannedStep& step) { return step.is("monitor"); }

StopCause Joined() { return {StopCause::Kind::kCancelled, "joined"}; }

history::Outcome StructureOutcome(cel::Value value) {
  history::Outcome outcome;
  outcome.value = std::move(value);
  return outcome;
}

history::Outcome FailedOutcome(base::Error error) {
  history::Outcome outcome;
  outcome.disposition = Disposition::kError;
  outcome.value = cel::Value::Object({});
  outcome.error = std::move(error);
  return outcome;
}

// The latest of them: a structure that is tried again starts its background steps again.
StepMachine::Background* StepMachine::Frame::Find(std::string_view id) {
  for (Frame* frame = this; frame != nullptr; frame = frame->outer) {
    const auto found = std::find_if(frame->running.rbegin(), frame->running.rend(),
                                    [&](const auto& one) { return one->step->id == id; });
    if (found != frame->running.rend()) return found->get();
  }
  return nullptr;
}

// --- lists --------------------------------------------------------------------------------------

net::Task<ListEnd> StepMachine::RunSteps(std::span<const plan::PlannedStep> steps,
                                         std::string parent, Scope& scope, Stopper& stopper,
                                         ListOptions options) {
  Frame frame;
  frame.stopper = &stopper;
  const Place place{scope, frame, stopper, {.cleanup = options.cleanup, .background = false}};
  ListEnd end = co_await RunList(steps, std::move(parent), place);
  co_await JoinRest(frame, scope, end);
  co_return end;
}

// A list whose background steps are its own: a round of a loop, a fragment.
net::Task<ListEnd> StepMachine::RunFramed(std::span<const plan::PlannedStep> steps,
                                          std::string parent, Place outer) {
  Frame frame;
  frame.outer = &outer.frame;
  frame.stopper = &outer.stopper;
  const Place place{outer.scope, frame, outer.stopper, outer.flags};
  ListEnd end = co_await RunList(steps, std::move(parent), place);
  co_await JoinRest(frame, outer.scope, end);
  co_return end;
}

net::Task<ListEnd> StepMachine::RunList(std::span<const plan::PlannedStep> steps,
                                        std::string parent, Place place) {
  ListEnd end;
  std::string why_stopped;
  for (const plan::PlannedStep& step : steps) {
    const std::string path = plan::StepPath(parent, step.segment);
    if (!why_stopped.empty()) {
      recorder_.StepSkipped(step, path, place.flags, why_stopped);
      continue;
    }
    if (auto cause = source_.StopBefore(path, place.stopper)) {
      recorder_.StepSkipped(step, path, place.flags, cause->reason, NameOf(cause->kind));
      why_stopped = cause->reason;
      end.cause = std::move(cause);
      end.stopped = true;
      continue;
    }
    Verdict verdict = Verdict::kPassed;
    if (step.source->background) {
      verdict = co_await StartBackground(step, path, place);
    } else {
      const StepEnd result = co_await RunStep(step, path, place);
      Account(step, result, end);
      verdict = result.judgement.verdict;
    }
    const bool goes_on =
        place.flags.cleanup || step.source->on_failure == scenario::OnFailure::kContinue;
    if (IsBad(verdict) && !goes_on) {
      why_stopped =
          fmt::format("not evaluated: \"{}\" ended as {}", step.title, history::ToString(verdict));
      end.stopped = true;
    }
  }
  co_return end;
}

void StepMachine::Account(const plan::PlannedStep& step, const StepEnd& result,
                          ListEnd& end) const {
  end.outcomes.push_back(result.outcome);
  if (result.judgement.verdict == Verdict::kSkipped && step.source->optional) return;
  end.counted = true;
  const std::string reason = result.judgement.reason.empty()
                                 ? step.title
                                 : fmt::format("{}: {}", step.title, result.judgement.reason);
  end.judgement.Add(result.judgement.verdict, reason);
}

// A listener is waited for until it listens, so that it misses nothing that later steps cause. The
// verdict of one that ended before; else passed: the rest is for whoever joins it.
net::Task<Verdict> StepMachine::StartBackground(const plan::PlannedStep& step, std::string path,
                                                Place place) {
  Frame& frame = place.frame;
  frame.running.push_back(std::unique_ptr<Background>(
      new Background{.step = &step,
                     .path = std::move(path),
                     .stopper = Stopper(frame.stopper, base::Deadline::Never()),
                     .end = {{}, {}, place.scope.Branch()},
                     .done = {}}));
  Background& background = *frame.running.back();
  StepPlace flags = place.flags;
  flags.background = true;
  group_.Spawn(RunBackground(background, frame, flags));
  if (!step.listens) co_return Verdict::kPassed;
  // Bounded by the step's own time and by the scenario's: both end the step.
  static_cast<void>(co_await background.armed.Wait(base::Deadline::Never()));
  co_return background.listens ? Verdict::kPassed : background.end.judgement.verdict;
}

net::Task<void> StepMachine::RunBackground(Background& background, Frame& frame, StepPlace flags) {
  // The branch must not move while the step works on it.
  Scope scope = background.end.scope;
  const auto armed = [&background] {
    background.listens = true;
    background.armed.Set();
  };
  const Place place{scope, frame, background.stopper, flags, armed};
  try {
    StepEnd end = co_await RunStep(*background.step, background.path, place);
    background.end.judgement = std::move(end.judgement);
    background.end.outcome = std::move(end.outcome);
  } catch (const std::exception& bug) {
    // Whoever joins it must not wait for ever.
    background.end.judgement = {Verdict::kError, fmt::format("internal error: {}", bug.what())};
  }
  background.end.scope = std::move(scope);
  background.armed.Set();
  background.done.Set();
}

// After a failure nobody will ask for what background steps bring any more: they are stopped.
net::Task<void> StepMachine::JoinRest(Frame& frame, Scope& scope, ListEnd& end) {
  // What goes on until it is joined watches the others to their end.
  for (const bool watchers : {false, true}) {
    for (const auto& background : frame.running) {
      if (background->joined || GoesOnUntilJoined(*background->step) != watchers) continue;
      if (end.stopped) {
        background->stopper.Stop(
            {StopCause::Kind::kCancelled, "stopped: the steps beside it ended early"});
      }
      if (watchers) background->stopper.Stop(Joined());
      static_cast<void>(co_await background->done.Wait(base::Deadline::Never()));
      background->joined = true;
      scope.Merge(background->end.scope);
      Account(*background->step, background->end, end);
    }
  }
}

// --- one step -----------------------------------------------------------------------------------

std::optional<StepEnd> StepMachine::Decline(const plan::PlannedStep& step, const std::string& path,
                                            const Place& place) {
  if (!step.when) return std::nullopt;
  const cel::Value value = step.when->Evaluate(At(place.scope, path));
  if (value.is_true()) return std::nullopt;
  const std::string& text = step.when->source().text;
  const cel::Value nothing = cel::Value::Null();
  if (value.is_false()) {
    std::string reason = fmt::format("when: {} is false", text);
    recorder_.StepSkipped(step, path, place.flags, reason);
    return StepEnd{{Verdict::kSkipped, std::move(reason)}, nothing, place.scope.Branch()};
  }
  const std::string found = value.is_error() ? value.error().message : cel::DebugString(value);
  Judgement judgement{Verdict::kError, fmt::format("when: {} gives no bool: {}", text, found)};
  recorder_.StepStarted(step, path, place.flags);
  recorder_.writer().Write(history::kind::kStepFinished, path,
                           {{"verdict", history::ToString(judgement.verdict)},
                            {"reason", judgement.reason},
                            {"attempts", 0},
                            {"duration_ns", 0},
                            {"exhausted", false}});
  return StepEnd{std::move(judgement), nothing, place.scope.Branch()};
}

net::Task<StepEnd> StepMachine::RunStep(const plan::PlannedStep& step, std::string path,
                                        Place place) {
  if (auto declined = Decline(step, path, place)) co_return *std::move(declined);
  recorder_.StepStarted(step, path, place.flags);
  const base::Duration started = recorder_.writer().Elapsed();
  Rounds rounds;
  if (IsStructure(step) && step.timeout > base::Duration::zero()) {
    Stopper stopper(&place.stopper, source_.DeadlineAfter(step.timeout), "the step's time ran out");
    co_await RunRounds(step, path, Place{place.scope, place.frame, stopper, place.flags}, rounds);
  } else {
    co_await RunRounds(step, path, place, rounds);
  }
  co_return Finish(step, path, place, rounds, started);
}

net::Task<void> StepMachine::RunRounds(const plan::PlannedStep& step, const std::string& path,
                                       Place place, Rounds& rounds) {
  const int64_t further = step.retry ? step.retry->times : 0;
  for (int64_t round = 1;; ++round) {
    co_await PollRound(step, path, place, rounds);
    const Verdict verdict = rounds.last.judgement.verdict;
    const bool again = verdict == Verdict::kFailed || verdict == Verdict::kError;
    if (!again || rounds.cause || !step.retry) co_return;
    if (round > further) {
      rounds.exhausted = true;
      co_return;
    }
    const PauseEnd pause = co_await source_.Pause({.path = path,
                                                   .next_attempt = rounds.attempts + 1,
                                                   .wait = WaitBefore(*step.retry, round),
                                                   .stopper = &place.stopper});
    if (pause.kind == PauseEnd::Kind::kStopped) {
      // The attempt before has a verdict of its own, which stays.
      rounds.cause = pause.cause;
      co_return;
    }
    if (pause.kind == PauseEnd::Kind::kExhausted) co_return;
  }
}

net::Task<void> StepMachine::PollRound(const plan::PlannedStep& step, const std::string& path,
                                       Place place, Rounds& rounds) {
  const base::Duration limit =
      step.poll ? step.poll->limit.value_or(step.timeout) : base::Duration::zero();
  const base::Deadline deadline =
      step.poll ? source_.DeadlineAfter(limit) : base::Deadline::Never();
  for (;;) {
    const size_t number = ++rounds.attempts;
    rounds.last = co_await RunAttempt(step, path, number, place);
    Attempt& last = rounds.last;
    // An attempt that took too long is one that did not come true; the pause knows what is over.
    const bool over =
        last.outcome.disposition == Disposition::kSkipped ||
        (last.outcome.disposition == Disposition::kInterrupted && !CouldBeJudged(last.outcome));
    if (!step.poll || over || Holds(step, path, number, place, last)) {
      JudgeAttempt(step, path, number, place, last);
      co_return;
    }
    EndOperation(step, path, number, place, last, false);
    const PauseEnd pause = co_await source_.Pause({.path = path,
                                                   .next_attempt = number + 1,
                                                   .wait = step.poll->every,
                                                   .poll = true,
                                                   .limit = deadline,
                                                   .stopper = &place.stopper});
    if (pause.kind == PauseEnd::Kind::kContinue) continue;
    const OutcomeScope seen(last.outcome.value, last.outcome.ErrorValue(), place.scope);
    const std::string at = plan::WithAttempt(path, number);
    if (pause.kind == PauseEnd::Kind::kStopped) {
      rounds.cause = pause.cause;
      last.judgement = JudgeStop(pause.cause);
      co_return;
    }
    rounds.exhausted = true;
    rounds.exhausted_at.emplace_back(number);
    const Judgement until = recorder_.Judge(step.poll->until, "until", path, number, At(seen, at));
    Judgement judgement = JudgeDisposition(last.outcome);
    judgement.Add(until.verdict,
                  fmt::format("did not come true in {} attempts: {}", number, until.reason));
    if (last.outcome.error) {
      judgement = {Verdict::kError, fmt::format("no answer in {} attempts: {}", number,
                                                last.outcome.error->message)};
    }
    last.judgement = std::move(judgement);
    co_return;
  }
}

net::Task<StepMachine::Attempt> StepMachine::RunAttempt(const plan::PlannedStep& step,
                                                        const std::string& path, size_t attempt,
                                                        Place place) {
  BeginOperation(step, path, attempt, place);
  if (step.is("check")) co_return RunCheck(step, path, attempt, place);
  if (IsStructure(step)) {
    const std::string below = attempt == 1 ? path : plan::WithAttempt(path, attempt);
    co_return co_await RunStructure(step, below, place);
  }
  const std::string at = plan::WithAttempt(path, attempt);
  const ActionRequest request{.path = at,
                              .action = step.action,
                              .params = &step.params,
                              .scenario = &scenario_,
                              .scope = &place.scope,
                              .environment = step.source->at.text,
                              .timeout = step.timeout,
                              .stopper = &place.stopper,
                              .conditions = &step.conditions,
                              .armed = place.armed,
                              .step = &step};
  Performed performed = co_await source_.Perform(request);
  recorder_.OutcomeOf(at, performed.outcome, performed.head, performed.armed);
  Attempt result;
  result.judgement = JudgeDisposition(performed.outcome);
  result.outcome = std::move(performed.outcome);
  co_return result;
}

bool StepMachine::Holds(const plan::PlannedStep& step, const std::string& path, size_t attempt,
                        const Place& place, const Attempt& result) const {
  const bool answered = result.outcome.disposition == Disposition::kAnswered;
  if (!answered && !UsesAny(step.poll->until, ErrorVariables(step, result.outcome))) return false;
  const OutcomeScope seen(result.outcome.value, result.outcome.ErrorValue(), place.scope);
  const std::string at = plan::WithAttempt(path, attempt);
  const bool holds = step.poll->until.Evaluate(At(seen, at)).is_true();
  const Verdict anew = holds ? Verdict::kPassed : Verdict::kFailed;
  const auto recalled =
      recorder_.Recall(path, attempt, "until", step.poll->until.source().text, anew);
  return recalled.value_or(anew) == Verdict::kPassed;
}

void StepMachine::JudgeAttempt(const plan::PlannedStep& step, const std::string& path,
                               size_t attempt, const Place& place, Attempt& result) {
  JudgeExpectations(step, path, attempt, place, result);
  const bool held = result.judgement.verdict == Verdict::kPassed;
  EndOperation(step, path, attempt, place, result, held);
}

void StepMachine::JudgeExpectations(const plan::PlannedStep& step, const std::string& path,
                                    size_t attempt, const Place& place, Attempt& result) {
  const history::Outcome& outcome = result.outcome;
  const std::string at = plan::WithAttempt(path, attempt);
  const OutcomeScope seen(outcome.value, outcome.ErrorValue(), place.scope);
  const bool answered = outcome.disposition == Disposition::kAnswered;
  const bool by_error = !answered && CouldBeJudged(outcome) && AsksForError(step, outcome);
  if (answered || by_error) {
    if (by_error) result.judgement = {};
    const bool asked =
        std::ranges::any_of(step.expect, [](const auto& e) { return Uses(e, "unmet"); });
    if (const auto unmet = UnmetOf(outcome); answered && !asked && !unmet.empty()) {
      result.judgement.Add(Verdict::kFailed, std::string(unmet));
    }
    if (step.poll) {
      const Judgement until =
          recorder_.Judge(step.poll->until, "until", path, attempt, At(seen, at));
      result.judgement.Add(until.verdict, until.reason);
    }
    JudgeParameters(step, path, attempt, At(seen, at), result.judgement);
    for (const plan::PlannedExpression& expectation : step.expect) {
      const Judgement one = recorder_.Judge(expectation, "expect", path, attempt, At(seen, at));
      result.judgement.Add(one.verdict, one.reason);
    }
  }
}

// Conditions among the parameters that are expectations by another name: `thresholds`.
void StepMachine::JudgeParameters(const plan::PlannedStep& step, const std::string& path,
                                  size_t attempt, const plan::EvaluationScope& scope,
                                  Judgement& judgement) {
  for (const plan::NamedProgram& condition : step.conditions) {
    const auto* field = step.action->params.Find(
        std::string_view(condition.name).substr(0, condition.name.find('[')));
    if (field == nullptr || field->judged_as.empty()) continue;
    const Judgement one =
        recorder_.Judge(condition.expression, field->judged_as, path, attempt, scope);
    judgement.Add(one.verdict, one.reason);
  }
}

StepEnd StepMachine::Finish(const plan::PlannedStep& step, const std::string& path,
                            const Place& place, Rounds& rounds, base::Duration started) {
  Attempt& last = rounds.last;
  const OutcomeScope seen(last.outcome.value, last.outcome.ErrorValue(), place.scope);
  const std::string at = plan::WithAttempt(path, rounds.attempts);
  std::vector<std::pair<std::string, cel::Value>> saved;
  if (last.outcome.disposition == Disposition::kAnswered) {
    for (const plan::NamedProgram& save : step.save) {
      cel::Value value = save.expression.Evaluate(At(seen, at));
      if (value.is_error()) {
        last.judgement.Add(Verdict::kError,
                           fmt::format("cannot save \"{}\": {}", save.name, value.error().message));
        continue;
      }
      saved.emplace_back(save.name, std::move(value));
    }
  }
  recorder_.Saved(path, saved);
  recorder_.StepEnded(step, at, last.outcome, last.judgement);
  cel::MapBuilder shown;
  if (last.outcome.value.is_map()) {
    for (const auto& [key, value] : last.outcome.value.map().entries()) shown.Set(key, value);
  }
  for (const auto& [name, value] : saved) shown.Set(name, value);
  StepEnd end{last.judgement, std::move(shown).Build(), place.scope.Branch()};
  for (auto& [name, value] : saved) place.scope.SetVar(std::move(name), std::move(value));
  if (!step.id.empty()) place.scope.SetStep(step.id, end.outcome);
  boost::json::object data = {{"verdict", history::ToString(end.judgement.verdict)},
                              {"reason", end.judgement.reason},
                              {"attempts", rounds.attempts},
                              {"duration_ns", (recorder_.writer().Elapsed() - started).count()},
                              {"exhausted", rounds.exhausted},
                              {"exhausted_at", rounds.exhausted_at}};
  if (rounds.cause) {
    data["interrupted"] = NameOf(rounds.cause->kind);
    data["interrupted_by"] = rounds.cause->reason;
  }
  recorder_.writer().Write(history::kind::kStepFinished, path, std::move(data));
  static_cast<void>(recorder_.writer().Flush());
  return end;
}

net::Task<StepEnd> StepMachine::RunFixture(const plan::PlannedFixture& fixture, std::string path,
                                           const Scope& scope, Stopper& stopper) {
  const base::Duration started = recorder_.writer().Elapsed();
  recorder_.writer().Write(history::kind::kStepStarted, path,
                           {{"name", fmt::format("fixture {}", fixture.name)},
                            {"id", ""},
                            {"action", fixture.action->name},
                            {"head", fmt::format("{} {}", fixture.action->name, fixture.name)},
                            {"file", ""},
                            {"line", 0},
                            {"verifies", boost::json::array{}},
                            {"cleanup", false},
                            {"background", false},
                            {"unasserted", false}});
  const std::string at = plan::WithAttempt(path, 1);
  const ActionRequest request{.path = at,
                              .action = fixture.action,
                              .params = &fixture.params,
                              .scenario = &scenario_,
                              .scope = &scope,
                              .timeout = base::Duration::zero(),
                              .stopper = &stopper};
  Performed performed = co_await source_.Perform(request);
  recorder_.OutcomeOf(at, performed.outcome, performed.head);
  StepEnd end{JudgeDisposition(performed.outcome), performed.outcome.value, scope.Branch()};
  recorder_.writer().Write(history::kind::kStepFinished, path,
                           {{"verdict", history::ToString(end.judgement.verdict)},
                            {"reason", end.judgement.reason},
                            {"attempts", 1},
                            {"duration_ns", (recorder_.writer().Elapsed() - started).count()},
                            {"exhausted", false}});
  static_cast<void>(recorder_.writer().Flush());
  co_return end;
}

}  // namespace assay::run
