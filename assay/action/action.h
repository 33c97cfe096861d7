#pragma once
// What a step can do to a system: one class an action, registered explicitly.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/cel/value.h"
#include "assay/history/blob_store.h"
#include "assay/history/outcome.h"
#include "assay/scenario/schema.h"
#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace http {
class Client;
class CookieJar;
}  // namespace http
namespace http::wire {
struct WireRequest;
}  // namespace http::wire

namespace assay::fault {
class FaultSite;
}  // namespace assay::fault

namespace assay::action {

/// Where a service is reached, as scenarios name it.
struct Endpoint {
  std::string name;
  std::string url;  ///< scheme://host:port[/base]
};

using history::BlobSink;
class StepBodies;

/// What an operator said to a manual step.
struct OperatorAnswer {
  bool approved = false;
  std::string who;
  std::string comment;
};

/// Asks and waits; kUnavailable when nobody is there any more.
using AskOperator = std::function<net::Task<base::Result<OperatorAnswer>>(std::string question,
                                                                          base::Deadline deadline)>;

/// Whether the condition that a step has for a parameter of type Expression (`until`) holds with
/// these variables, which hide those of the scenario. Nothing when the step does not have it; an
/// error when it gives no bool.
using Holds = std::function<std::optional<base::Result<bool>>(std::string_view parameter,
                                                              const cel::Value& variables)>;

/// Writes an event about the step, besides its outcome, with the blobs that it names.
using EmitEvent = std::function<void(std::string_view kind, boost::json::object content,
                                     std::vector<std::string> blobs)>;

/// What an action may use. Everything outlives the call. An action prints nothing and keeps nothing
/// between calls; what must last over a scenario (cookies, generated files) is in `session`.
struct ActionContext {
  const base::Clock& clock;
  base::Deadline deadline;  ///< of the step, already the earlier of step and scenario
  BlobSink& blobs;
  http::Client& http;
  http::CookieJar& cookies;  ///< one per scenario instance
  std::string work_dir;  ///< scratch directory of the scenario instance, exists, removed by the run
                         ///< unless kept
  std::string source_dir;  ///< folder of the scenario file: relative paths in `file:` and `exec:`
                           ///< start here
  uint64_t seed = 0;       ///< derived from run seed and step path
  std::string path = {};   ///< of the step, with its attempt
  std::function<base::Result<Endpoint>(std::string_view name)>
      find_endpoint;  ///< "" is the default endpoint
  std::vector<std::pair<std::string, std::string>>
      process_environment;   ///< for exec, besides the inherited one
  AskOperator ask_operator;  ///< empty: nobody is there
  /// An action whose schema `listens` calls it once what others send from now on will not be
  /// missed: connected, subscribed, acknowledged. The steps after a background step wait for it.
  std::function<void()> armed = [] {};
  Holds holds = {};                    ///< empty: the step has no conditions
  EmitEvent emit = {};                 ///< on the loop of the run; empty: nobody keeps events
  const StepBodies* bodies = nullptr;  ///< the step lists inside the step; null: it has none
  /// What faults break; null: the run has no environment of its own.
  fault::FaultSite* faults = nullptr;
};

/// Actions are stateless and shared by all scenarios of a run.
class Action {
 public:
  virtual ~Action() = default;
  virtual const scenario::ActionSchema& schema() const = 0;
  /// One line for people from evaluated parameters: `POST /api/v1/eeg/upload`.
  virtual std::string Head(const cel::Value& params) const = 0;
  /// `params`: a map with the keys of the schema's parameter table, defaults not filled in. An
  /// expected failure is an Outcome with kError; cancellation of the coroutine gives kInterrupted.
  /// Takes the map by value: it is cheap to copy and must outlive the suspension.
  virtual net::Task<history::Outcome> Run(cel::Value params,
                                          const ActionContext& context) const = 0;
  /// The request of such a step as bytes that a load can send again and again. kUnsupported says
  /// what needs more than that; unless an action says otherwise, it does.
  virtual base::Result<http::wire::WireRequest> AsWire(const cel::Value& params,
                                                       const ActionContext& context) const;
};

class ActionRegistry {
 public:
  /// Requires: no other action has the name of its schema.
  void Add(std::unique_ptr<Action> action);
  /// Null when there is none.
  const Action* Find(std::string_view name) const;
  std::vector<const Action*> All() const;  ///< in order of registration

 private:
  std::vector<std::unique_ptr<Action>> actions_;
};

/// amqp, exec, file, generate, http, manual, metrics, mqtt, redis, s3, sql, tcp, wait, websocket.
/// Structure (group, parallel, for_each, repeat, use, set, note) belongs to the step machine.
void RegisterBuiltinActions(ActionRegistry& registry);

}  // namespace assay::action
