#include "assay/run/run.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>
#include <utility>

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/history/file_io.h"
#include "assay/history/redactor.h"
#include "assay/history/verify.h"
#include "assay/run/manifest.h"
#include "assay/run/scheduler.h"
#include "assay/run/source/live_source.h"
#include "lib/json/canonical.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace assay::run {
namespace {

using history::Verdict;

constexpr base::Duration kSecondRequestCheck = std::chrono::milliseconds(50);

base::Result<history::Redactor> MakeRedactor(const plan::RunPlan& plan, const RunOptions& options,
                                             std::vector<std::string>& warnings) {
  history::Redactor redactor;
  for (const std::string& secret : options.secrets) {
    if (!redactor.AddSecret(secret)) {
      warnings.push_back("a secret is shorter than 4 bytes and cannot be hidden in the log");
    }
  }
  const scenario::ProjectDefaults& defaults = plan.project->defaults;
  for (const auto* keys : {&defaults.redact_keys, &options.redact_keys}) {
    for (const std::string& key : *keys) redactor.AddSensitiveKey(key);
  }
  for (const auto* patterns : {&defaults.redact_patterns, &options.redact_patterns}) {
    for (const std::string& pattern : *patterns) TRY(redactor.AddPattern(pattern));
  }
  return redactor;
}

base::Result<void> MakeDirectory(const std::filesystem::path& dir) {
  std::error_code failure;
  std::filesystem::create_directories(dir, failure);
  if (failure) return base::Fail(history::FileError("create", dir, failure.value()));
  return {};
}

// Readers of `latest` see the old run or the new one, never nothing.
base::Result<void> PointLatest(const std::filesystem::path& results, const std::string& run_id) {
  const std::filesystem::path temporary =
      results / fmt::format(".latest.{}", static_cast<long>(::getpid()));
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  if (::symlink(run_id.c_str(), temporary.c_str()) != 0 ||
      ::rename(temporary.c_str(), (results / "latest").c_str()) != 0) {
    const int reason = errno;
    std::filesystem::remove(temporary, ignored);
    return base::Fail(history::FileError("update", results / "latest", reason));
  }
  return {};
}

// The state of one run between run.started and run.finished.
class Run {
 public:
  Run(const plan::RunPlan& plan, const RunOptions& options, const RunContext& context,
      history::Redactor& redactor, history::FileLog& log)
      : plan_(plan),
        options_(options),
        context_(context),
        redactor_(redactor),
        dir_(options.results_dir / options.run_id),
        writer_(log, context.clock, redactor, context.observer),
        blobs_(dir_ / "blobs", &redactor),
        recorder_(writer_, blobs_),
        started_(context.clock.Now()) {}

  net::Task<base::Result<void>> Execute(const std::vector<std::string>& warnings) {
    boost::json::object manifest =
        MakeManifest(plan_, {options_.run_id, options_.seed, options_.jobs, options_.env,
                             options_.overrides, options_.manifest});
    CO_TRY(auto kept, KeepInputs(manifest));
    writer_.Write(history::kind::kRunStarted, "", {{"manifest", std::move(manifest)}},
                  std::move(kept));
    for (const std::string& warning : warnings) Warn(warning);
    CO_TRY(writer_.Flush());
    net::TaskGroup watchers(co_await net::CurrentExecutor(),
                            [this](const base::Error& error) { Warn(error.ToString()); });
    watchers.Spawn(WatchInterrupt());
    EnvironmentState state;
    co_await StartEnvironment(state);
    co_await RunScenarios(state);
    if (context_.environment != nullptr) co_await context_.environment->Stop();
    watchers.Cancel();
    static_cast<void>(co_await watchers.Join(base::Deadline::Never()));
    co_return Finish();
  }

 private:
  void Warn(const std::string& message) {
    writer_.Write(history::kind::kRunWarning, "", {{"message", message}, {"where", ""}});
  }

  /// Stores every input file, so that reports can quote it; gives the names of the blobs. A text in
  /// which a secret was replaced has another digest than the file: `blob` in the manifest.
  base::Result<std::vector<std::string>> KeepInputs(boost::json::object& manifest) {
    std::map<std::string_view, std::string_view> texts;
    for (const auto& input : plan_.project->inputs) texts[input->name()] = input->text();
    for (const auto& [file, text] : plan_.read_files) texts[file] = text;
    std::vector<std::string> names;
    for (boost::json::value& entry : manifest["inputs"].as_array()) {
      boost::json::object& input = entry.as_object();
      const auto& file = input["file"].as_string();
      const auto found = texts.find(std::string_view(file.data(), file.size()));
      if (found == texts.end()) continue;
      TRY(std::string name, blobs_.Put(found->second));
      if (input["sha256"].as_string() != name) input["blob"] = name;
      names.push_back(std::move(name));
    }
    return names;
  }

