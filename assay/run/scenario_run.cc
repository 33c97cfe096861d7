#include "assay/run/scenario_run.h"

#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/plan/path.h"
#include "assay/run/step_machine.h"
#include "lib/base/units.h"
#include "lib/net/task_group.h"

namespace assay::run {
namespace {

using boost::json::object;
using history::Verdict;

std::vector<std::string> Strings(const std::vector<scenario::Text>& texts) {
  std::vector<std::string> out;
  for (const auto& text : texts) out.push_back(text.text);
  return out;
}

object Describe(const plan::PlannedScenario& planned) {
  const scenario::Scenario& source = planned.source();
  return {{"id", source.id.text},
          {"title", source.title.text},
          {"description", source.description.text},
          {"system", source.system.text},
          {"category", fmt::format("{}", fmt::join(Strings(source.category), ", "))},
          {"tags", ToArray(Strings(source.tags))},
          {"priority", scenario::ToString(source.priority)},
          {"verifies", ToArray(Strings(source.verifies))},
          {"file", source.source ? source.source->name() : ""},
          {"line", source.span.line},
          {"optional", source.optional}};
}

// One attempt of one instance.
class Attempt {
 public:
  Attempt(const plan::PlannedScenario& planned, const ScenarioContext& context, size_t number,
          net::TaskGroup& group)
      : planned_(planned),
        context_(context),
        path_(plan::ScenarioPath(planned.source().id.text, planned.instance, number)),
        stopper_(&context.run_stopper, Limit(planned, context),
                 fmt::format("the scenario's time ({}) ran out",
                             base::FormatDuration(planned.compiled->timeout))),
        machine_(planned, context.seed, context.source, context.recorder, group),
        scope_(std::make_shared<Globals>()) {
    Start(number);
  }

  net::Task<void> Run() {
    if (inputs_ok_ && co_await MakeFixtures()) {
      co_await RunSteps();
      JudgeSuccess();
    }
    co_await CleanUp();
  }

  const Judgement& judgement() const { return judgement_; }
  bool stopped() const { return stopped_; }

 private:
  static base::Deadline Limit(const plan::PlannedScenario& planned,
                              const ScenarioContext& context) {
    if (planned.compiled->timeout <= base::Duration::zero()) return base::Deadline::Never();
    return context.source.DeadlineAfter(planned.compiled->timeout);
  }

  base::Result<cel::Value> ComputeInputs() const {
    Globals globals = context_.globals(planned_);
    if (const std::string& variable = planned_.compiled->loop_variable; !variable.empty()) {
      globals[variable] = planned_.loop_value;
    }
    Scope scope(std::make_shared<const Globals>(globals));
    cel::MapBuilder vars;
    for (const plan::NamedValue& named : planned_.compiled->vars) {
      auto value = named.value.Evaluate({scope, context_.seed, path_, {}});
      if (!value) return base::Fail(std::move(value).error().While("setting vars." + named.name));
      vars.Set(named.name, *value);
      scope.SetVar(named.name, *std::move(value));
    }
    cel::MapBuilder inputs;
    for (auto& [name, value] : globals) inputs.Set(name, std::move(value));
    inputs.Set("vars", std::move(vars).Build());
    return std::move(inputs).Build();
  }

  void Start(size_t number) {
    auto inputs = context_.source.Inputs(path_, [this] { return ComputeInputs(); });
    object data = Describe(planned_);
    data["attempt"] = number;
    std::vector<std::string> blobs;
    object recorded;
    if (inputs) {
      for (const auto& [name, value] : inputs->map().entries()) {
        recorded[name.string()] = Record(value, context_.recorder.blobs(), blobs);
      }
    }
    data["inputs"] = std::move(recorded);
    context_.recorder.writer().Write(history::kind::kScenarioStarted, planned_.path,
                                     std::move(data), std::move(blobs));
    inputs_ok_ = inputs.has_value();
    if (!inputs) {
      judgement_ = {Verdict::kError, inputs.error().ToString()};
      return;
    }
    for (const auto& [name, value] : inputs->map().entries()) {
      if (name.string() == "vars") {
        vars_ = value;
      } else {
        globals_[std::string(name.string())] = value;
      }
    }
    OpenScope();
  }

  void OpenScope() {
    scope_ = Scope(std::make_shared<const Globals>(globals_));
    if (!vars_.is_map()) return;
    for (const auto& [name, value] : vars_.map().entries()) {
      scope_.SetVar(std::string(name.string()), value);
    }
  }

  net::Task<bool> MakeFixtures() {
    cel::MapBuilder made;
    for (const plan::PlannedFixture& fixture : planned_.compiled->fixtures) {
      const std::string path = plan::StepPath(plan::StepPath(path_, "fixtures"), fixture.name);
      StepEnd end = co_await machine_.RunFixture(fixture, path, scope_, stopper_);
      if (end.judgement.verdict != Verdict::kPassed) {
        judgement_ = end.judgement;
        judgement_.reason = fmt::format("fixture \"{}\": {}", fixture.name, judgement_.reason);
        stopped_ = true;
        co_return false;
      }
      made.Set(fixture.name, std::move(end.outcome));
    }
    if (!planned_.compiled->fixtures.empty()) {
      globals_["fixtures"] = std::move(made).Build();
      OpenScope();
    }
    co_return true;
  }

