#include "assay/sharding/merge.h"

#include <algorithm>
#include <limits>
#include <set>
#include <system_error>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/history/blob_store.h"
#include "assay/history/file_io.h"
#include "assay/sharding/merged_log.h"
#include "assay/sharding/walk.h"

namespace assay::sharding {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using boost::json::object;
using history::Event;
using history::Verdict;

// Logs are kept whole, however long they are.
constexpr history::BlobLimits kWhole{.size = std::numeric_limits<uint64_t>::max()};

/// One merge from its shards to its directory.
class Merger {
 public:
  Merger(const std::vector<ShardRun>& shards, const MergeOptions& options)
      : shards_(shards),
        options_(options),
        dir_(options.results_dir / options.run_id),
        blobs_(dir_ / "blobs", nullptr, kWhole),
        divided_(shards.front().divided) {
    earliest_ = std::ranges::min(shards, {}, [](const ShardRun& run) {
                  return run.model.started;
                }).model.started;
  }

  base::Result<run::RunSummary> Run() {
    std::error_code failure;
    fs::create_directories(dir_, failure);
    if (failure) return base::Fail(history::FileError("create", dir_, failure.value()));
    TRY(MergedLog log, MergedLog::Create(dir_ / "events.jsonl"));
    TRY(CopyBlobs());
    TRY(Event started, Started());
    TRY(std::vector<Event> events, Events());
    std::vector<Event> all = {started};
    TRY(log.Append(std::move(started)));
    for (Event& event : events) {
      all.push_back(event);
      TRY(log.Append(std::move(event)));
    }
    TRY(log.Append(Finished(all, log)));
    TRY(log.Finish());
    return run::SealRun(options_.results_dir, options_.run_id, options_.signing_key);
  }

 private:
  base::Result<void> CopyBlobs() {
    std::set<std::string> copied;
    for (const ShardRun& run : shards_) {
      const history::DirectoryBlobs from(run.dir / "blobs", nullptr);
      for (const Event& event : run.events) {
        for (const std::string& name : event.blobs) {
          if (!copied.insert(name).second) continue;
          const fs::path to = blobs_.PathOf(name);
          std::error_code failure;
          fs::create_directories(to.parent_path(), failure);
          fs::copy_file(from.PathOf(name), to, fs::copy_options::skip_existing, failure);
          if (failure) return base::Fail(history::FileError("copy", to, failure.value()));
        }
      }
    }
    return {};
  }

  // The manifest of the first shard, with what is of the whole.
  base::Result<Event> Started() {
    const Event& first = shards_.front().events.front();
    Event event;
    event.kind = history::kind::kRunStarted;
    event.time = earliest_;
    event.blobs = first.blobs;
    object manifest = shards_.front().model.manifest;
    boost::json::array planned;
    boost::json::array shards;
    for (const ShardRun& run : shards_) {
      TRY(const std::string text, history::ReadWholeFile(run.dir / "events.jsonl"));
      TRY(const std::string log, blobs_.Put(text));
      event.blobs.push_back(log);
      const auto* host = run.model.manifest.if_contains("host");
      shards.push_back(object{{"index", run.shard.index},
                              {"run", run.model.id},
                              {"head", run.model.head_hash},
                              {"events", run.events.size()},
                              {"log", log},
                              {"host", host == nullptr ? boost::json::value() : *host}});
      const auto* own = run.model.manifest.if_contains("planned");
      const bool adds = divided_ == Divided::kScenarios || planned.empty();
      if (!adds || own == nullptr || !own->is_array()) continue;
      for (const auto& item : own->get_array()) planned.push_back(item);
    }
    manifest.erase("shard");
    manifest["run"] = options_.run_id;
    manifest["command_line"] = options_.command_line;
    manifest["planned"] = std::move(planned);
    manifest["merged"] = object{{"count", shards_.size()}, {"divided", ToString(divided_)}};
    manifest["shards"] = std::move(shards);
    event.data["manifest"] = std::move(manifest);
    return event;
  }

