#include "assay/history/run_model.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace assay::history {
namespace {

using boost::json::object;

std::string Text(const object& data, std::string_view key) {
  const auto* field = data.if_contains(key);
  return field != nullptr && field->is_string() ? std::string(field->get_string()) : std::string();
}

int64_t Whole(const object& data, std::string_view key, int64_t fallback = 0) {
  const auto* field = data.if_contains(key);
  return field != nullptr && field->is_int64() ? field->get_int64() : fallback;
}

bool Flag(const object& data, std::string_view key) {
  const auto* field = data.if_contains(key);
  return field != nullptr && field->is_bool() && field->get_bool();
}

std::vector<std::string> Texts(const object& data, std::string_view key) {
  std::vector<std::string> out;
  const auto* field = data.if_contains(key);
  if (field == nullptr || !field->is_array()) return out;
  for (const auto& item : field->get_array()) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

boost::json::value Any(const object& data, std::string_view key) {
  const auto* field = data.if_contains(key);
  return field != nullptr ? *field : boost::json::value();
}

Verdict VerdictOf(const object& data) {
  return ParseVerdict(Text(data, "verdict")).value_or(Verdict::kError);
}

struct Node {
  StepResult step;
  std::vector<std::unique_ptr<Node>> children;
};
using Nodes = std::vector<std::unique_ptr<Node>>;

struct OpenScenario {
  ScenarioResult result;
  Nodes steps;
  Nodes cleanup;
  std::map<std::string, Node*, std::less<>> by_path;

  void NewAttempt() {
    steps.clear();
    cleanup.clear();
    by_path.clear();
    result.success.clear();
  }
};

// `NS-A/1@2/upload` -> `NS-A/1`, see assay/plan/path.h.
std::string_view InstanceOf(std::string_view path) {
  const size_t first = path.find('/');
  if (first == std::string_view::npos) return path;
  path = path.substr(0, path.find('/', first + 1));
  const size_t retry = path.find('@', first);
  return path.substr(0, retry);
}

// `a/b#3` -> `a/b` and 3; without a number, 1.
std::pair<std::string_view, int> SplitAttempt(std::string_view path) {
  const size_t mark = path.rfind('#');
  if (mark == std::string_view::npos || path.find('/', mark) != std::string_view::npos) {
    return {path, 1};
  }
  int attempt = 0;
  for (const char c : path.substr(mark + 1)) {
    if (c < '0' || c > '9' || attempt > 100'000'000) return {path, 1};
    attempt = attempt * 10 + (c - '0');
  }
  return {path.substr(0, mark), attempt};
}

// `a/loop[2]` and `a/group#2` -> `a/loop`, `a/group`: the step that the round belongs to.
std::string_view WithoutRound(std::string_view path) {
  const size_t slash = path.rfind('/');
  const size_t mark = path.find_first_of("[#", slash == std::string_view::npos ? 0 : slash);
  return path.substr(0, mark);
}

class Builder {
 public:
  explicit Builder(std::string run_id) { model_.id = std::move(run_id); }

  void Read(const Event& event) {
    model_.head_hash = event.hash;
    ++model_.event_count;
    last_elapsed_ = std::max(last_elapsed_, event.elapsed);
    if (event.kind.starts_with("run.")) return ReadRun(event);
    if (event.kind.starts_with("scenario.")) return ReadScenario(event);
    if (event.kind.starts_with("step.")) return ReadStep(event);
    if (event.kind.starts_with(kind::kEnvironmentPrefix)) return ReadEnvironment(event);
    if (event.kind == kind::kOutcome) return ReadOutcome(event);
    if (event.kind == kind::kExpectation) return ReadExpectation(event);
    if (event.kind == kind::kSaved) return ReadSaved(event);
    if (event.kind.starts_with(kind::kWorkloadPrefix)) return ReadRecord(event);
    Touch(event);
  }

  RunModel Finish() && {
    AddPlanned();
    for (const std::string& instance : order_) Close(open_.at(instance));
    for (const Verdict verdict : {Verdict::kPassed, Verdict::kSkipped, Verdict::kInconclusive,
                                  Verdict::kError, Verdict::kFailed}) {
      model_.counts[verdict] = 0;
    }
    for (const ScenarioResult& scenario : model_.scenarios) ++model_.counts[scenario.verdict];
    if (!model_.complete) {
      model_.duration = last_elapsed_;
      model_.verdict = Worse(Verdict::kError, RunVerdict(model_.scenarios));
    }
    return std::move(model_);
  }

 private:
  void ReadRun(const Event& event) {
    if (event.kind == kind::kRunStarted) {
      model_.started = event.time;
      if (const auto* manifest = event.data.if_contains("manifest");
          manifest != nullptr && manifest->is_object()) {
        model_.manifest = manifest->get_object();
      }
    } else if (event.kind == kind::kRunWarning) {
      const std::string where = Text(event.data, "where");
      const std::string message = Text(event.data, "message");
      model_.warnings.push_back(where.empty() ? message : where + ": " + message);
    } else if (event.kind == kind::kRunFinished) {
      model_.complete = true;
      model_.verdict = VerdictOf(event.data);
      model_.interrupted = Flag(event.data, "interrupted");
      model_.duration = base::Duration(Whole(event.data, "duration_ns"));
    }
  }

  OpenScenario& Open(std::string_view instance) {
    auto [at, added] = open_.try_emplace(std::string(instance));
    if (added) {
      at->second.result.instance = std::string(instance);
      order_.emplace_back(instance);
    }
    return at->second;
  }

  void Touch(const Event& event) {
    const auto found = open_.find(InstanceOf(event.path));
    if (found == open_.end()) return;
    found->second.result.last_seq = event.seq;
    const auto node = found->second.by_path.find(event.path);
    if (node != found->second.by_path.end()) node->second->step.last_seq = event.seq;
  }

  static void Describe(const object& data, ScenarioResult& result) {
    result.id = Text(data, "id");
    result.title = Text(data, "title");
    result.description = Text(data, "description");
    result.system = Text(data, "system");
    result.category = Text(data, "category");
    result.priority = Text(data, "priority");
    result.tags = Texts(data, "tags");
    result.verifies = Texts(data, "verifies");
    result.file = Text(data, "file");
    result.line = static_cast<uint32_t>(Whole(data, "line"));
    result.optional = Flag(data, "optional");
  }

  void ReadScenario(const Event& event) {
    OpenScenario& scenario = Open(InstanceOf(event.path));
    ScenarioResult& result = scenario.result;
    if (result.first_seq == 0) {
      result.first_seq = event.seq;
      result.started = event.elapsed;
    }
    result.last_seq = event.seq;
    if (event.kind == kind::kScenarioStarted) {
      Describe(event.data, result);
      result.attempts = static_cast<int>(Whole(event.data, "attempt", 1));
      result.finished = false;
      scenario.NewAttempt();
    } else if (event.kind == kind::kScenarioSkipped) {
      Describe(event.data, result);
      result.verdict = Verdict::kSkipped;
      result.reason = Text(event.data, "reason");
      result.finished = true;
    } else if (event.kind == kind::kScenarioFinished) {
      result.verdict = VerdictOf(event.data);
      result.reason = Text(event.data, "reason");
      result.flaky = Flag(event.data, "flaky");
      result.duration = event.elapsed - result.started;
      result.finished = true;
    }
  }

  Node& StepAt(OpenScenario& scenario, std::string_view path, bool cleanup) {
    if (const auto found = scenario.by_path.find(path); found != scenario.by_path.end()) {
      return *found->second;
    }
    Nodes* siblings = cleanup ? &scenario.cleanup : &scenario.steps;
    if (const size_t slash = path.rfind('/'); slash != std::string_view::npos) {
      const std::string_view above = path.substr(0, slash);
      auto parent = scenario.by_path.find(above);
      if (parent == scenario.by_path.end()) parent = scenario.by_path.find(WithoutRound(above));
      if (parent != scenario.by_path.end()) siblings = &parent->second->children;
    }
    siblings->push_back(std::make_unique<Node>());
    Node& node = *siblings->back();
    node.step.path = std::string(path);
    scenario.by_path.emplace(node.step.path, &node);
    return node;
  }

  void ReadStep(const Event& event) {
    OpenScenario& scenario = Open(InstanceOf(event.path));
    scenario.result.last_seq = event.seq;
    StepResult& step = StepAt(scenario, event.path, Flag(event.data, "cleanup")).step;
    step.last_seq = event.seq;
    if (step.first_seq == 0) {
      step.first_seq = event.seq;
      step.started = event.elapsed;
    }
    if (event.kind == kind::kStepFinished) {
      step.verdict = VerdictOf(event.data);
      step.reason = Text(event.data, "reason");
      step.duration = base::Duration(Whole(event.data, "duration_ns"));
      step.finished = true;
      return;
    }
    step.name = Text(event.data, "name");
    step.id = Text(event.data, "id");
    step.action = Text(event.data, "action");
    step.head = Text(event.data, "head");
    step.file = Text(event.data, "file");
    step.line = static_cast<uint32_t>(Whole(event.data, "line"));
    step.verifies = Texts(event.data, "verifies");
    step.cleanup = Flag(event.data, "cleanup");
    step.background = Flag(event.data, "background");
    step.unasserted = Flag(event.data, "unasserted");
    if (event.kind == kind::kStepSkipped) {
      step.verdict = Verdict::kSkipped;
      step.reason = Text(event.data, "reason");
      step.finished = true;
    }
  }

  // The step that an event speaks about, or null when it was never started.
  StepResult* Find(const Event& event, std::string_view path) {
    Touch(event);
    const auto scenario = open_.find(InstanceOf(path));
    if (scenario == open_.end()) return nullptr;
    const auto node = scenario->second.by_path.find(path);
    if (node == scenario->second.by_path.end()) return nullptr;
    node->second->step.last_seq = event.seq;
    return &node->second->step;
  }

  void ReadOutcome(const Event& event) {
    const auto [path, number] = SplitAttempt(event.path);
    StepResult* step = Find(event, path);
    if (step == nullptr) return;
    AttemptResult attempt;
    attempt.attempt = number;
    attempt.disposition = Text(event.data, "disposition");
    attempt.value = Any(event.data, "value");
    attempt.error = Any(event.data, "error");
    attempt.transcript = Text(event.data, "transcript");
    attempt.blobs = event.blobs;
    attempt.duration = base::Duration(Whole(event.data, "duration_ns"));
    attempt.seq = event.seq;
    if (const std::string head = Text(event.data, "head"); !head.empty()) step->head = head;
    step->attempts.push_back(std::move(attempt));
  }

  void ReadExpectation(const Event& event) {
    ExpectationResult result;
    result.expression = Text(event.data, "expression");
    result.file = Text(event.data, "file");
    result.line = static_cast<uint32_t>(Whole(event.data, "line"));
    result.column = static_cast<uint32_t>(Whole(event.data, "column"));
    result.role = Text(event.data, "role");
    result.verdict = VerdictOf(event.data);
    result.explanation = Any(event.data, "explanation");
    result.vacuous = Flag(event.data, "vacuous");
    result.attempt = static_cast<int>(Whole(event.data, "attempt", 1));
    result.seq = event.seq;
    if (StepResult* step = Find(event, event.path)) {
      step->expectations.push_back(std::move(result));
    } else if (const auto scenario = open_.find(InstanceOf(event.path));
               scenario != open_.end() && result.role == "success") {
      scenario->second.result.success.push_back(std::move(result));
    }
  }

  void ReadSaved(const Event& event) {
    StepResult* step = Find(event, event.path);
    const auto* values = event.data.if_contains("values");
    if (step == nullptr || values == nullptr || !values->is_object()) return;
    for (const auto& [name, value] : values->get_object()) step->saved[name] = value;
  }

  void ReadRecord(const Event& event) {
    if (StepResult* step = Find(event, event.path)) step->records.push_back(event);
  }

  void ReadEnvironment(const Event& event) {
    const bool about_service =
        event.kind.starts_with("environment.service.") || event.kind == "environment.probe";
    if (about_service) return ReadService(event);
    auto at = std::ranges::find(model_.environments, event.path, &EnvironmentRecord::name);
    if (at == model_.environments.end()) {
      at = model_.environments.insert(at, EnvironmentRecord{event.path, {}, {}, false, {}});
    }
    if (const auto type = Text(event.data, "type"); !type.empty()) at->type = type;
    if (const auto profile = Text(event.data, "profile"); !profile.empty()) at->profile = profile;
    if (event.kind == "environment.ready") at->ready = true;
    if (event.kind == "environment.failed") at->ready = false;
  }

  void ReadService(const Event& event) {
    if (model_.environments.empty()) return;
    const std::string owner = Text(event.data, "environment");
    auto at = std::ranges::find(model_.environments, owner, &EnvironmentRecord::name);
    EnvironmentRecord& environment =
        at == model_.environments.end() ? model_.environments.back() : *at;
    auto service = std::ranges::find(environment.services, event.path, &ServiceRecord::name);
    if (service == environment.services.end()) {
      service = environment.services.insert(service, ServiceRecord{event.path, {}, {}, {}});
    }
    if (event.kind != "environment.probe") {
      if (const auto command = Text(event.data, "command"); !command.empty()) {
        service->command = command;
      }
      for (const auto& [key, value] : event.data) service->facts[key] = value;
    }
    service->events.push_back(event);
  }

  // Scenarios stand in planned order; what was planned and never begun is listed as skipped.
  void AddPlanned() {
    const auto* planned = model_.manifest.if_contains("planned");
    if (planned == nullptr || !planned->is_array()) return;
    std::vector<std::string> order;
    for (const auto& item : planned->get_array()) {
      if (!item.is_object()) continue;
      const std::string instance = Text(item.get_object(), "instance");
      if (instance.empty()) continue;
      order.push_back(instance);
      auto [at, added] = open_.try_emplace(instance);
      if (!added) continue;
      at->second.result.instance = instance;
      at->second.result.id = Text(item.get_object(), "scenario");
      at->second.result.reason = "not evaluated: the run ended before it";
    }
    for (const std::string& instance : order_) {
      if (std::ranges::find(order, instance) == order.end()) order.push_back(instance);
    }
    order_ = std::move(order);
  }

  std::vector<StepResult> Collect(Nodes& nodes) {
    std::vector<StepResult> out;
    for (auto& node : nodes) {
      StepResult& step = node->step;
      step.children = Collect(node->children);
      if (!step.finished) {
        step.verdict = Verdict::kError;
        for (const auto& child : step.children) step.verdict = Worse(step.verdict, child.verdict);
        step.reason = "the log ends before this step finished";
        step.duration = last_elapsed_ - step.started;
      }
      out.push_back(std::move(step));
    }
    return out;
  }

  void Close(OpenScenario& scenario) {
    ScenarioResult& result = scenario.result;
    result.steps = Collect(scenario.steps);
    result.cleanup = Collect(scenario.cleanup);
    if (!result.finished && result.first_seq != 0) {
      result.verdict = Verdict::kError;
      for (const auto& step : result.steps) result.verdict = Worse(result.verdict, step.verdict);
      result.reason = "the log ends before this scenario finished";
      result.duration = last_elapsed_ - result.started;
    }
    model_.scenarios.push_back(std::move(result));
  }

  RunModel model_;
  std::map<std::string, OpenScenario, std::less<>> open_;
  std::vector<std::string> order_;
  base::Duration last_elapsed_{};
};

void CollectVerifies(std::span<const StepResult> steps, std::set<std::string>& out) {
  ForEachStep(steps, [&](const StepResult& step) {
    out.insert(step.verifies.begin(), step.verifies.end());
  });
}

boost::json::array ToArray(const std::vector<std::string>& texts) {
  boost::json::array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

void AddProblems(std::span<const StepResult> steps, boost::json::array& problems) {
  ForEachStep(steps, [&](const StepResult& step) {
    if (step.verdict == Verdict::kPassed || step.verdict == Verdict::kSkipped) return;
    problems.push_back({{"path", step.path},
                        {"name", step.name},
                        {"verdict", ToString(step.verdict)},
                        {"reason", step.reason},
                        {"file", step.file},
                        {"line", step.line}});
  });
}

object ScenarioJson(const ScenarioResult& scenario) {
  boost::json::array problems;
  AddProblems(scenario.steps, problems);
  AddProblems(scenario.cleanup, problems);
  int64_t steps = 0;
  int64_t unasserted = 0;
  ForEachStep(scenario.steps, [&](const StepResult& step) {
    ++steps;
    if (step.unasserted) ++unasserted;
  });
  return {{"instance", scenario.instance},
          {"id", scenario.id},
          {"title", scenario.title},
          {"system", scenario.system},
          {"category", scenario.category},
          {"priority", scenario.priority},
          {"tags", ToArray(scenario.tags)},
          {"verifies", ToArray(scenario.AllVerifies())},
          {"file", scenario.file},
          {"line", scenario.line},
          {"verdict", ToString(scenario.verdict)},
          {"reason", scenario.reason},
          {"flaky", scenario.flaky},
          {"optional", scenario.optional},
          {"attempts", scenario.attempts},
          {"duration_ns", scenario.duration.count()},
          {"steps", steps},
          {"unasserted_steps", unasserted},
          {"problems", std::move(problems)}};
}

}  // namespace

std::vector<std::string> ScenarioResult::AllVerifies() const {
  std::set<std::string> all(verifies.begin(), verifies.end());
  CollectVerifies(steps, all);
  CollectVerifies(cleanup, all);
  return {all.begin(), all.end()};
}

base::Result<RunModel> BuildRunModel(std::string run_id, std::span<const Event> events) {
  if (events.empty()) return base::Fail(base::ErrorCode::kInvalid, "the log has no events");
  if (events.front().kind != kind::kRunStarted) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("the log begins with \"{}\", expected \"{}\"",
                                  events.front().kind, kind::kRunStarted));
  }
  Builder builder(std::move(run_id));
  for (const Event& event : events) builder.Read(event);
  return std::move(builder).Finish();
}

