#include "assay/run/source/live_bodies.h"

#include <utility>

#include "assay/plan/path.h"
#include "assay/run/step_machine.h"
#include "lib/http/client.h"
#include "lib/net/task_group.h"

namespace assay::run {
namespace {

std::string WithoutFirstAttempt(const std::string& path) {
  const plan::PathParts parts = plan::SplitPath(path);
  if (parts.attempt.value_or(1) != 1) return path;
  return path.substr(0, path.rfind('#'));
}

LiveContext ContextOf(const LiveContext& outer, http::Client& http, history::BlobSink& blobs,
                      std::shared_ptr<http::CookieJar> cookies) {
  return {.clock = outer.clock,
          .actions = outer.actions,
          .blobs = blobs,
          .http = http,
          .make_cookies = [cookies = std::move(cookies)] { return cookies; },
          .endpoints = outer.endpoints,
          .default_endpoint = outer.default_endpoint,
          .environment = outer.environment,
          .others = outer.others,
          .project_root = outer.project_root,
          .work_root = outer.work_root,
          .keep_work = true,  // the directory is the scenario's
          .seed = outer.seed,
          .process_environment = outer.process_environment,
          .ask_operator = {}};
}

class LiveUser final : public action::BodyUser {
 public:
  LiveUser(const LiveContext& outer, const plan::PlannedScenario& scenario, const Scope& scope,
           http::Client& http, history::BlobSink& blobs)
      : scenario_(scenario),
        seed_(outer.seed),
        clock_(outer.clock),
        scope_(scope.Branch()),
        cookies_(std::make_shared<http::CookieJar>()),
        source_(ContextOf(outer, http, blobs, cookies_)),
        writer_(outer.clock),
        recorder_(writer_, blobs) {
    recorder_.PassOperations(outer.note_operation);
  }

  net::Task<action::BodyEnd> Run(action::BodyRequest request) override {
    recorder_.ObserveSteps(request.on_step);
    net::TaskGroup group(co_await net::CurrentExecutor(), [](const base::Error&) {});
    Stopper stopper(&stopper_, request.deadline, "the workload ended");
    StepMachine machine(scenario_, seed_, source_, recorder_, group);
    Scope scope = scope_.Branch();
    for (auto& [name, value] : request.locals) scope.SetLocal(name, std::move(value));
    // A user has nothing left of the iteration before, unless it was what he begins with.
    if (!kept_cookies_) cookies_->Clear();
    const ListEnd end =
        co_await machine.RunSteps(request.block->steps, request.path, scope, stopper, {});
    if (request.keep_variables) {
      scope_.MergeVars(scope);
      kept_cookies_ = true;
    }
    Judgement judgement = end.Whole();
    if (end.cause) judgement.Add(history::Verdict::kInconclusive, end.cause->reason);
    const bool passed = judgement.verdict == history::Verdict::kPassed;
    co_return action::BodyEnd{.verdict = judgement.verdict,
                              .reason = std::move(judgement.reason),
                              .interrupted = !passed && stopper.Cause(clock_).has_value()};
  }

  void Stop() override { stopper_.Stop({StopCause::Kind::kCancelled, "the workload was stopped"}); }

 private:
  const plan::PlannedScenario& scenario_;
  uint64_t seed_;
  const base::Clock& clock_;
  Scope scope_;
  std::shared_ptr<http::CookieJar> cookies_;
  LiveSource source_;
  history::EventWriter writer_;
  Recorder recorder_;
  Stopper stopper_{nullptr, base::Deadline::Never()};
  bool kept_cookies_ = false;
};

}  // namespace

LiveBodies::LiveBodies(const LiveContext& context, const ActionRequest& request)
    : context_(context),
      request_(request),
      path_(WithoutFirstAttempt(request.path)),
      scope_(request.scope->Branch()) {
  // Makes what the scope would make when first asked, so that threads only read it.
  static_cast<void>(scope_.Find("vars"));
  static_cast<void>(scope_.Find("steps"));
}

std::unique_ptr<action::BodyUser> LiveBodies::MakeUser(http::Client& http,
                                                       history::BlobSink& blobs) const {
  return std::make_unique<LiveUser>(context_, *request_.scenario, scope_, http, blobs);
}

}  // namespace assay::run
