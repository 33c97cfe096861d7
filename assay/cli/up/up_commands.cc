#include "assay/cli/up/up_commands.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <system_error>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

#include "assay/cli/project.h"
#include "assay/cli/up/ingredients.h"
#include "assay/cli/up/up_state.h"
#include "assay/environment/guardian/journal.h"
#include "assay/environment/guardian/undo.h"
#include "lib/base/suggest.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"
#include "lib/net/descriptor.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"
#include "lib/process/spawn.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

/// Longer than a keeper takes to stop services that have to be killed.
constexpr auto kDownTime = std::chrono::minutes(4);
constexpr auto kPause = std::chrono::milliseconds(100);

ExitCode Refuse(const base::Error& error, const Invocation& invocation, const Host& host,
                ExitCode code) {
  PrintError(error, host, invocation.no_color);
  return code;
}

/// Where the states are; needs no project that loads without errors.
base::Result<fs::path> ResultsOf(const Invocation& invocation, const Host& host) {
  TRY(const fs::path root, FindRoot(host, invocation));
  const Vocabulary vocabulary;
  scenario::Problems ignored;
  const auto project = LoadProject(root, vocabulary, ignored);
  return ResultsFolder(invocation, host, root, project.get());
}

/// The one that is asked for, or the only one.
base::Result<UpState> Choose(const std::vector<UpState>& states, const std::string& name) {
  std::vector<std::string> names;
  for (const UpState& state : states) {
    if (state.environment == name) return state;
    names.push_back(state.environment);
  }
  if (name.empty() && states.size() == 1) return states.front();
  if (states.empty()) {
    return base::Fail(base::Error{.code = ErrorCode::kNotFound,
                                  .message = "no environment is up",
                                  .hint = "`assay up` brings one up"});
  }
  if (name.empty()) {
    return base::Fail(base::Error{
        .code = ErrorCode::kInvalid,
        .message = fmt::format("several environments are up: {}", fmt::join(names, ", ")),
        .hint = "name one of them"});
  }
  return base::Fail(base::Error{.code = ErrorCode::kNotFound,
                                .message = fmt::format("the environment \"{}\" is not up", name),
                                .hint = base::SuggestionFor(name, names)});
}

std::string EndpointLines(const UpState& state) {
  std::string lines;
  for (const environment::Endpoint& endpoint : state.endpoints) {
    lines += fmt::format("  {:<16} {}\n", endpoint.name, endpoint.url);
  }
  return lines;
}

/// Starts the keeper and shows what it says until the environment is up.
class Launcher {
 public:
  Launcher(const Invocation& invocation, const Host& host) : invocation_(invocation), host_(host) {}

  net::Task<base::Result<void>> Run(std::vector<std::string> arguments) {
    CO_TRY(process::Pipe output, process::MakePipe());
    process::SetNonBlocking(output.reader.get());
    process::Launch launch;
    launch.argv = {host_.program, std::string(kKeeperSubcommand)};
    launch.argv.insert(launch.argv.end(), arguments.begin(), arguments.end());
    launch.environment = host_.environment;
    launch.directory = host_.directory.string();
    launch.stdout_fd = output.writer.get();
    launch.stderr_fd = output.writer.get();
    CO_TRY(const pid_t keeper, process::Spawn(launch));
    output.writer.Reset();
    auto said = co_await net::WithCancellation(Listen(output.reader.get()), *host_.interrupt);
    if (said.has_value()) co_return said;
    ::kill(keeper, SIGTERM);
    (void)co_await net::Shielded(net::WaitExit(keeper, base::Deadline::After(kDownTime)));
    co_return said;
  }