Verdict RunVerdict(std::span<const ScenarioResult> scenarios) {
  Verdict worst = Verdict::kPassed;
  bool any = false;
  for (const ScenarioResult& scenario : scenarios) {
    if (scenario.verdict == Verdict::kSkipped) continue;
    any = true;
    worst = Worse(worst, scenario.verdict);
  }
  return any ? worst : Verdict::kSkipped;
}

object SummaryJson(const RunModel& model) {
  object counts;
  for (const auto& [verdict, count] : model.counts) counts[ToString(verdict)] = count;
  boost::json::array scenarios;
  for (const auto& scenario : model.scenarios) scenarios.emplace_back(ScenarioJson(scenario));
  object summary = {{"id", model.id},
                    {"verdict", ToString(model.verdict)},
                    {"complete", model.complete},
                    {"interrupted", model.interrupted},
                    {"started", base::FormatRfc3339(model.started)},
                    {"duration_ns", model.duration.count()},
                    {"counts", std::move(counts)},
                    {"head_hash", model.head_hash},
                    {"events", model.event_count}};
  for (const std::string_view key : {"environment", "profile", "scale", "seed"}) {
    summary[key] = Any(model.manifest, key);
  }
  summary["warnings"] = ToArray(model.warnings);
  summary["scenarios"] = std::move(scenarios);
  return summary;
}

std::vector<LedgerOp> ExtractLedger(std::span<const Event> events) {
  std::vector<LedgerOp> ops;
  for (const Event& event : events) {
    if (event.kind != kind::kLedger) continue;
    ops.push_back({Text(event.data, "ledger"), Text(event.data, "op"), Text(event.data, "phase"),
                   Any(event.data, "key"), Any(event.data, "value"), event.path, event.elapsed,
                   event.seq});
  }
  return ops;
}

void ForEachStep(std::span<const StepResult> steps,
                 const std::function<void(const StepResult&)>& visit) {
  for (const StepResult& step : steps) {
    visit(step);
    ForEachStep(step.children, visit);
  }
}

}  // namespace assay::history
