#include <algorithm>
#include <csignal>
#include <optional>
#include <system_error>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "assay/cli/baseline/measured.h"
#include "assay/cli/cli.h"
#include "assay/cli/commands.h"
#include "assay/cli/environment_driver.h"
#include "assay/cli/merge/shard_manifest.h"
#include "assay/cli/operator.h"
#include "assay/cli/project.h"
#include "assay/cli/recorded.h"
#include "assay/cli/shrink/fault_plans.h"
#include "assay/cli/signing.h"
#include "assay/cli/up/ingredients.h"
#include "assay/cli/up/up_state.h"
#include "assay/environment/guardian/journal.h"
#include "assay/history/file_io.h"
#include "assay/history/redactor.h"
#include "assay/plan/order.h"
#include "assay/report/json_report.h"
#include "assay/report/terminal_report.h"
#include "assay/run/run.h"
#include "lib/base/random.h"
#include "lib/crypto/secret.h"
#include "lib/http/client.h"
#include "lib/net/runtime.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

uint64_t SeedOf(const Invocation& invocation, const scenario::Project& project, const Host& host) {
  if (invocation.seed) return *invocation.seed;
  if (invocation.shard) return CommonSeed(project);
  const auto now = host.clock->Now().time_since_epoch().count();
  // Short enough to be typed again.
  return base::StableHash(fmt::format("{} {}", now, ::getpid())) & 0xFFFFFFU;
}

boost::json::object ManifestOf(const Invocation& invocation,
                               const std::vector<std::string>& arguments) {
  const auto words = [](const std::vector<std::string>& list) {
    return boost::json::array(list.begin(), list.end());
  };
  boost::json::array urls;
  for (const auto& [name, url] : invocation.urls) urls.push_back({{"name", name}, {"url", url}});
  boost::json::object configuration = {{"urls", std::move(urls)}};
  if (invocation.retries) configuration["retries"] = *invocation.retries;
  if (invocation.timeout) configuration["timeout_ns"] = invocation.timeout->count();
  const Choice& choice = invocation.choice;
  return {{"tool", "assay"},
          {"version", kVersion},
          {"host", MachineFacts()},
          {"command_line", "assay " + fmt::format("{}", fmt::join(arguments, " "))},
          {"configuration", std::move(configuration)},
          {"filters", boost::json::object{{"paths", words(choice.paths)},
                                          {"suites", words(choice.suites)},
                                          {"ids", words(choice.filters)},
                                          {"tags", words(choice.tags)},
                                          {"categories", words(choice.categories)},
                                          {"priorities", words(choice.priorities)},
                                          {"verifies", words(choice.verifies)},
                                          {"exclude", words(choice.exclude)}}}};
}

/// One run from the command line, step by step.
class Session {
 public:
  Session(const Invocation& invocation, const std::vector<std::string>& arguments, const Host& host,
          const fault::PlansByPath& plans)
      : invocation_(invocation), arguments_(arguments), host_(host) {
    driver_.fault_plans = plans;
  }

  /// Empty before something ran.
  const fs::path& dir() const { return dir_; }
  uint64_t seed() const { return options_.seed; }

  ExitCode Execute() {
    const auto root = FindRoot(host_, invocation_);
    if (!root) return Refuse(root.error(), ExitCode::kUsage);
    root_ = *root;
    auto project = LoadProject(root_, vocabulary_, problems_);
    ApplyDefaults(*project);
    const auto select = Select(*project, invocation_.choice, root_, host_);
    if (!select && !problems_.ok() && PrintProblems()) return ExitCode::kFiles;
    if (!select) return Refuse(select.error(), ExitCode::kUsage);
    const ExitCode planned = MakePlan(std::move(project), *select);
    if (planned != ExitCode::kPassed) return planned;
    return Perform();
  }

 private:
  ExitCode Refuse(const base::Error& error, ExitCode code) {
    PrintError(error, host_, invocation_.no_color);
    return code;
  }
  bool PrintProblems() {
    return cli::PrintProblems(problems_, host_, invocation_.no_color, invocation_.choice.suites);
  }

  void ApplyDefaults(scenario::Project& project) const {
    if (invocation_.timeout) project.defaults.scenario_timeout = *invocation_.timeout;
    if (!invocation_.retries) return;
    for (scenario::Scenario& one : project.scenarios) one.retries = *invocation_.retries;
  }

