#include "assay/environment/compose/compose_service.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace assay::environment {

namespace {

constexpr size_t kTailLines = 20;
constexpr base::Duration kCallLimit = std::chrono::seconds(30);
constexpr base::Duration kHealthPause = std::chrono::milliseconds(250);
/// How long output may lag behind the end of a container.
constexpr base::Duration kOutputLag = std::chrono::seconds(2);
/// How long an engine may take to start a container again by its restart policy.
constexpr base::Duration kComeBackLimit = std::chrono::seconds(10);

base::Deadline After(base::Duration span) { return base::Deadline::After(span); }

std::string DescribeEnd(const Container& container) {
  return fmt::format("exited with code {}{}", container.exit_code,
                     container.out_of_memory ? " (out of memory)" : "");
}

boost::json::object PortsJson(const Container& container) {
  boost::json::object json;
  for (const auto& [name, number] : container.ports) json[name] = number;
  return json;
}

}  // namespace

ComposeService::ComposeService(ServiceSpec spec, const EnvironmentContext& context,
                               const ContainerEngine& engine, net::TaskGroup& tasks)
    : spec_(std::move(spec)), context_(context), engine_(engine), tasks_(tasks) {}

base::Result<void> ComposeService::Adopt(std::vector<Container> containers,
                                         const std::filesystem::path& log) {
  containers_ = std::move(containers);
  TRY(log_, LogCapture::Create(log, context_.log_limit_bytes));
  state_ = ServiceState::kStarting;
  for (size_t i = 0; i < containers_.size(); ++i) {
    const Container& one = containers_[i];
    Report("started", {{"container", one.name}, {"pid", one.pid}, {"ports", PortsJson(one)}});
    Watch(i, {});
  }
  return {};
}

void ComposeService::Watch(size_t index, std::string since) {
  ++collecting_;
  output_ended_.Reset();
  ++supervised_;
  all_ended_.Reset();
  tasks_.Spawn(Collect(containers_[index].id, std::move(since)));
  tasks_.Spawn(Supervise(index, containers_[index].id));
}

net::Task<void> ComposeService::Collect(std::string id, std::string since) {
  (void)co_await engine_.Follow(std::move(id), std::move(since), [this](std::string_view text) {
    // A full disk must not stop the run; what is lost is lost.
    [[maybe_unused]] const auto kept = log_->Append(text);
  });
  if (--collecting_ == 0) output_ended_.Set();
}

net::Task<void> ComposeService::Supervise(size_t index, std::string id) {
  co_await SuperviseLives(index, id);
  if (--supervised_ == 0) all_ended_.Set();
}

net::Task<void> ComposeService::SuperviseLives(size_t index, const std::string& id) {
  while (true) {
    const auto waited = co_await engine_.AwaitExit(id, base::Deadline::Never());
    if (!waited.has_value() && waited.error().code == base::ErrorCode::kCancelled) co_return;
    auto now = co_await engine_.Inspect(id, After(kCallLimit));
    if (now.has_value() && now->is_running() && now->started == containers_[index].started) {
      // The call ended for another reason than the container.
      if (!(co_await net::Sleep(kHealthPause)).has_value()) co_return;
      continue;
    }
    boost::json::object data = DescribeExit(index, std::move(now));
    if (!stopping_) {
      state_ = ServiceState::kExited;
      (void)co_await output_ended_.Wait(After(kOutputLag));
      const auto tail = log_->Tail(kTailLines);
      data["log_tail"] = boost::json::array(tail.begin(), tail.end());
    }
    Report("exited", std::move(data));
    if (!stopping_ && containers_[index].comes_back() && co_await CameBack(index)) continue;
    if (!stopping_) ended_.Set();
    co_return;
  }
}

boost::json::object ComposeService::DescribeExit(size_t index, base::Result<Container> now) {
  Container& container = containers_[index];
  boost::json::object data{{"container", container.name}, {"wanted", stopping_}};
  if (!now.has_value()) {
    data["error"] = now.error().ToString();
    container.status = "removed";
    return data;
  }
  data["exit_code"] = now->exit_code;
  if (now->out_of_memory) data["out_of_memory"] = true;
  if (now->is_running()) {
    container.status = "exited";  // it is back already
  } else {
    container = std::move(*now);
  }
  return data;
}