 private:
  net::Task<base::Result<void>> Listen(int output) {
    std::string text;
    std::vector<std::byte> piece(4096);
    while (true) {
      CO_TRY(const size_t got, co_await net::ReadSome(output, piece, base::Deadline::Never()));
      if (got == 0) {
        co_return base::Fail(ErrorCode::kUnavailable,
                             "the process that should keep the environment up has ended: " + text);
      }
      text.append(reinterpret_cast<const char*>(piece.data()), got);
      for (size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
        const std::string line = text.substr(0, end);
        const auto json = json::Parse(line);
        if (!json.has_value() || !json->is_object()) {
          host_.err(line + "\n");
          continue;
        }
        const boost::json::object& told = json->get_object();
        if (told.contains("up")) co_return base::Result<void>();
        if (const auto* failed = told.if_contains("failed")) {
          co_return base::Fail(base::Error{.code = ErrorCode::kUnavailable,
                                           .message = std::string(failed->as_string()),
                                           .hint = std::string(told.at("hint").as_string())});
        }
        Show(told);
      }
    }
  }

  void Show(const boost::json::object& told) {
    const std::string state(told.at("state").as_string());
    if (invocation_.json) return;
    if (!invocation_.verbose && state != "ready" && state != "exited" && state != "failed") return;
    host_.out(fmt::format("  {:<16} {}\n", std::string(told.at("service").as_string()), state));
  }

  const Invocation& invocation_;
  const Host& host_;
};

boost::json::object ToJson(const UpState& state) {
  boost::json::array services;
  for (const UpService& one : state.services) {
    boost::json::object ports;
    for (const auto& [name, number] : one.ports) ports[name] = number;
    services.push_back({{"name", one.name},
                        {"state", one.state},
                        {"restarts", one.restarts},
                        {"ports", std::move(ports)},
                        {"log", one.log_file}});
  }
  boost::json::object endpoints;
  for (const auto& endpoint : state.endpoints) endpoints[endpoint.name] = endpoint.url;
  return {{"environment", state.environment},
          {"type", state.type},
          {"run", state.run},
          {"up", state.is_alive()},
          {"services", std::move(services)},
          {"endpoints", std::move(endpoints)}};
}

bool IsFine(const UpState& state) {
  return state.is_alive() && std::ranges::all_of(state.services, [](const UpService& one) {
           return one.state == "ready" || one.state == "exited";
         });
}

std::string Describe(const UpState& state) {
  std::string text = fmt::format("{} ({}): {}, run {}\n", state.environment, state.type,
                                 state.is_alive() ? "up" : "gone, its keeper has died", state.run);
  for (const UpService& one : state.services) {
    std::string ports;
    for (const auto& [name, number] : one.ports) {
      ports += fmt::format("{}{}=127.0.0.1:{}", ports.empty() ? "" : " ", name, number);
    }
    const std::string restarts =
        one.restarts == 0 ? "" : fmt::format(", started again {} times", one.restarts);
    text += fmt::format("  {:<16} {}{}  {}\n", one.name, one.state, restarts, ports);
  }
  return text + EndpointLines(state);
}

/// The whole log: the older half is in `<file>.1`.
std::string ReadLog(const std::string& file) {
  std::string text;
  for (const std::string& part : {file + ".1", file}) {
    std::ifstream stream(part, std::ios::binary);
    text.append(std::istreambuf_iterator<char>(stream), {});
  }
  return text;
}

std::string_view LastLines(std::string_view text, int64_t lines) {
  size_t start = text.size();
  if (text.ends_with('\n')) --start;
  for (int64_t i = 0; i < lines && start != std::string_view::npos; ++i) {
    start = start == 0 ? std::string_view::npos : text.rfind('\n', start - 1);
  }
  return start == std::string_view::npos ? text : text.substr(start + 1);
}

/// Until the keeper is gone or somebody interrupts.
net::Task<void> FollowLog(std::string file, UpState state, const Host& host) {
  std::error_code error;
  uintmax_t shown = fs::file_size(file, error);
  while (!host.interrupt->requested()) {
    const bool last_round = !state.is_alive();
    const uintmax_t size = fs::file_size(file, error);
    if (!error && size < shown) shown = 0;  // it was rotated
    if (!error && size > shown) {
      std::ifstream stream(file, std::ios::binary);
      stream.seekg(static_cast<std::streamoff>(shown));
      std::string text(size - shown, '\0');
      stream.read(text.data(), static_cast<std::streamsize>(text.size()));
      text.resize(static_cast<size_t>(stream.gcount()));
      shown += text.size();
      host.out(text);
    }
    if (last_round || !(co_await net::Sleep(kPause)).has_value()) co_return;
  }
}

