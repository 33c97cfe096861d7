#include "lib/process/spawn.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ranges>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/process/descriptor.h"

namespace process {

namespace {

/// Where the start of a program may fail; sent with errno from the child to the parent.
enum class Stage : int { kDescriptors, kLimits, kDirectory, kExecute };

struct Failure {
  Stage stage = Stage::kExecute;
  int number = 0;
};

/// Everything the child needs, prepared before the fork: between fork and exec it may only make
/// system calls.
struct Prepared {
  std::string program;
  std::string directory;
  std::vector<char*> argv;
  std::vector<std::string> variables;
  std::vector<char*> envp;
  std::vector<ResourceLimit> limits;
  std::array<int, 3> standard{};
  bool dies_with_parent = false;
  pid_t parent = 0;
  int gate = -1;    ///< the child goes on when it has read one byte
  int report = -1;  ///< closed by exec, or a Failure
};

[[noreturn]] void Report(const Prepared& prepared, Stage stage) {
  const Failure failure{stage, errno};
  [[maybe_unused]] const ssize_t ignored = ::write(prepared.report, &failure, sizeof failure);
  ::_exit(127);
}

void RestoreSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void RunChild(Prepared& prepared) {
  // The standard descriptors may be targets and sources at once, so sources move out of the way.
  constexpr int kAbove = 10;
  prepared.report = ::fcntl(prepared.report, F_DUPFD_CLOEXEC, kAbove);
  prepared.gate = ::fcntl(prepared.gate, F_DUPFD_CLOEXEC, kAbove);
  for (int& fd : prepared.standard) {
    fd = fd < 0 ? ::open("/dev/null", O_RDWR | O_CLOEXEC) : fd;
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, kAbove);
    if (fd < 0) Report(prepared, Stage::kDescriptors);
  }
  for (int target = 0; target < 3; ++target) {
    if (::dup2(prepared.standard[static_cast<size_t>(target)], target) < 0) {
      Report(prepared, Stage::kDescriptors);
    }
  }
  ::setsid();
  if (prepared.dies_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != prepared.parent) ::_exit(127);
  }
  RestoreSignals();
  ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  char go = 0;
  if (::read(prepared.gate, &go, 1) != 1) ::_exit(127);
  for (const ResourceLimit& limit : prepared.limits) {
    const rlimit both{limit.value, limit.value};
    if (::setrlimit(static_cast<__rlimit_resource>(limit.resource), &both) != 0) {
      Report(prepared, Stage::kLimits);
    }
  }
  if (!prepared.directory.empty() && ::chdir(prepared.directory.c_str()) != 0) {
    Report(prepared, Stage::kDirectory);
  }
  ::execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
  Report(prepared, Stage::kExecute);
}

base::Error Explain(const Failure& failure, const Launch& launch) {
  const std::string why = std::strerror(failure.number);
  switch (failure.stage) {
    case Stage::kDescriptors:
      return {base::ErrorCode::kExhausted,
              fmt::format("cannot set up input and output of \"{}\": {}", launch.argv[0], why)};
    case Stage::kLimits:
      return {base::ErrorCode::kForbidden,
              fmt::format("cannot set the resource limits of \"{}\": {}", launch.argv[0], why)};
    case Stage::kDirectory:
      return {.code = base::ErrorCode::kNotFound,
              .message = fmt::format("cannot start \"{}\" in directory \"{}\": {}", launch.argv[0],
                                     launch.directory, why),
              .hint = "create the directory or correct the working directory"};
    case Stage::kExecute:
      break;
  }
  const bool missing = failure.number == ENOENT;
  return {.code = missing ? base::ErrorCode::kNotFound : base::ErrorCode::kForbidden,
          .message = fmt::format("cannot run \"{}\": {}", launch.argv[0], why),
          .hint = missing ? "the program or the interpreter named in its first line is missing"
                          : "check that the file is a program for this machine and executable"};
}

base::Result<Prepared> Prepare(const Launch& launch) {
  if (launch.argv.empty() || launch.argv[0].empty()) {
    return base::Fail(base::ErrorCode::kInvalid, "the command is empty, expected a program");
  }
  Prepared prepared;
  const std::string* path = FindVariable(launch.environment, "PATH");
  TRY(prepared.program, FindProgram(launch.argv[0], path == nullptr ? "" : *path));
  // execve takes `char*` but does not write.
  for (const std::string& argument : launch.argv) {
    prepared.argv.push_back(const_cast<char*>(argument.c_str()));
  }
  prepared.argv.push_back(nullptr);
  for (const auto& [name, value] : launch.environment) {
    prepared.variables.push_back(fmt::format("{}={}", name, value));
  }
  for (std::string& variable : prepared.variables) prepared.envp.push_back(variable.data());
  prepared.envp.push_back(nullptr);
  prepared.directory = launch.directory;
  prepared.limits = launch.limits;
  prepared.standard = {launch.stdin_fd, launch.stdout_fd, launch.stderr_fd};
  prepared.dies_with_parent = launch.dies_with_parent;
  prepared.parent = ::getpid();
  return prepared;
}

void Discard(pid_t child) {
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool IsExecutable(const std::string& path) {
  struct stat facts = {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

base::Result<pid_t> Spawn(const Launch& launch, const BeforeExec& before_exec) {
  TRY(Prepared prepared, Prepare(launch));
  TRY(Pipe gate, MakePipe());
  TRY(Pipe report, MakePipe());
  prepared.gate = gate.reader.get();
  prepared.report = report.writer.get();
  // No signal may run a handler of this process in the child.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(gate.writer.get());
    RunChild(prepared);
  }
  const int fork_errno = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) {
    return base::Fail(base::ErrorCode::kExhausted,
                      fmt::format("cannot start a process for \"{}\": {}", launch.argv[0],
                                  std::strerror(fork_errno)));
  }
  gate.reader.Reset();
  report.writer.Reset();
  if (before_exec) {
    if (auto allowed = before_exec(child); !allowed.has_value()) {
      Discard(child);
      return base::Fail(std::move(allowed).error());
    }
  }
  [[maybe_unused]] const ssize_t opened = ::write(gate.writer.get(), "g", 1);
  Failure failure;
  ssize_t got = 0;
  do {
    got = ::read(report.reader.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return child;
  Discard(child);
  return base::Fail(Explain(failure, launch));
}

base::Result<std::string> FindProgram(const std::string& name, std::string_view path) {
  if (name.contains('/')) return name;
  for (const auto part : std::views::split(path, ':')) {
    const std::string_view folder(part.begin(), part.end());
    if (folder.empty()) continue;
    std::string candidate = std::string(folder) + "/" + name;
    if (IsExecutable(candidate)) return candidate;
  }
  return base::Fail(
      base::Error{.code = base::ErrorCode::kNotFound,
                  .message = fmt::format("no program \"{}\" in PATH ({})", name, path),
                  .hint = "install it, or give the path of the program"});
}

EnvironmentList InheritedEnvironment() {
  EnvironmentList list;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    list.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return list;
}

void SetVariable(EnvironmentList& environment, std::string_view name, std::string_view value) {
  for (auto& [key, current] : environment) {
    if (key == name) {
      current = value;
      return;
    }
  }
  environment.emplace_back(name, value);
}

const std::string* FindVariable(const EnvironmentList& environment, std::string_view name) {
  for (const auto& [key, value] : environment) {
    if (key == name) return &value;
  }
  return nullptr;
}

}  // namespace process
