#pragma once
// `websocket: path`: one connection; sends messages, collects what comes, listens in the
// background.

#include "assay/action/action.h"

namespace assay::action {

class WebSocketAction final : public Action {
 public:
  WebSocketAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
