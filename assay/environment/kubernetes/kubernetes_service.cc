#include "assay/environment/kubernetes/kubernetes_service.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/base/clock.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace assay::environment {

namespace {

constexpr size_t kTailLines = 20;
constexpr base::Duration kPollPause = std::chrono::milliseconds(300);
/// How long output may lag behind the end of a container.
constexpr base::Duration kOutputLag = std::chrono::seconds(2);
/// How long a controller may take to make pods that are ready again.
constexpr base::Duration kRecoveryLimit = std::chrono::minutes(5);

bool IsGood(const Pod& pod) { return pod.is_ready && !pod.is_leaving; }

}  // namespace

KubernetesService::KubernetesService(ServiceSpec spec, Workload workload,
                                     const EnvironmentContext& context, const Cluster& cluster,
                                     net::TaskGroup& tasks)
    : spec_(std::move(spec)),
      workload_(std::move(workload)),
      context_(context),
      cluster_(cluster),
      tasks_(tasks),
      forward_(cluster),
      replicas_(workload_.replicas) {}

base::Result<void> KubernetesService::Settle(const std::filesystem::path& log, PortPool& pool,
                                             ServicePlace& place) {
  TRY(log_, LogCapture::Create(log, context_.log_limit_bytes));
  std::vector<uint16_t> numbers;
  if (workload_.kind != WorkloadKind::kJob) {
    for (const ContainerPort& port : workload_.ports) numbers.push_back(port.number);
  }
  TRY(forward_.Settle(numbers, pool));
  for (size_t i = 0; i < numbers.size(); ++i) {
    ports_.emplace_back(std::to_string(numbers[i]), forward_.ports()[i].first);
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    const std::string& name = workload_.ports[i].name;
    if (!name.empty()) ports_.emplace_back(name, forward_.ports()[i].first);
  }
  place.ports = ports_;
  state_ = ServiceState::kStarting;
  boost::json::object ports;
  for (const auto& [name, number] : ports_) ports[name] = number;
  Report("started", {{"workload", workload_.id()}, {"ports", std::move(ports)}});
  tasks_.Spawn(forward_.Supervise());
  return {};
}

void KubernetesService::See(const PodEvent& event) {
  if (event.is_gone) {
    Lose(event.pod.uid);
  } else {
    pods_[event.pod.uid] = event.pod;
    for (const ContainerStatus& one : event.pod.containers) SeeContainer(event.pod, one);
  }
  AimForward();
  pods_changed_.Set();
}

void KubernetesService::KeepOnly(const std::vector<Pod>& pods) {
  std::vector<std::string> gone;
  for (const auto& [uid, pod] : pods_) {
    if (std::ranges::find(pods, uid, &Pod::uid) == pods.end()) gone.push_back(uid);
  }
  for (const std::string& uid : gone) Lose(uid);
  AimForward();
  pods_changed_.Set();
}

void KubernetesService::SeeContainer(const Pod& pod, const ContainerStatus& container) {
  const Life life{pod.uid, container.name, container.restarts};
  // A container that waits for its restart still counts as in the life that has ended.
  const bool is_waiting = container.state == "waiting";
  if (is_waiting && !container.has_ended) return;
  // The end of the life before may have been told together with its restart.
  if (!is_waiting && container.has_ended && container.restarts > 0) {
    ReportEnd(pod, {pod.uid, container.name, container.restarts - 1}, container.last_exit_code);
  }
  if (followed_.insert(life).second) {
    ++collecting_;
    output_ended_.Reset();
    tasks_.Spawn(Collect(pod.name, life));
  }
  if (is_waiting) ReportEnd(pod, life, container.last_exit_code);
  if (container.state == "terminated") ReportEnd(pod, life, container.exit_code);
}

void KubernetesService::ReportEnd(const Pod& pod, const Life& life, int exit_code) {
  if (!reported_ends_.insert(life).second) return;
  // A container that prepares a pod, and that of a Job, ends with code 0 and does not run again.
  const bool is_wanted = stopping_ || pod.is_leaving || wanted_ends_.contains(pod.uid) ||
                         (exit_code == 0 && pod.phase != "Running");
  boost::json::object data{{"pod", pod.name},
                           {"container", std::get<1>(life)},
                           {"exit_code", exit_code},
                           {"wanted", is_wanted}};
  if (!is_wanted) {
    const auto tail = log_->Tail(kTailLines);
    data["log_tail"] = boost::json::array(tail.begin(), tail.end());
  }
  Report("exited", std::move(data));
  if (!is_wanted) Fall();
}

