// The steps that the machine carries out itself: group, parallel, for_each, repeat, use, join, set,
// note.

#include <algorithm>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/text.h"
#include "assay/plan/path.h"
#include "assay/run/step_machine.h"
#include "lib/net/gather.h"

namespace assay::run {
namespace {

using history::Verdict;

constexpr int64_t kMostRounds = 1'000'000;

std::span<const plan::PlannedStep> StepsOf(const plan::PlannedStep& step) {
  const plan::PlannedBlock* block = step.FindBlock("steps");
  if (block == nullptr) return {};
  return block->steps;
}

int64_t WholeOr(const cel::Value& params, std::string_view name, int64_t fallback) {
  const cel::Value* value = params.Find(name);
  return value != nullptr && value->is_int() ? value->int_value() : fallback;
}

size_t AtOnce(const cel::Value& params, size_t otherwise) {
  const int64_t given = WholeOr(params, "concurrency", 0);
  return given >= 1 ? static_cast<size_t>(given) : otherwise;
}

cel::Value Outcomes(std::vector<cel::Value> outcomes) {
  return cel::Value::Object({{"outcomes", cel::Value::List(std::move(outcomes))}});
}

// The parts of a structure, put together in the order of the file.
struct Parts {
  ListEnd whole;

  void Add(const ListEnd& part) {
    whole.outcomes.push_back(cel::Value::List(part.outcomes));
    AddJudgement(part);
  }
  void AddFlat(const ListEnd& part) {
    whole.outcomes.insert(whole.outcomes.end(), part.outcomes.begin(), part.outcomes.end());
    AddJudgement(part);
  }
  void AddJudgement(const ListEnd& part) {
    if (part.counted) {
      whole.counted = true;
      whole.judgement.Add(part.judgement.verdict, part.judgement.reason);
    }
    if (part.cause && !whole.cause) whole.cause = part.cause;
    whole.stopped = whole.stopped || part.stopped;
  }
};

// A list that was left because time ran out or the run ended is not `skipped` but unfinished.
Judgement JudgeParts(const ListEnd& whole) {
  Judgement judgement = whole.Whole();
  if (whole.cause) {
    const bool late = whole.cause->kind == StopCause::Kind::kTimeout;
    judgement.Add(late ? Verdict::kError : Verdict::kInconclusive, whole.cause->reason);
  }
  return judgement;
}

}  // namespace

net::Task<StepMachine::Attempt> StepMachine::RunStructure(const plan::PlannedStep& step,
                                                          std::string path, Place place) {
  const auto params = step.params.Evaluate(At(place.scope, path));
  if (!params) {
    Attempt failed;
    failed.outcome = FailedOutcome(params.error());
    failed.judgement = {Verdict::kError, params.error().message};
    co_return failed;
  }
  if (step.is("group")) {
    Parts parts;
    parts.AddFlat(co_await RunList(StepsOf(step), path, place));
    Attempt result;
    result.judgement = JudgeParts(parts.whole);
    result.outcome = StructureOutcome(Outcomes(std::move(parts.whole.outcomes)));
    co_return result;
  }
  if (step.is("parallel")) co_return co_await RunParallel(step, path, *params, place);
  if (step.is("for_each")) co_return co_await RunForEach(step, path, *params, place);
  if (step.is("repeat")) co_return co_await RunRepeat(step, path, *params, place);
  if (step.is("use")) co_return co_await RunUse(step, path, place);
  if (step.is("join")) co_return co_await RunJoin(step, place);
  if (step.is("set")) co_return RunSet(path, *params, place);
  Attempt result;
  result.outcome = StructureOutcome(cel::Value::Object({}));
  if (const cel::Value* text = params->Find("text"); step.is("note") && text != nullptr) {
    recorder_.writer().Write(history::kind::kNote, path, {{"text", cel::ToText(*text)}});
  } else {
    const auto error =
        base::Error{base::ErrorCode::kUnsupported,
                    fmt::format("no step \"{}\" in this version", step.action->name)};
    result.outcome = FailedOutcome(error);
    result.judgement = {Verdict::kError, error.message};
  }
  co_return result;
}

net::Task<StepMachine::Attempt> StepMachine::RunParallel(const plan::PlannedStep& step,
                                                         std::string path, const cel::Value& params,
                                                         Place place) {
  const auto steps = StepsOf(step);
  std::vector<Scope> scopes(steps.size(), place.scope.Branch());
  std::vector<net::Task<ListEnd>> branches;
  for (size_t i = 0; i < steps.size(); ++i) {
    branches.push_back(RunList(steps.subspan(i, 1), path,
                               Place{scopes[i], place.frame, place.stopper, place.flags}));
  }
  const std::vector<ListEnd> ends =
      co_await net::WhenAll(std::move(branches), AtOnce(params, net::kUnlimited));
  Parts parts;
  for (size_t i = 0; i < ends.size(); ++i) {
    place.scope.Merge(scopes[i]);
    parts.AddFlat(ends[i]);
  }
  Attempt result;
  result.judgement = JudgeParts(parts.whole);
  result.outcome = StructureOutcome(Outcomes(std::move(parts.whole.outcomes)));
  co_return result;
}

net::Task<StepMachine::Attempt> StepMachine::RunForEach(const plan::PlannedStep& step,
                                                        std::string path, const cel::Value& params,
                                                        Place place) {
  Attempt result;
  const cel::Value* each = params.Find("each");
  if (each == nullptr || !each->is_list()) {
    const std::string found = each == nullptr ? "nothing" : cel::DebugString(*each);
    result.outcome = FailedOutcome(
        {base::ErrorCode::kInvalid, fmt::format("for_each needs a list, found {}", found)});
    result.judgement = {Verdict::kError, result.outcome.error->message};
    co_return result;
  }
  const std::span<const cel::Value> items = each->list();
  const auto open = [&](const Scope& outer, size_t i) {
    Scope scope = outer.Branch();
    scope.SetLocal(step.loop_variable, items[i]);
    scope.SetLocal("index", cel::Value::Int(static_cast<int64_t>(i)));
    return scope;
  };
  Parts parts;
  const size_t at_once = AtOnce(params, 1);
  if (at_once == 1) {
    for (size_t i = 0; i < items.size() && !parts.whole.stopped; ++i) {
      Scope scope = open(place.scope, i);
      parts.Add(co_await RunFramed(StepsOf(step), plan::WithIteration(path, i),
                                   Place{scope, place.frame, place.stopper, place.flags}));
      place.scope.MergeVars(scope);
    }
  } else {
    std::vector<Scope> scopes;
    for (size_t i = 0; i < items.size(); ++i) scopes.push_back(open(place.scope, i));
    std::vector<net::Task<ListEnd>> rounds;
    for (size_t i = 0; i < items.size(); ++i) {
      rounds.push_back(RunFramed(StepsOf(step), plan::WithIteration(path, i),
                                 Place{scopes[i], place.frame, place.stopper, place.flags}));
    }
    const std::vector<ListEnd> ends = co_await net::WhenAll(std::move(rounds), at_once);
    for (size_t i = 0; i < ends.size(); ++i) {
      place.scope.MergeVars(scopes[i]);
      parts.Add(ends[i]);
    }
  }
  result.judgement =
      items.empty() ? Judgement{Verdict::kSkipped, "the list is empty"} : JudgeParts(parts.whole);
  result.outcome = StructureOutcome(Outcomes(std::move(parts.whole.outcomes)));
  co_return result;
}

net::Task<StepMachine::Attempt> StepMachine::RunRepeat(const plan::PlannedStep& step,
                                                       std::string path, const cel::Value& params,
                                                       Place place) {
  const int64_t times = std::min(WholeOr(params, "times", 0), kMostRounds);
  const plan::PlannedExpression* condition = step.FindCondition("while");
  Parts parts;
  Attempt result;
  int64_t i = 0;
  for (; i < times && !parts.whole.stopped; ++i) {
    const std::string round = plan::WithIteration(path, static_cast<size_t>(i));
    Scope scope = place.scope.Branch();
    scope.SetLocal("index", cel::Value::Int(i));
    if (condition != nullptr) {
      const cel::Value value = condition->Evaluate(At(scope, round));
      if (value.is_false()) break;
      if (!value.is_true()) {
        const std::string found =
            value.is_error() ? value.error().message : cel::DebugString(value);
        result.judgement = {Verdict::kError, fmt::format("while: {} gives no bool: {}",
                                                         condition->source().text, found)};
        break;
      }
    }
    parts.Add(co_await RunFramed(StepsOf(step), round,
                                 Place{scope, place.frame, place.stopper, place.flags}));
    place.scope.MergeVars(scope);
  }
  const Judgement rounds = JudgeParts(parts.whole);
  result.judgement.Add(rounds.verdict, rounds.reason);
  result.outcome = StructureOutcome(
      cel::Value::Object({{"outcomes", cel::Value::List(std::move(parts.whole.outcomes))},
                          {"iterations", cel::Value::Int(i)}}));
  co_return result;
}

net::Task<StepMachine::Attempt> StepMachine::RunUse(const plan::PlannedStep& step, std::string path,
                                                    Place place) {
  Attempt result;
  const auto fail = [&](const base::Error& error) {
    result.outcome = FailedOutcome(error);
    result.judgement.Add(Verdict::kError, error.message);
  };
  cel::MapBuilder inputs;
  for (const plan::NamedValue& input : step.inputs) {
    auto value = input.value.Evaluate(At(place.scope, path));
    if (!value) {
      fail(value.error());
      co_return result;
    }
    inputs.Set(input.name, *std::move(value));
  }
  Scope scope = place.scope.Fragment(std::move(inputs).Build());
  Parts parts;
  parts.AddFlat(co_await RunFramed(StepsOf(step), path,
                                   Place{scope, place.frame, place.stopper, place.flags}));
  place.scope.MergeVars(scope);
  result.judgement = JudgeParts(parts.whole);
  cel::MapBuilder outputs;
  for (const plan::NamedProgram& output : step.outputs) {
    cel::Value value = output.expression.Evaluate(At(scope, path));
    if (!value.is_error()) {
      outputs.Set(output.name, std::move(value));
    } else if (result.judgement.verdict == Verdict::kPassed) {
      fail({base::ErrorCode::kInvalid,
            fmt::format("output \"{}\": {}", output.name, value.error().message)});
      co_return result;
    }
  }
  result.outcome = StructureOutcome(std::move(outputs).Build());
  co_return result;
}

net::Task<StepMachine::Attempt> StepMachine::RunJoin(const plan::PlannedStep& step, Place place) {
  Attempt result;
  cel::MapBuilder outcomes;
  cel::Value single = cel::Value::Object({});
  for (const std::string& id : step.joins) {
    Background* background = place.frame.Find(id);
    if (background == nullptr) {
      // Its start was declined or never reached; whoever did that has said so.
      result.judgement.Add(Verdict::kSkipped, fmt::format("\"{}\" was not started", id));
      continue;
    }
    if (GoesOnUntilJoined(*background->step)) background->stopper.Stop(Joined());
    static_cast<void>(co_await background->done.Wait(base::Deadline::Never()));
    const Judgement& judgement = background->end.judgement;
    if (!background->joined) place.scope.Merge(background->end.scope);
    background->joined = true;
    const bool ignored =
        judgement.verdict == Verdict::kSkipped && background->step->source->optional;
    if (!ignored) result.judgement.Add(judgement.verdict, judgement.reason);
    single = background->end.outcome;
    outcomes.Set(id, background->end.outcome);
  }
  if (!single.is_map()) single = cel::Value::Object({});
  result.outcome = StructureOutcome(step.joins.size() == 1 ? single : std::move(outcomes).Build());
  co_return result;
}

StepMachine::Attempt StepMachine::RunSet(const std::string& path, const cel::Value& params,
                                         Place place) {
  Attempt result;
  const cel::Value* values = params.Find("values");
  std::vector<std::pair<std::string, cel::Value>> saved;
  if (values != nullptr && values->is_map()) {
    for (const auto& [name, value] : values->map().entries()) {
      saved.emplace_back(std::string(name.string()), value);
    }
  }
  recorder_.Saved(path, saved);
  for (const auto& [name, value] : saved) place.scope.SetVar(name, value);
  result.outcome = StructureOutcome(values != nullptr ? *values : cel::Value::Object({}));
  return result;
}

}  // namespace assay::run
