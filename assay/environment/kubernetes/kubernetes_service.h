#pragma once
// One service of a kubernetes environment: a workload, its pods, their output, and the ports of one
// of them on this machine. States as in service.h; a Job that has succeeded has `exited`.

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "assay/environment/environment.h"
#include "assay/environment/kubernetes/cluster.h"
#include "assay/environment/kubernetes/port_forward.h"
#include "assay/environment/log_capture.h"
#include "assay/environment/probe.h"
#include "lib/net/event.h"
#include "lib/net/task_group.h"

namespace assay::environment {

/// Belongs to one loop; its tasks live in the group that it is given.
class KubernetesService {
 public:
  KubernetesService(ServiceSpec spec, Workload workload, const EnvironmentContext& context,
                    const Cluster& cluster, net::TaskGroup& tasks);
  KubernetesService(const KubernetesService&) = delete;
  KubernetesService& operator=(const KubernetesService&) = delete;

  /// Makes the log and chooses ports; from then on See is called.
  base::Result<void> Settle(const std::filesystem::path& log, PortPool& pool, ServicePlace& place);
  /// Something happened to a pod of it.
  void See(const PodEvent& event);
  /// These are all pods that there are; others are gone.
  void KeepOnly(const std::vector<Pod>& pods);

  /// What the cluster says of the workload now: whether it is rolled out (a Job: has succeeded).
  /// kUnavailable when waiting longer makes no sense.
  base::Result<bool> Observe(Workload now);
  /// Why it is not ready yet: kTimeout.
  base::Error NotReady() const;
  /// Returns when a pod is reached through the ports and all probes succeed. Requires: rolled out.
  net::Task<base::Result<void>> AwaitReachable(Placement placement, base::Deadline deadline);

  // What faults and operators do; all after AwaitReachable.

  /// To no pod, for Deployments and StatefulSets; kUnsupported for others.
  net::Task<base::Result<void>> Stop(base::Deadline deadline);
  /// To as many pods as before, when it is stopped; else waits until it is ready again.
  net::Task<base::Result<void>> Start(base::Deadline deadline);
  /// New pods, as its update strategy says; kUnsupported for a Job.
  net::Task<base::Result<void>> Restart(base::Deadline deadline);
  /// Takes all its pods away at once. Its controller makes new ones, which takes it to `ready`.
  net::Task<base::Result<void>> Kill(base::Deadline deadline);

  const ServiceSpec& spec() const { return spec_; }
  const Workload& workload() const { return workload_; }
  const LogCapture* log() const { return log_.get(); }
  ServiceStatus status() const;
  /// An end of its pods is wanted from now on.
  void ExpectEnd();
  /// Waits for what its output still holds and keeps it as a blob, for the last event.
  net::Task<void> ReportStopped(base::Duration duration);

 private:
  /// A container's life: the pod's uid, its name, how often it was restarted before.
  using Life = std::tuple<std::string, std::string, int64_t>;

  net::Task<base::Result<void>> AwaitReady(base::Deadline deadline);
  net::Task<base::Result<void>> AwaitProbes(base::Deadline deadline);
  net::Task<base::Result<void>> AwaitPodsGone(std::set<std::string> uids, base::Deadline deadline);
  net::Task<void> Recover();
  void SeeContainer(const Pod& pod, const ContainerStatus& container);
  void ReportEnd(const Pod& pod, const Life& life, int exit_code);
  void Lose(const std::string& uid);
  void Fall();
  void AimForward();
  net::Task<void> Collect(std::string pod, Life life);
  bool Runs(const Life& life) const;
  base::Error Unsupported(std::string_view what, std::string hint) const;
  std::set<std::string> Uids() const;
  base::Error Overtaken() const;
  std::string LogHint() const;
  void Report(std::string_view what, boost::json::object data,
              std::vector<std::string> blobs = {}) const;

  ServiceSpec spec_;
  Workload workload_;
  const EnvironmentContext& context_;
  const Cluster& cluster_;
  net::TaskGroup& tasks_;
  std::unique_ptr<LogCapture> log_;
  PortForward forward_;
  std::vector<std::pair<std::string, uint16_t>> ports_;  ///< as ServicePlace has them
  std::map<std::string, Pod> pods_;                      ///< by uid
  std::set<std::string> wanted_ends_;                    ///< uids of pods that are to end
  std::set<Life> followed_;
  std::set<Life> reported_ends_;
  std::vector<Probe> probes_;
  ServiceState state_ = ServiceState::kIdle;
  int64_t replicas_ = 1;  ///< while it is not stopped
  int64_t lost_restarts_ = 0;
  int life_ = 0;  ///< how often it was stopped
  bool stopping_ = false;
  bool recovering_ = false;
  size_t collecting_ = 0;
  net::Event output_ended_;  ///< nothing is collected any more
  net::Event pods_changed_;
  net::Event never_;     ///< a pod's end is not that of the service
  Placement placement_;  ///< of AwaitReachable
};

}  // namespace assay::environment