net::Task<bool> AwaitEnd(process::Identity keeper) {
  const auto limit = base::Deadline::After(kDownTime);
  while (process::IsAlive(keeper)) {
    if (limit.HasPassed(base::SystemClock())) co_return false;
    if (!(co_await net::Sleep(kPause)).has_value()) co_return false;
  }
  co_return true;
}

/// Until the guardian of a keeper that died has done its work.
net::Task<void> AwaitGuardian(fs::path journal) {
  const auto limit = base::Deadline::After(kDownTime);
  std::error_code error;
  while (fs::exists(journal, error) && !environment::LockJournal(journal)) {
    if (limit.HasPassed(base::SystemClock())) co_return;
    if (!(co_await net::Sleep(kPause)).has_value()) co_return;
  }
}

}  // namespace

ExitCode UpCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                   const Host& host) {
  const auto root = FindRoot(host, invocation);
  if (!root) return Refuse(root.error(), invocation, host, ExitCode::kUsage);
  const Vocabulary vocabulary;
  scenario::Problems problems;
  const auto project = LoadProject(*root, vocabulary, problems);
  if (!problems.ok() && PrintProblems(problems, host, invocation.no_color)) return ExitCode::kFiles;
  const scenario::Environment* source = EnvironmentNamed(*project, invocation.environment);
  if (source == nullptr) {
    std::vector<std::string> names;
    for (const auto& one : project->environments) names.push_back(one.name.text);
    base::Error error{ErrorCode::kNotFound,
                      fmt::format("there is no environment \"{}\"", invocation.environment)};
    error.hint =
        names.empty() ? "assay.yaml has none" : fmt::format("there are {}", fmt::join(names, ", "));
    return Refuse(error, invocation, host, ExitCode::kUsage);
  }
  const std::string name = source->name.text;
  const fs::path file = UpFile(ResultsFolder(invocation, host, *root, project.get()), name);
  if (const auto before = ReadUpState(file); before.has_value() && before->is_alive()) {
    return Refuse({ErrorCode::kConflict,
                   fmt::format("the environment \"{}\" is up already", name),
                   {},
                   "`assay down` takes it down"},
                  invocation, host, ExitCode::kError);
  }
  net::Runtime runtime;
  std::optional<net::SignalBridge> signals;
  if (host.catch_signals) signals.emplace(*host.interrupt, std::initializer_list{SIGINT, SIGTERM});
  const auto up = runtime.Run(Launcher(invocation, host).Run(arguments));
  if (!up) {
    const bool interrupted = up.error().code == ErrorCode::kCancelled;
    return Refuse(up.error(), invocation, host,
                  interrupted ? ExitCode::kInterrupted : ExitCode::kError);
  }
  const auto state = ReadUpState(file);
  if (!state) return Refuse(state.error(), invocation, host, ExitCode::kError);
  if (invocation.json) {
    host.out(json::Pretty(ToJson(*state)) + "\n");
  } else {
    host.out(fmt::format("{} is up\n{}", name, EndpointLines(*state)));
  }
  return ExitCode::kPassed;
}

ExitCode StatusCommand(const Invocation& invocation, const Host& host) {
  const auto results = ResultsOf(invocation, host);
  if (!results) return Refuse(results.error(), invocation, host, ExitCode::kUsage);
  std::vector<UpState> states = ListUpStates(*results);
  if (!invocation.environment.empty()) {
    const auto chosen = Choose(states, invocation.environment);
    if (!chosen) return Refuse(chosen.error(), invocation, host, ExitCode::kError);
    states = {*chosen};
  }
  if (invocation.json) {
    boost::json::array list;
    for (const UpState& state : states) list.push_back(ToJson(state));
    host.out(json::Pretty(boost::json::object{{"environments", std::move(list)}}) + "\n");
  } else {
    for (const UpState& state : states) host.out(Describe(state));
    if (states.empty()) host.out("no environment is up\n");
  }
  return !states.empty() && std::ranges::all_of(states, IsFine) ? ExitCode::kPassed
                                                                : ExitCode::kError;
}

