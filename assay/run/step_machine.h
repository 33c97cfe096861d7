#pragma once
// Walks the steps of one scenario instance.
//
//   step: when -> attempt -> until -> expect -> save -> finished
//                   ^          | no     | failed, error
//                   +- pause <-+ poll   |
//                   +- pause <----------+ retry
//
// The machine decides by the file and by what the OutcomeSource says, by nothing else: the same
// answers give the same verdicts, whatever order parallel and background steps finish in. Branches
// (parallel, concurrent for_each, background) work on a copy of the variables; what they save shows
// when they are joined, in the order of the file.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/json/array.hpp>

#include "assay/checker/operation.h"
#include "assay/plan/plan.h"
#include "assay/run/recorder.h"
#include "assay/run/scope.h"
#include "assay/run/source/outcome_source.h"
#include "assay/run/stopper.h"
#include "lib/net/event.h"
#include "lib/net/task.h"
#include "lib/net/task_group.h"

namespace assay::run {

/// How a step ended, and what `outcomes` of the structure around it shows.
struct StepEnd {
  Judgement judgement;
  cel::Value outcome;
  Scope scope;  ///< of background steps only: their writes
};

/// How a list of steps ended. Skipped steps that are `optional` do not count.
struct ListEnd {
  Judgement judgement;
  bool counted = false;            ///< at least one step counts
  bool stopped = false;            ///< not all steps were begun
  std::optional<StopCause> cause;  ///< a step was not begun because of this
  std::vector<cel::Value> outcomes;

  /// An empty set passes nothing.
  Judgement Whole() const;
};

class StepMachine {
 public:
  /// All of them outlive the machine; `group` runs the background steps.
  StepMachine(const plan::PlannedScenario& scenario, uint64_t seed, OutcomeSource& source,
              Recorder& recorder, net::TaskGroup& group)
      : scenario_(scenario), seed_(seed), source_(source), recorder_(recorder), group_(group) {}

  struct ListOptions {
    bool cleanup = false;  ///< goes on after a failed step
  };
  /// Runs the steps in order, then joins the background steps that are left.
  net::Task<ListEnd> RunSteps(std::span<const plan::PlannedStep> steps, std::string parent,
                              Scope& scope, Stopper& stopper, ListOptions options);
  /// A fixture: one attempt of an action at `path`, as a step of its own.
  net::Task<StepEnd> RunFixture(const plan::PlannedFixture& fixture, std::string path,
                                const Scope& scope, Stopper& stopper);

 private:
  struct Background {
    const plan::PlannedStep* step;
    std::string path;
    Stopper stopper;
    StepEnd end;
    net::Event armed;      ///< it listens, or it is over
    bool listens = false;  ///< it listened before it was over
    net::Event done;
    bool joined = false;
  };
  /// The background steps that are joined at the end of one list.
  struct Frame {
    Frame* outer = nullptr;
    Stopper* stopper = nullptr;  ///< of the list; outlives the background steps
    std::vector<std::unique_ptr<Background>> running;
    Background* Find(std::string_view id);
  };
  /// Where a step runs.
  struct Place {
    Scope& scope;
    Frame& frame;
    Stopper& stopper;
    StepPlace flags;
    std::function<void()> armed = {};  ///< of a background step: called when it listens
  };
  struct Attempt {
    history::Outcome outcome;
    Judgement judgement;  ///< structure: of the children
  };
  struct Rounds {
    size_t attempts = 0;
    bool exhausted = false;
    boost::json::array exhausted_at;  ///< attempts after which a poll gave up
    std::optional<StopCause> cause;
    Attempt last;
  };

  net::Task<ListEnd> RunList(std::span<const plan::PlannedStep> steps, std::string parent,
                             Place place);
  net::Task<ListEnd> RunFramed(std::span<const plan::PlannedStep> steps, std::string parent,
                               Place outer);
  net::Task<void> JoinRest(Frame& frame, Scope& scope, ListEnd& end);
  void Account(const plan::PlannedStep& step, const StepEnd& result, ListEnd& end) const;
  net::Task<history::Verdict> StartBackground(const plan::PlannedStep& step, std::string path,
                                              Place place);
  net::Task<void> RunBackground(Background& background, Frame& frame, StepPlace flags);

