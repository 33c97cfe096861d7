#pragma once
// `redis: endpoint` with a command, a pipeline, a transaction, or a subscription.

#include "assay/action/action.h"

namespace assay::action {

class RedisAction final : public Action {
 public:
  RedisAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
