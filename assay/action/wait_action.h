#pragma once
// `wait: 5s`: lets time pass.

#include "assay/action/action.h"

namespace assay::action {

class WaitAction final : public Action {
 public:
  WaitAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
