#pragma once
// `workload:` carries out tasks again and again, as an executor says, and measures them.

#include "assay/action/action.h"
#include "lib/net/offload.h"

namespace assay::workload {

/// The outcome is data: percentiles, counts, rates. Thresholds are judged on it like expectations;
/// only `abort_on` is asked while the load runs. Writes workload.started, one workload.interval a
/// second, and the details of a bounded number of failures. kInconclusive when the generator itself
/// lagged, as the figures then say nothing about the system.
class WorkloadAction final : public action::Action {
 public:
  WorkloadAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params,
                                  const action::ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
  /// Names are looked up and certificates read while the loop goes on.
  mutable net::ThreadPool pool_{1};
};

void RegisterWorkload(action::ActionRegistry& registry);

}  // namespace assay::workload
