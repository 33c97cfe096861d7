#pragma once
// `monitor`: samples processes, pages of metrics and queries while other steps run.

#include "assay/action/action.h"

namespace assay::action {

/// Runs until its time (`for`) is over or, in the background, until it is joined: the run then
/// cancels it, and what was measured is its answer.
class MonitorAction final : public Action {
 public:
  MonitorAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
