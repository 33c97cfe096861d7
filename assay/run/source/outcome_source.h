#pragma once
// Where outcomes and the decisions of time come from: the only difference between a live run and a
// replay.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "assay/history/outcome.h"
#include "assay/plan/plan.h"
#include "assay/run/scope.h"
#include "assay/run/stopper.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace assay::run {

/// One attempt of an action. Everything outlives the call.
struct ActionRequest {
  std::string path;  ///< with #attempt
  const scenario::ActionSchema* action = nullptr;
  const plan::PlannedTemplate* params = nullptr;
  const plan::PlannedScenario* scenario = nullptr;
  const Scope* scope = nullptr;
  std::string environment = {};  ///< named by `at`; "": the run's
  base::Duration timeout{};      ///< zero: none but the stopper's
  Stopper* stopper = nullptr;
  /// The step's parameters of type Expression; null: none.
  const std::vector<plan::NamedProgram>* conditions = nullptr;
  /// Called when the action listens; empty: nobody waits for it.
  std::function<void()> armed = {};
  const plan::PlannedStep* step = nullptr;  ///< null for a fixture
};

/// An outcome, and what to call the attempt in a report.
struct Performed {
  history::Outcome outcome;
  std::string head;
  /// How long after its start the action listened; absent: it never did.
  std::optional<base::Duration> armed = {};
};

/// Asked between two attempts of a step.
struct PauseRequest {
  std::string path;  ///< of the step, without attempt
  size_t next_attempt = 2;
  base::Duration wait{};
  bool poll = false;                               ///< else a retry
  base::Deadline limit = base::Deadline::Never();  ///< when polling must be over
  Stopper* stopper = nullptr;
};

struct PauseEnd {
  enum class Kind { kContinue, kExhausted, kStopped };
  Kind kind = Kind::kContinue;
  StopCause cause = {};  ///< of kStopped
};

/// Everything that the machine does not decide itself. Keyed by path, never by order, so that
/// parallel and background steps replay exactly.
class OutcomeSource {
 public:
  virtual ~OutcomeSource() = default;

  /// What the scenario sees besides its steps' outcomes: a map of the global names and `vars`.
  /// `compute` evaluates it; a recorded source reads it back instead.
  virtual base::Result<cel::Value> Inputs(
      std::string_view scenario_path, const std::function<base::Result<cel::Value>()>& compute) = 0;
  /// Whether the step must not begin any more.
  virtual std::optional<StopCause> StopBefore(std::string_view path, const Stopper& stopper) = 0;
  virtual net::Task<Performed> Perform(const ActionRequest& request) = 0;
  virtual net::Task<PauseEnd> Pause(const PauseRequest& request) = 0;
  /// Never() where time does not pass.
  virtual base::Deadline DeadlineAfter(base::Duration span) const = 0;
};

}  // namespace assay::run
