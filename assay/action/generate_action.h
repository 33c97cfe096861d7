#pragma once
// `generate:`: domain data with a known truth, the same bytes for the same seed on every machine.

#include "assay/action/action.h"
#include "lib/net/offload.h"

namespace assay::action {

class GenerateAction final : public Action {
 public:
  GenerateAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
  /// Recordings of days take seconds; the loop goes on meanwhile.
  mutable net::ThreadPool pool_{1};
};

}  // namespace assay::action
