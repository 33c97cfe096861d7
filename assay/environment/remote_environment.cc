#include "assay/environment/remote_environment.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/environment/compose/compose_environment.h"
#include "assay/environment/kubernetes/kubernetes_environment.h"
#include "assay/environment/probe.h"
#include "assay/environment/process_environment.h"

namespace assay::environment {

net::Task<base::Result<void>> RemoteEnvironment::Start(base::Deadline deadline) {
  const auto began = context_.clock.Steady();
  context_.sink("environment.starting", spec_.name,
                {{"name", spec_.name}, {"type", "remote"}, {"profile", spec_.profile}}, {});
  auto outcome = co_await ProbeAll(deadline.Earlier(base::Deadline::After(spec_.start_timeout)));
  const base::Duration took = context_.clock.Steady() - began;
  boost::json::object facts{{"name", spec_.name}, {"duration_ns", took.count()}};
  ready_ = outcome.has_value();
  if (!ready_) facts["error"] = outcome.error().ToString();
  context_.sink(ready_ ? "environment.ready" : "environment.failed", spec_.name, std::move(facts),
                {});
  if (ready_) co_return outcome;
  co_return base::Fail(
      std::move(outcome).error().While(fmt::format("reaching environment {}", spec_.name)));
}

net::Task<base::Result<void>> RemoteEnvironment::ProbeAll(base::Deadline deadline) {
  endpoints_.clear();
  for (const EndpointSpec& endpoint : spec_.endpoints) {
    CO_TRY(std::string url, endpoint.url({}));
    endpoints_.push_back({endpoint.name, std::move(url)});
  }
  net::Event never;
  for (const ServiceSpec& service : spec_.services) {
    for (const ProbeSpec& spec : service.probes) {
      CO_TRY(Probe probe, Probe::Make(spec, {},
                                      {.service = service.name,
                                       .context = context_,
                                       .environment = context_.inherited,
                                       .directory = context_.run_directory.string()}));
      auto ready = co_await probe.WaitReady(never, deadline);
      if (!ready.has_value() && !service.optional) {
        base::Error error = std::move(ready).error();
        error.message = fmt::format("service \"{}\" is not ready: {}", service.name, error.message);
        error.hint = "check that the system runs and that the address in the environment is right";
        co_return base::Fail(std::move(error));
      }
    }
    context_.sink("environment.service.ready", service.name, {}, {});
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> RemoteEnvironment::Stop(base::Deadline) {
  context_.sink("environment.stopped", spec_.name, {{"name", spec_.name}}, {});
  ready_ = false;
  co_return base::Result<void>();
}

net::Task<base::Result<void>> RemoteEnvironment::Control(std::string service,
                                                         ServiceCommand command, base::Deadline) {
  co_return base::Fail(base::Error{
      .code = base::ErrorCode::kUnsupported,
      .message = fmt::format("cannot {} service \"{}\" of environment \"{}\", which is remote",
                             ToString(command), service, spec_.name),
      .hint = "run the scenario in an environment of type process"});
}

std::vector<ServiceStatus> RemoteEnvironment::services() const {
  std::vector<ServiceStatus> all;
  for (const ServiceSpec& service : spec_.services) {
    all.push_back({.name = service.name,
                   .state = ready_ ? ServiceState::kReady : ServiceState::kIdle,
                   .log_file = {},
                   .directory = {}});
  }
  return all;
}

base::Result<std::string> RemoteEnvironment::Log(std::string_view service) const {
  return base::Fail(base::ErrorCode::kUnsupported,
                    fmt::format("the log of remote service \"{}\" is not captured", service));
}

std::string_view ToString(ServiceCommand command) {
  switch (command) {
    case ServiceCommand::kStop:
      return "stop";
    case ServiceCommand::kStart:
      return "start";
    case ServiceCommand::kRestart:
      return "restart";
    case ServiceCommand::kKill:
      return "kill";
    case ServiceCommand::kPause:
      return "pause";
    case ServiceCommand::kResume:
      return "resume";
  }
  return "?";
}

std::string_view ToString(ServiceState state) {
  switch (state) {
    case ServiceState::kIdle:
      return "idle";
    case ServiceState::kStarting:
      return "starting";
    case ServiceState::kReady:
      return "ready";
    case ServiceState::kPaused:
      return "paused";
    case ServiceState::kStopped:
      return "stopped";
    case ServiceState::kExited:
      return "exited";
    case ServiceState::kFailed:
      return "failed";
  }
  return "?";
}

base::Result<std::unique_ptr<Environment>> MakeEnvironment(EnvironmentSpec spec,
                                                           EnvironmentContext context) {
  TRY(std::vector<size_t> order, StartOrder(spec.services));
  if (context.guardian == nullptr && spec.type != EnvironmentType::kRemote) {
    return base::Fail(base::ErrorCode::kInternal,
                      "an environment needs a guardian, nothing may run without one");
  }
  switch (spec.type) {
    case EnvironmentType::kProcess:
      return std::make_unique<ProcessEnvironment>(std::move(spec), std::move(context),
                                                  std::move(order));
    case EnvironmentType::kRemote:
      return std::make_unique<RemoteEnvironment>(std::move(spec), std::move(context));
    case EnvironmentType::kCompose:
      return std::make_unique<ComposeEnvironment>(std::move(spec), std::move(context));
    case EnvironmentType::kKubernetes:
      return std::make_unique<KubernetesEnvironment>(std::move(spec), std::move(context));
  }
  return base::Fail(base::ErrorCode::kInternal, "an environment has an unknown type");
}

}  // namespace assay::environment
