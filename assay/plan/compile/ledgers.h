#pragma once
// Whether the checks of a scenario fit the ledgers that its steps fill.

#include "assay/plan/plan.h"
#include "assay/scenario/problems.h"

namespace assay::plan {

/// Reports a check of a ledger that no step records in, an operation that the checker does not know
/// and an option that it does not have. Names that are expressions are found out when the check
/// runs.
void CheckLedgers(const CompiledScenario& scenario, scenario::Problems& problems);

}  // namespace assay::plan
