#pragma once
// `tcp: endpoint`: bytes, lines or HL7 v2 messages (MLLP) over TCP or TLS.

#include "assay/action/action.h"

namespace assay::action {

class TcpAction final : public Action {
 public:
  TcpAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
