#pragma once
// The loads of shards as one: histograms and counts added without loss, seconds by the clock.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "assay/history/blob_store.h"
#include "assay/history/event.h"
#include "assay/history/outcome.h"
#include "assay/sharding/shard_run.h"
#include "lib/base/result.h"

namespace assay::sharding {

/// One load of one shard; refers to its events.
struct LoadPart {
  size_t shard = 1;
  base::Duration begin{};  ///< of workload.started, since the earliest shard began
  const history::Event* started = nullptr;
  std::vector<const history::Event*> intervals;
  const history::Event* outcome = nullptr;
  history::Outcome answer;
};

/// Of every load in the logs, by the path of its step; all parts of a load together. kUnsupported
/// when a load was tried again or was cut off: then nobody knows what belongs together.
base::Result<std::map<std::string, std::vector<LoadPart>>> FindLoads(
    std::span<const ShardRun> shards, base::WallTime earliest);

struct MergedLoad {
  /// workload.started and one workload.interval a second, with times since the earliest shard
  /// began.
  std::vector<history::Event> events;
  /// The figures of the whole. Inconclusive when a part is, or when the parts were not carried out
  /// at the same time: then nothing put the whole load on the system.
  history::Outcome outcome;
};

/// `parts` are of one load, in order of their shards. kCorrupt when a histogram cannot be read.
base::Result<MergedLoad> MergeLoad(std::span<const LoadPart> parts);

}  // namespace assay::sharding
