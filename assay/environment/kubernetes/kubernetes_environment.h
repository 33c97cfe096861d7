#pragma once
// Services are the workloads that manifests and charts make in a namespace of the run's own.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assay/environment/environment.h"
#include "assay/environment/kubernetes/cluster.h"
#include "assay/environment/kubernetes/helm.h"
#include "assay/environment/kubernetes/kubernetes_service.h"
#include "assay/environment/kubernetes/manifests.h"
#include "assay/environment/ports.h"
#include "lib/net/task_group.h"

namespace assay::environment {

/// Before anything is made the guardian knows how to delete the namespace; what would outlive a
/// namespace is refused. Logs are `<run>/logs/<name>.<service>.log`, and
/// `<run>/logs/<name>.kubernetes.log` of kubectl and helm themselves.
class KubernetesEnvironment final : public Environment {
 public:
  KubernetesEnvironment(EnvironmentSpec spec, EnvironmentContext context);

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
  net::Task<base::Result<void>> Connect(base::Deadline deadline);
  base::Result<std::vector<ChartRelease>> CompleteCharts() const;
  net::Task<base::Result<void>> RefuseClusterWide(base::Deadline deadline);
  net::Task<base::Result<void>> MakeNamespace(base::Deadline deadline);
  net::Task<base::Result<void>> Apply(base::Deadline deadline);
  net::Task<base::Result<void>> Discover(base::Deadline deadline);
  base::Result<void> Adopt(std::vector<Workload> workloads);
  net::Task<void> WatchPods();
  void Dispatch(const PodEvent& event);
  net::Task<base::Result<void>> AwaitRollouts(base::Deadline deadline);
  net::Task<base::Result<void>> AwaitServices(base::Deadline deadline);
  base::Result<void> Excuse(const KubernetesService& service, base::Error error);
  net::Task<base::Result<void>> StopAll(base::Deadline deadline);
  net::Task<base::Result<void>> Remove(base::Deadline deadline);
  base::Result<KubernetesService*> FindService(std::string_view name) const;
  void Note(std::string_view text);

  EnvironmentSpec spec_;
  EnvironmentContext context_;
  net::TaskGroup tasks_;
  PortPool pool_;
  std::unique_ptr<LogCapture> log_;
  std::unique_ptr<Cluster> cluster_;
  std::string cluster_version_;
  std::vector<Manifest> manifests_;
  std::vector<ChartRelease> charts_;
  std::optional<CleanupId> cleanup_;
  std::vector<std::unique_ptr<KubernetesService>> services_;
  std::vector<KubernetesService*> failed_;  ///< optional ones that did not become ready
  bool ending_ = false;
  Placement placement_;
  std::vector<Endpoint> endpoints_;
};

}  // namespace assay::environment
