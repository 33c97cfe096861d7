#include <csignal>
#include <memory>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/cli/baseline/measured.h"
#include "assay/cli/cli.h"
#include "assay/cli/commands.h"
#include "assay/cli/load/load_request.h"
#include "assay/cli/merge/shard_manifest.h"
#include "assay/cli/project.h"
#include "assay/cli/recorded.h"
#include "assay/cli/up/ingredients.h"
#include "assay/history/file_io.h"
#include "assay/plan/resolve.h"
#include "assay/report/json_report.h"
#include "assay/report/terminal_report.h"
#include "assay/run/run.h"
#include "assay/scenario/loader.h"
#include "lib/base/random.h"
#include "lib/http/client.h"
#include "lib/net/runtime.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProject = "name: assay load\nsuites: [load]\n";
constexpr std::string_view kScenarioFile = "load/load.yaml";

/// One load from the command line: a project of one scenario that only memory holds.
class LoadSession {
 public:
  LoadSession(const Invocation& invocation, const std::vector<std::string>& arguments,
              std::string scenario, const Host& host)
      : invocation_(invocation),
        arguments_(arguments),
        scenario_(std::move(scenario)),
        host_(host),
        files_({{"assay.yaml", std::string(kProject)}, {std::string(kScenarioFile), scenario_}}) {}

  ExitCode Execute() {
    options_.results_dir =
        host_.directory / (invocation_.results.empty() ? "results" : invocation_.results);
    options_.run_id = NewRunId(options_.results_dir, host_.clock->Now());
    scenario::Project project =
        scenario::Loader(files_, vocabulary_.schemas).LoadProject(problems_);
    project.root = host_.directory.string();
    options_.seed = invocation_.seed.value_or(
        invocation_.shard ? CommonSeed(project) : base::StableHash(options_.run_id) & 0xFFFFFFU);
    options_.load_share = invocation_.shard.value_or(plan::Shard{});
    plan_ = plan::Resolve(std::make_shared<const scenario::Project>(std::move(project)),
                          vocabulary_.schemas, files_,
                          {.seed = options_.seed,
                           .run_id = options_.run_id,
                           .started = host_.clock->Now(),
                           .results_dir = options_.results_dir.string()},
                          problems_);
    if (!problems_.ok()) {
      PrintProblems(problems_, host_, invocation_.no_color, {});
      return ExitCode::kFiles;
    }
    return Perform();
  }

 private:
  ExitCode Refuse(const base::Error& error) {
    PrintError(error, host_, invocation_.no_color);
    return ExitCode::kError;
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
    options_.manifest = {{"tool", "assay"},
                         {"version", kVersion},
                         {"host", MachineFacts()},
                         {"command_line", fmt::format("assay {}", fmt::join(arguments_, " "))},
                         {"configuration", boost::json::object{{"scenario", scenario_}}}};
    if (invocation_.shard) options_.manifest["shard"] = ShardFacts(*invocation_.shard, true);
    report::TerminalReport terminal = MakeTerminal();
    std::optional<net::SignalBridge> signals;
    if (host_.catch_signals) {
      signals.emplace(*host_.interrupt, std::initializer_list{SIGINT, SIGTERM});
    }
    net::Runtime runtime;
    http::Client client(runtime.executor(),
                        {.user_agent = fmt::format("assay/{}", kVersion), .clock = host_.clock});
    run::RunContext context{.clock = *host_.clock,
                            .actions = vocabulary_.actions,
                            .http = client,
                            .make_cookies = [] { return std::make_shared<http::CookieJar>(); },
                            .interrupt = host_.interrupt,
                            .observer =
                                [&](const history::Event& event) {
                                  if (!invocation_.json) terminal.OnEvent(event);
                                }};
    const fs::path dir = options_.results_dir / options_.run_id;
    const auto summary = runtime.Run(run::RunPlan(plan_, options_, std::move(context)));
    if (!summary) return Refuse(summary.error());
    const auto recorded = LoadRun(dir);
    if (!recorded) return Refuse(recorded.error());
    if (!invocation_.json) terminal.Finish(recorded->Input(), dir.string());
    EnterRun(*recorded, host_);
    return Report(*recorded);
  }

  ExitCode Report(const RecordedRun& recorded) {
    std::vector<std::string> formats = invocation_.reports;
    if (formats.empty()) formats = {"html"};
    for (const std::string& name : formats) {
      const report::ReportFormat* format = report::FindReport(name);
      if (format == nullptr) continue;  // terminal: printed already
      const auto text = format->render(recorded.Input());
      if (!text) return Refuse(text.error());
      const fs::path file = recorded.dir / format->file;
      if (const auto written = history::WriteFileAtomically(file, *text); !written) {
        return Refuse(written.error());
      }
      if (!invocation_.json) host_.out(fmt::format("{:<8} {}\n", format->name, file.string()));
    }
    if (invocation_.json) {
      const auto text = report::RenderJson(recorded.Input());
      if (!text) return Refuse(text.error());
      host_.out(*text);
    }
    return ExitCodeOf(recorded.model);
  }

  const Invocation& invocation_;
  const std::vector<std::string>& arguments_;
  const std::string scenario_;
  const Host& host_;
  const scenario::MemoryFiles files_;
  Vocabulary vocabulary_;
  scenario::Problems problems_;
  plan::RunPlan plan_;
  run::RunOptions options_;
};

}  // namespace

ExitCode LoadCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                     const Host& host) {
  auto scenario = ScenarioOf(invocation.load);
  if (!scenario) {
    PrintError(scenario.error(), host, invocation.no_color);
    return ExitCode::kUsage;
  }
  if (invocation.load.print) {
    host.out(*scenario);
    return ExitCode::kPassed;
  }
  return LoadSession(invocation, arguments, *std::move(scenario), host).Execute();
}

}  // namespace assay::cli
