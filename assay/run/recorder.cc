#include "assay/run/recorder.h"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/explain.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "assay/plan/asserted.h"
#include "assay/plan/path.h"

namespace assay::run {
namespace {

using boost::json::object;
using history::Verdict;

Verdict VerdictOf(const cel::Value& value) {
  if (value.is_true()) return Verdict::kPassed;
  if (value.is_error() && value.error().code == base::ErrorCode::kExhausted) {
    return Verdict::kInconclusive;
  }
  return Verdict::kFailed;
}

std::string WhyNot(const plan::PlannedExpression& expression, const cel::Value& value) {
  const std::string& text = expression.source().text;
  if (value.is_false()) return text;
  if (value.is_error()) return fmt::format("{}: {}", text, value.error().message);
  return fmt::format("{}: is {}, expected a bool", text, cel::DebugString(value));
}

// Whether `all` may have been true for want of elements: only then is a held expectation explained.
bool MayBeVacuous(const plan::PlannedExpression& expression) {
  return expression.source().text.contains("all(");
}

std::string_view PhaseOf(checker::Ending ending) {
  if (ending == checker::Ending::kAcknowledged) return "ok";
  return ending == checker::Ending::kFailed ? "fail" : "info";
}

// A key or value; what is not known is null, and why is in `problem`.
struct Evaluated {
  cel::Value value;
  std::string problem;
};

Evaluated Evaluate(const std::optional<plan::PlannedTemplate>& field,
                   const plan::EvaluationScope& scope) {
  if (!field) return {};
  auto value = field->Evaluate(scope);
  if (!value) return {{}, value.error().message};
  if (value->is_error()) return {{}, value->error().message};
  return {*std::move(value), {}};
}

}  // namespace

bool Uses(const plan::PlannedExpression& expression, std::string_view variable) {
  return std::ranges::any_of(expression.program().references(), [&](const cel::Reference& use) {
    return !use.empty() && use.front() == variable;
  });
}

boost::json::value Record(const cel::Value& value, history::BlobSink& blobs,
                          std::vector<std::string>& names) {
  auto json = history::RecordValue(value, blobs, names);
  if (json) return *std::move(json);
  return boost::json::object{{"error", json.error().ToString()}};
}

boost::json::array ToArray(std::span<const std::string> texts) {
  boost::json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

object Recorder::Describe(const plan::PlannedStep& step, StepPlace place) const {
  const base::SourceSpan& span = step.source->span;
  return {{"name", step.source->name.text},
          {"id", step.id},
          {"action", step.action->name},
          {"head", step.title},
          {"file", span.source ? span.source->name() : ""},
          {"line", span.line},
          {"verifies", ToArray(step.verifies)},
          {"cleanup", place.cleanup},
          {"background", place.background},
          {"unasserted",
           !plan::IsAsserted(step) && step.action->role == scenario::ActionRole::kAction}};
}

void Recorder::StepStarted(const plan::PlannedStep& step, std::string_view path, StepPlace place) {
  if (writer_.is_silent()) return;
  writer_.Write(history::kind::kStepStarted, path, Describe(step, place));
}

void Recorder::StepSkipped(const plan::PlannedStep& step, std::string_view path, StepPlace place,
                           std::string_view reason, std::string_view stopped) {
  if (writer_.is_silent()) return;
  object data = Describe(step, place);
  data["reason"] = reason;
  if (!stopped.empty()) data["stopped"] = stopped;
  writer_.Write(history::kind::kStepSkipped, path, std::move(data));
}

void Recorder::OutcomeOf(std::string_view attempt_path, const history::Outcome& outcome,
                         std::string_view head, std::optional<base::Duration> armed) {
  if (writer_.is_silent()) return;
  std::vector<std::string> names;
  auto data = history::RecordOutcome(outcome, blobs_, names);
  if (!data) {
    data = object{{"disposition", "error"},
                  {"value", object{}},
                  {"error", object{{"code", base::ToString(data.error().code)},
                                   {"message", data.error().message},
                                   {"hint", data.error().hint}}},
                  {"duration_ns", outcome.duration.count()},
                  {"transcript", ""}};
  }
  if (!head.empty()) (*data)["head"] = head;
  if (armed) (*data)["armed_ns"] = armed->count();
  writer_.Write(history::kind::kOutcome, attempt_path, *std::move(data), std::move(names));
}

void Recorder::Saved(std::string_view path,
                     std::span<const std::pair<std::string, cel::Value>> values) {
  if (values.empty() || writer_.is_silent()) return;
  object json;
  std::vector<std::string> names;
  for (const auto& [name, value] : values) json[name] = Record(value, blobs_, names);
  writer_.Write(history::kind::kSaved, path, {{"values", std::move(json)}}, std::move(names));
}

void Recorder::OperationBegins(std::string_view path, size_t attempt, std::string_view worker,
                               const plan::PlannedRecord& record,
                               const plan::EvaluationScope& scope) {
  if (writer_.is_silent() && !operation_sink_) return;
  Hand({.path = std::string(path),
        .attempt = attempt,
        .ledger = record.ledger,
        .op = record.op,
        .worker = std::string(worker),
        .key = Evaluate(record.key, scope).value,
        .value = Evaluate(record.value, scope).value,
        .problem = {},
        .ending = {}});
}

void Recorder::OperationEnds(std::string_view path, size_t attempt, checker::Ending ending,
                             const plan::PlannedRecord& record,
                             const plan::EvaluationScope& scope) {
  if (writer_.is_silent() && !operation_sink_) return;
  Evaluated key = Evaluate(record.key, scope);
  Evaluated value = Evaluate(record.value, scope);
  std::string problem = key.problem.empty() ? value.problem : key.problem;
  // Only an acknowledged operation must be known: an answer that never came has no fields.
  if (ending != checker::Ending::kAcknowledged) problem.clear();
  Hand({.path = std::string(path),
        .attempt = attempt,
        .ledger = record.ledger,
        .op = record.op,
        .worker = {},
        .key = std::move(key.value),
        .value = std::move(value.value),
        .problem = std::move(problem),
        .ending = ending});
}

void Recorder::Hand(OperationNote note) {
  if (operation_sink_) {
    operation_sink_(std::move(note));
  } else {
    Note(std::move(note));
  }
}

void Recorder::Note(OperationNote note) {
  std::vector<std::string> names;
  object data = {{"attempt", note.attempt},
                 {"ledger", note.ledger},
                 {"op", note.op},
                 {"phase", note.ending ? PhaseOf(*note.ending) : "invoke"}};
  if (!note.ending) data["worker"] = note.worker;
  data["key"] = Record(note.key, blobs_, names);
  data["value"] = Record(note.value, blobs_, names);
  if (!note.problem.empty()) data["problem"] = note.problem;
  const base::Duration elapsed = writer_.Elapsed();
  const uint64_t seq =
      writer_.Write(history::kind::kLedger, note.path, std::move(data), std::move(names));
  std::string path = plan::WithAttempt(note.path, note.attempt);
  if (note.ending) {
    ledgers_.Finish(path, {.ending = *note.ending,
                           .moment = {elapsed, seq},
                           .key = std::move(note.key),
                           .value = std::move(note.value),
                           .problem = std::move(note.problem)});
    return;
  }
  ledgers_.Attempt({.op = std::move(note.op),
                    .key = std::move(note.key),
                    .value = std::move(note.value),
                    .attempted = {elapsed, seq},
                    .worker = std::move(note.worker),
                    .path = std::move(path),
                    .ledger = std::move(note.ledger)});
}

Judgement Recorder::Judge(const plan::PlannedExpression& expression, std::string_view role,
                          std::string_view path, size_t attempt,
                          const plan::EvaluationScope& scope) {
  const cel::Value value = expression.Evaluate(scope);
  Judgement judgement{VerdictOf(value), {}};
  if (const auto recalled =
          Recall(path, attempt, role, expression.source().text, judgement.verdict)) {
    judgement.verdict = *recalled;
  }
  if (judgement.verdict != Verdict::kPassed) judgement.reason = WhyNot(expression, value);
  if (writer_.is_silent()) return judgement;
  const base::SourceSpan& span = expression.source().span;
  object data = {{"expression", expression.source().text},
                 {"file", span.source ? span.source->name() : ""},
                 {"line", span.line},
                 {"column", span.column},
                 {"role", role},
                 {"verdict", history::ToString(judgement.verdict)},
                 {"value", cel::ToTypedJson(value)},
                 {"explanation", nullptr},
                 {"vacuous", false},
                 {"attempt", attempt}};
  if (judgement.verdict != Verdict::kPassed) {
    data["explanation"] = cel::ToJson(expression.Explain(scope));
  } else if (MayBeVacuous(expression)) {
    const cel::Explanation explanation = expression.Explain(scope);
    data["vacuous"] = !explanation.vacuous.empty();
    for (const std::string& part : explanation.vacuous) {
      writer_.Write(history::kind::kRunWarning, path,
                    {{"message", fmt::format("{} held only because the list is empty", part)},
                     {"where", path}});
    }
  }
  writer_.Write(history::kind::kExpectation, path, std::move(data));
  return judgement;
}

}  // namespace assay::run
