#include "assay/environment/kubernetes/kubernetes_environment.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "assay/environment/endpoints.h"
#include "lib/base/suggest.h"
#include "lib/net/gather.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace assay::environment {

namespace {

constexpr base::Duration kCallLimit = std::chrono::seconds(30);
constexpr base::Duration kPollPause = std::chrono::milliseconds(300);
constexpr base::Duration kWatchPause = std::chrono::milliseconds(500);
/// How long pods may take to end when the environment is stopped, and after a crash of Assay.
constexpr base::Duration kPodGrace = std::chrono::seconds(10);
constexpr base::Duration kCrashGrace = std::chrono::seconds(1);
/// A start asks several programs for each workload at once.
constexpr size_t kAtOnce = 8;

uint64_t PortSeed(const EnvironmentContext& context, const std::string& name) {
  return base::StableHash(context.run_directory.string() + name,
                          static_cast<uint64_t>(context.clock.Now().time_since_epoch().count()) ^
                              static_cast<uint64_t>(::getpid()));
}

/// Workloads of different kinds may have the same name; the later ones get their kind with it.
std::vector<std::string> NamesOf(const std::vector<Workload>& workloads) {
  std::vector<std::string> names;
  for (const Workload& one : workloads) {
    const bool is_taken = std::ranges::find(names, one.name) != names.end();
    names.push_back(is_taken ? fmt::format("{}.{}", one.name, ToString(one.kind)) : one.name);
  }
  return names;
}

}  // namespace

KubernetesEnvironment::KubernetesEnvironment(EnvironmentSpec spec, EnvironmentContext context)
    : spec_(std::move(spec)),
      context_(std::move(context)),
      tasks_(context_.executor,
             [this](const base::Error& error) {
               context_.sink("environment.failed", spec_.name, {{"error", error.ToString()}}, {});
             }),
      pool_(PortSeed(context_, spec_.name)) {}

net::Task<base::Result<void>> KubernetesEnvironment::Start(base::Deadline deadline) {
  const auto began = context_.clock.Steady();
  context_.sink("environment.starting", spec_.name,
                {{"name", spec_.name}, {"type", "kubernetes"}, {"profile", spec_.profile}}, {});
  deadline = deadline.Earlier(base::Deadline::After(spec_.start_timeout));
  auto outcome = co_await Prepare(deadline);
  if (outcome.has_value()) outcome = co_await MakeNamespace(deadline);
  if (outcome.has_value()) outcome = co_await Apply(deadline);
  if (outcome.has_value()) outcome = co_await Discover(deadline);
  if (outcome.has_value()) outcome = co_await AwaitRollouts(deadline);
  if (outcome.has_value()) outcome = co_await AwaitServices(deadline);
  if (outcome.has_value()) {
    auto endpoints = CompleteEndpoints(spec_, placement_);
    if (endpoints.has_value()) {
      endpoints_ = std::move(*endpoints);
    } else {
      outcome = base::Fail(std::move(endpoints).error());
    }
  }
  co_return ReportStart(context_, spec_.name, endpoints_, context_.clock.Steady() - began,
                        std::move(outcome));
}

net::Task<base::Result<void>> KubernetesEnvironment::Prepare(base::Deadline deadline) {
  const std::filesystem::path logs = context_.run_directory / "logs";
  CO_TRY(MakeFolder(logs));
  CO_TRY(log_, LogCapture::Create(logs / fmt::format("{}.kubernetes.log", spec_.name),
                                  context_.log_limit_bytes));
  ManifestVariables variables;
  for (const auto& [name, late] : spec_.kubernetes.variables) {
    CO_TRY(std::string value, late(placement_));
    variables.emplace_back(name, std::move(value));
  }
  CO_TRY(manifests_, ReadManifests(spec_.kubernetes.manifests, variables));
  CO_TRY(charts_, CompleteCharts());
  CO_TRY(co_await Connect(deadline));
  co_return co_await RefuseClusterWide(deadline);
}

