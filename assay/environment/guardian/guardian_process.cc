// The guardian's side of guardian.h. One thread, so that PR_SET_PDEATHSIG of its children means its
// own death, and so that it may block.

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <ranges>
#include <set>
#include <sstream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/environment/guardian/channel.h"
#include "assay/environment/guardian/guardian.h"
#include "assay/environment/guardian/journal.h"
#include "assay/environment/guardian/wire.h"

namespace assay::environment {

namespace {

constexpr int kChannel = 0;
constexpr std::string_view kServiceMarker = "ASSAY_SERVICE";

std::string ReadText(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Ignores what a terminal or a shell sends; children get the defaults back from Spawn.
process::Descriptor SetUpSignals() {
  for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2}) {
    ::signal(number, SIG_IGN);
  }
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, nullptr);
  return process::Descriptor(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
}

class GuardianLoop {
 public:
  GuardianLoop(Journal journal, std::string run, UndoLimits limits)
      : journal_(std::move(journal)), run_(std::move(run)), limits_(limits) {}

  int Run(const process::Descriptor& child_signals) {
    while (!finished_) {
      std::array<pollfd, 2> polls{pollfd{kChannel, POLLIN, 0},
                                  pollfd{child_signals.get(), POLLIN, 0}};
      if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) break;
      if (polls[1].revents != 0) {
        signalfd_siginfo drained;
        while (::read(child_signals.get(), &drained, sizeof drained) > 0) {
        }
        Reap();
      }
      if (polls[0].revents != 0 && !ServeOne()) break;
    }
    if (finished_) return 0;
    return Undo().has_value() ? 0 : 1;
  }

 private:
  struct Service {
    std::string name;
    process::Identity identity;
  };

  /// False when assay is gone.
  bool ServeOne() {
    auto received = ReceiveFrom(kChannel);
    if (!received.has_value() || !received->has_value()) return false;
    ChannelMessage& message = **received;
    auto reply = Handle(message);
    boost::json::object body;
    if (reply.has_value()) {
      body = std::move(*reply);
    } else {
      body["error"] = wire::FromError(reply.error());
    }
    body["id"] = wire::Int(message.body, "id");
    return SendOn(kChannel, body).has_value();
  }

  base::Result<boost::json::object> Handle(ChannelMessage& message) {
    const std::string op = wire::Text(message.body, "op");
    if (op == "start") return StartService(message);
    if (op == "signal") return SignalService(message.body);
    if (op == "own") return Own(wire::Text(message.body, "path"));
    if (op == "disown") return Disown(wire::Text(message.body, "path"));
    if (op == "own_cleanup") return OwnCleanup(CleanupFromJson(message.body));
    if (op == "disown_cleanup") {
      return DisownCleanup(static_cast<uint64_t>(wire::Int(message.body, "entry")));
    }
    if (op == "finish") {
      finished_ = true;
      return Undo();
    }
    return base::Fail(base::ErrorCode::kInternal, "unknown request to the guardian: " + op);
  }

  base::Result<boost::json::object> StartService(ChannelMessage& message) {
    StartRequest request = wire::ToStart(message.body);
    process::Launch& launch = request.launch;
    const auto& streams = message.body.at("streams").as_array();
    size_t next = 0;
    int index = 0;
    for (int* target : {&launch.stdin_fd, &launch.stdout_fd, &launch.stderr_fd}) {
      const bool given = streams.at(static_cast<size_t>(index++)).as_bool();
      if (given && next < message.descriptors.size()) *target = message.descriptors[next++].get();
    }
    process::SetVariable(launch.environment, kRunMarker, run_);
    process::SetVariable(launch.environment, kServiceMarker, request.service);
    launch.dies_with_parent = true;
    const auto group = CgroupFor(request);
    launch.limits = ResourceLimitsFor(request.limits, group.has_value());
    process::Identity identity;
    const auto registration = [&](pid_t pid) -> base::Result<void> {
      const auto entry = process::Find(pid);
      if (!entry) return base::Fail(base::ErrorCode::kInternal, "a new process has no entry");
      identity = entry->identity;
      if (group) TRY(AddToCgroup(*group, pid));
      TRY(journal_.AddProcess(request.service, identity));
      return {};
    };
    TRY(const pid_t pid, process::Spawn(launch, registration));
    services_[pid] = {request.service, identity};
    return boost::json::object{
        {"pid", pid},
        {"limits", wire::FromLimits(DescribeLimits(request.limits, group.has_value()))}};
  }

  std::optional<std::filesystem::path> CgroupFor(const StartRequest& request) {
    const ServiceLimits& limits = request.limits;
    if (!limits.memory_bytes && !limits.cpus && !limits.processes) return std::nullopt;
    const auto parent =
        FindCgroupParent(ReadText("/proc/self/mountinfo"), ReadText("/proc/self/cgroup"));
    if (!parent) return std::nullopt;
    auto group = MakeCgroup(*parent, fmt::format("assay-{}-{}", run_, request.service), limits);
    if (!group.has_value()) return std::nullopt;
    cgroups_.insert(*group);
    return std::move(*group);
  }

