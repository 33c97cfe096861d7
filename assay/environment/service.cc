#include "assay/environment/service.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <re2/re2.h>

#include "lib/net/timer.h"

namespace assay::environment {

namespace {

constexpr size_t kTailLines = 20;
constexpr int kPortTries = 3;
constexpr base::Duration kCallLimit = std::chrono::seconds(10);
/// How long output may lag behind the exit of the program that wrote it.
constexpr base::Duration kOutputLag = std::chrono::milliseconds(200);

base::Deadline After(base::Duration span) { return base::Deadline::After(span); }

boost::json::object PortsJson(const std::vector<std::pair<std::string, uint16_t>>& ports) {
  boost::json::object json;
  for (const auto& [name, number] : ports) json[name] = number;
  return json;
}

boost::json::object LimitsJson(const EnforcedLimits& limits) {
  boost::json::object json;
  const auto put = [&json](const char* name, const std::string& how) {
    if (!how.empty()) json[name] = how;
  };
  put("memory", limits.memory);
  put("cpus", limits.cpus);
  put("files", limits.files);
  put("processes", limits.processes);
  return json;
}

}  // namespace

Service::Service(const ServiceSpec& spec, const EnvironmentContext& context, net::TaskGroup& tasks)
    : spec_(spec), context_(context), tasks_(tasks) {}

base::Result<void> Service::Settle(ServicePlace& place, PortPool& pool,
                                   const std::filesystem::path& log_file) {
  for (const PortSpec& port : spec_.ports) {
    auto taken = port.fixed ? PortPool::TakeFixed(*port.fixed) : pool.Take();
    if (!taken.has_value()) {
      return base::Fail(std::move(taken).error().While("starting service " + spec_.name));
    }
    place.ports.emplace_back(port.name, taken->number());
    ports_.push_back(std::move(*taken));
  }
  TRY(log_, LogCapture::Create(log_file, context_.log_limit_bytes));
  return {};
}

net::Task<base::Result<void>> Service::Start(Placement& placement, PortPool& pool,
                                             base::Deadline deadline) {
  for (int attempt = 1;; ++attempt) {
    Placement own = placement;
    own.service = spec_.name;
    auto outcome = co_await StartOnce(own, deadline);
    if (!outcome.has_value() && LostItsPort() && attempt < kPortTries) {
      CO_TRY(MoveToOtherPorts(placement, pool));
      continue;
    }
    if (!outcome.has_value()) {
      Report("failed", {{"error", outcome.error().ToString()}, {"pid", pid_}});
      GiveUp();
    }
    co_return outcome;
  }
}

net::Task<base::Result<void>> Service::StartOnce(const Placement& placement,
                                                 base::Deadline deadline) {
  CO_TRY(launch_, MakeLaunch(placement));
  CO_TRY(MakeProbes(placement, launch_));
  Report("starting", {{"command", boost::json::array(launch_.argv.begin(), launch_.argv.end())},
                      {"ports", PortsJson(placement.own()->ports)},
                      {"directory", launch_.directory}});
  const auto began = context_.clock.Steady();
  stopping_ = false;
  restarts_ = 0;
  while (true) {
    auto ran = co_await Run(deadline);
    if (ran.has_value()) ran = co_await WaitProbes(deadline);
    if (ran.has_value()) break;
    if (running_ || !exit_ || !WantsRestart()) co_return ran;
    CO_TRY(co_await net::Sleep(std::chrono::milliseconds(100) * (1 << std::min(restarts_, 6))));
    ++restarts_;
  }
  if (state_ == ServiceState::kStarting) state_ = ServiceState::kReady;
  int64_t attempts = 0;
  for (const Probe& probe : probes_) attempts += probe.attempts();
  const base::Duration took = context_.clock.Steady() - began;
  Report("ready", {{"pid", pid_}, {"probe_count", attempts}, {"duration_ns", took.count()}});
  ready_.Set();
  co_return base::Result<void>();
}

base::Result<process::Launch> Service::MakeLaunch(const Placement& placement) const {
  process::Launch launch;
  launch.directory = placement.own()->directory;
  for (const LateText& argument : spec_.command) {
    TRY(std::string text, argument(placement));
    launch.argv.push_back(std::move(text));
  }
  launch.environment = context_.inherited;
  for (const auto& [name, late] : spec_.environment) {
    TRY(const std::string value, late(placement));
    process::SetVariable(launch.environment, name, value);
  }
  if (spec_.working_directory) {
    TRY(const std::string folder, spec_.working_directory(placement));
    launch.directory = std::filesystem::path(launch.directory) / folder;
  }
  return launch;
}

base::Result<void> Service::MakeProbes(const Placement& placement, const process::Launch& launch) {
  probes_.clear();
  for (const ProbeSpec& spec : spec_.probes) {
    auto probe = Probe::Make(spec, placement,
                             {.service = spec_.name,
                              .context = context_,
                              .log = log_.get(),
                              .environment = launch.environment,
                              .directory = placement.own()->directory});
    if (!probe.has_value()) {
      return base::Fail(std::move(probe).error().While("reading a probe of service " + spec_.name));
    }
    probes_.push_back(std::move(*probe));
  }
  return {};
}

net::Task<base::Result<void>> Service::Run(base::Deadline deadline) {
  state_ = ServiceState::kStarting;
  exit_.reset();
  ended_.Reset();
  output_ended_.Reset();
  for (Probe& probe : probes_) probe.Restart();
  CO_TRY(process::Pipe output, process::MakePipe());
  process::SetNonBlocking(output.reader.get());
  StartRequest request{
      .service = context_.scope + spec_.name, .launch = launch_, .limits = spec_.limits};
  request.launch.stdout_fd = output.writer.get();
  request.launch.stderr_fd = output.writer.get();
  for (ReservedPort& port : ports_) port.Release();
  auto started = co_await context_.guardian->StartProcess(std::move(request), deadline);
  if (!started.has_value()) {
    co_return base::Fail(std::move(started).error().While("starting service " + spec_.name));
  }
  output.writer.Reset();
  pid_ = started->pid;
  running_ = true;
  tasks_.Spawn(PumpOutput(std::move(output.reader)));
  tasks_.Spawn(Supervise(pid_));
  Report("started",
         {{"pid", pid_}, {"restarts", restarts_}, {"limits", LimitsJson(started->limits)}});
  started_.Set();
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Service::WaitProbes(base::Deadline deadline) {
  for (Probe& probe : probes_) {
    auto ready = co_await probe.WaitReady(ended_, deadline);
    if (ready.has_value()) continue;
    if (!running_) {
      (void)co_await output_ended_.Wait(After(kOutputLag));
      co_return base::Fail(DiedEarly());
    }
    base::Error error = std::move(ready).error();
    error.message = fmt::format("service \"{}\" is not ready: {}", spec_.name, error.message);
    error.hint = fmt::format("its log is {}; the last lines:\n{}", log_->file().string(),
                             fmt::join(log_->Tail(kTailLines), "\n"));
    co_return base::Fail(std::move(error));
  }
  if (!probes_.empty() && !running_) co_return base::Fail(DiedEarly());
  co_return base::Result<void>();
}

net::Task<void> Service::Supervise(pid_t pid) {
  const auto exit = co_await context_.guardian->WaitExit(pid, base::Deadline::Never());
  if (!exit.has_value() && exit.error().code == base::ErrorCode::kCancelled) co_return;
  running_ = false;
  if (exit.has_value()) exit_ = *exit;
  const bool was_starting = state_ == ServiceState::kStarting;
  if (!stopping_) state_ = ServiceState::kExited;
  boost::json::object data{{"pid", pid}, {"wanted", stopping_}};
  if (exit_ && exit_->signal != 0) data["signal"] = exit_->signal;
  if (exit_ && exit_->signal == 0) data["exit_code"] = exit_->code;
  if (!exit_) data["error"] = exit.error().ToString();
  if (!stopping_) {
    (void)co_await output_ended_.Wait(After(kOutputLag));
    const auto tail = log_->Tail(kTailLines);
    data["log_tail"] = boost::json::array(tail.begin(), tail.end());
  }
  Report("exited", std::move(data));
  ended_.Set();
  // While it starts, whoever starts it decides what comes next.
  const bool again = !was_starting && !stopping_ && WantsRestart() && co_await RestartAfterExit();
  if (!again && !was_starting) exited_for_good_.Set();
  if (!again && was_starting && probes_.empty()) exited_for_good_.Set();
}

net::Task<bool> Service::RestartAfterExit() {
  while (true) {
    const auto pause = std::chrono::milliseconds(100) * (1 << std::min(restarts_, 6));
    if (!(co_await net::Sleep(pause)).has_value() || stopping_) co_return false;
    ++restarts_;
    if (!(co_await Run(After(kCallLimit))).has_value()) co_return false;
    if (stopping_) {
      (void)co_await context_.guardian->Signal(pid_, SIGKILL, SignalScope::kTree,
                                               After(kCallLimit));
      co_return true;
    }
    const auto ready = co_await WaitProbes(base::Deadline::Never());
    if (ready.has_value() && running_) {
      state_ = ServiceState::kReady;
      Report("ready", {{"pid", pid_}, {"restarts", restarts_}});
      co_return true;
    }
    if (running_) co_return true;  // not ready, which its probes have told
    // It ended while it was starting, which its own supervision leaves to this one.
    if (stopping_ || !WantsRestart()) {
      exited_for_good_.Set();
      co_return true;
    }
  }
}

bool Service::WantsRestart() const {
  if (restarts_ >= spec_.max_restarts || !context_.guardian->is_alive()) return false;
  return spec_.restart == RestartRule::kAlways ||
         (spec_.restart == RestartRule::kOnFailure && !completed());
}

net::Task<void> Service::PumpOutput(process::Descriptor output) {
  std::vector<std::byte> piece(64 << 10);
  while (true) {
    const auto got = co_await net::ReadSome(output.get(), piece, base::Deadline::Never());
    if (!got.has_value() || *got == 0) break;
    const std::string_view text(reinterpret_cast<const char*>(piece.data()), *got);
    // A full disk must not stop the service; what is lost is lost.
    [[maybe_unused]] const auto kept = log_->Append(text);
  }
  output_ended_.Set();
}

bool Service::LostItsPort() const {
  const bool movable = std::ranges::any_of(spec_.ports, [](const auto& one) { return !one.fixed; });
  if (!movable || running_ || !exit_) return false;
  const auto tail = log_->Tail(kTailLines);
  return std::ranges::any_of(tail, [](const std::string& line) {
    return re2::RE2::PartialMatch(line, "(?i)address (already )?in use|EADDRINUSE");
  });
}

base::Result<void> Service::MoveToOtherPorts(Placement& placement, PortPool& pool) {
  auto& place = placement.services[spec_.name];
  for (size_t i = 0; i < ports_.size(); ++i) {
    if (spec_.ports[i].fixed) continue;
    TRY(ports_[i], pool.Take());
    place.ports[i].second = ports_[i].number();
  }
  return {};
}

base::Error Service::DiedEarly() const {
  return {
      .code = base::ErrorCode::kUnavailable,
      .message = fmt::format("service \"{}\" {} before it was ready", spec_.name, DescribeExit()),
      .hint = fmt::format("its log is {}; the last lines:\n{}", log_->file().string(),
                          fmt::join(log_->Tail(kTailLines), "\n"))};
}

std::string Service::DescribeExit() const {
  if (!exit_) return "ended in an unknown way";
  if (exit_->signal == 0) return fmt::format("exited with code {}", exit_->code);
  return fmt::format("was killed by signal {} ({})", exit_->signal, ::strsignal(exit_->signal));
}

void Service::GiveUp() {
  state_ = ServiceState::kFailed;
  started_.Set();
  ready_.Set();
  exited_for_good_.Set();
}

net::Task<base::Result<void>> Service::Stop(base::Deadline deadline) {
  if (pid_ == 0) co_return base::Result<void>();
  stopping_ = true;
  const auto began = context_.clock.Steady();
  Guardian& guardian = *context_.guardian;
  if (running_) {
    Report("stopping", {{"pid", pid_}, {"signal", spec_.stop_signal}});
    (void)co_await guardian.Signal(pid_, spec_.stop_signal, SignalScope::kGroup, deadline);
    (void)co_await guardian.Signal(pid_, SIGCONT, SignalScope::kTree, deadline);
    (void)co_await ended_.Wait(After(spec_.stop_grace).Earlier(deadline));
  }
  // Also what a program that ended by itself left behind.
  auto killed = co_await guardian.Signal(pid_, SIGKILL, SignalScope::kTree, After(kCallLimit));
  if (running_) (void)co_await ended_.Wait(After(kCallLimit));
  if (running_ && !killed.has_value()) co_return base::Fail(std::move(killed).error());
  if (state_ != ServiceState::kFailed && state_ != ServiceState::kExited) {
    state_ = ServiceState::kStopped;
  }
  (void)co_await output_ended_.Wait(After(kOutputLag));
  ReportStopped(context_.clock.Steady() - began);
  co_return base::Result<void>();
}

void Service::ReportStopped(base::Duration duration) {
  boost::json::object data{{"pid", pid_}, {"duration_ns", duration.count()}};
  if (exit_ && exit_->signal != 0) data["signal"] = exit_->signal;
  if (exit_ && exit_->signal == 0) data["exit_code"] = exit_->code;
  std::vector<std::string> blobs;
  if (context_.blobs != nullptr) {
    auto name = context_.blobs->Put(log_->Contents());
    if (name.has_value()) {
      data["log"] = *name;
      blobs.push_back(*name);
    } else {
      data["error"] = name.error().ToString();
    }
  }
  if (log_->dropped_bytes() > 0) data["log_bytes_lost"] = log_->dropped_bytes();
  Report("stopped", std::move(data), std::move(blobs));
}

net::Task<base::Result<void>> Service::Signal(int number, SignalScope scope,
                                              base::Deadline deadline) {
  if (!running_) {
    co_return base::Fail(base::ErrorCode::kConflict,
                         fmt::format("service \"{}\" is not running", spec_.name));
  }
  CO_TRY(const int64_t count, co_await context_.guardian->Signal(pid_, number, scope, deadline));
  if (count > 0) co_return base::Result<void>();
  co_return base::Fail(base::ErrorCode::kConflict,
                       fmt::format("service \"{}\" has ended meanwhile", spec_.name));
}

net::Task<base::Result<void>> Service::Pause(base::Deadline deadline) {
  CO_TRY(co_await Signal(SIGSTOP, SignalScope::kTree, deadline));
  state_ = ServiceState::kPaused;
  Report("paused", {{"pid", pid_}});
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Service::Resume(base::Deadline deadline) {
  CO_TRY(co_await Signal(SIGCONT, SignalScope::kTree, deadline));
  if (state_ == ServiceState::kPaused) state_ = ServiceState::kReady;
  Report("resumed", {{"pid", pid_}});
  co_return base::Result<void>();
}

ServiceStatus Service::status() const {
  return {.name = spec_.name,
          .state = state_,
          .pid = pid_,
          .restarts = restarts_,
          .log_file = log_ ? log_->file().string() : "",
          .directory = {}};
}

void Service::Report(std::string_view what, boost::json::object data,
                     std::vector<std::string> blobs) const {
  context_.sink(fmt::format("environment.service.{}", what), spec_.name, std::move(data),
                std::move(blobs));
}

}  // namespace assay::environment
