#pragma once
// `mqtt: endpoint` with a message to publish or a subscription.

#include "assay/action/action.h"

namespace assay::action {

class MqttAction final : public Action {
 public:
  MqttAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
