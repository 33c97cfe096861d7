#pragma once
// A system that somebody else runs: its endpoints are given, its services are only probed.

#include <string>
#include <vector>

#include "assay/environment/environment.h"

namespace assay::environment {

/// Starts and stops nothing; service commands are kUnsupported.
class RemoteEnvironment final : public Environment {
 public:
  RemoteEnvironment(EnvironmentSpec spec, EnvironmentContext context)
      : spec_(std::move(spec)), context_(std::move(context)) {}

  const EnvironmentSpec& spec() const override { return spec_; }
  net::Task<base::Result<void>> Start(base::Deadline deadline) override;
  net::Task<base::Result<void>> Stop(base::Deadline deadline) override;
  std::vector<Endpoint> endpoints() const override { return endpoints_; }
  net::Task<base::Result<void>> Control(std::string service, ServiceCommand command,
                                        base::Deadline deadline) override;
  std::vector<ServiceStatus> services() const override;
  base::Result<std::string> Log(std::string_view service) const override;

 private:
  net::Task<base::Result<void>> ProbeAll(base::Deadline deadline);

  EnvironmentSpec spec_;
  EnvironmentContext context_;
  std::vector<Endpoint> endpoints_;
  bool ready_ = false;
};

}  // namespace assay::environment
