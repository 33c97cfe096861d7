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

/// The chosen ones that belong to the shard.
std::vector<size_t> OfShard(const std::vector<scenario::Scenario>& all,
                            const std::vector<size_t>& chosen, const Shard& shard);

}  // namespace assay::plan