  net::Task<StepEnd> RunStep(const plan::PlannedStep& step, std::string path, Place place);
  std::optional<StepEnd> Decline(const plan::PlannedStep& step, const std::string& path,
                                 const Place& place);
  net::Task<void> RunRounds(const plan::PlannedStep& step, const std::string& path, Place place,
                            Rounds& rounds);
  net::Task<void> PollRound(const plan::PlannedStep& step, const std::string& path, Place place,
                            Rounds& rounds);
  net::Task<Attempt> RunAttempt(const plan::PlannedStep& step, const std::string& path,
                                size_t attempt, Place place);
  void JudgeAttempt(const plan::PlannedStep& step, const std::string& path, size_t attempt,
                    const Place& place, Attempt& result);
  void JudgeParameters(const plan::PlannedStep& step, const std::string& path, size_t attempt,
                       const plan::EvaluationScope& scope, Judgement& judgement);
  bool Holds(const plan::PlannedStep& step, const std::string& path, size_t attempt,
             const Place& place, const Attempt& result) const;
  void JudgeExpectations(const plan::PlannedStep& step, const std::string& path, size_t attempt,
                         const Place& place, Attempt& result);
  StepEnd Finish(const plan::PlannedStep& step, const std::string& path, const Place& place,
                 Rounds& rounds, base::Duration started);

  // step_ledgers.cc
  void BeginOperation(const plan::PlannedStep& step, const std::string& path, size_t attempt,
                      const Place& place);
  void EndOperation(const plan::PlannedStep& step, const std::string& path, size_t attempt,
                    const Place& place, const Attempt& result, bool held);
  Attempt RunCheck(const plan::PlannedStep& step, const std::string& path, size_t attempt,
                   const Place& place);

  // step_structures.cc
  net::Task<Attempt> RunStructure(const plan::PlannedStep& step, std::string path, Place place);
  net::Task<Attempt> RunParallel(const plan::PlannedStep& step, std::string path,
                                 const cel::Value& params, Place place);
  net::Task<Attempt> RunForEach(const plan::PlannedStep& step, std::string path,
                                const cel::Value& params, Place place);
  net::Task<Attempt> RunRepeat(const plan::PlannedStep& step, std::string path,
                               const cel::Value& params, Place place);
  net::Task<Attempt> RunUse(const plan::PlannedStep& step, std::string path, Place place);
  net::Task<Attempt> RunJoin(const plan::PlannedStep& step, Place place);
  Attempt RunSet(const std::string& path, const cel::Value& params, Place place);

  plan::EvaluationScope At(const cel::Activation& variables, std::string_view path) const {
    return {variables, seed_, path, {}};
  }

  const plan::PlannedScenario& scenario_;
  uint64_t seed_;
  OutcomeSource& source_;
  Recorder& recorder_;
  net::TaskGroup& group_;
};

/// What became of the operation of a step, by its outcome. `held`: the step's conditions did.
///   acknowledged    answered, and everything that the step expects held
///   failed          skipped; a status from 400 to 499 except 408; an error in which the system
///                   itself refused (fields that tell a refusal); a request that never left
///                   (`sent` is false: no address, connection refused, no trust in the certificate)
///   indeterminate   everything else: no answer in time, a connection lost after sending, a status
///                   408 or from 500, an answer that was not what the step expects
checker::Ending EndingOf(const scenario::ActionSchema& action, const history::Outcome& outcome,
                         bool held);

/// The outcome of a structure step: its variables, and nothing went wrong in carrying it out.
history::Outcome StructureOutcome(cel::Value value);
/// In the background it has no end of its own: whoever joins it ends it.
bool GoesOnUntilJoined(const plan::PlannedStep& step);
/// Why such a step ends.
StopCause Joined();
/// A step that could not be carried out.
history::Outcome FailedOutcome(base::Error error);

}  // namespace assay::run