// By the restart policy of the compose file.
net::Task<bool> ComposeService::CameBack(size_t index) {
  const auto limit = After(kComeBackLimit);
  Container& container = containers_[index];
  while (!stopping_ && !limit.HasPassed(base::SystemClock())) {
    if (!(co_await net::Sleep(kHealthPause)).has_value()) co_return false;
    auto now = co_await engine_.Inspect(container.id, limit);
    if (!now.has_value()) continue;
    if (now->status != "running" || now->started == container.started) continue;
    container = std::move(*now);
    ++restarts_;
    state_ = ServiceState::kReady;
    Report("started",
           {{"container", container.name}, {"pid", container.pid}, {"restarts", restarts_}});
    ++collecting_;
    output_ended_.Reset();
    tasks_.Spawn(Collect(container.id, container.started));
    co_return true;
  }
  co_return false;
}

net::Task<base::Result<void>> ComposeService::AwaitReady(const Placement& placement,
                                                         base::Deadline deadline) {
  const auto began = context_.clock.Steady();
  for (size_t i = 0; i < containers_.size(); ++i) CO_TRY(co_await AwaitHealth(i, deadline));
  CO_TRY(co_await MakeProbes(placement));
  int64_t attempts = 0;
  for (Probe& probe : probes_) {
    auto ready = co_await probe.WaitReady(ended_, deadline);
    attempts += probe.attempts();
    if (ready.has_value()) continue;
    for (const Container& one : containers_) {
      if (!one.is_running()) co_return base::Fail(EndedEarly(one));
    }
    base::Error error = std::move(ready).error();
    error.message = fmt::format("service \"{}\" is not ready: {}", spec_.name, error.message);
    error.hint = LogHint();
    co_return base::Fail(std::move(error));
  }
  if (state_ == ServiceState::kStarting) state_ = ServiceState::kReady;
  const base::Duration took = context_.clock.Steady() - began;
  Report(
      "ready",
      {{"pid", containers_.front().pid}, {"probe_count", attempts}, {"duration_ns", took.count()}});
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ComposeService::AwaitHealth(size_t index, base::Deadline deadline) {
  std::string last = "it is starting";
  while (true) {
    auto seen = co_await engine_.CheckHealth(containers_[index].id, deadline);
    if (!seen.has_value() && seen.error().code != base::ErrorCode::kTimeout) {
      co_return base::Fail(std::move(seen).error());
    }
    if (seen.has_value()) {
      const bool task_done = seen->status == "exited" && seen->exit_code == 0 &&
                             seen->health.empty() && spec_.probes.empty();
      if (seen->status == "exited" && !task_done && !seen->comes_back()) {
        (void)co_await output_ended_.Wait(After(kOutputLag));
        co_return base::Fail(EndedEarly(*seen));
      }
      const bool up =
          seen->status == "running" && (seen->health.empty() || seen->health == "healthy");
      if (up || task_done) {
        containers_[index] = std::move(*seen);
        co_return base::Result<void>();
      }
      last = seen->health.empty()
                 ? fmt::format("its container is {}", seen->status)
                 : fmt::format("its health check says {}: {}", seen->health, seen->health_output);
    }
    const auto rested = co_await net::Sleep(kHealthPause);
    if (!rested.has_value()) co_return rested;
    if (deadline.HasPassed(base::SystemClock())) {
      co_return base::Fail(
          base::Error{.code = base::ErrorCode::kTimeout,
                      .message = fmt::format("service \"{}\" is not ready: {}", spec_.name, last),
                      .hint = LogHint()});
    }
  }
}

net::Task<base::Result<void>> ComposeService::MakeProbes(const Placement& placement) {
  Placement own = placement;
  own.service = spec_.name;
  probes_.clear();
  for (const ProbeSpec& spec : spec_.probes) {
    auto probe = Probe::Make(spec, own,
                             {.service = spec_.name,
                              .context = context_,
                              .log = log_.get(),
                              .environment = context_.inherited,
                              .directory = context_.run_directory.string()});
    if (!probe.has_value()) {
      co_return base::Fail(
          std::move(probe).error().While("reading a probe of service " + spec_.name));
    }
    probes_.push_back(std::move(*probe));
  }
  // What the log said before the probe was made counts too: the service runs already.
  if (!probes_.empty()) log_->SearchAgain();
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ComposeService::Each(std::vector<std::string> words,
                                                   base::Deadline deadline) {
  for (const Container& one : containers_) words.push_back(one.id);
  auto done = co_await engine_.Command(std::move(words), deadline);
  if (done.has_value()) co_return done;
  co_return base::Fail(std::move(done).error().While("controlling service " + spec_.name));
}

base::Result<void> ComposeService::RequireRunning() const {
  if (is_running()) return {};
  return base::Fail(base::ErrorCode::kConflict,
                    fmt::format("service \"{}\" is not running", spec_.name));
}

net::Task<base::Result<void>> ComposeService::Stop(base::Deadline deadline) {
  if (!is_running()) co_return base::Result<void>();
  const auto began = context_.clock.Steady();
  stopping_ = true;
  Report("stopping", {});
  const auto grace = std::chrono::ceil<std::chrono::seconds>(spec_.stop_grace).count();
  std::vector<std::string> words{"stop", "-t", std::to_string(grace)};
  if (state_ == ServiceState::kPaused) CO_TRY(co_await Resume(deadline));
  CO_TRY(co_await Each(std::move(words), deadline));
  (void)co_await all_ended_.Wait(deadline);
  state_ = ServiceState::kStopped;
  co_await ReportStopped(context_.clock.Steady() - began);
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ComposeService::Start(Placement& placement, base::Deadline deadline) {
  if (is_running()) {
    co_return base::Fail(base::ErrorCode::kConflict,
                         fmt::format("service \"{}\" is running already", spec_.name));
  }
  Report("starting", {});
  std::vector<std::string> words{"start"};
  CO_TRY(co_await Each(std::move(words), deadline));
  stopping_ = false;
  ended_.Reset();
  state_ = ServiceState::kStarting;
  for (size_t i = 0; i < containers_.size(); ++i) {
    CO_TRY(containers_[i], co_await engine_.Inspect(containers_[i].id, deadline));
    Report("started", {{"container", containers_[i].name},
                       {"pid", containers_[i].pid},
                       {"ports", PortsJson(containers_[i])}});
    Watch(i, containers_[i].started);
  }
  placement.services[spec_.name].ports = containers_.front().ports;
  co_return co_await AwaitReady(placement, deadline);
}

net::Task<base::Result<void>> ComposeService::Kill(base::Deadline deadline) {
  CO_TRY(RequireRunning());
  std::vector<std::string> words{"kill"};
  CO_TRY(co_await Each(std::move(words), deadline));
  if (std::ranges::none_of(containers_, &Container::comes_back)) {
    CO_TRY(co_await all_ended_.Wait(deadline));
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ComposeService::Pause(base::Deadline deadline) {
  CO_TRY(RequireRunning());
  std::vector<std::string> words{"pause"};
  CO_TRY(co_await Each(std::move(words), deadline));
  state_ = ServiceState::kPaused;
  Report("paused", {});
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ComposeService::Resume(base::Deadline deadline) {
  std::vector<std::string> words{"unpause"};
  CO_TRY(co_await Each(std::move(words), deadline));
  if (state_ == ServiceState::kPaused) state_ = ServiceState::kReady;
  Report("resumed", {});
  co_return base::Result<void>();
}

bool ComposeService::is_running() const {
  return !containers_.empty() && std::ranges::all_of(containers_, &Container::is_running);
}

ServiceStatus ComposeService::status() const {
  ServiceStatus status{.name = spec_.name,
                       .state = state_,
                       .restarts = restarts_,
                       .log_file = log_ ? log_->file().string() : "",
                       .directory = {}};
  if (containers_.empty()) return status;
  status.ports = containers_.front().ports;
  if (containers_.front().is_running()) status.pid = containers_.front().pid;
  return status;
}

net::Task<void> ComposeService::ReportStopped(base::Duration duration) {
  if (collecting_ != 0) (void)co_await output_ended_.Wait(After(kOutputLag));
  boost::json::object data{{"duration_ns", duration.count()}};
  if (!containers_.empty()) data["exit_code"] = containers_.front().exit_code;
  std::vector<std::string> blobs;
  if (context_.blobs != nullptr && log_ != nullptr) {
    auto name = context_.blobs->Put(log_->Contents());
    if (name.has_value()) {
      data["log"] = *name;
      blobs.push_back(std::move(*name));
    } else {
      data["error"] = name.error().ToString();
    }
  }
  if (log_ != nullptr && log_->dropped_bytes() > 0) data["log_bytes_lost"] = log_->dropped_bytes();
  Report("stopped", std::move(data), std::move(blobs));
}

base::Error ComposeService::EndedEarly(const Container& container) const {
  return {.code = base::ErrorCode::kUnavailable,
          .message = fmt::format("service \"{}\" {} before it was ready", spec_.name,
                                 DescribeEnd(container)),
          .hint = LogHint()};
}

std::string ComposeService::LogHint() const {
  return fmt::format("its log is {}; the last lines:\n{}", log_->file().string(),
                     fmt::join(log_->Tail(kTailLines), "\n"));
}

void ComposeService::Report(std::string_view what, boost::json::object data,
                            std::vector<std::string> blobs) const {
  context_.sink(fmt::format("environment.service.{}", what), spec_.name, std::move(data),
                std::move(blobs));
}

}  // namespace assay::environment
