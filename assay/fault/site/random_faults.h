#pragma once
// `fault: { random: ... }`: faults drawn from a list, beside each other and one after the other.

#include <cstdint>
#include <string>
#include <vector>

#include "assay/cel/value.h"
#include "assay/fault/random_plan.h"
#include "assay/fault/site/fault.h"
#include "assay/fault/site/fault_site.h"
#include "lib/net/task.h"

namespace assay::fault {

/// What a step draws from, and its plan.
struct RandomFaults {
  std::vector<cel::Value> parameters;  ///< of each choice, see FaultOf
  std::vector<FaultChoice> choices;
  FaultPlan plan;
};

/// Draws the plan with `seed`, or takes `given` instead. kInvalid: a choice that is no fault, a
/// given plan with a choice that the step does not have; kNotFound: a service or link that is not
/// there.
base::Result<RandomFaults> RandomFaultsOf(const cel::Value& random, const Ground& ground,
                                          uint64_t seed, const FaultPlan* given);

/// Injects and heals by the plan, and returns when all are healed, in the order in which they
/// ended. A fault waits for the one before it on the same target. Cancelled: heals what is on, then
/// kCancelled. The first fault that could not be applied or healed is the error, after the others
/// are over.
net::Task<base::Result<std::vector<FaultReport>>> CarryOut(FaultSite& site,
                                                           const RandomFaults& faults,
                                                           std::string owner, std::string name);

}  // namespace assay::fault
