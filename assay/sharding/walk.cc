#include "assay/sharding/walk.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/history/event_log.h"
#include "assay/history/outcome.h"
#include "assay/history/redactor.h"
#include "assay/plan/resolve.h"
#include "assay/run/replay.h"
#include "assay/run/scenario_run.h"
#include "assay/run/source/recorded_source.h"
#include "assay/scenario/file_source.h"
#include "assay/scenario/loader.h"
#include "lib/net/runtime.h"

namespace assay::sharding {
namespace {

using base::ErrorCode;
using boost::json::object;
using history::Event;
using history::Verdict;

std::string Text(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

int64_t Whole(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

// `a/get#2` -> `a/get`: an attempt stands in the last segment.
std::string_view StepOf(std::string_view path) {
  const size_t mark = path.rfind('#');
  const size_t slash = path.rfind('/');
  const bool is_last =
      mark != std::string_view::npos && (slash == std::string_view::npos || mark > slash);
  return is_last ? path.substr(0, mark) : path;
}

base::Result<scenario::MemoryFiles> FilesOf(const ShardRun& run) {
  const history::DirectoryBlobs blobs(run.dir / "blobs", nullptr);
  std::map<std::string, std::string> files;
  const auto* inputs = run.model.manifest.if_contains("inputs");
  if (inputs == nullptr || !inputs->is_array()) {
    return base::Fail(ErrorCode::kCorrupt, fmt::format("{} names no input", run.dir.string()));
  }
  for (const auto& item : inputs->get_array()) {
    if (!item.is_object()) continue;
    const object& input = item.get_object();
    const std::string blob = Text(input, "blob");
    TRY(files[Text(input, "file")], blobs.Get(blob.empty() ? Text(input, "sha256") : blob));
  }
  return scenario::MemoryFiles(std::move(files));
}

/// Which shard speaks for a step: the one in which it went worst, of equal ones the first.
class Owners {
 public:
  explicit Owners(const std::vector<ShardRun>& shards) {
    for (size_t i = 0; i < shards.size(); ++i) {
      for (const Event& event : shards[i].events) Note(event, i);
    }
  }
  size_t Of(std::string_view step) const {
    const auto found = owner_.find(step);
    return found == owner_.end() ? 0 : found->second.second;
  }

 private:
  void Note(const Event& event, size_t shard) {
    Verdict verdict = Verdict::kSkipped;
    if (event.kind == history::kind::kStepFinished) {
      verdict = history::ParseVerdict(Text(event.data, "verdict")).value_or(Verdict::kError);
    } else if (event.kind != history::kind::kStepSkipped) {
      return;
    }
    // What was carried out says more than what was left out.
    const int rank = event.kind == history::kind::kStepSkipped ? -1 : static_cast<int>(verdict);
    const auto [at, added] = owner_.try_emplace(event.path, rank, shard);
    if (!added && rank > at->second.first) at->second = {rank, shard};
  }

  std::map<std::string, std::pair<int, size_t>, std::less<>> owner_;
};

/// When things happened, and how long they took, in whichever shard was first or last.
class Times {
 public:
  Times(const std::vector<ShardRun>& shards, base::WallTime earliest) {
    for (const ShardRun& run : shards) {
      std::map<std::string, size_t> seen;
      for (const Event& event : run.events) {
        const std::string key = KeyOf(event);
        const base::Duration at = run.Since(earliest, event);
        std::vector<Moment>& all = moments_[key];
        const size_t number = seen[key]++;
        const int64_t took = Whole(event.data, "duration_ns");
        if (number == all.size()) {
          all.push_back({at, event.time, took});
          continue;
        }
        Moment& moment = all[number];
        moment.took_ns = std::max(moment.took_ns, took);
        const bool begins = event.kind.ends_with(".started");
        if (begins ? at < moment.at : at > moment.at) {
          moment.at = at;
          moment.time = event.time;
        }
      }
    }
  }

  /// For the next event of this kind and path.
  void Set(Event& event) {
    const auto found = moments_.find(KeyOf(event));
    const size_t number = used_[KeyOf(event)]++;
    if (found != moments_.end() && number < found->second.size()) {
      const Moment& moment = found->second[number];
      last_ = std::max(last_, moment.at);
      time_ = std::max(time_, moment.time);
      // The machine walked without a clock.
      if (moment.took_ns > 0 && event.kind != history::kind::kOutcome) {
        event.data["duration_ns"] = moment.took_ns;
      }
    }
    event.elapsed = last_;
    event.time = time_;
  }
  void Advance(const Event& event) {
    last_ = std::max(last_, event.elapsed);
    time_ = std::max(time_, event.time);
  }

 private:
  struct Moment {
    base::Duration at{};
    base::WallTime time{};
    int64_t took_ns = 0;
  };
  static std::string KeyOf(const Event& event) {
    return fmt::format("{} {}", event.kind, event.path);
  }

  std::map<std::string, std::vector<Moment>> moments_;
  std::map<std::string, size_t> used_;
  base::Duration last_{};
  base::WallTime time_{};
};

/// What the machine is told happened: the recorded events, one shard's for each step, and the
/// outcomes of merged loads.
class Answers {
 public:
  Answers(const std::vector<ShardRun>& shards, const Owners& owners,
          std::map<std::string, MergedLoad, std::less<>>& loads, history::BlobSink& blobs)
      : shards_(shards), owners_(owners), loads_(loads), blobs_(blobs) {}

  base::Result<std::vector<Event>> Gather() {
    std::set<std::string> begun;  // attempts of scenarios
    for (size_t i = 0; i < shards_.size(); ++i) {
      for (const Event& event : shards_[i].events) {
        TRY(Take(event, i, begun));
      }
    }
    return std::move(out_);
  }

 private:
  base::Result<void> Take(const Event& event, size_t shard, std::set<std::string>& begun) {
    const std::string_view kind = event.kind;
    if (kind == history::kind::kScenarioStarted || kind == history::kind::kScenarioSkipped) {
      const std::string attempt =
          fmt::format("{} {}@{}", kind, event.path, Whole(event.data, "attempt"));
      if (begun.insert(attempt).second) out_.push_back(event);
      return {};
    }
    const bool is_outcome = kind == history::kind::kOutcome;
    if (!is_outcome && kind != history::kind::kStepFinished &&
        kind != history::kind::kStepSkipped) {
      return {};
    }
    const std::string_view step = is_outcome ? StepOf(event.path) : event.path;
    if (owners_.Of(step) != shard) return {};
    out_.push_back(event);
    if (!is_outcome) return {};
    const auto load = loads_.find(step);
    if (load == loads_.end()) return {};
    Event& merged = out_.back();
    merged.blobs.clear();
    const std::string head = Text(event.data, "head");
    TRY(merged.data, history::RecordOutcome(load->second.outcome, blobs_, merged.blobs));
    merged.data["head"] = head;
    return {};
  }

  const std::vector<ShardRun>& shards_;
  const Owners& owners_;
  std::map<std::string, MergedLoad, std::less<>>& loads_;
  history::BlobSink& blobs_;
  std::vector<Event> out_;
};

/// Verdicts of expectations as the shard that speaks for the step has them: its log may hold
/// replaced secrets, so that they cannot be decided anew.
class Recorded {
 public:
  Recorded(const std::vector<ShardRun>& shards, const Owners& owners) {
    for (size_t i = 0; i < shards.size(); ++i) {
      for (const Event& event : shards[i].events) {
        if (event.kind != history::kind::kExpectation || owners.Of(event.path) != i) continue;
        const auto verdict = history::ParseVerdict(Text(event.data, "verdict"));
        if (!verdict || Text(event.data, "role") == "success") continue;
        verdicts_[Key(event.path, static_cast<size_t>(Whole(event.data, "attempt")),
                      Text(event.data, "role"), Text(event.data, "expression"))] = *verdict;
      }
    }
  }
  std::optional<Verdict> Find(std::string_view path, size_t attempt, std::string_view role,
                              std::string_view expression) const {
    const auto found = verdicts_.find(Key(path, attempt, role, expression));
    if (found == verdicts_.end()) return std::nullopt;
    return found->second;
  }

 private:
  static std::string Key(std::string_view path, size_t attempt, std::string_view role,
                         std::string_view expression) {
    return fmt::format("{}#{} {} {}", path, attempt, role, expression);
  }
  std::map<std::string, Verdict> verdicts_;
};

net::Task<void> WalkScenarios(const plan::RunPlan& plan, const std::vector<Event>& answers,
                              const run::ScenarioContext& context) {
  std::set<std::string> started;
  std::map<std::string, std::string> skipped;
  for (const Event& event : answers) {
    if (event.kind == history::kind::kScenarioStarted) started.insert(event.path);
    if (event.kind == history::kind::kScenarioSkipped) {
      skipped[event.path] = Text(event.data, "reason");
    }
  }
  for (const plan::PlannedScenario& scenario : plan.scenarios) {
    if (started.contains(scenario.path)) {
      static_cast<void>(co_await run::RunScenario(scenario, context));
    } else if (const auto found = skipped.find(scenario.path); found != skipped.end()) {
      run::SkipScenario(scenario, found->second, context.recorder);
    }
  }
}

// The machine's events, with those of each load before its outcome.
std::vector<Event> Weave(std::vector<Event> walked,
                         const std::map<std::string, MergedLoad, std::less<>>& loads,
                         Times& times) {
  std::vector<Event> out;
  for (Event& event : walked) {
    if (event.kind == history::kind::kRunStarted) continue;
    const auto load =
        event.kind == history::kind::kOutcome ? loads.find(StepOf(event.path)) : loads.end();
    if (load != loads.end()) {
      for (Event of_load : load->second.events) {
        times.Advance(of_load);
        out.push_back(std::move(of_load));
      }
      event.data["duration_ns"] = load->second.outcome.duration.count();
    }
    times.Set(event);
    if (event.kind == history::kind::kStepFinished) {
      const auto whole = loads.find(event.path);
      if (whole != loads.end()) {
        event.data["duration_ns"] = whole->second.outcome.duration.count();
      }
    }
    out.push_back(std::move(event));
  }
  return out;
}

}  // namespace

base::Result<std::vector<Event>> WalkAgain(const std::vector<ShardRun>& shards,
                                           base::WallTime earliest,
                                           const scenario::SchemaRegistry& schemas,
                                           history::DirectoryBlobs& blobs) {
  TRY(const auto parts, FindLoads(shards, earliest));
  std::map<std::string, MergedLoad, std::less<>> loads;
  for (const auto& [path, of_load] : parts) {
    TRY(loads[path], MergeLoad(of_load));
  }
  TRY(const scenario::MemoryFiles files, FilesOf(shards.front()));
  TRY(const plan::ResolveOptions resolve, run::RecordedOptions(shards.front().model));
  scenario::Problems problems;
  const auto project = std::make_shared<const scenario::Project>(
      scenario::Loader(files, schemas).LoadProject(problems));
  const plan::RunPlan plan = plan::Resolve(project, schemas, files, resolve, problems);
  if (!problems.ok()) {
    return base::Fail(ErrorCode::kUnsupported,
                      fmt::format("the recorded files do not load any more: {}",
                                  problems.errors().front().ToString()));
  }
  const Owners owners(shards);
  TRY(const std::vector<Event> answers, Answers(shards, owners, loads, blobs).Gather());
  run::RecordedSource source(answers, blobs);
  const base::ManualClock clock(earliest);
  const history::Redactor redactor("merge");
  history::MemoryLog memory;
  std::vector<Event> walked;
  history::EventWriter writer(memory, clock, redactor,
                              [&](const Event& event) { walked.push_back(event); });
  run::Recorder recorder(writer, blobs);
  const Recorded recorded(shards, owners);
  recorder.RecallVerdicts([&](std::string_view path, size_t attempt, std::string_view role,
                              std::string_view expression, Verdict) -> std::optional<Verdict> {
    if (loads.contains(path)) return std::nullopt;
    return recorded.Find(path, attempt, role, expression);
  });
  run::Stopper run_stopper(nullptr, base::Deadline::Never());
  run::Stopper cleanup_stopper(nullptr, base::Deadline::Never());
  const run::ScenarioContext context{
      .source = source,
      .recorder = recorder,
      .seed = resolve.seed,
      .globals = [](const plan::PlannedScenario&) { return run::Globals{}; },
      .run_stopper = run_stopper,
      .cleanup_stopper = cleanup_stopper};
  net::Runtime runtime;
  runtime.Run(WalkScenarios(plan, answers, context));
  if (!source.missing().empty()) {
    return base::Fail(ErrorCode::kConflict,
                      fmt::format("no shard says what came of {}", source.missing().front()));
  }
  Times times(shards, earliest);
  return Weave(std::move(walked), loads, times);
}

}  // namespace assay::sharding
