#pragma once
// `manual: question`: an operator decides. Without one the step is skipped, which never counts as
// passed.

#include "assay/action/action.h"

namespace assay::action {

class ManualAction final : public Action {
 public:
  ManualAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
