#include "assay/sharding/shard_run.h"

#include <algorithm>
#include <map>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/baseline/configuration.h"
#include "assay/history/event_log.h"
#include "assay/history/verify.h"

namespace assay::sharding {
namespace {

using base::ErrorCode;
using boost::json::object;

base::Error Conflict(std::string message, std::string hint = {}) {
  return base::Error{ErrorCode::kConflict, std::move(message), {}, std::move(hint)};
}

size_t Number(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_int64() && found->get_int64() > 0
             ? static_cast<size_t>(found->get_int64())
             : 0;
}

base::Result<void> ReadFacts(ShardRun& run) {
  const auto* facts = run.model.manifest.if_contains("shard");
  if (facts == nullptr || !facts->is_object()) {
    return base::Fail(
        base::Error{ErrorCode::kInvalid, fmt::format("{} is the run of no shard", run.dir.string())}
            .Hint("`assay run --shard 1/2` and `assay load --shard 1/2` make one"));
  }
  const object& shard = facts->get_object();
  run.shard = {Number(shard, "index"), Number(shard, "count")};
  const auto* divided = shard.if_contains("divided");
  const bool loads = divided != nullptr && divided->is_string() && divided->get_string() == "loads";
  run.divided = loads ? Divided::kLoads : Divided::kScenarios;
  if (run.shard.index < 1 || run.shard.index > run.shard.count) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("{} says that it is shard {} of {}", run.dir.string(),
                                  run.shard.index, run.shard.count));
  }
  return {};
}

// What must be equal: everything but the machine, the part, and which scenarios that is.
baseline::Configuration PlanOf(const ShardRun& run) {
  baseline::Configuration all = baseline::ConfigurationOf(run.model);
  std::erase_if(all, [&](const auto& item) {
    const std::string& name = item.first;
    return name == "shard" || name.starts_with("machine ") || name.starts_with("url ") ||
           (run.divided == Divided::kScenarios && name.starts_with("scenario "));
  });
  return all;
}

base::Result<void> CheckNumbers(const std::vector<ShardRun>& shards) {
  std::map<size_t, const ShardRun*> seen;
  for (const ShardRun& run : shards) {
    if (run.shard.count != shards.front().shard.count) {
      return base::Fail(
          Conflict(fmt::format("{} is a shard of {}, {} one of {}", shards.front().model.id,
                               shards.front().shard.count, run.model.id, run.shard.count)));
    }
    const auto [at, added] = seen.emplace(run.shard.index, &run);
    if (!added) {
      return base::Fail(
          Conflict(fmt::format("shard {}/{} is there twice: {} and {}", run.shard.index,
                               run.shard.count, at->second->dir.string(), run.dir.string())));
    }
  }
  std::vector<size_t> missing;
  for (size_t i = 1; i <= shards.front().shard.count; ++i) {
    if (!seen.contains(i)) missing.push_back(i);
  }
  if (missing.empty()) return {};
  return base::Fail(
      Conflict(fmt::format("of {} shards {} {} missing", shards.front().shard.count,
                           fmt::join(missing, ", "), missing.size() == 1 ? "is" : "are"),
               "name the directories of all shards"));
}

base::Result<void> CheckPlans(const std::vector<ShardRun>& shards) {
  const ShardRun& first = shards.front();
  for (const ShardRun& run : shards) {
    if (run.divided != first.divided) {
      return base::Fail(
          Conflict(fmt::format("shard {} divides {}, shard {} {}", first.shard.index,
                               ToString(first.divided), run.shard.index, ToString(run.divided))));
    }
    const auto differences = baseline::Differences(PlanOf(first), PlanOf(run));
    if (differences.empty()) continue;
    std::vector<std::string> texts;
    for (const baseline::Difference& one : differences) {
      if (texts.size() == 5) break;
      texts.push_back(fmt::format("{} ({} and {})", one.what, one.before.substr(0, 12),
                                  one.after.substr(0, 12)));
    }
    return base::Fail(
        Conflict(fmt::format("shards {} and {} ran different plans: {}{}", first.shard.index,
                             run.shard.index, fmt::join(texts, "; "),
                             differences.size() > texts.size() ? "; and more" : ""),
                 "run all shards with the same files and options"));
  }
  return {};
}

// Every scenario is in one shard.
base::Result<void> CheckDisjoint(const std::vector<ShardRun>& shards) {
  std::map<std::string, size_t> owner;
  for (const ShardRun& run : shards) {
    for (const history::ScenarioResult& scenario : run.model.scenarios) {
      const auto [at, added] = owner.emplace(scenario.instance, run.shard.index);
      if (!added) {
        return base::Fail(Conflict(fmt::format("the scenario {} is in shard {} and in shard {}",
                                               scenario.instance, at->second, run.shard.index)));
      }
    }
  }
  return {};
}

}  // namespace

std::string_view ToString(Divided divided) {
  return divided == Divided::kLoads ? "loads" : "scenarios";
}

base::Result<ShardRun> ReadShard(const std::filesystem::path& dir) {
  TRY(const history::VerifyReport verified, history::Verify(dir));
  if (!verified.ok()) {
    const history::VerifyProblem& problem = verified.problems.front();
    const ErrorCode code = verified.finished ? ErrorCode::kCorrupt : ErrorCode::kConflict;
    return base::Fail(base::Error{code, fmt::format("{} is not intact: event {}: {}", dir.string(),
                                                    problem.seq, problem.what)}
                          .Hint("`assay verify` says more; run the shard again"));
  }
  ShardRun run;
  run.dir = dir;
  TRY(history::EventLog log, history::ReadEvents(dir / "events.jsonl"));
  run.events = std::move(log.events);
  TRY(run.model, history::BuildRunModel(dir.filename().string(), run.events));
  TRY(ReadFacts(run));
  return run;
}

base::Result<void> CheckTogether(std::vector<ShardRun>& shards) {
  if (shards.empty()) return base::Fail(ErrorCode::kInvalid, "no run of a shard was named");
  std::ranges::sort(shards, {}, [](const ShardRun& run) { return run.shard.index; });
  TRY(CheckNumbers(shards));
  TRY(CheckPlans(shards));
  if (shards.front().divided == Divided::kScenarios) TRY(CheckDisjoint(shards));
  return {};
}

}  // namespace assay::sharding