  ExitCode MakePlan(std::shared_ptr<const scenario::Project> project,
                    const scenario::Selection& select) {
    options_.seed = SeedOf(invocation_, *project, host_);
    options_.results_dir = ResultsFolder(invocation_, host_, root_, project.get());
    started_ = host_.clock->Now();
    options_.run_id = NewRunId(options_.results_dir, started_);
    options_.env = AllowedVariables(EnvironmentNamed(*project, invocation_.environment), host_);
    files_.emplace(root_);
    divides_loads_ = plan::DividesLoads(*project, select);
    plan_ = plan::Resolve(project, vocabulary_.schemas, *files_,
                          {.select = select,
                           .environment = invocation_.environment,
                           .shard = invocation_.shard,
                           .seed = options_.seed,
                           .run_id = options_.run_id,
                           .started = started_,
                           .results_dir = options_.results_dir.string(),
                           .overrides = invocation_.vars,
                           .process_environment = options_.env},
                          problems_);
    if (!invocation_.signing_key.empty()) {
      auto key = ReadSigningKey(host_.directory / invocation_.signing_key);
      if (!key) return Refuse(key.error(), ExitCode::kUsage);
      options_.signing_key = *std::move(key);
    }
    const auto credentials = ReadCredentials(plan_.environment, root_, host_);
    if (credentials) Convert(*project, *credentials);
    const auto others = ConvertOthers(*project);
    // Warnings alone are for `assay check`.
    if (!problems_.ok() && PrintProblems()) return ExitCode::kFiles;
    if (!credentials) return Refuse(credentials.error(), ExitCode::kError);
    if (!others) return Refuse(others.error(), ExitCode::kError);
    if (plan_.scenarios.empty()) {
      return Refuse({ErrorCode::kNotFound,
                     "the shard holds no scenario: there are more shards than "
                     "groups of scenarios that belong together"},
                    ExitCode::kUsage);
    }
    SetOptions(*project, *credentials);
    if (invocation_.use_up) {
      const auto found = UseUp();
      if (!found) return Refuse(found.error(), ExitCode::kError);
    }
    return ExitCode::kPassed;
  }

  fs::path RunDir() const { return options_.results_dir / options_.run_id; }

  void Convert(const scenario::Project& project, const Pairs& credentials) {
    driver_.credentials = MapOf(credentials);
    if (plan_.environment == nullptr) return;
    driver_.default_endpoint = plan_.environment->default_endpoint.text;
    const EnvironmentFacts facts{
        .run = plan::RunVariable(options_.run_id, options_.seed, started_, RunDir().string()),
        .env = MapOf(options_.env),
        .credentials = driver_.credentials,
        .shared_directory = (RunDir() / "shared").string(),
        .project_directory = root_.string(),
        .overrides = invocation_.vars};
    converted_ = ConvertEnvironment(project, *plan_.environment, facts, problems_);
  }

  /// The other environments that steps address, each with its own variables and credentials.
  base::Result<void> ConvertOthers(const scenario::Project& project) {
    for (const std::string& name : AddressedEnvironments(plan_)) {
      const scenario::Environment* other = EnvironmentNamed(project, name);
      if (other == nullptr) continue;  // the plan has reported it
      TRY(const Pairs credentials, ReadCredentials(other, root_, host_));
      for (const auto& [ignored, value] : credentials) options_.secrets.push_back(value);
      const EnvironmentFacts facts{
          .run = plan::RunVariable(options_.run_id, options_.seed, started_, RunDir().string()),
          .env = MapOf(AllowedVariables(other, host_)),
          .credentials = MapOf(credentials),
          .shared_directory = (RunDir() / "shared").string(),
          .project_directory = root_.string(),
          .overrides = invocation_.vars};
      driver_.others.push_back(
          {ConvertEnvironment(project, *other, facts, problems_), other->default_endpoint.text});
    }
    return {};
  }

  void SetOptions(const scenario::Project& project, const Pairs& credentials) {
    for (const auto& [name, value] : credentials) options_.secrets.push_back(value);
    options_.jobs =
        static_cast<size_t>(std::max<int64_t>(1, invocation_.jobs.value_or(project.defaults.jobs)));
    options_.fail_fast = invocation_.fail_fast;
    options_.keep_work = invocation_.keep_work;
    options_.overrides = invocation_.vars;
    options_.process_environment = {{std::string(environment::kRunMarker), options_.run_id}};
    options_.manifest = ManifestOf(invocation_, arguments_);
    if (invocation_.shard) {
      options_.manifest["shard"] = ShardFacts(*invocation_.shard, divides_loads_);
      if (divides_loads_) options_.load_share = *invocation_.shard;
    }
    auto redactor = std::make_shared<history::Redactor>();
    for (const std::string& secret : options_.secrets) redactor->AddSecret(secret);
    driver_.redactor = std::move(redactor);
    driver_.program = host_.program;
    driver_.run_id = options_.run_id;
    driver_.run_dir = RunDir();
    driver_.journals = options_.results_dir / ".journals";
    driver_.inherited = host_.environment;
    driver_.keep_work = invocation_.keep_work;
    driver_.urls = invocation_.urls;
    driver_.seed = options_.seed;
    formats_ = invocation_.reports.empty() ? project.defaults.report_formats : invocation_.reports;
  }