  bool IsTaken(const Event& event) const {
    if (event.kind == history::kind::kRunStarted || event.kind == history::kind::kRunFinished) {
      return false;
    }
    if (divided_ == Divided::kScenarios) return true;
    return event.kind == history::kind::kRunWarning || event.kind == "workload.failure" ||
           event.kind.starts_with(history::kind::kEnvironmentPrefix);
  }

  Event Taken(const Event& event, const ShardRun& run) const {
    Event taken = event;
    taken.elapsed = run.Since(earliest_, event);
    taken.data["origin"] = object{{"shard", run.shard.index}, {"seq", event.seq}};
    // Every shard has its own environment, of the same names.
    if (event.kind.starts_with(history::kind::kEnvironmentPrefix)) {
      const std::string mark = fmt::format(" [shard {}]", run.shard.index);
      taken.path += mark;
      if (auto* owner = taken.data.if_contains("environment"); owner && owner->is_string()) {
        taken.data["environment"] = std::string(owner->get_string()) + mark;
      }
    }
    return taken;
  }

  base::Result<std::vector<Event>> Events() {
    std::vector<std::vector<Event>> lists;
    if (divided_ == Divided::kLoads) {
      TRY(auto walked, WalkAgain(shards_, earliest_, *options_.schemas, blobs_));
      lists.push_back(std::move(walked));
    }
    for (const ShardRun& run : shards_) {
      std::vector<Event>& own = lists.emplace_back();
      for (const Event& event : run.events) {
        if (IsTaken(event)) own.push_back(Taken(event, run));
      }
    }
    return InOrder(std::move(lists));
  }

  // By time; events of one list stay in their order.
  static std::vector<Event> InOrder(std::vector<std::vector<Event>> lists) {
    std::vector<size_t> next(lists.size());
    std::vector<Event> out;
    for (;;) {
      size_t best = lists.size();
      for (size_t i = 0; i < lists.size(); ++i) {
        if (next[i] == lists[i].size()) continue;
        if (best == lists.size() || lists[i][next[i]].elapsed < lists[best][next[best]].elapsed) {
          best = i;
        }
      }
      if (best == lists.size()) return out;
      out.push_back(std::move(lists[best][next[best]++]));
    }
  }

  Event Finished(const std::vector<Event>& events, const MergedLog& log) const {
    const auto model = history::BuildRunModel(options_.run_id, events);
    Verdict verdict = model ? history::RunVerdict(model->scenarios) : Verdict::kError;
    bool interrupted = false;
    base::WallTime last{};
    for (const ShardRun& run : shards_) {
      // An environment that did not start is in no scenario's verdict.
      if (run.model.verdict == Verdict::kError) verdict = history::Worse(verdict, Verdict::kError);
      interrupted = interrupted || run.model.interrupted;
      last = std::max(last, run.events.back().time);
    }
    object counts;
    for (const Verdict one : {Verdict::kPassed, Verdict::kFailed, Verdict::kError,
                              Verdict::kInconclusive, Verdict::kSkipped}) {
      counts[history::ToString(one)] = model ? model->counts.at(one) : 0;
    }
    Event event;
    event.kind = history::kind::kRunFinished;
    event.time = last;
    for (const ShardRun& run : shards_) {
      event.elapsed = std::max(event.elapsed, run.Since(earliest_, run.events.back()));
    }
    event.data = {{"verdict", history::ToString(verdict)},
                  {"counts", std::move(counts)},
                  {"interrupted", interrupted},
                  {"head", log.head()},
                  {"duration_ns", std::max(event.elapsed, log.elapsed()).count()}};
    return event;
  }

  const std::vector<ShardRun>& shards_;
  const MergeOptions& options_;
  fs::path dir_;
  history::DirectoryBlobs blobs_;
  Divided divided_;
  base::WallTime earliest_{};
};

}  // namespace

base::Result<run::RunSummary> Merge(const std::vector<ShardRun>& shards,
                                    const MergeOptions& options) {
  return Merger(shards, options).Run();
}

}  // namespace assay::sharding