void KubernetesService::Lose(const std::string& uid) {
  const auto found = pods_.find(uid);
  if (found == pods_.end()) return;
  const Pod pod = std::move(found->second);
  pods_.erase(found);
  lost_restarts_ += pod.restarts();
  const bool is_wanted =
      stopping_ || wanted_ends_.contains(uid) || workload_.kind == WorkloadKind::kJob;
  wanted_ends_.erase(uid);
  if (is_wanted) return;
  ++lost_restarts_;  // another pod takes its place
  Report("exited", {{"pod", pod.name}, {"wanted", false}, {"error", "the pod is gone"}});
  Fall();
}

/// Something ended that was not to end.
void KubernetesService::Fall() {
  if (state_ != ServiceState::kReady) return;
  state_ = ServiceState::kExited;
  if (recovering_) return;
  recovering_ = true;
  tasks_.Spawn(Recover());
}

net::Task<void> KubernetesService::Recover() {
  const auto ready = co_await AwaitReady(base::Deadline::After(kRecoveryLimit));
  recovering_ = false;
  if (ready.has_value() || stopping_ || state_ != ServiceState::kExited) co_return;
  if (ready.error().code == base::ErrorCode::kCancelled) co_return;
  state_ = ServiceState::kFailed;
  Report("failed", {{"error", ready.error().ToString()}});
}

// A pod that is ready, the one that is aimed at already before others.
void KubernetesService::AimForward() {
  std::string best;
  for (const auto& [uid, pod] : pods_) {
    if (!IsGood(pod)) continue;
    if (best.empty() || pod.name == forward_.pod()) best = pod.name;
  }
  forward_.Aim(std::move(best));
}

bool KubernetesService::Runs(const Life& life) const {
  const auto& [uid, name, restarts] = life;
  const auto pod = pods_.find(uid);
  if (pod == pods_.end()) return false;
  return std::ranges::any_of(pod->second.containers, [&](const ContainerStatus& one) {
    return one.name == name && one.restarts == restarts && one.state == "running";
  });
}

net::Task<void> KubernetesService::Collect(std::string pod, Life life) {
  // Pods write at the same time: only whole lines go to the log.
  std::string line;
  std::string since;
  do {
    (void)co_await cluster_.FollowLog(pod, std::get<1>(life), since, [&](std::string_view text) {
      line += text;
      const size_t end = line.rfind('\n') + 1;
      if (end == 0) return;
      // A full disk must not stop the run; what is lost is lost.
      [[maybe_unused]] const auto kept = log_->Append(std::string_view(line).substr(0, end));
      line.erase(0, end);
      since = base::FormatRfc3339(context_.clock.Now());
    });
    // A server may end a call before the container ends, of which the watch tells a little later.
    if (!(co_await net::Sleep(kOutputLag / 2)).has_value()) break;
  } while (!stopping_ && Runs(life));
  if (!line.empty()) {
    [[maybe_unused]] const auto kept = log_->Append(line + "\n");
  }
  if (--collecting_ == 0) output_ended_.Set();
}

base::Result<bool> KubernetesService::Observe(Workload now) {
  workload_.replicas = now.replicas;
  workload_.is_complete = now.is_complete;
  workload_.progress = std::move(now.progress);
  workload_.problem = std::move(now.problem);
  if (workload_.is_complete && workload_.kind != WorkloadKind::kJob) {
    // A controller needs a moment to notice that a pod is gone; the watch knows already.
    const auto good =
        std::ranges::count_if(pods_, [](const auto& one) { return IsGood(one.second); });
    workload_.is_complete = good >= workload_.replicas;
    workload_.progress = fmt::format("{} of {} pods are ready", good, workload_.replicas);
  }
  if (workload_.is_complete) return true;
  std::string why = workload_.problem;
  for (const auto& [uid, pod] : pods_) {
    if (why.empty() && pod.is_hopeless()) why = fmt::format("pod {}, {}", pod.name, pod.Trouble());
  }
  if (why.empty()) return false;
  return base::Fail(base::Error{
      .code = base::ErrorCode::kUnavailable,
      .message = fmt::format("service \"{}\" does not become ready: {}", spec_.name, why),
      .hint = LogHint()});
}

