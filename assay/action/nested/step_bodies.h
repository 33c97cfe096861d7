#pragma once
// The step lists inside a step (`tasks[0].steps` of a workload), for actions that decide themselves
// when and how often to carry them out. Implemented by whoever runs scenarios.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/action/action.h"
#include "assay/cel/value.h"
#include "assay/history/blob_store.h"
#include "assay/history/outcome.h"
#include "assay/history/verdict.h"
#include "assay/plan/plan.h"
#include "assay/plan/resolve.h"
#include "lib/base/deadline.h"
#include "lib/net/task.h"

namespace http {
class Client;
class CookieJar;
}  // namespace http

namespace assay::action {

/// How one step of a body ended: refers to what lives during the call only.
struct BodyStep {
  std::string_view path;
  const plan::PlannedStep& step;
  const history::Outcome& outcome;
  history::Verdict verdict;
  std::string_view reason;
};

/// One carrying-out of a step list.
struct BodyRequest {
  const plan::PlannedBlock* block = nullptr;
  std::string path;  ///< of the iteration: the paths of the steps are below it
  /// Loop variables; they hide everything outside.
  std::vector<std::pair<std::string, cel::Value>> locals;
  base::Deadline deadline = base::Deadline::Never();
  /// What the steps save stays known to later bodies of the same user.
  bool keep_variables = false;
  std::function<void(const BodyStep&)> on_step = {};  ///< every step that is an action
};

struct BodyEnd {
  history::Verdict verdict = history::Verdict::kPassed;
  std::string reason;        ///< empty when it passed
  bool interrupted = false;  ///< the deadline or Stop came first
};

/// Somebody with cookies and variables of his own. Belongs to one loop; one Run at a time.
class BodyUser {
 public:
  virtual ~BodyUser() = default;
  /// Its only events are those of ledgers. Must not be cancelled: see Stop.
  virtual net::Task<BodyEnd> Run(BodyRequest request) = 0;
  /// Ends what is going on, and everything after it at once.
  virtual void Stop() = 0;
};

/// Outlives the users.
class StepBodies {
 public:
  virtual ~StepBodies() = default;
  virtual const ActionRegistry& actions() const = 0;
  /// The step that holds the lists.
  virtual const plan::PlannedStep& step() const = 0;
  /// Its path without attempt.
  virtual const std::string& path() const = 0;
  /// The part of the iterations that this machine carries out.
  virtual plan::Shard share() const = 0;
  /// The variables of the scenario as the step sees them; from any thread.
  virtual const cel::Activation& variables() const = 0;
  /// From any thread. `http` is the client of the loop on which the user will live; `blobs` takes
  /// what his steps store. Both outlive him.
  virtual std::unique_ptr<BodyUser> MakeUser(http::Client& http,
                                             history::BlobSink& blobs) const = 0;
};

}  // namespace assay::action
