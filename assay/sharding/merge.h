#pragma once
// The runs of the shards of one plan as one run, which verify, replay, reports, traceability and
// comparison take like any other.
//
//   scenarios divided   every event of every shard, in order of time, in a chain of its own
//   loads divided       the loads added up; then the step machine walks the plan again, with the
//                       merged outcomes of loads and, for every other step, the outcome of the
//                       shard in which it went worst. So thresholds are judged on the whole, and
//                       the merged run replays as any run does
//
// The logs of the shards are kept byte for byte in blobs of the merged run: their chains stay
// verifiable, and so does that each event that was taken over says what it said there.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/run/run.h"
#include "assay/scenario/schema.h"
#include "assay/sharding/shard_run.h"
#include "lib/crypto/secret.h"

namespace assay::sharding {

struct MergeOptions {
  std::filesystem::path results_dir;
  std::string run_id;
  std::string command_line;
  const scenario::SchemaRegistry* schemas = nullptr;  ///< all actions that the files use
  std::optional<crypto::SigningKey> signing_key;
};

/// Requires: CheckTogether accepted the shards. Writes `results_dir/run_id`. An error when they
/// cannot be merged or the result cannot be written.
base::Result<run::RunSummary> Merge(const std::vector<ShardRun>& shards,
                                    const MergeOptions& options);

}  // namespace assay::sharding
