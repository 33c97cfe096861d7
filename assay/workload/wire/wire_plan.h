#pragma once
// Whether a load can go at wire speed, and as what.

#include <memory>
#include <vector>

#include "assay/action/action.h"
#include "assay/cel/cel.h"
#include "assay/plan/plan.h"
#include "assay/workload/load.h"
#include "lib/http/wire/connection.h"
#include "lib/http/wire/request.h"

namespace assay::workload {

struct WireTask {
  http::wire::WireRequest request;
  const plan::PlannedStep* step = nullptr;  ///< its expectations ask for `status` alone
};

struct WirePlan {
  std::vector<WireTask> tasks;                       ///< in the order of the load's
  std::shared_ptr<const http::wire::Server> server;  ///< of all requests
  const cel::Activation* variables = nullptr;        ///< what expectations see besides the answer
  uint64_t run_seed = 0;
};

/// Every task must be one `http` step whose request is the same every time (nothing of vu, index,
/// row, fake or of what on_start saved), that needs nothing but HTTP/1.1, whose expectations ask
/// for nothing but `status`, and all of them must go to one server, which the caller finds.
/// kUnsupported says which task asks for more.
base::Result<WirePlan> PlanWire(const Load& load, const action::ActionContext& context);

}  // namespace assay::workload