  net::Task<void> WatchInterrupt() {
    if (context_.interrupt == nullptr) co_return;
    if (!co_await context_.interrupt->Wait(base::Deadline::Never())) co_return;
    interrupted_ = true;
    run_stopper_.Stop({StopCause::Kind::kCancelled, "the run was interrupted"});
    if (scheduler_ != nullptr) scheduler_->Stop("not evaluated: the run was interrupted");
    while (context_.interrupt->count() < 2) {
      if (!co_await net::Sleep(kSecondRequestCheck)) co_return;
    }
    cleanup_stopper_.Stop({StopCause::Kind::kCancelled, "the run was interrupted twice"});
  }

  net::Task<void> StartEnvironment(EnvironmentState& state) {
    if (context_.environment == nullptr) co_return;
    auto task = context_.environment->Start(writer_, blobs_);
    auto started = context_.interrupt == nullptr
                       ? co_await std::move(task)
                       : co_await net::WithCancellation(std::move(task), *context_.interrupt);
    static_cast<void>(writer_.Flush());
    if (!started) {
      environment_error_ = started.error().ToString();
      Warn(fmt::format("the environment did not start: {}", environment_error_));
      co_return;
    }
    state = *std::move(started);
    if (!state.credentials.is_map()) co_return;
    for (const auto& [name, value] : state.credentials.map().entries()) {
      if (value.is_string() && !redactor_.AddSecret(value.string())) {
        Warn(fmt::format("the credential \"{}\" is too short to be hidden in the log",
                         name.is_string() ? name.string() : ""));
      }
    }
  }

  Globals GlobalsOf(const plan::PlannedScenario& scenario, const EnvironmentState& state) const {
    cel::MapBuilder endpoints;
    for (const action::Endpoint& endpoint : state.endpoints) {
      endpoints.Set(endpoint.name, cel::Value::Object({{"url", cel::Value::String(endpoint.url)}}));
    }
    cel::MapBuilder env;
    for (const auto& [name, value] : options_.env) env.Set(name, cel::Value::String(value));
    const auto or_empty = [](const cel::Value& value) {
      return value.is_map() ? value : cel::Value::Object({});
    };
    const std::filesystem::path work = WorkDirOf(dir_ / "work", scenario);
    return {
        {"run", plan::RunVariable(options_.run_id, options_.seed, started_, dir_.string())},
        {"env", std::move(env).Build()},
        {"environment", plan::EnvironmentVariable(plan_.environment, or_empty(state.service_facts),
                                                  or_empty(state.credentials))},
        {"endpoints", std::move(endpoints).Build()},
        {"scenario", plan::ScenarioVariable(scenario, work.string())}};
  }

  std::optional<std::string> Missing(const plan::PlannedScenario& scenario,
                                     const EnvironmentState& state) const {
    for (const scenario::Text& need : scenario.source().needs) {
      const bool service = std::ranges::find(state.services, need.text) != state.services.end();
      const bool endpoint = std::ranges::find(state.endpoints, need.text,
                                              &action::Endpoint::name) != state.endpoints.end();
      if (!service && !endpoint) {
        return fmt::format("needs {}, which this environment does not have", need.text);
      }
    }
    return std::nullopt;
  }

  net::Task<void> RunScenarios(const EnvironmentState& state) {
    const net::Executor loop = co_await net::CurrentExecutor();
    LiveSource source(
        {.clock = context_.clock,
         .actions = context_.actions,
         .blobs = blobs_,
         .http = context_.http,
         .make_cookies = context_.make_cookies,
         .endpoints = state.endpoints,
         .default_endpoint = state.default_endpoint,
         .environment = plan_.environment != nullptr ? plan_.environment->name.text : std::string(),
         .others = state.others,
         .project_root = plan_.project->root,
         .work_root = dir_ / "work",
         .keep_work = options_.keep_work,
         .seed = options_.seed,
         .process_environment = options_.process_environment,
         .ask_operator = context_.ask_operator,
         .emit =
             [this](std::string_view kind, std::string_view path, boost::json::object content,
                    std::vector<std::string> blobs) {
               writer_.Write(kind, path, std::move(content), std::move(blobs));
               static_cast<void>(writer_.Flush());
             },
         .note_operation =
             [this, loop](OperationNote note) {
               net::Post(loop, [this, note = std::move(note)]() mutable {
                 recorder_.Note(std::move(note));
               });
             },
         .faults = state.faults,
         .load_share = options_.load_share});
    const ScenarioContext scenarios{
        .source = source,
        .recorder = recorder_,
        .seed = options_.seed,
        .cleanup_timeout = options_.cleanup_timeout,
        .globals = [&](const plan::PlannedScenario& s) { return GlobalsOf(s, state); },
        .run_stopper = run_stopper_,
        .cleanup_stopper = cleanup_stopper_};
    Scheduler scheduler(
        plan_,
        {.jobs = options_.jobs,
         .fail_fast = options_.fail_fast,
         .prerequisite = [&](const plan::PlannedScenario& s) { return Missing(s, state); },
         .ended = [&](const plan::PlannedScenario& s) { source.Close(s); }},
        scenarios);
    scheduler_ = &scheduler;
    if (interrupted_) scheduler.Stop("not evaluated: the run was interrupted");
    if (!environment_error_.empty()) scheduler.Stop("not evaluated: the environment did not start");
    co_await scheduler.Run();
    scheduler_ = nullptr;
    verdicts_ = scheduler.verdicts();
  }