base::Error KubernetesService::NotReady() const {
  std::vector<std::string> facts{workload_.progress};
  for (const auto& [uid, pod] : pods_) {
    const std::string trouble = pod.Trouble();
    if (!trouble.empty()) facts.push_back(fmt::format("pod {}, {}", pod.name, trouble));
  }
  return {
      .code = base::ErrorCode::kTimeout,
      .message = fmt::format("service \"{}\" is not ready: {}", spec_.name, fmt::join(facts, "; ")),
      .hint = LogHint()};
}

net::Task<base::Result<void>> KubernetesService::AwaitReady(base::Deadline deadline) {
  const int life = life_;
  while (life == life_) {
    auto now = co_await cluster_.Find(workload_.kind, workload_.name, deadline);
    if (!now.has_value() && now.error().code != base::ErrorCode::kUnavailable &&
        now.error().code != base::ErrorCode::kTimeout) {
      co_return base::Fail(std::move(now).error());
    }
    bool is_complete = false;
    if (now.has_value()) {
      CO_TRY(is_complete, Observe(std::move(*now)));
    }
    if (is_complete) co_return co_await AwaitReachable(placement_, deadline);
    if (deadline.HasPassed(base::SystemClock())) co_return base::Fail(NotReady());
    CO_TRY(co_await net::Sleep(kPollPause));
  }
  co_return base::Fail(Overtaken());
}

base::Error KubernetesService::Overtaken() const {
  return {.code = base::ErrorCode::kConflict,
          .message = fmt::format("service \"{}\" was stopped meanwhile", spec_.name)};
}

net::Task<base::Result<void>> KubernetesService::AwaitReachable(Placement placement,
                                                                base::Deadline deadline) {
  const auto began = context_.clock.Steady();
  const int life = life_;
  placement_ = std::move(placement);
  placement_.service = spec_.name;
  if (workload_.kind == WorkloadKind::kJob) {
    CO_TRY(co_await AwaitProbes(deadline));
    state_ = ServiceState::kExited;
    co_return base::Result<void>();
  }
  if (workload_.replicas > 0) {
    auto reached = co_await forward_.AwaitReady(deadline);
    if (!reached.has_value()) {
      base::Error error = std::move(reached).error();
      error.message = fmt::format("service \"{}\" is not ready: {}", spec_.name, error.message);
      co_return base::Fail(std::move(error));
    }
  }
  CO_TRY(co_await AwaitProbes(deadline));
  if (life != life_) co_return base::Fail(Overtaken());
  state_ = ServiceState::kReady;
  Report("ready", {{"pods", static_cast<int64_t>(pods_.size())},
                   {"duration_ns", (context_.clock.Steady() - began).count()}});
  co_return base::Result<void>();
}