  base::Result<void> UseUp() {
    const std::string name = plan_.environment != nullptr ? plan_.environment->name.text : "";
    const auto state = ReadUpState(UpFile(options_.results_dir, name));
    if (!state || !state->is_alive()) {
      return base::Fail(base::Error{ErrorCode::kNotFound,
                                    fmt::format("the environment \"{}\" is not up", name),
                                    {},
                                    fmt::format("`assay up {}` starts it", name)});
    }
    driver_.up = state->placement();
    return {};
  }

  bool Wants(std::string_view format) const {
    return std::ranges::find(formats_, format) != formats_.end();
  }

  report::TerminalReport MakeTerminal() const {
    const Look look = LookOf(host_, host_.out_is_terminal, invocation_.no_color);
    return report::TerminalReport({.live = host_.out_is_terminal && look.color,
                                   .unicode = look.unicode,
                                   .verbose = invocation_.verbose,
                                   .style = {.color = look.color, .width = look.width}},
                                  host_.out);
  }

  ExitCode Perform() {
    const bool prints = Wants("terminal") && !invocation_.json;
    report::TerminalReport terminal = MakeTerminal();
    std::optional<net::SignalBridge> signals;
    if (host_.catch_signals)
      signals.emplace(*host_.interrupt, std::initializer_list{SIGINT, SIGTERM});
    net::Runtime runtime;
    http::Client client(runtime.executor(),
                        {.user_agent = fmt::format("assay/{}", kVersion), .clock = host_.clock});
    EnvironmentDriver driver(*host_.clock, client, std::move(converted_), driver_);
    run::RunContext context{.clock = *host_.clock,
                            .actions = vocabulary_.actions,
                            .http = client,
                            .make_cookies = [] { return std::make_shared<http::CookieJar>(); },
                            .environment = &driver,
                            .interrupt = host_.interrupt,
                            .observer =
                                [&](const history::Event& event) {
                                  if (prints) terminal.OnEvent(event);
                                }};
    if (invocation_.interactive) context.ask_operator = OperatorAt(host_);
    dir_ = RunDir();
    const fs::path& dir = dir_;
    const auto summary = runtime.Run(run::RunPlan(plan_, options_, std::move(context)));
    if (!summary) return Refuse(summary.error(), ExitCode::kError);
    const auto recorded = LoadRun(dir);
    if (!recorded) return Refuse(recorded.error(), ExitCode::kError);
    if (prints) terminal.Finish(recorded->Input(), Shown(dir));
    EnterRun(*recorded, host_);
    return WriteReports(*recorded, prints);
  }

  // Relative to where the user is, when that is shorter.
  std::string Shown(const fs::path& path) const {
    const std::string relative = path.lexically_relative(host_.directory).string();
    return relative.empty() || relative.starts_with("..") ? path.string() : relative;
  }

  ExitCode WriteReports(const RecordedRun& recorded, bool prints) {
    const ExitCode code = ExitCodeOf(recorded.model);
    for (const std::string& name : formats_) {
      const report::ReportFormat* format = report::FindReport(name);
      if (format == nullptr) continue;
      const auto text = format->render(recorded.Input());
      if (!text) return Refuse(text.error(), ExitCode::kError);
      const fs::path file = recorded.dir / format->file;
      const auto written = history::WriteFileAtomically(file, *text);
      if (!written) return Refuse(written.error(), ExitCode::kError);
      if (prints) host_.out(fmt::format("{:<8} {}\n", format->name, Shown(file)));
    }
    if (invocation_.json) {
      const auto text = report::RenderJson(recorded.Input());
      if (!text) return Refuse(text.error(), ExitCode::kError);
      host_.out(*text);
    }
    return code;
  }

  const Invocation& invocation_;
  const std::vector<std::string>& arguments_;
  const Host& host_;
  Vocabulary vocabulary_;
  scenario::Problems problems_;
  fs::path root_;
  base::WallTime started_{};
  std::optional<scenario::DiskFiles> files_;  // csv() and json_file() of the plan read from it
  plan::RunPlan plan_;
  bool divides_loads_ = false;  // what a shard is a part of
  run::RunOptions options_;
  std::optional<ConvertedEnvironment> converted_;
  DriverOptions driver_;
  std::vector<std::string> formats_;
  fs::path dir_;
};

}  // namespace

RunEnd RunOnce(const Invocation& invocation, const std::vector<std::string>& arguments,
               const Host& host, const fault::PlansByPath& plans) {
  Session session(invocation, arguments, host, plans);
  const ExitCode code = session.Execute();
  return {code, session.dir(), session.seed()};
}

ExitCode RunCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                    const Host& host) {
  fault::PlansByPath plans;
  if (!invocation.fault_plan.empty()) {
    auto read = ReadFaultPlans(host.directory / invocation.fault_plan);
    if (!read) {
      PrintError(read.error(), host, invocation.no_color);
      return ExitCode::kUsage;
    }
    plans = *std::move(read);
  }
  return RunOnce(invocation, arguments, host, plans).code;
}

}  // namespace assay::cli
