#pragma once
// `http: METHOD target`: one request over HTTP/1.1 or HTTP/2, and all that came back.

#include "assay/action/action.h"

namespace assay::action {

class HttpAction final : public Action {
 public:
  HttpAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;
  base::Result<http::wire::WireRequest> AsWire(const cel::Value& params,
                                               const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
