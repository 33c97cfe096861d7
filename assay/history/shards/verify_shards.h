#pragma once
// Whether a merged run says what its shards said.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "assay/history/blob_store.h"
#include "assay/history/event.h"

namespace assay::history {

struct ShardProblem {
  uint64_t seq = 0;  ///< of the event of the merged run
  std::string what;
};

/// Checks the log of every shard that the manifest names (it is a blob): its chain, its length and
/// its last hash; and that every event with an `origin` is in that log, with the same kind, time,
/// blobs and data. The path and owner of an environment carry the shard's number in addition. Empty
/// for a run that was not merged.
std::vector<ShardProblem> FindShardProblems(std::span<const Event> events, const BlobSource& blobs);

}  // namespace assay::history