base::Result<std::vector<ChartRelease>> KubernetesEnvironment::CompleteCharts() const {
  std::vector<ChartRelease> charts;
  for (const HelmChart& one : spec_.kubernetes.charts) {
    ChartRelease chart{.chart = one.chart,
                       .release = one.release,
                       .version = one.version,
                       .value_files = one.value_files,
                       .values = {}};
    TRY(chart.values, one.values(placement_));
    charts.push_back(std::move(chart));
  }
  return charts;
}

net::Task<base::Result<void>> KubernetesEnvironment::Connect(base::Deadline deadline) {
  ToolSetting setting{.run = context_.guardian->run(),
                      .environment = context_.inherited,
                      .directory = context_.run_directory.string()};
  ClusterAccess access{spec_.kubernetes.kubeconfig, spec_.kubernetes.context};
  const ClusterAnswer answer = co_await AskCluster(setting, access, deadline);
  if (!answer.problem.empty()) {
    const bool is_missing = answer.kubectl_version.empty();
    co_return base::Fail(base::Error{
        .code = is_missing ? base::ErrorCode::kNotFound : base::ErrorCode::kUnavailable,
        .message = answer.problem,
        .hint = is_missing ? "apt-get install kubernetes-client, or a newer kubectl"
                           : "`kubectl config get-contexts` lists the clusters that are known; "
                             "choose one by `context` and `kubeconfig`"});
  }
  access.context = answer.context;
  cluster_version_ = answer.version;
  const std::string& prefix = spec_.kubernetes.space.empty() ? spec_.name : spec_.kubernetes.space;
  cluster_ = std::make_unique<Cluster>(std::move(setting), std::move(access),
                                       NamespaceName(prefix, context_.guardian->run()));
  const std::string facts =
      fmt::format("kubectl {}, cluster {}, context {}, namespace {}\n", answer.kubectl_version,
                  answer.version, answer.context, cluster_->space());
  Note(facts);
  if (!charts_.empty()) CO_TRY(co_await RequireHelm(*cluster_, deadline));
  co_return base::Result<void>();
}

