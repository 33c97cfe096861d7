#include "assay/environment/guardian/cleanup.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/units.h"
#include "lib/process/descriptor.h"

namespace assay::environment {

namespace {

using std::chrono::steady_clock;

/// The last part of what a command wrote; errors stand at the end.
constexpr size_t kKeptOutput = 4000;

int MillisecondsUntil(steady_clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

/// Reads until the program has ended, or the time is over: whether it ended. Something else may
/// hold its output longer.
bool ReadUntilEnd(pid_t pid, int output, steady_clock::time_point end, std::string& text) {
  const process::Descriptor program(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  std::array<pollfd, 2> polls{pollfd{program.get(), POLLIN, 0}, pollfd{output, POLLIN, 0}};
  std::array<char, 4096> piece{};
  while (true) {
    if (::poll(polls.data(), polls.size(), MillisecondsUntil(end)) < 0 && errno != EINTR) break;
    const ssize_t got = (polls[1].revents != 0) ? ::read(output, piece.data(), piece.size()) : -1;
    if (got > 0) text.append(piece.data(), static_cast<size_t>(got));
    if (got == 0) polls[1].fd = -1;
    if (text.size() > 2 * kKeptOutput) text.erase(0, text.size() - kKeptOutput);
    if (got <= 0 && polls[0].revents != 0) return true;
    if (steady_clock::now() >= end) break;
  }
  return false;
}

}  // namespace

boost::json::object ToJson(const CleanupCommand& command) {
  boost::json::array environment;
  for (const auto& [name, value] : command.environment) {
    environment.push_back(boost::json::array{name, value});
  }
  return {{"argv", boost::json::array(command.argv.begin(), command.argv.end())},
          {"environment", std::move(environment)},
          {"seconds", std::chrono::ceil<std::chrono::seconds>(command.within).count()}};
}

CleanupCommand CleanupFromJson(const boost::json::object& json) {
  CleanupCommand command;
  if (const auto* argv = json.if_contains("argv"); argv != nullptr && argv->is_array()) {
    for (const auto& one : argv->get_array()) {
      if (one.is_string()) command.argv.emplace_back(one.get_string());
    }
  }
  const auto* environment = json.if_contains("environment");
  if (environment != nullptr && environment->is_array()) {
    for (const auto& one : environment->get_array()) {
      const auto* pair = one.if_array();
      if (pair == nullptr || pair->size() != 2) continue;
      const auto* name = (*pair)[0].if_string();
      const auto* value = (*pair)[1].if_string();
      if (name != nullptr && value != nullptr) command.environment.emplace_back(*name, *value);
    }
  }
  const auto* seconds = json.if_contains("seconds");
  if (seconds != nullptr && seconds->is_int64()) {
    command.within = std::chrono::seconds(seconds->get_int64());
  }
  return command;
}

base::Result<void> RunCleanup(const CleanupCommand& command) {
  if (command.argv.empty()) {
    return base::Fail(base::ErrorCode::kInvalid, "a clean-up command is empty");
  }
  TRY(process::Pipe output, process::MakePipe());
  process::SetNonBlocking(output.reader.get());
  process::Launch launch;
  launch.argv = command.argv;
  launch.environment = command.environment;
  launch.directory = "/";
  launch.stdout_fd = output.writer.get();
  launch.stderr_fd = output.writer.get();
  TRY(const pid_t pid, process::Spawn(launch));
  output.writer.Reset();
  std::string text;
  const bool ended =
      ReadUntilEnd(pid, output.reader.get(), steady_clock::now() + command.within, text);
  if (!ended) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (text.size() > kKeptOutput) text.erase(0, text.size() - kKeptOutput);
  const std::string name = command.argv.front();
  if (!ended) {
    return base::Fail(base::ErrorCode::kTimeout,
                      fmt::format("the clean-up command {} took longer than {}: {}", name,
                                  base::FormatDuration(command.within), text));
  }
  return base::Fail(base::ErrorCode::kUnavailable,
                    fmt::format("the clean-up command {} failed: {}", name, text));
}

process::EnvironmentList CleanupEnvironment(const process::EnvironmentList& inherited) {
  process::EnvironmentList chosen;
  for (const char* name : {"PATH",
                           "HOME",
                           "USER",
                           "TMPDIR",
                           "XDG_RUNTIME_DIR",
                           "XDG_CONFIG_HOME",
                           "XDG_DATA_HOME",
                           "CONTAINERS_CONF",
                           "CONTAINERS_STORAGE_CONF",
                           "CONTAINERS_REGISTRIES_CONF",
                           "CONTAINER_HOST",
                           "DOCKER_HOST",
                           "DOCKER_CONTEXT",
                           "DOCKER_CONFIG",
                           "DOCKER_CERT_PATH",
                           "DOCKER_TLS_VERIFY",
                           "KUBECONFIG",
                           "KUBERNETES_SERVICE_HOST",
                           "KUBERNETES_SERVICE_PORT",
                           "AWS_PROFILE",
                           "AWS_CONFIG_FILE",
                           "AWS_SHARED_CREDENTIALS_FILE",
                           "CLOUDSDK_CONFIG",
                           "GOOGLE_APPLICATION_CREDENTIALS",
                           "AZURE_CONFIG_DIR"}) {
    if (const std::string* value = process::FindVariable(inherited, name)) {
      chosen.emplace_back(name, *value);
    }
  }
  return chosen;
}

std::string ToolMarkerOf(std::string_view run, pid_t session) {
  return fmt::format("ASSAY_TOOL={}:{}", run, session);
}

}  // namespace assay::environment