ExitCode LogsCommand(const Invocation& invocation, const Host& host) {
  const auto results = ResultsOf(invocation, host);
  if (!results) return Refuse(results.error(), invocation, host, ExitCode::kUsage);
  const auto state = Choose(ListUpStates(*results), invocation.environment);
  if (!state) return Refuse(state.error(), invocation, host, ExitCode::kError);
  const auto service = std::ranges::find(state->services, invocation.service, &UpService::name);
  if (service == state->services.end()) {
    std::vector<std::string> names;
    for (const UpService& one : state->services) names.push_back(one.name);
    base::Error error{ErrorCode::kNotFound, fmt::format("environment \"{}\" has no service \"{}\"",
                                                        state->environment, invocation.service)};
    error.hint = fmt::format("there are {}", fmt::join(names, ", "));
    return Refuse(error, invocation, host, ExitCode::kUsage);
  }
  if (service->log_file.empty()) {
    return Refuse({ErrorCode::kUnsupported,
                   fmt::format("the log of service \"{}\" is not captured", service->name)},
                  invocation, host, ExitCode::kError);
  }
  const std::string text = ReadLog(service->log_file);
  host.out(invocation.tail ? LastLines(text, *invocation.tail) : std::string_view(text));
  if (!invocation.follow) return ExitCode::kPassed;
  net::Runtime runtime;
  std::optional<net::SignalBridge> signals;
  if (host.catch_signals) signals.emplace(*host.interrupt, std::initializer_list{SIGINT, SIGTERM});
  runtime.Run(FollowLog(service->log_file, *state, host));
  return ExitCode::kPassed;
}

ExitCode DownCommand(const Invocation& invocation, const Host& host) {
  const auto results = ResultsOf(invocation, host);
  if (!results) return Refuse(results.error(), invocation, host, ExitCode::kUsage);
  const auto state = Choose(ListUpStates(*results), invocation.environment);
  if (!state) return Refuse(state.error(), invocation, host, ExitCode::kError);
  if (state->is_alive()) {
    process::Signal(state->keeper, SIGTERM);
    net::Runtime runtime;
    if (!runtime.Run(AwaitEnd(state->keeper))) {
      return Refuse(
          {ErrorCode::kTimeout,
           fmt::format("the environment \"{}\" did not go down in time", state->environment),
           {},
           fmt::format("end process {}; its guardian removes the rest", state->keeper.pid)},
          invocation, host, ExitCode::kError);
    }
    // A keeper that ends in order takes its state away; one that was killed meanwhile did not.
    if (std::error_code error; !fs::exists(UpFile(*results, state->environment), error)) {
      host.out(fmt::format("{} is down\n", state->environment));
      return ExitCode::kPassed;
    }
  }
  net::Runtime runtime;
  runtime.Run(AwaitGuardian(*results / ".journals" / (state->run + ".journal")));
  const auto undone = environment::UndoLeftovers(*results / ".journals");
  if (!undone) return Refuse(undone.error(), invocation, host, ExitCode::kError);
  for (const auto& report : *undone) {
    for (const base::Error& error : report.errors) PrintError(error, host, invocation.no_color);
    if (!report.errors.empty()) return ExitCode::kError;
  }
  std::error_code error;
  fs::remove_all(UpFolder(*results) / state->run, error);
  fs::remove(UpFile(*results, state->environment), error);
  host.out(
      fmt::format("{} was gone already; what was left of it is removed\n", state->environment));
  return ExitCode::kPassed;
}

}  // namespace assay::cli
