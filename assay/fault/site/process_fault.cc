// Faults of a service's processes, through the environment that runs it.

#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>

#include "assay/fault/site/fault.h"
#include "lib/base/suggest.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"
#include "lib/process/table.h"

namespace assay::fault {

namespace {

using base::ErrorCode;
using environment::ServiceCommand;
using environment::ServiceState;
using environment::ServiceStatus;

constexpr base::Duration kLook = std::chrono::milliseconds(5);
/// How long a change of a process may take to show.
constexpr base::Duration kSettle = std::chrono::seconds(5);

/// What all faults of a service share.
class ServiceFault : public Fault {
 public:
  ServiceFault(environment::Environment& environment, ProcessFaultSpec spec)
      : environment_(environment), spec_(std::move(spec)) {}

  std::string target() const override { return spec_.service; }
  std::string Describe() const override {
    return fmt::format("{} {}", ToString(spec_.kind), spec_.service);
  }

 protected:
  ServiceStatus Status() const {
    for (ServiceStatus& status : environment_.services()) {
      if (status.name == spec_.service) return std::move(status);
    }
    return {};
  }
  /// Its process now; kConflict when it does not run.
  base::Result<process::Identity> Identify() const {
    const auto entry = process::Find(Status().pid);
    if (entry && !entry->is_zombie()) return entry->identity;
    return base::Fail(ErrorCode::kConflict,
                      fmt::format("service \"{}\" is not running", spec_.service));
  }
  template <typename Condition>
  static net::Task<bool> Becomes(Condition holds) {
    const auto end = base::Deadline::After(kSettle);
    while (!holds()) {
      if (end.HasPassed(base::SystemClock())) co_return false;
      if (!(co_await net::Sleep(kLook)).has_value()) co_return holds();
    }
    co_return true;
  }
  net::Task<base::Result<void>> Control(ServiceCommand command, base::Deadline deadline) {
    return environment_.Control(spec_.service, command, deadline);
  }
  char StateOf(const process::Identity& identity) const {
    const auto entry = process::Find(identity.pid);
    return entry && entry->identity == identity ? entry->state : '-';
  }

  environment::Environment& environment_;
  ProcessFaultSpec spec_;
};

/// kill, term, restart: the process goes; a new one comes.
class Gone final : public ServiceFault {
 public:
  using ServiceFault::ServiceFault;

  net::Task<base::Result<void>> Apply(base::Deadline deadline) override {
    CO_TRY(before_, Identify());
    const ServiceCommand command = spec_.kind == ProcessFaultKind::kKill ? ServiceCommand::kKill
                                   : spec_.kind == ProcessFaultKind::kTerm
                                       ? ServiceCommand::kStop
                                       : ServiceCommand::kRestart;
    CO_TRY(co_await Control(command, deadline));
    const process::Identity before = before_;
    gone_ = co_await Becomes([before] { return !process::IsAlive(before); });
    // Only when the environment has seen it too can the service be started again.
    static_cast<void>(co_await Becomes([this] {
      const ServiceStatus status = Status();
      return status.pid != before_.pid || status.state != ServiceState::kReady;
    }));
    co_return base::Result<void>();
  }

  net::Task<base::Result<Proof>> Heal(base::Deadline deadline) override {
    if (before_.pid == 0) co_return Proof{.shown = true};  // never applied
    if (spec_.kind != ProcessFaultKind::kRestart) {
      // Its restart rule may have been faster.
      auto started = co_await Control(ServiceCommand::kStart, deadline);
      if (!started && started.error().code != ErrorCode::kConflict) {
        co_return base::Fail(std::move(started).error());
      }
    }
    const bool ready = co_await Becomes([this] { return Status().state == ServiceState::kReady; });
    const ServiceStatus status = Status();
    const auto now = process::Find(status.pid);
    const bool other = now && !now->is_zombie() && now->identity != before_;
    Proof proof{.shown = ready && other, .facts = {{"pid", status.pid}, {"ready", ready}}};
    if (!ready) proof.missing = fmt::format("service \"{}\" is not ready", spec_.service);
    if (ready && !other) proof.missing = "no new process was seen";
    co_return proof;
  }

