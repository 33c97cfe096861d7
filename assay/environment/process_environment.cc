#include "assay/environment/process_environment.h"

#include <algorithm>
#include <csignal>
#include <ranges>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/environment/endpoints.h"
#include "assay/environment/small_disk.h"
#include "lib/net/gather.h"
#include "lib/net/runtime.h"

namespace assay::environment {

namespace {

/// Ports need not be reproducible, only different between runs.
uint64_t PortSeed(const EnvironmentContext& context, const std::string& name) {
  return base::StableHash(context.run_directory.string() + name,
                          static_cast<uint64_t>(context.clock.Now().time_since_epoch().count()) ^
                              static_cast<uint64_t>(::getpid()));
}

}  // namespace

ProcessEnvironment::ProcessEnvironment(EnvironmentSpec spec, EnvironmentContext context,
                                       std::vector<size_t> order)
    : spec_(std::move(spec)),
      context_(std::move(context)),
      order_(std::move(order)),
      pool_(PortSeed(context_, spec_.name)),
      tasks_(context_.executor, [this](const base::Error& error) {
        context_.sink("environment.failed", spec_.name, {{"error", error.ToString()}}, {});
      }) {
  for (const ServiceSpec& service : spec_.services) {
    services_.push_back(std::make_unique<Service>(service, context_, tasks_));
  }
}

net::Task<base::Result<void>> ProcessEnvironment::Start(base::Deadline deadline) {
  const auto began = context_.clock.Steady();
  context_.sink("environment.starting", spec_.name,
                {{"name", spec_.name}, {"type", "process"}, {"profile", spec_.profile}}, {});
  deadline = deadline.Earlier(base::Deadline::After(spec_.start_timeout));
  auto outcome = co_await Settle(deadline);
  if (outcome.has_value()) outcome = co_await StartServices(deadline);
  if (outcome.has_value()) outcome = ResolveEndpoints();
  co_return ReportStart(context_, spec_.name, endpoints_, context_.clock.Steady() - began,
                        std::move(outcome));
}

net::Task<base::Result<void>> ProcessEnvironment::Settle(base::Deadline deadline) {
  data_directory_ = context_.run_directory / "environment" / spec_.name;
  if (!context_.keep_files) CO_TRY(co_await context_.guardian->Own(data_directory_, deadline));
  const std::filesystem::path logs = context_.run_directory / "logs";
  CO_TRY(MakeFolder(logs));
  placement_.links = context_.links;
  for (const auto& service : services_) {
    const std::string& name = service->spec().name;
    ServicePlace place{.directory = data_directory_ / name, .ports = {}};
    CO_TRY(MakeFolder(place.directory));
    if (service->spec().disk_bytes) {
      CO_TRY(co_await MountDisk(place.directory, *service->spec().disk_bytes, context_, name));
    }
    CO_TRY(service->Settle(place, pool_, logs / fmt::format("{}.{}.log", spec_.name, name)));
    placement_.services[name] = std::move(place);
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ProcessEnvironment::StartServices(base::Deadline deadline) {
  std::vector<net::Task<base::Result<void>>> starts;
  starts.reserve(services_.size());
  for (size_t i = 0; i < services_.size(); ++i) starts.push_back(StartOne(i, deadline));
  const auto outcomes = co_await net::WhenAll(std::move(starts));
  // The first in the order of dependencies is the cause of the others.
  for (const size_t index : order_) {
    const Service& service = *services_[index];
    if (service.spec().optional) continue;
    if (!outcomes[index].has_value()) co_return outcomes[index];
    if (!service.is_running() && !service.completed()) {
      co_return base::Fail(base::ErrorCode::kUnavailable,
                           fmt::format("service \"{}\" {} while the environment started",
                                       service.spec().name, service.DescribeExit()));
    }
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ProcessEnvironment::StartOne(size_t index, base::Deadline deadline) {
  auto waited = co_await AwaitDependencies(index, deadline);
  if (!waited.has_value()) {
    services_[index]->GiveUp();
    co_return waited;
  }
  auto started = co_await services_[index]->Start(placement_, pool_, deadline);
  if (!started.has_value()) services_[index]->GiveUp();
  co_return started;
}

net::Task<base::Result<void>> ProcessEnvironment::AwaitDependencies(size_t index,
                                                                    base::Deadline deadline) {
  const ServiceSpec& spec = spec_.services[index];
  for (const DependencySpec& dependency : spec.depends_on) {
    CO_TRY(Service * other, FindService(dependency.service));
    const bool until_completed = dependency.condition == StartCondition::kCompleted;
    net::Event& event = dependency.condition == StartCondition::kStarted ? other->started()
                        : until_completed                                ? other->settled_exit()
                                                                         : other->ready();
    CO_TRY(co_await event.Wait(deadline));
    if (other->failed() || (until_completed && !other->completed())) {
      co_return base::Fail(
          base::ErrorCode::kUnavailable,
          fmt::format("service \"{}\" was not started, because \"{}\", on which it depends, {}",
                      spec.name, dependency.service,
                      until_completed && !other->failed() ? other->DescribeExit() : "failed"));
    }
  }
  co_return base::Result<void>();
}

base::Result<void> ProcessEnvironment::ResolveEndpoints() {
  TRY(endpoints_, CompleteEndpoints(spec_, placement_));
  return {};
}

net::Task<base::Result<void>> ProcessEnvironment::Stop(base::Deadline deadline) {
  return net::Shielded(StopAll(deadline));
}

net::Task<base::Result<void>> ProcessEnvironment::StopAll(base::Deadline deadline) {
  const auto began = context_.clock.Steady();
  context_.sink("environment.stopping", spec_.name, {{"name", spec_.name}}, {});
  base::Result<void> outcome;
  for (const size_t index : order_ | std::views::reverse) {
    auto stopped = co_await services_[index]->Stop(deadline);
    if (!stopped.has_value() && outcome.has_value()) outcome = std::move(stopped);
  }
  co_await tasks_.Shutdown(base::Deadline::After(std::chrono::milliseconds(100)));
  const base::Duration took = context_.clock.Steady() - began;
  boost::json::object facts{{"name", spec_.name}, {"duration_ns", took.count()}};
  if (!outcome.has_value()) facts["error"] = outcome.error().ToString();
  context_.sink("environment.stopped", spec_.name, std::move(facts), {});
  co_return outcome;
}

net::Task<base::Result<void>> ProcessEnvironment::Control(std::string service,
                                                          ServiceCommand command,
                                                          base::Deadline deadline) {
  CO_TRY(Service * target, FindService(service));
  switch (command) {
    case ServiceCommand::kStop:
      co_return co_await target->Stop(deadline);
    case ServiceCommand::kKill:
      co_return co_await target->Signal(SIGKILL, SignalScope::kTree, deadline);
    case ServiceCommand::kPause:
      co_return co_await target->Pause(deadline);
    case ServiceCommand::kResume:
      co_return co_await target->Resume(deadline);
    case ServiceCommand::kRestart:
      CO_TRY(co_await target->Stop(deadline));
      break;
    case ServiceCommand::kStart:
      break;
  }
  if (target->is_running()) {
    co_return base::Fail(base::ErrorCode::kConflict,
                         fmt::format("service \"{}\" is running already", service));
  }
  co_return co_await target->Start(placement_, pool_, deadline);
}

std::vector<ServiceStatus> ProcessEnvironment::services() const {
  std::vector<ServiceStatus> all;
  for (const auto& service : services_) {
    all.push_back(service->status());
    const auto place = placement_.services.find(all.back().name);
    if (place == placement_.services.end()) continue;
    all.back().directory = place->second.directory;
    all.back().ports = place->second.ports;
  }
  return all;
}

base::Result<std::string> ProcessEnvironment::Log(std::string_view service) const {
  TRY(Service * found, FindService(service));
  if (found->log() != nullptr) return found->log()->Contents();
  return base::Fail(base::ErrorCode::kNotFound,
                    fmt::format("service \"{}\" was not started yet", service));
}

base::Result<Service*> ProcessEnvironment::FindService(std::string_view name) const {
  return FindByName(services_, spec_.name, name);
}

}  // namespace assay::environment
