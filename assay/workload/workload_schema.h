#pragma once
// The tables of `workload:`, and reading its evaluated parameters.

#include "assay/action/action.h"
#include "assay/scenario/schema.h"
#include "assay/workload/load.h"
#include "lib/base/result.h"

namespace assay::workload {

scenario::ActionSchema WorkloadSchema();

/// What `abort_on` says: the load ends when the condition of this name holds, `delay` after its
/// start at the earliest.
struct AbortRule {
  std::string condition;  ///< `abort_on[0].when`
  base::Duration delay{};
};

struct WorkloadParams {
  Load load;
  std::vector<AbortRule> abort_on;
  base::Duration max_lag{};  ///< bound of the 99th percentile of the generator's delay
  std::string engine;        ///< `auto` or `steps`
};

/// kInvalid, kNotFound name the parameter.
base::Result<WorkloadParams> ReadWorkload(const cel::Value& params,
                                          const action::ActionContext& context);

}  // namespace assay::workload
