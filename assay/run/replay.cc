#include "assay/run/replay.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/checker/operation.h"
#include "assay/history/blob_store.h"
#include "assay/history/event_log.h"
#include "assay/history/redactor.h"
#include "assay/plan/path.h"
#include "assay/run/scenario_run.h"
#include "assay/run/source/recorded_source.h"
#include "lib/net/runtime.h"

namespace assay::run {
namespace {

using boost::json::object;

std::string Text(const object& data, std::string_view key) {
  const auto* field = data.if_contains(key);
  return field != nullptr && field->is_string() ? std::string(field->get_string()) : std::string();
}

std::vector<std::pair<std::string, std::string>> Pairs(const object& manifest,
                                                       std::string_view key) {
  std::vector<std::pair<std::string, std::string>> out;
  const auto* list = manifest.if_contains(key);
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& item : list->get_array()) {
    if (const auto* pair = item.if_object()) {
      out.emplace_back(Text(*pair, "name"), Text(*pair, "value"));
    }
  }
  return out;
}

using Lines = std::map<std::string, std::string>;  // verdicts by name

void AddExpectations(std::string_view path, std::span<const history::ExpectationResult> list,
                     Lines& lines) {
  std::map<std::string, int> seen;
  for (const auto& one : list) {
    const std::string key =
        fmt::format("expectation {}#{}: {} {}", path, one.attempt, one.role, one.expression);
    const int number = ++seen[key];
    lines[number == 1 ? key : fmt::format("{} ({})", key, number)] =
        std::string(history::ToString(one.verdict));
  }
}

// Everything that has a verdict, by name. Unfinished parts have none of their own.
Lines VerdictsOf(const history::RunModel& model) {
  Lines lines;
  for (const history::ScenarioResult& scenario : model.scenarios) {
    if (!scenario.finished) continue;
    lines["scenario " + scenario.instance] =
        fmt::format("{}{}", history::ToString(scenario.verdict), scenario.flaky ? " (flaky)" : "");
    const auto add = [&](const history::StepResult& step) {
      lines["step " + step.path] = std::string(history::ToString(step.verdict));
      AddExpectations(step.path, step.expectations, lines);
    };
    history::ForEachStep(scenario.steps, add);
    history::ForEachStep(scenario.cleanup, add);
    AddExpectations(scenario.instance, scenario.success, lines);
  }
  return lines;
}

std::vector<ReplayDifference> Compare(const history::RunModel& recorded,
                                      const history::RunModel& replayed) {
  const Lines before = VerdictsOf(recorded);
  const Lines after = VerdictsOf(replayed);
  std::set<std::string> unfinished;
  for (const auto& scenario : recorded.scenarios) {
    if (!scenario.finished) unfinished.insert(scenario.instance);
  }
  std::vector<ReplayDifference> differences;
  for (const auto& [what, verdict] : before) {
    const auto now = after.find(what);
    const std::string replay = now == after.end() ? "absent" : now->second;
    if (replay != verdict) differences.push_back({what, verdict, replay});
  }
  for (const auto& [what, verdict] : after) {
    if (before.contains(what)) continue;
    const bool cut_off = std::ranges::any_of(
        unfinished, [&](const std::string& instance) { return what.contains(instance); });
    if (!cut_off) differences.push_back({what, "absent", verdict});
  }
  return differences;
}

// Verdicts of expectations in scenarios whose log holds replaced secrets: `token == vars.token`
// cannot be decided without them.
class Recalled {
 public:
  Recalled(std::span<const history::Event> events, const history::BlobSource& blobs) {
    std::set<std::string, std::less<>> touched;
    for (const history::Event& event : events) {
      if (HoldsRedacted(event, blobs)) touched.insert(ScenarioOf(event.path));
    }
    for (const history::Event& event : events) {
      if (event.kind != history::kind::kExpectation) continue;
      if (!touched.contains(ScenarioOf(event.path))) continue;
      const auto* attempt = event.data.if_contains("attempt");
      const auto verdict = history::ParseVerdict(Text(event.data, "verdict"));
      if (attempt == nullptr || !attempt->is_int64() || !verdict) continue;
      verdicts_[KeyOf(event.path, static_cast<size_t>(attempt->get_int64()),
                      Text(event.data, "role"), Text(event.data, "expression"))] = *verdict;
    }
  }

