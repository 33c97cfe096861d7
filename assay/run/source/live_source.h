#pragma once
// Outcomes from the system itself: actions are carried out, time passes.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "assay/action/action.h"
#include "assay/plan/resolve.h"
#include "assay/run/recorder.h"
#include "assay/run/source/outcome_source.h"

namespace assay::run {

/// How steps `at` another environment than the run's reach it.
struct OtherEnvironment {
  std::string name;
  std::vector<action::Endpoint> endpoints;
  std::string default_endpoint;  ///< "": the first
};

/// What actions work with. References outlive the source.
struct LiveContext {
  const base::Clock& clock;
  const action::ActionRegistry& actions;
  action::BlobSink& blobs;
  http::Client& http;
  /// Cookies of one scenario attempt.
  std::function<std::shared_ptr<http::CookieJar>()> make_cookies;
  std::vector<action::Endpoint> endpoints;
  std::string default_endpoint;  ///< "": the first
  std::string environment;       ///< its name
  std::vector<OtherEnvironment> others;
  std::filesystem::path project_root;
  std::filesystem::path work_root;  ///< scratch directories are made below it
  bool keep_work = false;
  uint64_t seed = 0;
  std::vector<std::pair<std::string, std::string>> process_environment;
  action::AskOperator ask_operator;
  /// Writes an event of the step at `path`; empty: nobody keeps them.
  std::function<void(std::string_view kind, std::string_view path, boost::json::object content,
                     std::vector<std::string> blobs)>
      emit = {};
  /// Notes operations of steps that have no events; from any thread, at once and in order. Empty:
  /// nobody keeps them.
  std::function<void(OperationNote)> note_operation = {};
  fault::FaultSite* faults = nullptr;  ///< of the run's own environment
  plan::Shard load_share = {};         ///< see RunOptions
};

/// Where the scratch directory of a scenario instance is.
std::filesystem::path WorkDirOf(const std::filesystem::path& work_root,
                                const plan::PlannedScenario& scenario);

/// Belongs to the run's loop.
class LiveSource final : public OutcomeSource {
 public:
  explicit LiveSource(LiveContext context) : context_(std::move(context)) {}

  base::Result<cel::Value> Inputs(
      std::string_view scenario_path,
      const std::function<base::Result<cel::Value>()>& compute) override;
  std::optional<StopCause> StopBefore(std::string_view path, const Stopper& stopper) override;
  net::Task<Performed> Perform(const ActionRequest& request) override;
  net::Task<PauseEnd> Pause(const PauseRequest& request) override;
  base::Deadline DeadlineAfter(base::Duration span) const override;

  /// The scenario is over: its cookies and, unless they are kept, its files go.
  void Close(const plan::PlannedScenario& scenario);

 private:
  struct Session {
    std::shared_ptr<http::CookieJar> cookies;
    std::filesystem::path work_dir;
  };

  /// Refers to `request`.
  action::Holds HoldsOf(const ActionRequest& request) const;
  Session& SessionOf(const plan::PlannedScenario& scenario, std::string_view path);
  /// Null for the run's own; kUnsupported when it is not up.
  base::Result<const OtherEnvironment*> FindOther(std::string_view environment) const;
  base::Result<action::Endpoint> FindEndpoint(const OtherEnvironment* other,
                                              std::string_view name) const;
  action::EmitEvent EmitOf(const ActionRequest& request) const;
  net::Task<base::Result<history::Outcome>> Carry(const action::Action& action, cel::Value params,
                                                  const action::ActionContext& context) const;
  history::Outcome Explain(history::Outcome outcome, const ActionRequest& request) const;

  LiveContext context_;
  std::map<std::string, Session, std::less<>> sessions_;  // by path of the scenario attempt
};

}  // namespace assay::run