  base::Result<void> Finish() {
    std::vector<history::ScenarioResult> results;
    std::map<Verdict, int64_t> counts;
    for (const Verdict verdict : verdicts_) {
      results.emplace_back().verdict = verdict;
      ++counts[verdict];
    }
    Verdict verdict = history::RunVerdict(results);
    if (!environment_error_.empty()) verdict = history::Worse(verdict, Verdict::kError);
    if (interrupted_ && counts[Verdict::kSkipped] > 0) {
      verdict = history::Worse(verdict, Verdict::kInconclusive);
    }
    boost::json::object counted;
    for (const Verdict one : {Verdict::kPassed, Verdict::kFailed, Verdict::kError,
                              Verdict::kInconclusive, Verdict::kSkipped}) {
      counted[history::ToString(one)] = counts[one];
    }
    const std::string head = writer_.head_hash();
    writer_.Write(history::kind::kRunFinished, "",
                  {{"verdict", history::ToString(verdict)},
                   {"counts", std::move(counted)},
                   {"interrupted", interrupted_},
                   {"head", head},
                   {"duration_ns", writer_.Elapsed().count()}});
    return writer_.Finish();
  }

  const plan::RunPlan& plan_;
  const RunOptions& options_;
  const RunContext& context_;
  history::Redactor& redactor_;
  std::filesystem::path dir_;
  history::EventWriter writer_;
  history::DirectoryBlobs blobs_;
  Recorder recorder_;
  base::WallTime started_;
  Stopper run_stopper_{nullptr, base::Deadline::Never()};
  Stopper cleanup_stopper_{nullptr, base::Deadline::Never()};
  Scheduler* scheduler_ = nullptr;
  bool interrupted_ = false;
  std::string environment_error_;
  std::vector<Verdict> verdicts_;
};

}  // namespace

std::string MakeRunId(base::WallTime now, uint64_t entropy) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%Y%m%d-%H%M%S}-{:08x}", seconds, entropy & 0xFFFFFFFFU);
}

base::Result<RunSummary> SealRun(const std::filesystem::path& results_dir,
                                 const std::string& run_id,
                                 const std::optional<crypto::SigningKey>& signing_key) {
  RunSummary summary;
  summary.dir = results_dir / run_id;
  TRY(const history::EventLog events, history::ReadEvents(summary.dir / "events.jsonl"));
  TRY(summary.model, history::BuildRunModel(run_id, events.events));
  const std::string text = json::Pretty(history::SummaryJson(summary.model)) + "\n";
  TRY(history::WriteFileAtomically(summary.dir / "run.json", text));
  if (signing_key) TRY(history::SignRun(summary.dir, *signing_key));
  TRY(PointLatest(results_dir, run_id));
  return summary;
}

net::Task<base::Result<RunSummary>> RunPlan(const plan::RunPlan& plan, RunOptions options,
                                            RunContext context) {
  const std::filesystem::path dir = options.results_dir / options.run_id;
  std::vector<std::string> warnings;
  CO_TRY(history::Redactor redactor, MakeRedactor(plan, options, warnings));
  CO_TRY(MakeDirectory(dir));
  CO_TRY(history::FileLog log, history::FileLog::Create(dir / "events.jsonl"));
  {
    Run run(plan, options, context, redactor, log);
    CO_TRY(co_await run.Execute(warnings));
  }
  std::error_code ignored;
  if (!options.keep_work) std::filesystem::remove_all(dir / "work", ignored);
  co_return SealRun(options.results_dir, options.run_id, options.signing_key);
}

}  // namespace assay::run
