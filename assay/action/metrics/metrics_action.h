#pragma once
// `metrics: endpoint`: one scrape of a Prometheus or OpenMetrics page.

#include "assay/action/action.h"

namespace assay::action {

/// What breaks the format is listed in the outcome's `problems`, since it is the system that broke
/// it; an error is that no page came.
class MetricsAction final : public Action {
 public:
  MetricsAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
