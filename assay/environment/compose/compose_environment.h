#pragma once
// Services are the containers of compose files, under a project name that no other run has.

#include <memory>
#include <string>
#include <vector>

#include "assay/environment/compose/compose_service.h"
#include "assay/environment/compose/engine.h"
#include "assay/environment/environment.h"
#include "lib/net/task_group.h"

namespace assay::environment {

/// Before anything is started the guardian knows how to remove all that the project has. Logs are
/// `<run>/logs/<name>.<service>.log`, and `<run>/logs/<name>.compose.log` of the program itself.
class ComposeEnvironment final : public Environment {
 public:
  ComposeEnvironment(EnvironmentSpec spec, EnvironmentContext context);

  const EnvironmentSpec& spec() const override { return spec_; }
  net::Task<base::Result<void>> Start(base::Deadline deadline) override;
  net::Task<base::Result<void>> Stop(base::Deadline deadline) override;
  std::vector<Endpoint> endpoints() const override { return endpoints_; }
  net::Task<base::Result<void>> Control(std::string service, ServiceCommand command,
                                        base::Deadline deadline) override;
  std::vector<ServiceStatus> services() const override;
  base::Result<std::string> Log(std::string_view service) const override;

 private:
  net::Task<base::Result<void>> Prepare(base::Deadline deadline);
  net::Task<base::Result<void>> BringUp(base::Deadline deadline);
  net::Task<base::Result<void>> Compose(std::vector<std::string> words, base::Deadline deadline);
  net::Task<base::Result<void>> Discover(base::Deadline deadline);
  base::Result<void> Adopt(std::vector<Container> containers);
  net::Task<base::Result<void>> AwaitServices(base::Deadline deadline);
  base::Result<void> ResolveEndpoints();
  net::Task<base::Result<void>> StopAll(base::Deadline deadline);
  net::Task<base::Result<void>> Remove(base::Deadline deadline);
  base::Result<ComposeService*> FindService(std::string_view name) const;

  EnvironmentSpec spec_;
  EnvironmentContext context_;
  net::TaskGroup tasks_;
  std::unique_ptr<ContainerEngine> engine_;
  std::unique_ptr<LogCapture> compose_log_;
  std::string project_;
  std::optional<CleanupId> cleanup_;
  std::vector<std::unique_ptr<ComposeService>> services_;
  Placement placement_;
  std::vector<Endpoint> endpoints_;
};

}  // namespace assay::environment
