#include "assay/environment/compose/compose_tool.h"

#include <cctype>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

namespace assay::environment {

namespace {

constexpr base::Duration kAnswerLimit = std::chrono::seconds(15);

/// Two rounds that find nothing: an engine may still carry out what a killed program had asked for.
/// Volumes are also known by their names: Podman takes `x_data` for a short form of `x_database`,
/// so podman-compose finds it where it is not and leaves it to be made without labels.
constexpr const char* kSweepScript = R"(
engine=$1 project=$2 label="label=com.docker.compose.project=$2" remove="rm -f -v"
case $engine in *podman) remove="rm -f -t 0 -v" ;; esac
round=0 empty=0
while [ $round -lt 8 ]; do
  round=$((round + 1))
  containers=$("$engine" ps -aq --filter "$label") || exit 1
  networks=$("$engine" network ls -q --filter "$label") || exit 1
  labelled=$("$engine" volume ls -q --filter "$label") || exit 1
  named=$("$engine" volume ls -q | grep "^${project}_")
  volumes=$(printf '%s\n%s\n' "$labelled" "$named" | sort -u)
  if [ -z "$containers$networks$volumes" ]; then
    empty=$((empty + 1))
    [ $empty -lt 2 ] || break
  else
    empty=0
    [ -z "$containers" ] || "$engine" $remove $containers
    case $engine in *podman) ! "$engine" pod exists "pod_$project" || "$engine" pod rm -f "pod_$project" ;; esac
    [ -z "$networks" ] || "$engine" network rm $networks
    [ -z "$volumes" ] || "$engine" volume rm -f $volumes
  fi
  sleep 0.2
done
"$engine" images --format '{{.Repository}}:{{.Tag}}' | while read -r image; do
  case ${image#localhost/} in "${project}_"*|"${project}-"*) "$engine" rmi -f "$image" ;; esac
done
if [ $empty -lt 2 ]; then echo "still there: $containers $networks $volumes"; exit 1; fi
)";

std::string VersionIn(const std::string& text) {
  static const re2::RE2 pattern(R"((?i)compose\w*,? version:?\s+v?([0-9][0-9.]*[0-9]))");
  std::string version;
  re2::RE2::PartialMatch(text, pattern, &version);
  return version;
}

/// The engine that a compose program works on.
std::string EngineOf(const std::vector<std::string>& compose) {
  const std::filesystem::path program = compose.front();
  const std::string name = program.filename().string();
  if (name == "podman" || name == "docker") return compose.front();
  return name.starts_with("podman") ? "podman" : "docker";
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

net::Task<ComposeTool> Ask(ToolSetting setting, std::vector<std::string> compose,
                           base::Deadline deadline) {
  ComposeTool tool{.compose = std::move(compose), .engine = {}, .version = {}, .problem = {}};
  tool.engine = EngineOf(tool.compose);
  std::vector<std::string> argv = tool.compose;
  argv.emplace_back("version");
  const auto answered = co_await CallTool(setting.Call(std::move(argv)), deadline);
  if (!answered.has_value()) {
    tool.problem = answered.error().code == base::ErrorCode::kNotFound
                       ? fmt::format("{} is not installed", tool.compose.front())
                       : answered.error().message;
    co_return tool;
  }
  if (!answered->succeeded()) {
    tool.problem = fmt::format("`{} version` failed: {}", fmt::join(tool.compose, " "),
                               FirstLine(answered->Tail(1)));
    co_return tool;
  }
  tool.version = VersionIn(answered->out + answered->err);
  const char* field = tool.is_podman() ? "{{.Client.Version}}" : "{{.Server.Version}}";
  const auto engine =
      co_await CallTool(setting.Call({tool.engine, "version", "--format", field}), deadline);
  if (!engine.has_value()) {
    tool.problem = fmt::format("its engine: {}", engine.error().message);
  } else if (!engine->succeeded()) {
    tool.problem =
        fmt::format("its engine {} does not answer: {}", tool.engine, FirstLine(engine->Tail(1)));
  }
  co_return tool;
}

}  // namespace

net::Task<std::vector<ComposeTool>> ListComposeTools(const ToolSetting& setting,
                                                     base::Deadline deadline) {
  std::vector<std::vector<std::string>> commands = {
      {"podman", "compose"}, {"podman-compose"}, {"docker", "compose"}, {"docker-compose"}};
  std::vector<ComposeTool> tools;
  for (auto& command : commands) {
    const auto limit = deadline.Earlier(base::Deadline::After(kAnswerLimit));
    tools.push_back(co_await Ask(setting, std::move(command), limit));
  }
  co_return tools;
}

net::Task<base::Result<ComposeTool>> ChooseComposeTool(const ToolSetting& setting,
                                                       std::vector<std::string> command,
                                                       base::Deadline deadline) {
  if (!command.empty()) {
    const auto limit = deadline.Earlier(base::Deadline::After(kAnswerLimit));
    ComposeTool tool = co_await Ask(setting, std::move(command), limit);
    if (tool.problem.empty()) co_return tool;
    co_return base::Fail(base::Error{
        .code = base::ErrorCode::kNotFound,
        .message =
            fmt::format("the compose_command of the environment cannot be used: {}", tool.problem),
        .hint = "`assay doctor` shows what there is"});
  }
  std::vector<std::string> reasons;
  for (ComposeTool& tool : co_await ListComposeTools(setting, deadline)) {
    if (tool.problem.empty()) co_return std::move(tool);
    reasons.push_back(fmt::format("{}: {}", fmt::join(tool.compose, " "), tool.problem));
  }
  co_return base::Fail(base::Error{
      .code = base::ErrorCode::kNotFound,
      .message =
          fmt::format("no program for compose files can be used ({})", fmt::join(reasons, "; ")),
      .hint = "apt-get install podman podman-compose runc, or name one by compose_command"});
}

std::string ProjectName(std::string_view prefix, std::string_view run) {
  std::string name;
  for (const char one : fmt::format("{}-{}", prefix, run)) {
    const auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(one)));
    const bool valid = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                       lower == '_' || lower == '-';
    name += valid ? lower : '-';
  }
  const size_t first = name.find_first_not_of("_-");
  return first == std::string::npos ? "assay" : name.substr(first);
}

CleanupCommand SweepProject(const ComposeTool& tool, const std::string& project,
                            process::EnvironmentList environment) {
  return {.argv = {"/bin/sh", "-c", kSweepScript, "sh", tool.engine, project},
          .environment = std::move(environment),
          .within = std::chrono::minutes(2)};
}

}  // namespace assay::environment
