// doctor: what is installed of the programs that environments and tests use.

#include <algorithm>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/cli/project.h"
#include "assay/cli/up/up_commands.h"
#include "assay/environment/compose/compose_tool.h"
#include "assay/environment/kubernetes/cluster.h"
#include "assay/environment/tool.h"
#include "lib/json/canonical.h"
#include "lib/net/runtime.h"
#include "lib/process/spawn.h"

namespace assay::cli {
namespace {

constexpr auto kAnswerTime = std::chrono::seconds(10);

/// One program, and why somebody may want it.
struct Need {
  std::string program;
  std::vector<std::string> version;  ///< arguments that make it say its version; empty: not asked
  std::string purpose;
  std::string package;  ///< of Debian; "": none
};

const std::vector<Need>& Needs() {
  static const std::vector<Need> needs = {
      {"kubectl", {"version", "--client"}, "environments of type kubernetes", "kubernetes-client"},
      {"helm", {"version", "--short"}, "charts of environments of type kubernetes", ""},
      {"python3", {"--version"}, "steps that run Python programs", "python3"},
      {"openssl", {"version"}, "certificates of test servers", "openssl"},
      {"faketime", {"--version"}, "services with another clock", "faketime"},
      {"nginx", {"-v"}, "a second HTTP server in tests", "nginx-light"},
      {"psql", {"--version"}, "PostgreSQL by hand", "postgresql-client"},
      {"redis-server", {"--version"}, "Redis as a service", "redis-server"},
      {"rabbitmqctl", {}, "RabbitMQ as a service", "rabbitmq-server"},
      {"mosquitto", {}, "MQTT as a service", "mosquitto"},
      {"chromium", {"--version"}, "tests in a browser", "chromium"}};
  return needs;
}

struct Finding {
  std::string name;
  bool found = false;
  std::string version;
  std::string problem;
  std::string purpose;
  std::string package;
};

/// The first thing that looks like one: `git version 2.39.5`, `v1.32.4-dispatcher`.
std::string VersionIn(std::string_view text) {
  const size_t start = text.find_first_of("0123456789");
  if (start == std::string_view::npos) return {};
  return std::string(text.substr(start, text.find_first_not_of("0123456789.", start) - start));
}

/// Whether the current context of kubectl leads to a cluster.
Finding FindingOf(const environment::ClusterAnswer& answer) {
  return {.name = "cluster",
          .found = answer.problem.empty(),
          .version = VersionIn(answer.version),
          .problem = answer.problem,
          .purpose = answer.context.empty()
                         ? "the cluster of kubectl's current context"
                         : fmt::format("the cluster of context {}", answer.context),
          .package = {}};
}

net::Task<std::vector<Finding>> Examine(environment::ToolSetting setting) {
  std::vector<Finding> findings;
  const auto soon = [] { return base::Deadline::After(kAnswerTime); };
  for (const auto& tool : co_await environment::ListComposeTools(setting, soon())) {
    findings.push_back(
        {.name = fmt::format("{}", fmt::join(tool.compose, " ")),
         .found = tool.problem.empty(),
         .version = tool.version,
         .problem = tool.problem,
         .purpose = "environments of type compose",
         .package = tool.compose.front() == "podman-compose" ? "podman podman-compose runc" : ""});
  }
  const std::string* path = process::FindVariable(setting.environment, "PATH");
  for (const Need& need : Needs()) {
    Finding finding{.name = need.program, .purpose = need.purpose, .package = need.package};
    finding.found = path != nullptr && process::FindProgram(need.program, *path).has_value();
    if (!finding.found) finding.problem = fmt::format("{} is not installed", need.program);
    if (finding.found && !need.version.empty()) {
      std::vector<std::string> argv{need.program};
      argv.insert(argv.end(), need.version.begin(), need.version.end());
      const auto said = co_await environment::CallTool(setting.Call(std::move(argv)), soon());
      if (said.has_value()) finding.version = VersionIn(said->out + said->err);
    }
    findings.push_back(std::move(finding));
    if (need.program == "kubectl") {
      findings.push_back(FindingOf(co_await environment::AskCluster(setting, {}, soon())));
    }
  }
  co_return findings;
}

bool HasAny(const std::vector<Finding>& findings, std::string_view purpose) {
  return std::ranges::any_of(
      findings, [&](const Finding& one) { return one.found && one.purpose == purpose; });
}

/// Environments of type kubernetes whose cluster does not answer.
net::Task<std::vector<std::string>> MissingClusters(environment::ToolSetting setting,
                                                    const scenario::Project& project,
                                                    std::filesystem::path root) {
  std::vector<std::string> missing;
  for (const scenario::Environment& one : project.environments) {
    if (one.type != scenario::EnvironmentType::kKubernetes) continue;
    environment::ClusterAccess access{.kubeconfig = one.kubeconfig.text,
                                      .context = one.kube_context.text};
    if (!access.kubeconfig.empty()) {
      const std::filesystem::path file = one.source != nullptr ? one.source->name() : "";
      access.kubeconfig = (root / file.parent_path() / access.kubeconfig).string();
    }
    const auto answer = co_await environment::AskCluster(setting, std::move(access),
                                                         base::Deadline::After(kAnswerTime));
    if (answer.problem.empty()) continue;
    missing.push_back(fmt::format("the environment \"{}\" has type kubernetes: {}", one.name.text,
                                  answer.problem));
  }
  co_return missing;
}

/// What the environments of the project cannot do without, and what is not there.
std::vector<std::string> Missing(const scenario::Project* project,
                                 const std::vector<Finding>& findings) {
  std::vector<std::string> missing;
  if (project == nullptr) return missing;
  for (const scenario::Environment& one : project->environments) {
    const std::string purpose = fmt::format("environments of type {}", ToString(one.type));
    if (one.type == scenario::EnvironmentType::kCompose && !HasAny(findings, purpose)) {
      missing.push_back(
          fmt::format("the environment \"{}\" has type {}, for which no program can "
                      "be used here",
                      one.name.text, ToString(one.type)));
    }
  }
  return missing;
}

std::string Render(const std::vector<Finding>& findings) {
  std::string text;
  std::vector<std::string> packages;
  for (const Finding& one : findings) {
    text += fmt::format("{:<8}{:<16} {:<12} {}\n", one.found ? "ok" : "absent", one.name,
                        one.found ? one.version : "-",
                        one.found ? one.purpose : one.purpose + ": " + one.problem);
    const bool wanted = !one.found && !one.package.empty() && !HasAny(findings, one.purpose);
    if (wanted) packages.push_back(one.package);
  }
  if (!packages.empty()) {
    text +=
        fmt::format("\nwhat is absent comes with: apt-get install {}\n", fmt::join(packages, " "));
  }
  return text;
}

}  // namespace

ExitCode DoctorCommand(const Invocation& invocation, const Host& host) {
  net::Runtime runtime;
  const environment::ToolSetting setting{
      .run = "doctor", .environment = host.environment, .directory = host.directory.string()};
  const std::vector<Finding> findings = runtime.Run(Examine(setting));
  std::shared_ptr<scenario::Project> project;
  const auto root = FindRoot(host, invocation);
  if (root.has_value()) {
    const Vocabulary vocabulary;
    scenario::Problems ignored;
    project = LoadProject(*root, vocabulary, ignored);
  }
  std::vector<std::string> missing = Missing(project.get(), findings);
  if (project != nullptr) {
    for (std::string& line : runtime.Run(MissingClusters(setting, *project, *root))) {
      missing.push_back(std::move(line));
    }
  }
  if (invocation.json) {
    boost::json::array programs;
    for (const Finding& one : findings) {
      programs.push_back({{"name", one.name},
                          {"found", one.found},
                          {"version", one.version},
                          {"problem", one.problem},
                          {"purpose", one.purpose},
                          {"package", one.package}});
    }
    host.out(json::Pretty(boost::json::object{
                 {"programs", std::move(programs)},
                 {"missing", boost::json::array(missing.begin(), missing.end())}}) +
             "\n");
  } else {
    host.out(Render(findings));
    for (const std::string& line : missing) host.out(fmt::format("missing: {}\n", line));
  }
  return missing.empty() ? ExitCode::kPassed : ExitCode::kError;
}

}  // namespace assay::cli