// Nothing would take such an object away when Assay is killed, and two runs would share it.
net::Task<base::Result<void>> KubernetesEnvironment::RefuseClusterWide(base::Deadline deadline) {
  std::vector<Manifest> all = manifests_;
  for (const ChartRelease& chart : charts_) {
    CO_TRY(std::string rendered,
           co_await RenderChart(*cluster_, chart, cluster_version_, deadline));
    all.push_back({fmt::format("chart {}", chart.chart), std::move(rendered)});
  }
  for (const Manifest& manifest : all) {
    auto found = co_await cluster_->FindClusterWide(manifest.text, deadline);
    if (!found.has_value()) {
      co_return base::Fail(std::move(found).error().While("reading " + manifest.file));
    }
    if (found->empty()) continue;
    co_return base::Fail(base::Error{
        .code = base::ErrorCode::kUnsupported,
        .message = fmt::format("{} makes what belongs to the whole cluster: {}", manifest.file,
                               fmt::join(*found, ", ")),
        .hint = "it would outlive the run's namespace: apply it once by hand, and leave it out"});
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> KubernetesEnvironment::MakeNamespace(base::Deadline deadline) {
  CO_TRY(cleanup_, co_await context_.guardian->OwnCleanup(cluster_->Sweep(kCrashGrace), deadline));
  CO_TRY(co_await cluster_->CreateNamespace(deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> KubernetesEnvironment::Apply(base::Deadline deadline) {
  for (const Manifest& manifest : manifests_) {
    auto applied = co_await cluster_->Apply(manifest.text, deadline);
    if (!applied.has_value()) {
      co_return base::Fail(std::move(applied).error().While("applying " + manifest.file));
    }
    Note(*applied);
  }
  for (const ChartRelease& chart : charts_) {
    auto installed = co_await InstallChart(*cluster_, chart, deadline);
    if (!installed.has_value()) {
      co_return base::Fail(
          std::move(installed).error().While("installing the chart " + chart.chart));
    }
    Note(*installed);
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> KubernetesEnvironment::Discover(base::Deadline deadline) {
  CO_TRY(ClusterObjects objects, co_await cluster_->List(deadline));
  CO_TRY(Adopt(std::move(objects.workloads)));
  tasks_.Spawn(WatchPods());
  co_return base::Result<void>();
}

// Services of the environment first, in its order, then the other workloads.
base::Result<void> KubernetesEnvironment::Adopt(std::vector<Workload> workloads) {
  if (workloads.empty()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "the manifests and charts make no Deployment, StatefulSet, DaemonSet or Job");
  }
  const std::vector<std::string> names = NamesOf(workloads);
  std::vector<ServiceSpec> specs = spec_.services;
  for (const std::string& name : names) {
    if (std::ranges::find(specs, name, &ServiceSpec::name) == specs.end()) {
      specs.push_back({.name = name});
    }
  }
  for (ServiceSpec& spec : specs) {
    const auto found = std::ranges::find(names, spec.name);
    if (found == names.end()) {
      if (spec.optional) continue;
      return base::Fail(base::Error{
          .code = base::ErrorCode::kNotFound,
          .message = fmt::format("the manifests and charts make no workload \"{}\"", spec.name),
          .hint = base::SuggestionFor(spec.name, names)});
    }
    const std::string name = spec.name;
    const auto log = context_.run_directory / "logs" / fmt::format("{}.{}.log", spec_.name, name);
    services_.push_back(std::make_unique<KubernetesService>(
        std::move(spec), workloads[static_cast<size_t>(found - names.begin())], context_, *cluster_,
        tasks_));
    TRY(services_.back()->Settle(log, pool_, placement_.services[name]));
  }
  return {};
}

net::Task<void> KubernetesEnvironment::WatchPods() {
  while (!ending_) {
    // What went while nobody watched is not told by the next watch.
    const auto objects = co_await cluster_->List(base::Deadline::After(kCallLimit));
    if (objects.has_value()) {
      for (const auto& service : services_) service->KeepOnly(objects->pods);
    }
    WatchReader reader;
    (void)co_await cluster_->WatchPods([&](std::string_view text) {
      for (const PodEvent& event : reader.Feed(text)) Dispatch(event);
    });
    if (!(co_await net::Sleep(kWatchPause)).has_value()) co_return;
  }
}

void KubernetesEnvironment::Dispatch(const PodEvent& event) {
  for (const auto& service : services_) {
    if (event.pod.belongs_to(service->workload())) service->See(event);
  }
}

/// An optional service that fails is reported, and is no failure.
base::Result<void> KubernetesEnvironment::Excuse(const KubernetesService& service,
                                                 base::Error error) {
  context_.sink("environment.service.failed", service.spec().name, {{"error", error.ToString()}},
                {});
  if (service.spec().optional) return {};
  return base::Fail(std::move(error));
}

net::Task<base::Result<void>> KubernetesEnvironment::AwaitRollouts(base::Deadline deadline) {
  while (true) {
    const auto objects = co_await cluster_->List(deadline);
    if (!objects.has_value() && objects.error().code == base::ErrorCode::kCancelled) {
      co_return base::Fail(objects.error());
    }
    KubernetesService* pending = objects.has_value() ? nullptr : services_.front().get();
    for (const auto& service : services_) {
      if (!objects.has_value() || std::ranges::find(failed_, service.get()) != failed_.end())
        continue;
      const auto now = std::ranges::find_if(objects->workloads, [&](const Workload& one) {
        return one.id() == service->workload().id();
      });
      auto is_complete =
          now == objects->workloads.end() ? base::Result<bool>(false) : service->Observe(*now);
      if (!is_complete.has_value()) {
        CO_TRY(Excuse(*service, std::move(is_complete).error()));
        failed_.push_back(service.get());
      } else if (!*is_complete) {
        pending = service.get();
      }
    }
    if (pending == nullptr) co_return base::Result<void>();
    if (deadline.HasPassed(base::SystemClock())) co_return base::Fail(pending->NotReady());
    CO_TRY(co_await net::Sleep(kPollPause));
  }
}

net::Task<base::Result<void>> KubernetesEnvironment::AwaitServices(base::Deadline deadline) {
  std::vector<KubernetesService*> up;
  std::vector<net::Task<base::Result<void>>> waits;
  for (const auto& service : services_) {
    if (std::ranges::find(failed_, service.get()) != failed_.end()) continue;
    up.push_back(service.get());
    waits.push_back(service->AwaitReachable(placement_, deadline));
  }
  auto outcomes = co_await net::WhenAll(std::move(waits), kAtOnce);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i].has_value()) CO_TRY(Excuse(*up[i], std::move(outcomes[i]).error()));
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> KubernetesEnvironment::Stop(base::Deadline deadline) {
  return net::Shielded(StopAll(deadline));
}

net::Task<base::Result<void>> KubernetesEnvironment::StopAll(base::Deadline deadline) {
  const auto began = context_.clock.Steady();
  context_.sink("environment.stopping", spec_.name, {{"name", spec_.name}}, {});
  ending_ = true;
  for (const auto& service : services_) service->ExpectEnd();
  const auto outcome = co_await Remove(deadline);
  for (const auto& service : services_) {
    co_await service->ReportStopped(context_.clock.Steady() - began);
  }
  co_await tasks_.Shutdown(base::Deadline::After(std::chrono::milliseconds(100)));
  const base::Duration took = context_.clock.Steady() - began;
  boost::json::object facts{{"name", spec_.name}, {"duration_ns", took.count()}};
  if (!outcome.has_value()) facts["error"] = outcome.error().ToString();
  context_.sink("environment.stopped", spec_.name, std::move(facts), {});
  co_return outcome;
}

// What cannot be removed stays with the guardian.
net::Task<base::Result<void>> KubernetesEnvironment::Remove(base::Deadline deadline) {
  if (!cleanup_) co_return base::Result<void>();
  CleanupCommand sweep = cluster_->Sweep(kPodGrace);
  const base::Duration within = sweep.within;
  ToolCall call = cluster_->setting().Call(std::move(sweep.argv));
  call.on_output = [this](std::string_view text) { Note(text); };
  CO_TRY(co_await CallToolOrFail(std::move(call), deadline.Earlier(base::Deadline::After(within))));
  CO_TRY(co_await context_.guardian->DisownCleanup(*cleanup_, base::Deadline::After(kCallLimit)));
  cleanup_.reset();
  co_return base::Result<void>();
}

net::Task<base::Result<void>> KubernetesEnvironment::Control(std::string service,
                                                             ServiceCommand command,
                                                             base::Deadline deadline) {
  CO_TRY(KubernetesService * target, FindService(service));
  switch (command) {
    case ServiceCommand::kStop:
      co_return co_await target->Stop(deadline);
    case ServiceCommand::kStart:
      co_return co_await target->Start(deadline);
    case ServiceCommand::kRestart:
      co_return co_await target->Restart(deadline);
    case ServiceCommand::kKill:
      co_return co_await target->Kill(deadline);
    case ServiceCommand::kPause:
    case ServiceCommand::kResume:
      break;
  }
  co_return base::Fail(base::Error{
      .code = base::ErrorCode::kUnsupported,
      .message = fmt::format("cannot {} service \"{}\": a cluster has no way to hold a pod still",
                             ToString(command), service),
      .hint = "stop or kill it, or run the scenario in an environment of type process or compose"});
}

std::vector<ServiceStatus> KubernetesEnvironment::services() const {
  std::vector<ServiceStatus> all;
  all.reserve(services_.size());
  for (const auto& service : services_) all.push_back(service->status());
  return all;
}

base::Result<std::string> KubernetesEnvironment::Log(std::string_view service) const {
  TRY(KubernetesService * found, FindService(service));
  return found->log()->Contents();
}

base::Result<KubernetesService*> KubernetesEnvironment::FindService(std::string_view name) const {
  return FindByName(services_, spec_.name, name);
}

void KubernetesEnvironment::Note(std::string_view text) {
  // A full disk must not stop the run; what is lost is lost.
  [[maybe_unused]] const auto kept = log_->Append(text);
}

}  // namespace assay::environment
