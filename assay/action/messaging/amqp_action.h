#pragma once
// `amqp: endpoint` with one operation on queues and exchanges of a broker such as RabbitMQ.

#include "assay/action/action.h"

namespace assay::action {

class AmqpAction final : public Action {
 public:
  AmqpAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
