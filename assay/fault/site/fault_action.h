#pragma once
// `fault:`: breaks something for a while, or until it is healed, and proves both.

#include "assay/action/action.h"

namespace assay::fault {

class FaultAction final : public action::Action {
 public:
  FaultAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params,
                                  const action::ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

/// Adds `fault` to the actions of a program.
void RegisterFaultAction(action::ActionRegistry& registry);

}  // namespace assay::fault
