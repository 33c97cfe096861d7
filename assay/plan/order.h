#pragma once
// In which order scenarios run: dependencies first, then priority, then id.

#include <cstddef>
#include <string>
#include <vector>

#include "assay/plan/resolve.h"
#include "assay/scenario/ast.h"
#include "assay/scenario/problems.h"

namespace assay::plan {

/// Reports `after` ids that do not exist and every cycle, naming it: `A -> B -> A`.
void CheckDependencies(const std::vector<scenario::Scenario>& all, scenario::Problems& problems);

/// Indexes into `all` of the chosen ones, in order. Dependencies that were not chosen do not count.
std::vector<size_t> InOrder(const std::vector<scenario::Scenario>& all,
                            const std::vector<size_t>& chosen);

/// Scenarios of which one is `after` the other, directly or by others: the smallest id of each
/// group for every scenario of `all`.
std::vector<size_t> GroupsOf(const std::vector<scenario::Scenario>& all);

/// The chosen ones that belong to the shard. Groups stay together. The largest group goes first,
/// each to the shard that has fewest scenarios so far (R. L. Graham, "Bounds on multiprocessing
/// timing anomalies", SIAM J. Appl. Math. 17 (1969)); equal ones in the order of a hash of their
/// names, so that every machine decides the same.
std::vector<size_t> OfShard(const std::vector<scenario::Scenario>& all,
                            const std::vector<size_t>& chosen, const Shard& shard);

/// Whether a shard divides loads: the chosen ones are of one group, so that there are no scenarios
/// to divide, and at least one step in their files is a `workload`.
bool DividesLoads(const std::vector<scenario::Scenario>& all, const std::vector<size_t>& chosen);
bool DividesLoads(const scenario::Project& project, const scenario::Selection& select);

/// What a ledger says is known to one machine only: reports scenarios with `record` or `check`.
void RefuseLedgers(const std::vector<scenario::Scenario>& all, const std::vector<size_t>& chosen,
                   scenario::Problems& problems);

}  // namespace assay::plan