  net::Task<void> RunSteps() {
    const ListEnd end =
        co_await machine_.RunSteps(planned_.compiled->steps, path_, scope_, stopper_, {});
    judgement_ = end.Whole();
    stopped_ = end.stopped;
    if (!end.cause) co_return;
    const bool late = end.cause->kind == StopCause::Kind::kTimeout;
    judgement_.Add(late ? Verdict::kError : Verdict::kInconclusive, end.cause->reason);
  }

  void JudgeSuccess() {
    if (stopped_) return;
    for (const plan::PlannedExpression& expression : planned_.compiled->success) {
      const Judgement one = context_.recorder.Judge(expression, "success", path_, 1,
                                                    {scope_, context_.seed, path_, {}});
      // Steps that were all optional and skipped do not matter when the scenario says what does.
      judgement_.Add(one.verdict, one.reason);
    }
  }

  net::Task<void> CleanUp() {
    if (planned_.compiled->cleanup.empty()) co_return;
    history::EventWriter& writer = context_.recorder.writer();
    writer.Write(history::kind::kCleanupStarted, planned_.path, {});
    Stopper stopper(&context_.cleanup_stopper,
                    context_.source.DeadlineAfter(context_.cleanup_timeout),
                    fmt::format("the cleanup's time ({}) ran out",
                                base::FormatDuration(context_.cleanup_timeout)));
    const ListEnd end =
        co_await machine_.RunSteps(planned_.compiled->cleanup, plan::StepPath(path_, "cleanup"),
                                   scope_, stopper, {.cleanup = true});
    Judgement cleanup = end.judgement;
    if (end.cause) cleanup.Add(Verdict::kError, end.cause->reason);
    writer.Write(history::kind::kCleanupFinished, planned_.path,
                 {{"verdict", history::ToString(cleanup.verdict)}, {"reason", cleanup.reason}});
    // What a scenario leaves behind spoils it, but does not hide what it found out.
    if (cleanup.verdict > Verdict::kSkipped && judgement_.verdict == Verdict::kPassed) {
      const bool unproven = cleanup.verdict == Verdict::kInconclusive;
      judgement_ = {unproven ? Verdict::kInconclusive : Verdict::kError,
                    fmt::format("cleanup: {}", cleanup.reason)};
    }
  }

  const plan::PlannedScenario& planned_;
  const ScenarioContext& context_;
  std::string path_;
  Stopper stopper_;
  StepMachine machine_;
  Globals globals_;
  cel::Value vars_;
  Scope scope_;
  Judgement judgement_;
  bool inputs_ok_ = false;
  bool stopped_ = false;
};

bool WorthAnotherTry(const Judgement& judgement) {
  return judgement.verdict == Verdict::kFailed || judgement.verdict == Verdict::kError;
}

}  // namespace

net::Task<ScenarioEnd> RunScenario(const plan::PlannedScenario& planned,
                                   const ScenarioContext& context) {
  net::TaskGroup group(co_await net::CurrentExecutor(), [&](const base::Error& error) {
    context.recorder.writer().Write(history::kind::kRunWarning, planned.path,
                                    {{"message", error.ToString()}, {"where", planned.path}});
  });
  const auto tries = static_cast<size_t>(std::max<int64_t>(planned.source().retries, 0)) + 1;
  history::EventWriter& writer = context.recorder.writer();
  ScenarioEnd end;
  for (size_t number = 1; number <= tries; ++number) {
    const base::Duration started = writer.Elapsed();
    Attempt attempt(planned, context, number, group);
    co_await attempt.Run();
    end.judgement = attempt.judgement();
    end.attempts = number;
    end.flaky = number > 1 && end.judgement.verdict == Verdict::kPassed;
    // Asked like a step, so that a replay knows that the run ended here.
    const bool last = number == tries || !WorthAnotherTry(end.judgement) ||
                      context.source.StopBefore(plan::ScenarioPath(planned.source().id.text,
                                                                   planned.instance, number + 1),
                                                context.run_stopper);
    writer.Write(history::kind::kScenarioFinished, planned.path,
                 {{"verdict", history::ToString(end.judgement.verdict)},
                  {"reason", end.judgement.reason},
                  {"attempt", number},
                  {"flaky", end.flaky},
                  {"duration_ns", (writer.Elapsed() - started).count()}});
    static_cast<void>(writer.Flush());
    if (last) break;
  }
  static_cast<void>(co_await group.Join(base::Deadline::Never()));
  co_return end;
}

void SkipScenario(const plan::PlannedScenario& planned, const std::string& reason,
                  Recorder& recorder) {
  object data = Describe(planned);
  data["reason"] = reason;
  recorder.writer().Write(history::kind::kScenarioSkipped, planned.path, std::move(data));
  static_cast<void>(recorder.writer().Flush());
}

}  // namespace assay::run