  base::Result<boost::json::object> SignalService(const boost::json::object& body) {
    const auto service = services_.find(static_cast<pid_t>(wire::Int(body, "pid")));
    if (service == services_.end()) {
      return base::Fail(base::ErrorCode::kNotFound,
                        fmt::format("no service has process {}", wire::Int(body, "pid")));
    }
    const bool tree = wire::Text(body, "scope") == "tree";
    const int number = static_cast<int>(wire::Int(body, "signal"));
    // Again until nobody new turns up: a member may have forked while the list was read.
    std::set<process::Identity> reached;
    int64_t count = 0;
    for (size_t before = 0;; before = reached.size()) {
      for (const process::Identity& one : MembersOf(service->second, tree)) {
        if (reached.insert(one).second && process::Signal(one, number)) ++count;
      }
      if (reached.size() == before) break;
    }
    return boost::json::object{{"count", count}};
  }

  /// The process group of a service or, with `tree`, everything that came from it.
  std::vector<process::Identity> MembersOf(const Service& service, bool tree) const {
    const auto all = process::ListAll();
    const pid_t leader = service.identity.pid;
    std::set<process::Identity> members;
    const std::string variable = fmt::format("{}={}", kServiceMarker, service.name);
    const auto ours = process::DescendantsOf(::getpid(), all);
    const std::set<process::Identity> below(ours.begin(), ours.end());
    for (const process::Entry& entry : all) {
      if (!below.contains(entry.identity)) continue;
      if (entry.group == leader ||
          (tree &&
           (entry.session == leader || process::WasStartedWith(entry.identity.pid, variable)))) {
        members.insert(entry.identity);
      }
    }
    if (tree) {
      const auto descendants = process::DescendantsOf(leader, all);
      members.insert(descendants.begin(), descendants.end());
    }
    return {members.begin(), members.end()};
  }

  base::Result<boost::json::object> Own(const std::string& path) {
    TRY(const uint64_t entry, journal_.AddPath(path));
    paths_[path] = entry;
    return boost::json::object{};
  }

  base::Result<boost::json::object> Disown(const std::string& path) {
    const auto found = paths_.find(path);
    if (found == paths_.end()) {
      return base::Fail(base::ErrorCode::kNotFound, "the guardian does not own " + path);
    }
    TRY(journal_.MarkUndone(found->second));
    paths_.erase(found);
    return boost::json::object{};
  }

  base::Result<boost::json::object> OwnCleanup(CleanupCommand command) {
    TRY(const uint64_t entry, journal_.AddCommand(command));
    commands_.push_back({entry, std::move(command)});
    return boost::json::object{{"entry", static_cast<int64_t>(entry)}};
  }

  base::Result<boost::json::object> DisownCleanup(uint64_t entry) {
    TRY(journal_.MarkUndone(entry));
    std::erase_if(commands_, [entry](const auto& one) { return one.entry == entry; });
    return boost::json::object{};
  }

  void Reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (!services_.contains(pid)) continue;
      const bool killed = WIFSIGNALED(status);
      [[maybe_unused]] const auto ignored =
          SendOn(kChannel, {{"exited", pid},
                            {"code", killed ? 0 : WEXITSTATUS(status)},
                            {"signal", killed ? WTERMSIG(status) : 0}});
    }
  }

  base::Result<boost::json::object> Undo() {
    const auto find = [this] {
      auto found = process::DescendantsOf(::getpid(), process::ListAll());
      for (const process::Identity& one : FindMarked(run_)) {
        if (std::ranges::find(found, one) == found.end()) found.push_back(one);
      }
      return found;
    };
    const auto killed = KillAll(find, limits_, [this] { Reap(); });
    const auto cleaned = RunCleanups();
    std::error_code error;
    for (const auto& group : cgroups_) std::filesystem::remove(group, error);
    for (const auto& [path, entry] : paths_) {
      std::filesystem::remove_all(path, error);
      if (error) {
        return base::Fail(base::ErrorCode::kIo,
                          fmt::format("cannot remove {}: {}", path, error.message()));
      }
      TRY(journal_.MarkUndone(entry));
    }
    TRY(killed);
    TRY(cleaned);
    TRY(journal_.MarkAllUndone());
    return boost::json::object{{"killed", static_cast<int64_t>(*killed)}};
  }

  /// After the processes: none of them makes anything new while it runs.
  base::Result<void> RunCleanups() {
    base::Result<void> outcome;
    for (const JournaledCommand& one : commands_ | std::views::reverse) {
      auto ran = RunCleanup(one.command);
      if (ran.has_value()) ran = journal_.MarkUndone(one.entry);
      if (!ran.has_value() && outcome.has_value()) outcome = std::move(ran);
    }
    return outcome;
  }

  Journal journal_;
  std::string run_;
  UndoLimits limits_;
  bool finished_ = false;
  std::map<pid_t, Service> services_;
  std::map<std::string, uint64_t> paths_;
  std::vector<JournaledCommand> commands_;
  std::set<std::filesystem::path> cgroups_;
};

}  // namespace

int RunGuardian(const std::filesystem::path& journal, std::string_view run, UndoLimits limits) {
  const process::Descriptor child_signals = SetUpSignals();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  auto opened = Journal::Create(journal, run);
  [[maybe_unused]] const int moved = ::chdir("/");
  if (!opened.has_value()) {
    [[maybe_unused]] const auto ignored =
        SendOn(kChannel, {{"failed", wire::FromError(opened.error())}});
    return 1;
  }
  if (!SendOn(kChannel, {{"ready", true}}).has_value()) {
    return opened->MarkAllUndone().has_value() ? 0 : 1;
  }
  return GuardianLoop(std::move(*opened), std::string(run), limits).Run(child_signals);
}

}  // namespace assay::environment