  std::optional<history::Verdict> Find(std::string_view path, size_t attempt, std::string_view role,
                                       std::string_view expression) const {
    const auto found = verdicts_.find(KeyOf(path, attempt, role, expression));
    if (found == verdicts_.end()) return std::nullopt;
    return found->second;
  }

 private:
  static constexpr std::string_view kMark = "[redacted:";

  static std::string ScenarioOf(std::string_view path) {
    const plan::PathParts parts = plan::SplitPath(path);
    return fmt::format("{}/{}", parts.scenario, parts.instance);
  }
  static std::string KeyOf(std::string_view path, size_t attempt, std::string_view role,
                           std::string_view expression) {
    return fmt::format("{}#{} {} {}", path, attempt, role, expression);
  }
  static bool HoldsRedacted(const history::Event& event, const history::BlobSource& blobs) {
    const bool matters = event.kind == history::kind::kOutcome ||
                         event.kind == history::kind::kSaved ||
                         event.kind == history::kind::kScenarioStarted;
    if (!matters) return false;
    if (boost::json::serialize(event.data).contains(kMark)) return true;
    return std::ranges::any_of(event.blobs, [&](const std::string& name) {
      const auto bytes = blobs.Get(name);
      return bytes && bytes->contains(kMark);
    });
  }

  std::map<std::string, history::Verdict, std::less<>> verdicts_;
};

// When each check of the recorded run looked at its ledger, by path with attempt.
std::map<std::string, uint64_t, std::less<>> MomentsOfChecks(
    std::span<const history::Event> events) {
  std::map<std::string, uint64_t, std::less<>> moments;
  for (const history::Event& event : events) {
    if (event.kind == history::kind::kChecker) moments[event.path] = event.seq;
  }
  return moments;
}

// Which scenarios the recorded run carried out, and why it did not carry out the others.
struct Recorded {
  std::set<std::string> started;
  std::map<std::string, std::string> skipped;  // reason

  explicit Recorded(std::span<const history::Event> events) {
    for (const history::Event& event : events) {
      if (event.kind == history::kind::kScenarioStarted) started.insert(event.path);
      if (event.kind == history::kind::kScenarioSkipped) {
        skipped[event.path] = Text(event.data, "reason");
      }
    }
  }
};

net::Task<void> ReplayScenarios(const plan::RunPlan& plan, const Recorded& recorded,
                                const ScenarioContext& context) {
  for (const plan::PlannedScenario& scenario : plan.scenarios) {
    if (recorded.started.contains(scenario.path)) {
      static_cast<void>(co_await RunScenario(scenario, context));
    } else if (const auto found = recorded.skipped.find(scenario.path);
               found != recorded.skipped.end()) {
      SkipScenario(scenario, found->second, context.recorder);
    }
  }
}

}  // namespace

base::Result<plan::ResolveOptions> RecordedOptions(const history::RunModel& recorded) {
  plan::ResolveOptions options;
  const object& manifest = recorded.manifest;
  options.environment = Text(manifest, "environment");
  options.run_id = Text(manifest, "run");
  options.started = recorded.started;
  options.overrides = Pairs(manifest, "overrides");
  options.process_environment = Pairs(manifest, "env");
  const std::string seed = Text(manifest, "seed");
  const auto read = std::from_chars(seed.data(), seed.data() + seed.size(), options.seed);
  if (read.ec != std::errc{} || read.ptr != seed.data() + seed.size()) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("the manifest's seed is \"{}\", expected a whole number", seed));
  }
  std::set<std::string> ids;
  for (const auto& scenario : recorded.scenarios) ids.insert(scenario.id);
  for (const std::string& id : ids) options.select.ids.push_back({id, {}});
  return options;
}

