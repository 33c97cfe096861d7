// The process behind `assay up`. What it has to say while it starts goes to its output as JSON, one
// object a line; after `up` or `failed` it writes nothing any more:
//
//   {"service":"db","state":"ready"}
//   {"up":true}   {"failed":"message","hint":"what to do"}

#include <csignal>
#include <optional>
#include <system_error>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cli/environment_driver.h"
#include "assay/cli/project.h"
#include "assay/cli/up/ingredients.h"
#include "assay/cli/up/up_commands.h"
#include "assay/cli/up/up_state.h"
#include "assay/environment/guardian/journal.h"
#include "assay/history/redactor.h"
#include "assay/plan/plan.h"
#include "lib/http/client.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"
#include "lib/process/table.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

class Keeper {
 public:
  Keeper(const Invocation& invocation, const Host& host) : invocation_(invocation), host_(host) {}

  ExitCode Execute() {
    auto prepared = Prepare();
    if (!prepared.has_value()) return SayFailed(prepared.error());
    net::Runtime runtime;
    const auto kept = runtime.Run(Keep(runtime.executor()));
    std::error_code error;
    fs::remove(UpFile(results_, state_.environment), error);
    if (!invocation_.keep_work) fs::remove_all(run_dir_, error);
    return kept.has_value() ? ExitCode::kPassed : SayFailed(kept.error());
  }

 private:
  void Say(const boost::json::object& line) {
    if (silent_) return;
    host_.out(boost::json::serialize(line) + "\n");
  }
  ExitCode SayFailed(const base::Error& error) {
    Say({{"failed", redactor_.Text(error.ToString())}, {"hint", redactor_.Text(error.hint)}});
    return ExitCode::kError;
  }

  base::Result<void> Prepare() {
    TRY(root_, FindRoot(host_, invocation_));
    scenario::Problems problems;
    const auto project = LoadProject(root_, vocabulary_, problems);
    const scenario::Environment* source = EnvironmentNamed(*project, invocation_.environment);
    if (source == nullptr) {
      return base::Fail(ErrorCode::kNotFound, "the project has no such environment");
    }
    results_ = ResultsFolder(invocation_, host_, root_, project.get());
    const auto now = host_.clock->Now();
    const std::string run = NewRunId(UpFolder(results_), now);
    run_dir_ = UpFolder(results_) / run;
    state_ = {.environment = source->name.text,
              .type = std::string(ToString(source->type)),
              .run = run,
              .keeper = {},
              .boot = process::BootId(),
              .since_s = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count(),
              .services = {},
              .endpoints = {}};
    if (const auto self = process::Find(::getpid())) state_.keeper = self->identity;
    TRY(const Pairs credentials, ReadCredentials(source, root_, host_));
    for (const auto& [name, value] : credentials) redactor_.AddSecret(value);
    for (const std::string& key : project->defaults.redact_keys) redactor_.AddSensitiveKey(key);
    for (const std::string& pattern : project->defaults.redact_patterns) {
      TRY(redactor_.AddPattern(pattern));
    }
    SetOptions(run, credentials);
    const EnvironmentFacts facts{.run = plan::RunVariable(run, 0, now, run_dir_.string()),
                                 .env = MapOf(AllowedVariables(source, host_)),
                                 .credentials = options_.credentials,
                                 .shared_directory = (run_dir_ / "shared").string(),
                                 .project_directory = root_.string(),
                                 .overrides = invocation_.vars};
    converted_ = ConvertEnvironment(*project, *source, facts, problems);
    if (!problems.errors().empty()) return base::Fail(problems.errors().front());
    return {};
  }

  void SetOptions(const std::string& run, const Pairs& credentials) {
    options_.program = host_.program;
    options_.run_id = run;
    options_.run_dir = run_dir_;
    options_.journals = results_ / ".journals";
    options_.inherited = host_.environment;
    options_.keep_work = invocation_.keep_work;
    options_.credentials = MapOf(credentials);
  }

  net::Task<base::Result<void>> Keep(net::Executor executor) {
    std::error_code error;
    fs::create_directories(run_dir_, error);
    CO_TRY(history::FileLog log, history::FileLog::Create(run_dir_ / "events.jsonl"));
    history::EventWriter events(log, *host_.clock, redactor_,
                                [this](const history::Event& event) { OnEvent(event); });
    history::DirectoryBlobs blobs(run_dir_ / "blobs", &redactor_);
    http::Client client(std::move(executor), {.clock = host_.clock});
    EnvironmentDriver driver(*host_.clock, client, std::move(converted_), options_);
    driver_ = &driver;
    auto started = co_await net::WithCancellation(driver.Start(events, blobs), *host_.interrupt);
    base::Result<void> outcome;
    if (started.has_value()) {
      for (const auto& endpoint : started->endpoints) {
        state_.endpoints.push_back({endpoint.name, redactor_.Text(endpoint.url)});
      }
      outcome = Publish();
    } else {
      outcome = base::Fail(std::move(started).error());
    }
    if (outcome.has_value()) {
      Say({{"up", true}});
      silent_ = true;
      (void)events.Flush();
      (void)co_await host_.interrupt->Wait(base::Deadline::Never());
    }
    co_await driver.Stop();
    driver_ = nullptr;
    (void)events.Finish();
    co_return outcome;
  }

  // States as later commands show them.
  void OnEvent(const history::Event& event) {
    constexpr std::string_view kPrefix = "environment.service.";
    if (!event.kind.starts_with(kPrefix)) return;
    Say({{"service", event.path}, {"state", event.kind.substr(kPrefix.size())}});
    if (silent_) (void)Publish();
  }

  base::Result<void> Publish() {
    if (driver_ == nullptr || driver_->environment() == nullptr) return {};
    state_.services.clear();
    for (const environment::ServiceStatus& one : driver_->environment()->services()) {
      state_.services.push_back({.name = one.name,
                                 .state = std::string(ToString(one.state)),
                                 .restarts = one.restarts,
                                 .log_file = one.log_file,
                                 .directory = one.directory,
                                 .ports = one.ports});
    }
    return WriteUpState(UpFile(results_, state_.environment), state_);
  }

  const Invocation& invocation_;
  const Host& host_;
  Vocabulary vocabulary_;
  fs::path root_;
  fs::path results_;
  fs::path run_dir_;
  history::Redactor redactor_;
  UpState state_;
  DriverOptions options_;
  std::optional<ConvertedEnvironment> converted_;
  EnvironmentDriver* driver_ = nullptr;
  bool silent_ = false;  // nobody listens any more
};

}  // namespace

ExitCode KeepCommand(const Invocation& invocation, const Host& host) {
  const net::SignalBridge signals(*host.interrupt, {SIGTERM, SIGINT});
  return Keeper(invocation, host).Execute();
}

}  // namespace assay::cli
