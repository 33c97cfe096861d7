#pragma once
// What `kubectl get -o json` says of workloads and pods, as far as an environment uses it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/base/result.h"

namespace assay::environment {

enum class WorkloadKind { kDeployment, kStatefulSet, kDaemonSet, kJob };
/// As kubectl takes it: `deployment`.
std::string_view ToString(WorkloadKind kind);

/// A port on which the containers of a workload listen.
struct ContainerPort {
  std::string name;  ///< "" when it has none
  uint16_t number = 0;
};

/// What keeps pods running, or runs them once.
struct Workload {
  WorkloadKind kind = WorkloadKind::kDeployment;
  std::string name;
  int64_t replicas = 1;       ///< wanted pods
  bool is_complete = false;   ///< rolled out: every wanted pod is of the latest version and ready;
                              ///< of a Job: it has succeeded
  std::string progress = {};  ///< what is still missing, for people
  std::string problem = {};   ///< why it will never be complete; "": it may be
  /// Declared by the containers first, in their order, then those that only Services aim at.
  std::vector<ContainerPort> ports = {};

  std::string id() const;  ///< `deployment/web`
};

struct ContainerStatus {
  std::string name;
  std::string state;  ///< waiting, running, terminated
  std::string reason;
  std::string message;
  int exit_code = 0;
  int64_t restarts = 0;
  bool has_ended = false;  ///< waiting: a life has ended; else: it has had lives before this one
  int last_exit_code = 0;  ///< of the life that ended last
};

struct Pod {
  std::string name;
  std::string uid;
  WorkloadKind owner_kind = WorkloadKind::kDeployment;
  std::string owner;  ///< the workload that made it; "": none that is known here
  std::string phase;  ///< Pending, Running, Succeeded, Failed, Unknown
  bool is_ready = false;
  bool is_leaving = false;                  ///< its deletion was asked for
  std::vector<ContainerStatus> containers;  ///< those that prepare it first

  bool belongs_to(const Workload& workload) const;
  int64_t restarts() const;
  /// What is wrong with it, for people: `container web: ImagePullBackOff, no such image`; or "".
  std::string Trouble() const;
  /// It will not get well by waiting: no image, or a container that has ended four times.
  bool is_hopeless() const;
};

struct ClusterObjects {
  std::vector<Workload> workloads;  ///< Deployments, StatefulSets, DaemonSets, Jobs
  std::vector<Pod> pods;
};

/// A list of objects; kinds that are not known are left out. kCorrupt: it is none.
base::Result<ClusterObjects> ParseObjects(std::string_view json);

/// One event of a watch.
struct PodEvent {
  bool is_gone = false;
  Pod pod;
};

/// Cuts the output of `kubectl get pods --watch --output-watch-events -o json`, one JSON object
/// after the other without a separator, into events. What is between objects is skipped.
class WatchReader {
 public:
  std::vector<PodEvent> Feed(std::string_view bytes);

 private:
  std::string object_;  ///< the unfinished one
  int depth_ = 0;
  bool in_text_ = false;
  bool escaped_ = false;
};

}  // namespace assay::environment