net::Task<base::Result<void>> KubernetesService::AwaitProbes(base::Deadline deadline) {
  probes_.clear();
  for (const ProbeSpec& spec : spec_.probes) {
    auto probe = Probe::Make(spec, placement_,
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
  for (Probe& probe : probes_) {
    auto ready = co_await probe.WaitReady(never_, deadline);
    if (ready.has_value()) continue;
    base::Error error = std::move(ready).error();
    error.message = fmt::format("service \"{}\" is not ready: {}", spec_.name, error.message);
    error.hint = LogHint();
    co_return base::Fail(std::move(error));
  }
  co_return base::Result<void>();
}

void KubernetesService::ExpectEnd() {
  stopping_ = true;
  forward_.End();
}

net::Task<base::Result<void>> KubernetesService::AwaitPodsGone(std::set<std::string> uids,
                                                               base::Deadline deadline) {
  const auto is_there = [&](const std::string& uid) { return pods_.contains(uid); };
  while (std::ranges::any_of(uids, is_there)) {
    pods_changed_.Reset();
    CO_TRY(co_await pods_changed_.Wait(deadline));
  }
  co_return base::Result<void>();
}

std::set<std::string> KubernetesService::Uids() const {
  std::set<std::string> uids;
  for (const auto& [uid, pod] : pods_) uids.insert(uid);
  return uids;
}

net::Task<base::Result<void>> KubernetesService::Stop(base::Deadline deadline) {
  if (workload_.kind == WorkloadKind::kDaemonSet || workload_.kind == WorkloadKind::kJob) {
    co_return base::Fail(Unsupported("stop", "a cluster scales Deployments and StatefulSets only"));
  }
  if (state_ == ServiceState::kStopped) co_return base::Result<void>();
  const auto began = context_.clock.Steady();
  if (workload_.replicas > 0) replicas_ = workload_.replicas;
  wanted_ends_.merge(Uids());
  ++life_;
  state_ = ServiceState::kStopped;
  Report("stopping", {});
  CO_TRY(co_await cluster_.Scale(workload_.id(), 0, deadline));
  while (!pods_.empty()) CO_TRY(co_await AwaitPodsGone(Uids(), deadline));
  workload_.replicas = 0;
  co_await ReportStopped(context_.clock.Steady() - began);
  co_return base::Result<void>();
}

net::Task<base::Result<void>> KubernetesService::Start(base::Deadline deadline) {
  if (state_ == ServiceState::kReady) {
    co_return base::Fail(base::ErrorCode::kConflict,
                         fmt::format("service \"{}\" is running already", spec_.name));
  }
  if (workload_.kind == WorkloadKind::kJob) {
    co_return base::Fail(Unsupported("start", "a Job runs once"));
  }
  if (state_ == ServiceState::kStopped) {
    Report("starting", {});
    CO_TRY(co_await cluster_.Scale(workload_.id(), replicas_, deadline));
    state_ = ServiceState::kStarting;
  }
  co_return co_await AwaitReady(deadline);
}

net::Task<base::Result<void>> KubernetesService::Restart(base::Deadline deadline) {
  if (workload_.kind == WorkloadKind::kJob) {
    co_return base::Fail(Unsupported("restart", "a Job runs once"));
  }
  if (state_ == ServiceState::kStopped) co_return co_await Start(deadline);
  const std::set<std::string> before = Uids();
  wanted_ends_.insert(before.begin(), before.end());
  state_ = ServiceState::kStarting;
  Report("starting", {});
  CO_TRY(co_await cluster_.RestartRollout(workload_.id(), deadline));
  CO_TRY(co_await AwaitReady(deadline));
  co_return co_await AwaitPodsGone(before, deadline);
}

net::Task<base::Result<void>> KubernetesService::Kill(base::Deadline deadline) {
  const std::set<std::string> uids = Uids();
  if (uids.empty() || workload_.kind == WorkloadKind::kJob) {
    co_return base::Fail(base::ErrorCode::kConflict,
                         fmt::format("service \"{}\" is not running", spec_.name));
  }
  std::vector<std::string> names;
  for (const auto& [uid, pod] : pods_) names.push_back(pod.name);
  CO_TRY(co_await cluster_.KillPods(std::move(names), deadline));
  co_return co_await AwaitPodsGone(uids, deadline);
}

ServiceStatus KubernetesService::status() const {
  int64_t restarts = lost_restarts_;
  for (const auto& [uid, pod] : pods_) restarts += pod.restarts();
  return {.name = spec_.name,
          .state = state_,
          .restarts = static_cast<int>(restarts),
          .log_file = log_ ? log_->file().string() : "",
          .directory = {},
          .ports = ports_};
}

net::Task<void> KubernetesService::ReportStopped(base::Duration duration) {
  if (collecting_ != 0) (void)co_await output_ended_.Wait(base::Deadline::After(kOutputLag));
  boost::json::object data{{"duration_ns", duration.count()}};
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
  if (forward_.restarts() > 0) data["port_forward_restarts"] = forward_.restarts();
  Report("stopped", std::move(data), std::move(blobs));
}

base::Error KubernetesService::Unsupported(std::string_view what, std::string hint) const {
  return {.code = base::ErrorCode::kUnsupported,
          .message = fmt::format("cannot {} service \"{}\", which is a {}", what, spec_.name,
                                 ToString(workload_.kind)),
          .hint = std::move(hint)};
}

std::string KubernetesService::LogHint() const {
  return fmt::format("its log is {}; the last lines:\n{}", log_->file().string(),
                     fmt::join(log_->Tail(kTailLines), "\n"));
}

void KubernetesService::Report(std::string_view what, boost::json::object data,
                               std::vector<std::string> blobs) const {
  context_.sink(fmt::format("environment.service.{}", what), spec_.name, std::move(data),
                std::move(blobs));
}

}  // namespace assay::environment
