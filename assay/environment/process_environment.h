#pragma once
// The embedded default: services are programs on this machine, started through the guardian.

#include <memory>
#include <string>
#include <vector>

#include "assay/environment/environment.h"
#include "assay/environment/ports.h"
#include "assay/environment/service.h"
#include "lib/net/task_group.h"

namespace assay::environment {

/// Data directories are `<run>/environment/<name>/<service>`, logs
/// `<run>/logs/<name>.<service>.log`.
class ProcessEnvironment final : public Environment {
 public:
  /// `order`: StartOrder of the services.
  ProcessEnvironment(EnvironmentSpec spec, EnvironmentContext context, std::vector<size_t> order);

  const EnvironmentSpec& spec() const override { return spec_; }
  net::Task<base::Result<void>> Start(base::Deadline deadline) override;
  net::Task<base::Result<void>> Stop(base::Deadline deadline) override;
  std::vector<Endpoint> endpoints() const override { return endpoints_; }
  net::Task<base::Result<void>> Control(std::string service, ServiceCommand command,
                                        base::Deadline deadline) override;
  std::vector<ServiceStatus> services() const override;
  base::Result<std::string> Log(std::string_view service) const override;

 private:
  net::Task<base::Result<void>> Settle(base::Deadline deadline);
  net::Task<base::Result<void>> StartServices(base::Deadline deadline);
  net::Task<base::Result<void>> StartOne(size_t index, base::Deadline deadline);
  net::Task<base::Result<void>> AwaitDependencies(size_t index, base::Deadline deadline);
  net::Task<base::Result<void>> StopAll(base::Deadline deadline);
  base::Result<Service*> FindService(std::string_view name) const;
  base::Result<void> ResolveEndpoints();

  EnvironmentSpec spec_;
  EnvironmentContext context_;
  std::vector<size_t> order_;
  PortPool pool_;
  Placement placement_;
  std::vector<Endpoint> endpoints_;
  net::TaskGroup tasks_;
  std::vector<std::unique_ptr<Service>> services_;  ///< in the order of the specification
  std::filesystem::path data_directory_;
};

}  // namespace assay::environment
