// What steps note in ledgers, and the step that has a checker look at one.

#include <algorithm>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "assay/checker/checker.h"
#include "assay/plan/path.h"
#include "assay/run/step_machine.h"
#include "lib/base/units.h"

namespace assay::run {
namespace {

using boost::json::object;
using cel::Value;
using checker::Ending;
using history::Disposition;
using history::Verdict;

// Statuses that say that the request was not carried out. 408: the server gave up waiting, or a
// proxy on its behalf; nobody knows how far the request came.
bool TellsRefusal(int64_t status) { return status >= 400 && status < 500 && status != 408; }

std::string TextOr(const Value& params, std::string_view name, std::string_view otherwise) {
  const Value* value = params.Find(name);
  return value != nullptr && value->is_string() ? std::string(value->string())
                                                : std::string(otherwise);
}

bool IsTrue(const Value& params, std::string_view name) {
  const Value* value = params.Find(name);
  return value != nullptr && value->is_true();
}

std::optional<int64_t> WholeOf(const Value* value) {
  if (value == nullptr || !value->is_int()) return std::nullopt;
  return value->int_value();
}

base::Result<uint64_t> MemoryOf(const Value& params, uint64_t otherwise) {
  const Value* value = params.Find("memory");
  if (value == nullptr || value->is_null()) return otherwise;
  if (value->is_int() && value->int_value() > 0) return static_cast<uint64_t>(value->int_value());
  if (value->is_string()) return base::ParseSize(value->string());
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("expected a size such as 64MiB for \"memory\", found {}",
                                cel::DebugString(*value)));
}

base::Result<checker::Options> OptionsOf(const Value& params) {
  checker::Options options;
  if (const std::string text = TextOr(params, "duplicates", ""); !text.empty()) {
    options.duplicates_allowed = text == "allowed";
  }
  options.negative_allowed = TextOr(params, "negative", "forbidden") == "allowed";
  options.linearizable = IsTrue(params, "linearizable");
  options.strict = IsTrue(params, "strict");
  options.per_worker = IsTrue(params, "per_worker");
  options.total = WholeOf(params.Find("total"));
  options.first = WholeOf(params.Find("first"));
  if (const Value* initial = params.Find("initial"); initial != nullptr) {
    options.initial = *initial;
    options.initial_count = WholeOf(initial);
  }
  if (const auto witnesses = WholeOf(params.Find("witnesses")); witnesses && *witnesses >= 0) {
    options.witnesses = static_cast<size_t>(*witnesses);
  }
  TRY(options.memory_bytes, MemoryOf(params, options.memory_bytes));
  return options;
}

Value OperationValue(const checker::Operation& operation) {
  const Value completed =
      operation.completed ? Value::Duration(operation.completed->elapsed) : Value::Null();
  return Value::Object({{"path", Value::String(operation.path)},
                        {"op", Value::String(operation.op)},
                        {"ending", Value::String(checker::ToString(operation.ending))},
                        {"key", operation.key},
                        {"value", operation.value},
                        {"attempted", Value::Duration(operation.attempted.elapsed)},
                        {"completed", completed}});
}

Value WitnessValue(const checker::Witness& witness) {
  std::vector<Value> operations;
  for (const checker::Operation& operation : witness.operations) {
    operations.push_back(OperationValue(operation));
  }
  return Value::Object({{"kind", Value::String(witness.kind)},
                        {"subject", Value::String(witness.subject)},
                        {"text", Value::String(witness.text)},
                        {"operations", Value::List(std::move(operations))}});
}

Value OutcomeValue(const checker::CheckResult& result, size_t operations) {
  cel::MapBuilder map;
  map.Set("operations", Value::Int(static_cast<int64_t>(operations)));
  cel::MapBuilder counts;
  for (const auto& [name, count] : result.counts) {
    map.Set(name, Value::Int(count));
    counts.Set(name, Value::Int(count));
  }
  map.Set("counts", std::move(counts).Build());
  std::vector<Value> witnesses;
  for (const checker::Witness& witness : result.witnesses) {
    witnesses.push_back(WitnessValue(witness));
  }
  map.Set("witnesses", Value::List(std::move(witnesses)));
  map.Set("left_out", Value::Int(static_cast<int64_t>(result.witnesses_left_out)));
  map.Set("unmet", Value::String(result.verdict == Verdict::kFailed ? result.reason : ""));
  return std::move(map).Build();
}

object CheckerData(const checker::CheckResult& result, const Value& outcome,
                   std::string_view checker, std::string_view ledger, size_t operations,
                   history::BlobSink& blobs, std::vector<std::string>& names) {
  object counts;
  for (const auto& [name, count] : result.counts) counts[name] = count;
  return {{"checker", checker},
          {"ledger", ledger},
          {"operations", operations},
          {"verdict", history::ToString(result.verdict)},
          {"reason", result.reason},
          {"counts", std::move(counts)},
          {"witnesses", Record(*outcome.Find("witnesses"), blobs, names)},
          {"left_out", result.witnesses_left_out}};
}

history::Outcome OutcomeOf(const checker::CheckResult& result, Value value) {
  history::Outcome outcome;
  outcome.value = std::move(value);
  if (result.verdict == Verdict::kInconclusive) {
    outcome.disposition = Disposition::kInconclusive;
    outcome.error = base::Error{base::ErrorCode::kUnavailable, result.reason};
  }
  return outcome;
}

}  // namespace

