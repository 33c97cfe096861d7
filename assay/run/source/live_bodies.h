#pragma once
// Step lists inside a step, carried out against the system by machines of their own that write no
// events but those of ledgers.

#include <memory>
#include <string>

#include "assay/action/nested/step_bodies.h"
#include "assay/run/scope.h"
#include "assay/run/source/live_source.h"

namespace assay::run {

/// All of them outlive the bodies and their users.
class LiveBodies final : public action::StepBodies {
 public:
  LiveBodies(const LiveContext& context, const ActionRequest& request);

  const action::ActionRegistry& actions() const override { return context_.actions; }
  const plan::PlannedStep& step() const override { return *request_.step; }
  const std::string& path() const override { return path_; }
  plan::Shard share() const override { return context_.load_share; }
  const cel::Activation& variables() const override { return scope_; }
  std::unique_ptr<action::BodyUser> MakeUser(http::Client& http,
                                             history::BlobSink& blobs) const override;

 private:
  const LiveContext& context_;
  const ActionRequest& request_;
  std::string path_;
  Scope scope_;  // a copy: the scenario's may change while a background step works
};

}  // namespace assay::run
