#pragma once
// The second walk over a plan whose loads were divided: what the whole run says.

#include <map>
#include <string>
#include <vector>

#include "assay/history/blob_store.h"
#include "assay/history/event.h"
#include "assay/scenario/schema.h"
#include "assay/sharding/merged_load.h"
#include "assay/sharding/shard_run.h"
#include "lib/base/result.h"

namespace assay::sharding {

/// Events of scenarios and steps with the events of the merged loads between them; `elapsed` since
/// the earliest shard began, never going back. Stores what outcomes refer to in `blobs`. The files
/// of the project come from the blobs of the first shard.
base::Result<std::vector<history::Event>> WalkAgain(const std::vector<ShardRun>& shards,
                                                    base::WallTime earliest,
                                                    const scenario::SchemaRegistry& schemas,
                                                    history::DirectoryBlobs& blobs);

}  // namespace assay::sharding