  Proof Effect() const override {
    return {.shown = gone_,
            .missing = gone_ ? "" : fmt::format("process {} still lives", before_.pid),
            .facts = {{"pid", before_.pid}, {"gone", gone_}}};
  }

 private:
  process::Identity before_;
  bool gone_ = false;
};

class Paused final : public ServiceFault {
 public:
  using ServiceFault::ServiceFault;

  net::Task<base::Result<void>> Apply(base::Deadline deadline) override {
    CO_TRY(identity_, Identify());
    CO_TRY(co_await Control(ServiceCommand::kPause, deadline));
    stopped_ = co_await Becomes([this] { return StateOf(identity_) == 'T'; });
    co_return base::Result<void>();
  }

  net::Task<base::Result<Proof>> Heal(base::Deadline deadline) override {
    CO_TRY(co_await Control(ServiceCommand::kResume, deadline));
    const bool runs = co_await Becomes([this] {
      const char state = StateOf(identity_);
      return state == 'S' || state == 'R' || state == 'D';
    });
    co_return Proof{.shown = runs,
                    .missing = runs ? "" : "the process does not run again",
                    .facts = {{"pid", identity_.pid}, {"running", runs}}};
  }

  Proof Effect() const override {
    return {.shown = stopped_,
            .missing = stopped_ ? "" : "the process was not seen to stop",
            .facts = {{"pid", identity_.pid}, {"stopped", stopped_}}};
  }

 private:
  process::Identity identity_;
  bool stopped_ = false;
};

/// Stops and continues the processes many times a second, as cpulimit does: works on every machine
/// and needs no control group.
class Slow final : public ServiceFault {
 public:
  using ServiceFault::ServiceFault;

  net::Task<base::Result<void>> Apply(base::Deadline) override {
    CO_TRY(identity_, Identify());
    tasks_ = std::make_unique<net::TaskGroup>(co_await net::CurrentExecutor(),
                                              [](const base::Error&) {});
    tasks_->Spawn(Alternate());
    co_return base::Result<void>();
  }

  net::Task<base::Result<Proof>> Heal(base::Deadline deadline) override {
    if (tasks_ == nullptr) co_return Proof{.shown = true};
    (void)co_await tasks_->Shutdown(base::Deadline::After(base::Duration::zero()));
    tasks_.reset();
    CO_TRY(co_await Control(ServiceCommand::kResume, deadline));
    const bool runs = co_await Becomes([this] { return StateOf(identity_) != 'T'; });
    co_return Proof{.shown = runs,
                    .missing = runs ? "" : "the process does not run again",
                    .facts = {{"running", runs}}};
  }

  Proof Effect() const override {
    return {.shown = stops_ > 0,
            .missing = stops_ > 0 ? "" : "the process was never seen to be stopped",
            .facts = {{"stops", stops_}, {"share", spec_.amount}}};
  }

 private:
  static constexpr base::Duration kPeriod = std::chrono::milliseconds(100);

  net::Task<void> Alternate() {
    const auto run = std::chrono::duration_cast<base::Duration>(kPeriod * spec_.amount);
    while (true) {
      const auto soon = base::Deadline::After(kSettle);
      if (!(co_await Control(ServiceCommand::kPause, soon)).has_value()) co_return;
      if (StateOf(identity_) == 'T') ++stops_;
      if (!(co_await net::Sleep(kPeriod - run)).has_value()) co_return;
      if (!(co_await Control(ServiceCommand::kResume, soon)).has_value()) co_return;
      if (!(co_await net::Sleep(run)).has_value()) co_return;
    }
  }

  process::Identity identity_;
  std::unique_ptr<net::TaskGroup> tasks_;
  int64_t stops_ = 0;
};

/// files, memory: a lower resource limit of the service's main process.
class Limited final : public ServiceFault {
 public:
  using ServiceFault::ServiceFault;

  net::Task<base::Result<void>> Apply(base::Deadline) override {
    CO_TRY(identity_, Identify());
    used_ = spec_.kind == ProcessFaultKind::kFiles ? OpenFiles() : ReservedBytes();
    rlimit limit{};
    CO_TRY(Exchange(nullptr, &limit));
    before_ = limit;
    limit.rlim_cur = used_ + static_cast<rlim_t>(spec_.amount);
    CO_TRY(Exchange(&limit, nullptr));
    rlimit now{};
    CO_TRY(Exchange(nullptr, &now));
    in_force_ = now.rlim_cur == limit.rlim_cur;
    limit_ = limit.rlim_cur;
    co_return base::Result<void>();
  }

