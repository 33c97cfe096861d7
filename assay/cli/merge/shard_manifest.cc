#include "assay/cli/merge/shard_manifest.h"

#include <map>
#include <string_view>

#include "assay/sharding/shard_run.h"
#include "lib/base/random.h"

namespace assay::cli {

uint64_t CommonSeed(const scenario::Project& project) {
  // In order of their names: folders are listed in any order.
  std::map<std::string_view, std::string_view> texts;
  for (const auto& input : project.inputs) texts[input->name()] = input->text();
  uint64_t seed = base::StableHash("shards");
  for (const auto& [name, text] : texts)
    seed = base::StableHash(text, base::StableHash(name, seed));
  return seed & 0xFFFFFFU;
}

boost::json::object ShardFacts(const plan::Shard& shard, bool divides_loads) {
  return {{"index", shard.index},
          {"count", shard.count},
          {"divided", sharding::ToString(divides_loads ? sharding::Divided::kLoads
                                                       : sharding::Divided::kScenarios)}};
}

}  // namespace assay::cli
