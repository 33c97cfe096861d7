#include "assay/environment/guardian/guardian.h"

#include <algorithm>
#include <csignal>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/environment/guardian/channel.h"
#include "assay/environment/guardian/journal.h"
#include "assay/environment/guardian/wire.h"
#include "lib/net/runtime.h"

namespace assay::environment {

/// A request whose answer has not come.
struct Guardian::Pending {
  net::Event answered;
  base::Result<boost::json::object> answer = boost::json::object{};
};

/// A process of which the end has not been waited for.
struct Guardian::Watched {
  net::Event ended;
  std::optional<net::ProcessExit> exit;
};

namespace {

base::Error Lost() {
  return {.code = base::ErrorCode::kUnavailable,
          .message = "the guardian process of the run is gone",
          .hint = "somebody killed it; what it had started is stopped, start the run again"};
}

net::Task<base::Result<ChannelMessage>> ReceiveOne(int socket, base::Deadline deadline) {
  CO_TRY(co_await net::WaitReadable(socket, deadline));
  CO_TRY(auto message, ReceiveFrom(socket));
  if (!message) co_return base::Fail(Lost());
  co_return std::move(*message);
}

}  // namespace

net::Task<base::Result<std::unique_ptr<Guardian>>> Guardian::Start(GuardianOptions options,
                                                                   base::Deadline deadline) {
  CO_TRY(auto ends, process::MakeMessagePair());
  process::Launch launch;
  launch.argv = {options.command, std::string(kGuardianSubcommand), options.journal.string(),
                 options.run};
  launch.environment = options.environment;
  // An outer run must not take the guardian of an inner one for one of its programs.
  std::erase_if(launch.environment, [](const auto& one) { return one.first == kRunMarker; });
  launch.stdin_fd = ends.second.get();
  auto pid = process::Spawn(launch);
  if (!pid.has_value()) {
    co_return base::Fail(std::move(pid).error().While("starting the guardian"));
  }
  ends.second.Reset();
  auto first = co_await ReceiveOne(ends.first.get(), deadline);
  const bool ready = first.has_value() && first->body.contains("ready");
  if (!ready) {
    ends.first.Reset();
    (void)co_await net::Shielded(net::WaitExit(*pid, deadline));
    if (!first.has_value()) {
      co_return base::Fail(std::move(first).error().While("starting the guardian"));
    }
    const auto* failed = first->body.if_contains("failed");
    co_return base::Fail(failed != nullptr && failed->is_object()
                             ? wire::ToError(failed->get_object()).While("starting the guardian")
                             : Lost());
  }
  net::Executor executor = co_await net::CurrentExecutor();
  std::unique_ptr<Guardian> guardian(
      new Guardian(std::move(options), std::move(executor), std::move(ends.first), *pid));
  guardian->tasks_.Spawn(guardian->ReadMessages());
  co_return guardian;
}

Guardian::Guardian(GuardianOptions options, net::Executor executor, process::Descriptor socket,
                   pid_t pid)
    : options_(std::move(options)),
      socket_(std::move(socket)),
      pid_(pid),
      tasks_(std::move(executor), [](const base::Error&) {}) {
  process::SetNonBlocking(socket_.get());
}

Guardian::~Guardian() = default;

net::Task<void> Guardian::ReadMessages() {
  while (true) {
    auto message = co_await ReceiveOne(socket_.get(), base::Deadline::Never());
    if (!message.has_value()) break;
    Dispatch(message->body);
  }
  LoseGuardian();
}

void Guardian::Dispatch(const boost::json::object& body) {
  if (body.contains("exited")) {
    auto& watched = watched_[static_cast<pid_t>(wire::Int(body, "exited"))];
    if (!watched) watched = std::make_shared<Watched>();
    watched->exit = net::ProcessExit{.code = static_cast<int>(wire::Int(body, "code")),
                                     .signal = static_cast<int>(wire::Int(body, "signal"))};
    watched->ended.Set();
    return;
  }
  const auto pending = pending_.find(wire::Int(body, "id"));
  if (pending == pending_.end()) return;
  if (const auto* error = body.if_contains("error"); error != nullptr && error->is_object()) {
    pending->second->answer = base::Fail(wire::ToError(error->get_object()));
  } else {
    pending->second->answer = body;
    // Made here and not by the caller, which may run after the process has ended.
    if (body.contains("pid")) {
      watched_[static_cast<pid_t>(wire::Int(body, "pid"))] = std::make_shared<Watched>();
    }
  }
  pending->second->answered.Set();
  pending_.erase(pending);
}

void Guardian::LoseGuardian() {
  alive_ = false;
  for (auto& [id, pending] : pending_) {
    pending->answer = base::Fail(Lost());
    pending->answered.Set();
  }
  pending_.clear();
  for (auto& [pid, watched] : watched_) watched->ended.Set();
}

net::Task<base::Result<boost::json::object>> Guardian::Call(boost::json::object body,
                                                            std::vector<int> descriptors,
                                                            base::Deadline deadline) {
  if (!alive_) co_return base::Fail(Lost());
  const int64_t id = next_id_++;
  body["id"] = id;
  auto pending = std::make_shared<Pending>();
  CO_TRY(co_await net::WaitWritable(socket_.get(), deadline));
  CO_TRY(SendOn(socket_.get(), body, descriptors));
  pending_[id] = pending;
  CO_TRY(co_await pending->answered.Wait(deadline));
  co_return std::move(pending->answer);
}

net::Task<base::Result<StartedProcess>> Guardian::StartProcess(StartRequest request,
                                                               base::Deadline deadline) {
  std::vector<int> descriptors;
  for (const int fd :
       {request.launch.stdin_fd, request.launch.stdout_fd, request.launch.stderr_fd}) {
    if (fd >= 0) descriptors.push_back(fd);
  }
  CO_TRY(const auto answer,
         co_await Call(wire::FromStart(request), std::move(descriptors), deadline));
  StartedProcess started{.pid = static_cast<pid_t>(wire::Int(answer, "pid")), .limits = {}};
  if (const auto* limits = answer.if_contains("limits")) {
    started.limits = wire::ToLimits(limits->as_object());
  }
  co_return started;
}

net::Task<base::Result<net::ProcessExit>> Guardian::WaitExit(pid_t pid, base::Deadline deadline) {
  const auto found = watched_.find(pid);
  if (found == watched_.end()) {
    co_return base::Fail(base::ErrorCode::kNotFound,
                         fmt::format("process {} was not started by the guardian", pid));
  }
  const auto watched = found->second;
  if (alive_) CO_TRY(co_await watched->ended.Wait(deadline));
  if (!watched->exit) co_return base::Fail(Lost());
  co_return *watched->exit;
}

std::optional<net::ProcessExit> Guardian::FindExit(pid_t pid) const {
  const auto found = watched_.find(pid);
  if (found == watched_.end()) return std::nullopt;
  return found->second->exit;
}

net::Task<base::Result<int64_t>> Guardian::Signal(pid_t pid, int signal, SignalScope scope,
                                                  base::Deadline deadline) {
  CO_TRY(const auto answer,
         co_await Call({{"op", "signal"},
                        {"pid", pid},
                        {"signal", signal},
                        {"scope", scope == SignalScope::kTree ? "tree" : "group"}},
                       {}, deadline));
  co_return wire::Int(answer, "count");
}

net::Task<base::Result<void>> Guardian::Own(std::filesystem::path path, base::Deadline deadline) {
  CO_TRY(co_await Call({{"op", "own"}, {"path", path.string()}}, {}, deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Guardian::Disown(std::filesystem::path path,
                                               base::Deadline deadline) {
  CO_TRY(co_await Call({{"op", "disown"}, {"path", path.string()}}, {}, deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<CleanupId>> Guardian::OwnCleanup(CleanupCommand command,
                                                        base::Deadline deadline) {
  boost::json::object body = ToJson(command);
  body["op"] = "own_cleanup";
  CO_TRY(const auto answer, co_await Call(std::move(body), {}, deadline));
  co_return CleanupId{static_cast<uint64_t>(wire::Int(answer, "entry"))};
}

net::Task<base::Result<void>> Guardian::DisownCleanup(CleanupId id, base::Deadline deadline) {
  CO_TRY(co_await Call(
      {{"op", "disown_cleanup"}, {"entry", static_cast<int64_t>(static_cast<uint64_t>(id))}}, {},
      deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<int64_t>> Guardian::Finish(base::Deadline deadline) {
  return net::Shielded(FinishNow(deadline));
}

net::Task<base::Result<int64_t>> Guardian::FinishNow(base::Deadline deadline) {
  auto answer = co_await Call({{"op", "finish"}}, {}, deadline);
  auto exit = co_await net::WaitExit(pid_, deadline);
  if (!exit.has_value() && exit.error().code == base::ErrorCode::kTimeout) {
    ::kill(pid_, SIGKILL);  // still our child, so the number is still its own
    (void)co_await net::WaitExit(pid_, base::Deadline::After(std::chrono::seconds(1)));
  }
  co_await tasks_.Shutdown(base::Deadline::After(std::chrono::seconds(1)));
  alive_ = false;
  if (!answer.has_value()) co_return base::Fail(std::move(answer).error());
  co_return wire::Int(*answer, "killed");
}

}  // namespace assay::environment
