#include "assay/environment/compose/compose_environment.h"

#include <algorithm>
#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <re2/re2.h>

#include "assay/environment/endpoints.h"
#include "lib/base/suggest.h"
#include "lib/net/gather.h"
#include "lib/net/runtime.h"

namespace assay::environment {

namespace {

constexpr base::Duration kCallLimit = std::chrono::seconds(30);
/// Containers that ignore their stop signal are killed after it.
constexpr const char* kStopGraceSeconds = "10";

}  // namespace

ComposeEnvironment::ComposeEnvironment(EnvironmentSpec spec, EnvironmentContext context)
    : spec_(std::move(spec)),
      context_(std::move(context)),
      tasks_(context_.executor, [this](const base::Error& error) {
        context_.sink("environment.failed", spec_.name, {{"error", error.ToString()}}, {});
      }) {}

net::Task<base::Result<void>> ComposeEnvironment::Start(base::Deadline deadline) {
  const auto began = context_.clock.Steady();
  context_.sink("environment.starting", spec_.name,
                {{"name", spec_.name}, {"type", "compose"}, {"profile", spec_.profile}}, {});
  deadline = deadline.Earlier(base::Deadline::After(spec_.start_timeout));
  auto outcome = co_await Prepare(deadline);
  if (outcome.has_value()) outcome = co_await BringUp(deadline);
  if (outcome.has_value()) outcome = co_await Discover(deadline);
  if (outcome.has_value()) outcome = co_await AwaitServices(deadline);
  if (outcome.has_value()) outcome = ResolveEndpoints();
  co_return ReportStart(context_, spec_.name, endpoints_, context_.clock.Steady() - began,
                        std::move(outcome));
}

net::Task<base::Result<void>> ComposeEnvironment::Prepare(base::Deadline deadline) {
  const std::filesystem::path logs = context_.run_directory / "logs";
  CO_TRY(MakeFolder(logs));
  placement_.links = context_.links;
  CO_TRY(compose_log_, LogCapture::Create(logs / fmt::format("{}.compose.log", spec_.name),
                                          context_.log_limit_bytes));
  ToolSetting setting{.run = context_.guardian->run(),
                      .environment = context_.inherited,
                      .directory = context_.run_directory.string()};
  for (const auto& [name, late] : spec_.compose.environment) {
    CO_TRY(const std::string value, late(placement_));
    process::SetVariable(setting.environment, name, value);
  }
  CO_TRY(ComposeTool tool, co_await ChooseComposeTool(setting, spec_.compose.command, deadline));
  project_ = ProjectName(spec_.compose.project.empty() ? spec_.name : spec_.compose.project,
                         context_.guardian->run());
  CleanupCommand sweep = SweepProject(tool, project_, CleanupEnvironment(context_.inherited));
  engine_ = std::make_unique<ContainerEngine>(std::move(tool), std::move(setting));
  CO_TRY(cleanup_, co_await context_.guardian->OwnCleanup(std::move(sweep), deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ComposeEnvironment::BringUp(base::Deadline deadline) {
  std::vector<std::string> build{"build"};
  CO_TRY(co_await Compose(std::move(build), deadline));
  std::vector<std::string> up{"up", "-d"};
  CO_TRY(co_await Compose(std::move(up), deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ComposeEnvironment::Compose(std::vector<std::string> words,
                                                          base::Deadline deadline) {
  std::vector<std::string> argv = engine_->tool().compose;
  argv.insert(argv.end(), {"-p", project_});
  for (const std::string& file : spec_.compose.files) argv.insert(argv.end(), {"-f", file});
  argv.insert(argv.end(), words.begin(), words.end());
  ToolCall call = engine_->setting().Call(std::move(argv));
  call.on_output = [this](std::string_view text) { (void)compose_log_->Append(text); };
  auto done = co_await CallToolOrFail(std::move(call), deadline);
  // podman-compose 1.0 goes on after a container that could not be made, and exits with 0.
  static const re2::RE2 failed_inside(R"((?m)^exit code: [1-9])");
  if (done.has_value() && words.front() != "stop" &&
      re2::RE2::PartialMatch(done->out + done->err, failed_inside)) {
    done = base::Fail(
        base::Error{.code = base::ErrorCode::kUnavailable,
                    .message = fmt::format("`{} {}` failed for a service",
                                           engine_->tool().compose.back(), words.front()),
                    .hint = "its last lines:\n" + done->Tail()});
  }
  if (!done.has_value()) co_return base::Fail(std::move(done).error());
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ComposeEnvironment::Discover(base::Deadline deadline) {
  CO_TRY(auto containers, co_await engine_->List(project_, deadline));
  co_return Adopt(std::move(containers));
}

// Services of the environment first, in its order, then those that only the compose files name.
base::Result<void> ComposeEnvironment::Adopt(std::vector<Container> containers) {
  std::map<std::string, std::vector<Container>> found;
  for (Container& one : containers) found[one.service].push_back(std::move(one));
  if (found.empty()) {
    return base::Fail(base::ErrorCode::kUnavailable, "the compose files started no container");
  }
  std::vector<std::string> names;
  for (const auto& [name, ignored] : found) names.push_back(name);
  std::vector<ServiceSpec> specs = spec_.services;
  for (const std::string& name : names) {
    if (std::ranges::find(specs, name, &ServiceSpec::name) == specs.end()) {
      specs.push_back({.name = name});
    }
  }
  for (ServiceSpec& spec : specs) {
    if (!found.contains(spec.name)) {
      if (spec.optional) continue;
      return base::Fail(base::Error{
          .code = base::ErrorCode::kNotFound,
          .message =
              fmt::format("the compose files made no container of service \"{}\"", spec.name),
          .hint = base::SuggestionFor(spec.name, names)});
    }
    const std::string name = spec.name;
    std::vector<Container>& own = found[name];
    placement_.services[name] = {.directory = {}, .ports = own.front().ports};
    services_.push_back(
        std::make_unique<ComposeService>(std::move(spec), context_, *engine_, tasks_));
    TRY(services_.back()->Adopt(std::move(own), context_.run_directory / "logs" /
                                                    fmt::format("{}.{}.log", spec_.name, name)));
  }
  return {};
}

net::Task<base::Result<void>> ComposeEnvironment::AwaitServices(base::Deadline deadline) {
  std::vector<net::Task<base::Result<void>>> waits;
  waits.reserve(services_.size());
  for (const auto& service : services_) waits.push_back(service->AwaitReady(placement_, deadline));
  auto outcomes = co_await net::WhenAll(std::move(waits));
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].has_value()) continue;
    context_.sink("environment.service.failed", services_[i]->spec().name,
                  {{"error", outcomes[i].error().ToString()}}, {});
    if (!services_[i]->spec().optional) co_return std::move(outcomes[i]);
  }
  co_return base::Result<void>();
}

base::Result<void> ComposeEnvironment::ResolveEndpoints() {
  TRY(endpoints_, CompleteEndpoints(spec_, placement_));
  return {};
}

net::Task<base::Result<void>> ComposeEnvironment::Stop(base::Deadline deadline) {
  return net::Shielded(StopAll(deadline));
}

net::Task<base::Result<void>> ComposeEnvironment::StopAll(base::Deadline deadline) {
  const auto began = context_.clock.Steady();
  context_.sink("environment.stopping", spec_.name, {{"name", spec_.name}}, {});
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

// `stop` ends the services in their order; then the project is swept. `down` would remove the
// containers as well, but leave networks, images and the volumes without a name with some programs.
// What cannot be removed stays with the guardian.
net::Task<base::Result<void>> ComposeEnvironment::Remove(base::Deadline deadline) {
  if (!cleanup_) co_return base::Result<void>();
  if (!services_.empty()) {
    std::vector<std::string> stop{"stop", "-t", kStopGraceSeconds};
    (void)co_await Compose(std::move(stop), deadline);
  }
  CleanupCommand sweep =
      SweepProject(engine_->tool(), project_, CleanupEnvironment(context_.inherited));
  ToolCall call = engine_->setting().Call(std::move(sweep.argv));
  call.on_output = [this](std::string_view text) { (void)compose_log_->Append(text); };
  CO_TRY(co_await CallToolOrFail(std::move(call),
                                 deadline.Earlier(base::Deadline::After(sweep.within))));
  CO_TRY(co_await context_.guardian->DisownCleanup(*cleanup_, base::Deadline::After(kCallLimit)));
  cleanup_.reset();
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ComposeEnvironment::Control(std::string service,
                                                          ServiceCommand command,
                                                          base::Deadline deadline) {
  CO_TRY(ComposeService * target, FindService(service));
  switch (command) {
    case ServiceCommand::kStop:
      co_return co_await target->Stop(deadline);
    case ServiceCommand::kKill:
      co_return co_await target->Kill(deadline);
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
  CO_TRY(co_await target->Start(placement_, deadline));
  co_return ResolveEndpoints();
}

std::vector<ServiceStatus> ComposeEnvironment::services() const {
  std::vector<ServiceStatus> all;
  all.reserve(services_.size());
  for (const auto& service : services_) all.push_back(service->status());
  return all;
}

base::Result<std::string> ComposeEnvironment::Log(std::string_view service) const {
  TRY(ComposeService * found, FindService(service));
  return found->log()->Contents();
}

base::Result<ComposeService*> ComposeEnvironment::FindService(std::string_view name) const {
  return FindByName(services_, spec_.name, name);
}

}  // namespace assay::environment