checker::Ending EndingOf(const scenario::ActionSchema& action, const history::Outcome& outcome,
                         bool held) {
  if (outcome.disposition == Disposition::kSkipped) return Ending::kFailed;
  const Value* status = outcome.value.Find("status");
  if (outcome.disposition == Disposition::kAnswered) {
    if (held) return Ending::kAcknowledged;
    const bool refused = status != nullptr && status->is_int() && TellsRefusal(status->int_value());
    return refused ? Ending::kFailed : Ending::kIndeterminate;
  }
  if (outcome.disposition != Disposition::kError) return Ending::kIndeterminate;
  const Value* sent = outcome.value.Find("sent");
  if (sent != nullptr && sent->is_false()) return Ending::kFailed;
  const bool refused = std::ranges::any_of(action.outcome, [&](const scenario::Field& field) {
    return field.tells_refusal && outcome.value.Find(field.name) != nullptr;
  });
  return refused ? Ending::kFailed : Ending::kIndeterminate;
}

// One worker is one list of steps: within it, one operation follows the other.
void StepMachine::BeginOperation(const plan::PlannedStep& step, const std::string& path,
                                 size_t attempt, const Place& place) {
  if (!step.record) return;
  const std::string worker = place.flags.background ? path : path.substr(0, path.rfind('/'));
  const std::string at = plan::WithAttempt(path, attempt);
  recorder_.OperationBegins(path, attempt, worker, *step.record, At(place.scope, at));
}

void StepMachine::EndOperation(const plan::PlannedStep& step, const std::string& path,
                               size_t attempt, const Place& place, const Attempt& result,
                               bool held) {
  if (!step.record) return;
  const std::string at = plan::WithAttempt(path, attempt);
  const OutcomeScope seen(result.outcome.value, result.outcome.ErrorValue(), place.scope);
  recorder_.OperationEnds(path, attempt, EndingOf(*step.action, result.outcome, held), *step.record,
                          At(seen, at));
}

StepMachine::Attempt StepMachine::RunCheck(const plan::PlannedStep& step, const std::string& path,
                                           size_t attempt, const Place& place) {
  const std::string at = plan::WithAttempt(path, attempt);
  const auto broken = [](const base::Error& error) {
    Attempt failed;
    failed.outcome = FailedOutcome(error);
    failed.judgement = {Verdict::kError, error.message};
    return failed;
  };
  const auto params = step.params.Evaluate(At(place.scope, at));
  if (!params) return broken(params.error());
  const auto options = OptionsOf(*params);
  if (!options) return broken(options.error());
  const std::string checker = TextOr(*params, "checker", "");
  const std::string ledger = TextOr(*params, "ledger", "");
  const plan::PathParts parts = plan::SplitPath(path);
  LedgerBook& ledgers = recorder_.ledgers();
  auto operations = ledgers.Operations(ledger, fmt::format("{}/{}", parts.scenario, parts.instance),
                                       ledgers.MomentOfCheck(at));
  const size_t count = operations.size();
  auto result = checker::Check(checker, std::move(operations), *options);
  if (!result) return broken(result.error());
  if (count == 0) {
    result->verdict = Verdict::kInconclusive;
    result->reason = fmt::format("no operation was recorded in the ledger \"{}\"", ledger);
  }
  const Value value = OutcomeValue(*result, count);
  std::vector<std::string> names;
  object data = CheckerData(*result, value, checker, ledger, count, recorder_.blobs(), names);
  recorder_.writer().Write(history::kind::kChecker, at, std::move(data), std::move(names));
  Attempt done;
  done.outcome = OutcomeOf(*result, value);
  recorder_.OutcomeOf(at, done.outcome, fmt::format("{} on {}", checker, ledger));
  if (result->verdict == Verdict::kInconclusive) {
    done.judgement = {Verdict::kInconclusive, result->reason};
  }
  return done;
}

}  // namespace assay::run
