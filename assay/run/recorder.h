#pragma once
// Writes what the step machine does as events, and judges expectations on the way.

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/action/nested/step_bodies.h"
#include "assay/history/blob_store.h"
#include "assay/history/event_log.h"
#include "assay/history/outcome.h"
#include "assay/history/verdict.h"
#include "assay/plan/expression.h"
#include "assay/plan/plan.h"
#include "assay/run/ledger_book.h"

namespace assay::run {

/// A verdict and why it is not `passed`.
struct Judgement {
  history::Verdict verdict = history::Verdict::kPassed;
  std::string reason;

  /// Keeps the worse of the two; of equal ones the first.
  void Add(history::Verdict other, const std::string& why) {
    if (other > verdict) {
      verdict = other;
      reason = why;
    }
  }
};

/// Where a step stands, as far as its events say.
struct StepPlace {
  bool cleanup = false;
  bool background = false;
};

/// What an expectation's verdict was in the run that is replayed; nullopt: decide anew.
using RecalledVerdict = std::function<std::optional<history::Verdict>(
    std::string_view path, size_t attempt, std::string_view role, std::string_view expression,
    history::Verdict anew)>;

/// What is known of an operation of a ledger when it begins, or when it has ended.
struct OperationNote {
  std::string path;  ///< of the step
  size_t attempt = 1;
  std::string ledger;
  std::string op;
  std::string worker;  ///< whoever does one thing after the other; the beginning tells
  /// What they are made of may not be known before the answer: null.
  cel::Value key;
  cel::Value value;
  std::string problem;                    ///< see checker::Operation
  std::optional<checker::Ending> ending;  ///< nullopt: it begins
};

/// One per run; the loop's thread only. With a silent writer it only judges, and stores no blobs.
class Recorder {
 public:
  Recorder(history::EventWriter& writer, history::BlobSink& blobs)
      : writer_(writer), blobs_(blobs) {}

  /// For replays: an expectation that may have asked about a secret, which the log does not hold,
  /// keeps its verdict.
  void RecallVerdicts(RecalledVerdict recall) { recall_ = std::move(recall); }
  std::optional<history::Verdict> Recall(std::string_view path, size_t attempt,
                                         std::string_view role, std::string_view expression,
                                         history::Verdict anew) const {
    return recall_ ? recall_(path, attempt, role, expression, anew) : std::nullopt;
  }

  /// Called with every step that is an action, when it has ended.
  void ObserveSteps(std::function<void(const action::BodyStep&)> observer) {
    step_observer_ = std::move(observer);
  }

  history::EventWriter& writer() { return writer_; }
  history::BlobSink& blobs() { return blobs_; }

  void StepStarted(const plan::PlannedStep& step, std::string_view path, StepPlace place);
  /// `stopped` names the cause when the step was not begun because something ended early.
  void StepSkipped(const plan::PlannedStep& step, std::string_view path, StepPlace place,
                   std::string_view reason, std::string_view stopped = {});
  void OutcomeOf(std::string_view attempt_path, const history::Outcome& outcome,
                 std::string_view head, std::optional<base::Duration> armed = {});
  void StepEnded(const plan::PlannedStep& step, std::string_view attempt_path,
                 const history::Outcome& outcome, const Judgement& judgement) {
    if (!step_observer_ || step.action->role != scenario::ActionRole::kAction) return;
    step_observer_({attempt_path, step, outcome, judgement.verdict, judgement.reason});
  }
  void Saved(std::string_view path, std::span<const std::pair<std::string, cel::Value>> values);

  LedgerBook& ledgers() { return ledgers_; }
  /// An operation of a ledger begins: `path` is the step's.
  void OperationBegins(std::string_view path, size_t attempt, std::string_view worker,
                       const plan::PlannedRecord& record, const plan::EvaluationScope& scope);
  /// The end of the operation of the same path and attempt.
  void OperationEnds(std::string_view path, size_t attempt, checker::Ending ending,
                     const plan::PlannedRecord& record, const plan::EvaluationScope& scope);
  /// Writes the event and tells the book. The moment is that of the call.
  void Note(OperationNote note);
  /// For steps whose other events nobody keeps: their operations are noted by somebody else, who
  /// is told at once and in order.
  void PassOperations(std::function<void(OperationNote)> sink) {
    operation_sink_ = std::move(sink);
  }

  /// Evaluates an expectation and writes its event. Not true and not evaluable is failed; out of
  /// budget is inconclusive.
  Judgement Judge(const plan::PlannedExpression& expression, std::string_view role,
                  std::string_view path, size_t attempt, const plan::EvaluationScope& scope);

 private:
  boost::json::object Describe(const plan::PlannedStep& step, StepPlace place) const;

  history::EventWriter& writer_;
  history::BlobSink& blobs_;
  RecalledVerdict recall_;
  std::function<void(const action::BodyStep&)> step_observer_;
  void Hand(OperationNote note);

  std::function<void(OperationNote)> operation_sink_;
  LedgerBook ledgers_;
};

/// Whether the expression asks for this variable.
bool Uses(const plan::PlannedExpression& expression, std::string_view variable);

/// Typed JSON; what cannot be stored (a full disk) becomes the error's text: the log fails anyway.
boost::json::value Record(const cel::Value& value, history::BlobSink& blobs,
                          std::vector<std::string>& names);

boost::json::array ToArray(std::span<const std::string> texts);

}  // namespace assay::run