  net::Task<base::Result<Proof>> Heal(base::Deadline) override {
    if (!before_) co_return Proof{.shown = true};
    if (!process::IsAlive(identity_)) {
      co_return Proof{.shown = true, .facts = {{"process", "gone, its limit with it"}}};
    }
    CO_TRY(Exchange(&*before_, nullptr));
    rlimit now{};
    CO_TRY(Exchange(nullptr, &now));
    const bool back = now.rlim_cur == before_->rlim_cur;
    co_return Proof{.shown = back, .missing = back ? "" : "the limit is not what it was"};
  }

  Proof Effect() const override {
    return {.shown = in_force_,
            .missing = in_force_ ? "" : "the limit is not in force",
            .facts = {{"pid", identity_.pid}, {"used", used_}, {"limit", limit_}}};
  }

 private:
  base::Result<void> Exchange(const rlimit* wanted, rlimit* found) const {
    const auto resource = spec_.kind == ProcessFaultKind::kFiles ? RLIMIT_NOFILE : RLIMIT_AS;
    if (::prlimit(identity_.pid, resource, wanted, found) == 0) return {};
    return base::Fail(ErrorCode::kForbidden,
                      fmt::format("cannot change the limits of process {}: {}", identity_.pid,
                                  std::generic_category().message(errno)));
  }
  uint64_t OpenFiles() const {
    uint64_t count = 0;
    std::error_code error;
    const std::string folder = fmt::format("/proc/{}/fd", identity_.pid);
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error)) {
      ++count;
    }
    return count;
  }
  /// /proc/<pid>/statm, first field: pages of address space.
  uint64_t ReservedBytes() const {
    uint64_t pages = 0;
    std::ifstream(fmt::format("/proc/{}/statm", identity_.pid)) >> pages;
    constexpr uint64_t kPage = 4096;
    return pages * kPage;
  }

  process::Identity identity_;
  std::optional<rlimit> before_;
  uint64_t used_ = 0;
  uint64_t limit_ = 0;
  bool in_force_ = false;
};

}  // namespace

std::string_view ToString(ProcessFaultKind kind) {
  switch (kind) {
    case ProcessFaultKind::kKill:
      return "kill";
    case ProcessFaultKind::kTerm:
      return "term";
    case ProcessFaultKind::kRestart:
      return "restart";
    case ProcessFaultKind::kPause:
      return "pause";
    case ProcessFaultKind::kSlow:
      return "slow";
    case ProcessFaultKind::kFiles:
      return "files";
    case ProcessFaultKind::kMemory:
      return "memory";
  }
  return "?";
}

base::Result<std::unique_ptr<Fault>> MakeProcessFault(const Ground& ground, ProcessFaultSpec spec) {
  if (ground.environment == nullptr) {
    return base::Fail(base::Error{.code = ErrorCode::kUnsupported,
                                  .message = "this run has no services of its own to break",
                                  .hint = "run it in an environment that it starts itself"});
  }
  std::vector<std::string> names;
  for (const ServiceStatus& status : ground.environment->services()) names.push_back(status.name);
  if (std::ranges::find(names, spec.service) == names.end()) {
    return base::Fail(
        base::Error{.code = ErrorCode::kNotFound,
                    .message = fmt::format("the environment has no service \"{}\"", spec.service),
                    .hint = base::SuggestionFor(spec.service, names)});
  }
  switch (spec.kind) {
    case ProcessFaultKind::kPause:
      return std::make_unique<Paused>(*ground.environment, std::move(spec));
    case ProcessFaultKind::kSlow:
      return std::make_unique<Slow>(*ground.environment, std::move(spec));
    case ProcessFaultKind::kFiles:
    case ProcessFaultKind::kMemory:
      return std::make_unique<Limited>(*ground.environment, std::move(spec));
    default:
      return std::make_unique<Gone>(*ground.environment, std::move(spec));
  }
}

}  // namespace assay::fault
