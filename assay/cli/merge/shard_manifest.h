#pragma once
// What makes the runs of shards belong together.

#include <cstdint>

#include <boost/json/object.hpp>

#include "assay/plan/resolve.h"
#include "assay/scenario/ast.h"

namespace assay::cli {

/// The seed of shards that were given none: of the same files the same on every machine.
uint64_t CommonSeed(const scenario::Project& project);

/// The member `shard` of the manifest.
boost::json::object ShardFacts(const plan::Shard& shard, bool divides_loads);

}  // namespace assay::cli
