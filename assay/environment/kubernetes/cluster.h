#pragma once
// kubectl, bound to one cluster and to the namespace that a run has there.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/environment/guardian/cleanup.h"
#include "assay/environment/kubernetes/objects.h"
#include "assay/environment/tool.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace assay::environment {

/// Which cluster is meant.
struct ClusterAccess {
  std::string kubeconfig;  ///< a path; "": KUBECONFIG, or ~/.kube/config
  std::string context;     ///< "": the current one
};

/// What kubectl says of itself and of the cluster.
struct ClusterAnswer {
  std::string kubectl_version;  ///< `v1.20.2`; "": kubectl is not installed
  std::string context;          ///< the one that was asked; "": there is none
  std::string version;          ///< of the cluster; "": it does not answer
  std::string problem;          ///< why it cannot be used; "" when it can
};

net::Task<ClusterAnswer> AskCluster(const ToolSetting& setting, ClusterAccess access,
                                    base::Deadline deadline);

/// A valid name of a namespace (RFC 1123 label: lower case, digits, `-`, at most 63 characters)
/// from a prefix and the run's id, which is kept whole.
std::string NamespaceName(std::string_view prefix, std::string_view run);
/// The run's id as a value of a label.
std::string RunLabel(std::string_view run);

class Cluster {
 public:
  /// `access.context` is the context by its name: the current one may change while the run lasts.
  Cluster(ToolSetting setting, ClusterAccess access, std::string space);

  const ToolSetting& setting() const { return setting_; }
  const ClusterAccess& access() const { return access_; }
  const std::string& space() const { return space_; }  ///< the name of the namespace

  /// kConflict when it exists: it is then not the run's.
  net::Task<base::Result<void>> CreateNamespace(base::Deadline deadline) const;
  /// Deletes the namespace if it is the run's, with all it holds, and returns when it is gone and
  /// stays so. Pods get `pod_grace` to end. Succeeds when there is none.
  CleanupCommand Sweep(base::Duration pod_grace) const;

  /// Names of the objects of manifests that belong to the whole cluster: `ClusterRole reader`.
  net::Task<base::Result<std::vector<std::string>>> FindClusterWide(std::string manifests,
                                                                    base::Deadline deadline) const;
  /// Returns what kubectl said of each object. Applies on the server's side: the server merges and
  /// checks, and an object may be larger than the annotation that client-side applying needs.
  net::Task<base::Result<std::string>> Apply(std::string manifests, base::Deadline deadline) const;
  net::Task<base::Result<ClusterObjects>> List(base::Deadline deadline) const;
  /// kNotFound when the workload is gone.
  net::Task<base::Result<Workload>> Find(WorkloadKind kind, std::string name,
                                         base::Deadline deadline) const;
  net::Task<base::Result<void>> Scale(std::string workload, int64_t replicas,
                                      base::Deadline deadline) const;
  net::Task<base::Result<void>> RestartRollout(std::string workload, base::Deadline deadline) const;
  /// Takes pods away at once, as a node does that is lost.
  net::Task<base::Result<void>> KillPods(std::vector<std::string> pods,
                                         base::Deadline deadline) const;

  /// Hands over what happens to pods, first all there are, until the server ends it.
  net::Task<base::Result<void>> WatchPods(std::function<void(std::string_view)> sink) const;
  /// Hands over a container's output until it ends. `since`: RFC 3339, "": all.
  net::Task<base::Result<void>> FollowLog(std::string pod, std::string container, std::string since,
                                          std::function<void(std::string_view)> sink) const;
  /// Forwards ports of this machine to those of a pod, until it fails.
  net::Task<base::Result<ToolOutput>> Forward(
      std::string pod, std::vector<std::pair<uint16_t, uint16_t>> local_to_pod,
      std::function<void(std::string_view)> sink) const;

  /// A call of kubectl in the namespace.
  ToolCall Call(std::vector<std::string> words) const;

 private:
  net::Task<base::Result<ToolOutput>> Run(std::vector<std::string> words,
                                          base::Deadline deadline) const;

  ToolSetting setting_;
  ClusterAccess access_;
  std::string space_;
};

}  // namespace assay::environment