base::Result<ReplayReport> Replay(const std::filesystem::path& run_dir, const plan::RunPlan& plan,
                                  const std::filesystem::path& project_dir,
                                  const ReplayOptions& options) {
  TRY(const history::EventLog log, history::ReadEvents(run_dir / "events.jsonl"));
  ReplayReport report;
  TRY(report.recorded, history::BuildRunModel(run_dir.filename().string(), log.events));
  TRY(const auto verified,
      history::Verify(run_dir, {.public_key = {}, .project_dir = project_dir}));
  report.changed_inputs = verified.changed_inputs;
  if (!report.changed_inputs.empty() && !options.allow_changed_inputs) {
    std::vector<std::string> files;
    for (const auto& change : report.changed_inputs) files.push_back(change.file);
    base::Error error{base::ErrorCode::kConflict,
                      fmt::format("{} changed since the run", fmt::join(files, ", "))};
    error.hint = "replay the files that were run, or allow changed inputs";
    return base::Fail(std::move(error));
  }

  TRY(plan::ResolveOptions resolved, RecordedOptions(report.recorded));
  const history::DirectoryBlobs recorded_blobs(run_dir / "blobs", nullptr);
  RecordedSource source(log.events, recorded_blobs);
  const base::ManualClock clock(report.recorded.started);
  const history::Redactor redactor("replay");
  history::MemoryLog memory;
  history::MemoryBlobs blobs;
  std::vector<history::Event> events;
  history::EventWriter writer(memory, clock, redactor,
                              [&](const history::Event& event) { events.push_back(event); });
  Recorder recorder(writer, blobs);
  Stopper run_stopper(nullptr, base::Deadline::Never());
  Stopper cleanup_stopper(nullptr, base::Deadline::Never());
  const ScenarioContext context{.source = source,
                                .recorder = recorder,
                                .seed = resolved.seed,
                                .globals = [](const plan::PlannedScenario&) { return Globals{}; },
                                .run_stopper = run_stopper,
                                .cleanup_stopper = cleanup_stopper};
  const Recalled recalled(log.events, recorded_blobs);
  recorder.RecallVerdicts([&](std::string_view path, size_t attempt, std::string_view role,
                              std::string_view expression, history::Verdict anew) {
    const auto before = recalled.Find(path, attempt, role, expression);
    if (before && *before != anew) {
      report.kept.push_back(fmt::format("{}#{}: {} {}", path, attempt, role, expression));
    }
    return before;
  });
  TRY(auto operations, checker::ReadOperations(log.events, recorded_blobs));
  recorder.ledgers().Recall(std::move(operations), MomentsOfChecks(log.events));
  writer.Write(history::kind::kRunStarted, "", {{"manifest", report.recorded.manifest}});
  const Recorded recorded(log.events);
  net::Runtime runtime;
  runtime.Run(ReplayScenarios(plan, recorded, context));
  TRY(report.replayed, history::BuildRunModel(report.recorded.id, events));
  report.missing = source.missing();
  report.differences = Compare(report.recorded, report.replayed);
  return report;
}

base::Result<ReplayReport> ReplayProject(const std::filesystem::path& run_dir,
                                         std::shared_ptr<const scenario::Project> project,
                                         const scenario::SchemaRegistry& registry,
                                         const scenario::FileSource& files,
                                         const ReplayOptions& options) {
  TRY(const history::EventLog log, history::ReadEvents(run_dir / "events.jsonl"));
  TRY(const history::RunModel recorded,
      history::BuildRunModel(run_dir.filename().string(), log.events));
  TRY(const plan::ResolveOptions resolve, RecordedOptions(recorded));
  scenario::Problems problems;
  const std::filesystem::path root = project->root;
  const plan::RunPlan plan = plan::Resolve(std::move(project), registry, files, resolve, problems);
  return Replay(run_dir, plan, root, options);
}

}  // namespace assay::run
