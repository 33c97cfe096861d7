#pragma once
// The runs of the shards of one plan, as a merge takes them.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "assay/history/event.h"
#include "assay/history/run_model.h"
#include "assay/plan/resolve.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::sharding {

/// What `--shard` divided.
enum class Divided { kScenarios, kLoads };

/// `scenarios`, `loads`: the member `divided` of the manifest's `shard`.
std::string_view ToString(Divided divided);

struct ShardRun {
  std::filesystem::path dir;
  plan::Shard shard;
  Divided divided = Divided::kScenarios;
  std::vector<history::Event> events;
  history::RunModel model;

  /// When something happened, from the start of the earliest shard, by the clocks of the machines.
  base::Duration Since(base::WallTime earliest, const history::Event& event) const {
    return model.started - earliest + event.elapsed;
  }
};

/// Reads and verifies a run. kCorrupt when it is not intact, kConflict when it is cut off, kInvalid
/// when it is no shard.
base::Result<ShardRun> ReadShard(const std::filesystem::path& dir);

/// Whether they are all the shards of one plan, each once. kConflict names what is missing, doubled
/// or different. Sorts them by their index.
base::Result<void> CheckTogether(std::vector<ShardRun>& shards);

}  // namespace assay::sharding
