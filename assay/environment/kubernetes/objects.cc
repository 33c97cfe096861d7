#include "assay/environment/kubernetes/objects.h"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/environment/json_fields.h"
#include "lib/json/parse.h"

namespace assay::environment {

namespace {

namespace bj = boost::json;

/// Restarts after which a container that fails counts as broken: with the delays of a cluster (10,
/// 20 and 40 s) that is more than a minute, in which what it needs may still have come up.
constexpr int64_t kHopelessRestarts = 3;

std::optional<WorkloadKind> KindOf(std::string_view kind) {
  if (kind == "Deployment") return WorkloadKind::kDeployment;
  if (kind == "StatefulSet") return WorkloadKind::kStatefulSet;
  if (kind == "DaemonSet") return WorkloadKind::kDaemonSet;
  if (kind == "Job") return WorkloadKind::kJob;
  return std::nullopt;
}

/// The condition of a type that is "True", or an empty object.
const bj::object& Condition(const bj::object& status, std::string_view type) {
  static const bj::object none;
  for (const auto& one : ArrayField(status, "conditions")) {
    if (!one.is_object()) continue;
    if (TextField(one.get_object(), "type") == type) return one.get_object();
  }
  return none;
}

std::string ReasonOf(const bj::object& condition) {
  const std::string reason = TextField(condition, "reason");
  const std::string message = TextField(condition, "message");
  return message.empty() ? reason : fmt::format("{}: {}", reason, message);
}

// The rules by which `kubectl rollout status` calls a workload rolled out. The status is worth
// something only when the controller has seen the latest specification.

void JudgeDeployment(const bj::object& status, Workload& out) {
  const int64_t updated = NumberField(status, "updatedReplicas");
  const int64_t available = NumberField(status, "availableReplicas");
  const int64_t old = NumberField(status, "replicas") - updated;
  out.is_complete = updated >= out.replicas && old <= 0 && available >= updated;
  out.progress = old > 0 && updated >= out.replicas
                     ? fmt::format("{} pods of the former version are still there", old)
                     : fmt::format("{} of {} pods are available", available, out.replicas);
  const bj::object& progressing = Condition(status, "Progressing");
  if (TextField(progressing, "reason") == "ProgressDeadlineExceeded") {
    out.problem = ReasonOf(progressing);
  }
}

void JudgeStatefulSet(const bj::object& spec, const bj::object& status, Workload& out) {
  const int64_t ready = NumberField(status, "readyReplicas");
  const bj::object& strategy = ObjectField(spec, "updateStrategy");
  const int64_t partition = NumberField(ObjectField(strategy, "rollingUpdate"), "partition");
  // With OnDelete old pods stay until somebody deletes them.
  const bool rolls = TextField(strategy, "type") != "OnDelete";
  const bool is_updated =
      !rolls || TextField(status, "updateRevision") == TextField(status, "currentRevision") ||
      (partition > 0 && NumberField(status, "updatedReplicas") >= out.replicas - partition);
  out.is_complete =
      is_updated && ready >= out.replicas && NumberField(status, "replicas") <= out.replicas;
  out.progress = fmt::format("{} of {} pods are ready{}", ready, out.replicas,
                             is_updated ? "" : ", not all of the latest version");
}

void JudgeDaemonSet(const bj::object& spec, const bj::object& status, Workload& out) {
  out.replicas = NumberField(status, "desiredNumberScheduled");
  const int64_t available = NumberField(status, "numberAvailable");
  const bool rolls = TextField(ObjectField(spec, "updateStrategy"), "type") != "OnDelete";
  const int64_t updated = rolls ? NumberField(status, "updatedNumberScheduled") : out.replicas;
  out.is_complete = updated >= out.replicas && available >= out.replicas;
  out.progress = fmt::format("{} of {} pods are available", available, out.replicas);
}

void JudgeJob(const bj::object& status, Workload& out) {
  out.is_complete = TextField(Condition(status, "Complete"), "status") == "True";
  const bj::object& failed = Condition(status, "Failed");
  if (TextField(failed, "status") == "True") out.problem = ReasonOf(failed);
  out.progress = "the job has not completed yet";
}

void Judge(const bj::object& object, Workload& out) {
  const bj::object& spec = ObjectField(object, "spec");
  const bj::object& status = ObjectField(object, "status");
  const int64_t generation = NumberField(ObjectField(object, "metadata"), "generation");
  switch (out.kind) {
    case WorkloadKind::kJob:
      return JudgeJob(status, out);
    case WorkloadKind::kDeployment:
      JudgeDeployment(status, out);
      break;
    case WorkloadKind::kStatefulSet:
      JudgeStatefulSet(spec, status, out);
      break;
    case WorkloadKind::kDaemonSet:
      JudgeDaemonSet(spec, status, out);
      break;
  }
  if (NumberField(status, "observedGeneration") < generation) {
    out.is_complete = false;
    out.problem.clear();
    out.progress = "its controller has not seen it yet";
  }
}

bool IsTcp(const bj::object& port) {
  const std::string protocol = TextField(port, "protocol");
  return protocol.empty() || protocol == "TCP";
}

void AddPort(std::string name, int64_t number, std::vector<ContainerPort>& ports) {
  if (number <= 0 || number > 65535) return;
  const auto wanted = static_cast<uint16_t>(number);
  if (std::ranges::find(ports, wanted, &ContainerPort::number) != ports.end()) return;
  ports.push_back({std::move(name), wanted});
}

const bj::object& TemplateOf(const bj::object& workload) {
  return ObjectField(ObjectField(workload, "spec"), "template");
}

void AddDeclaredPorts(const bj::object& workload, std::vector<ContainerPort>& ports) {
  for (const auto& container :
       ArrayField(ObjectField(TemplateOf(workload), "spec"), "containers")) {
    if (!container.is_object()) continue;
    for (const auto& port : ArrayField(container.get_object(), "ports")) {
      if (!port.is_object() || !IsTcp(port.get_object())) continue;
      AddPort(TextField(port.get_object(), "name"), NumberField(port.get_object(), "containerPort"),
              ports);
    }
  }
}

/// A Service may aim at a port by number that no container declares.
void AddServicePorts(const bj::object& service, const bj::object& workload,
                     std::vector<ContainerPort>& ports) {
  const bj::object& spec = ObjectField(service, "spec");
  const bj::object& selector = ObjectField(spec, "selector");
  const bj::object& labels = ObjectField(ObjectField(TemplateOf(workload), "metadata"), "labels");
  const bool selects = !selector.empty() && std::ranges::all_of(selector, [&](const auto& label) {
    const auto* found = labels.if_contains(label.key());
    return found != nullptr && *found == label.value();
  });
  if (!selects) return;
  for (const auto& one : ArrayField(spec, "ports")) {
    if (!one.is_object() || !IsTcp(one.get_object())) continue;
    const bj::object& port = one.get_object();
    const auto* target = port.if_contains("targetPort");
    if (target != nullptr && target->is_string()) continue;  // the name of a declared one
    AddPort(TextField(port, "name"), NumberField(port, "targetPort", NumberField(port, "port")),
            ports);
  }
}

ContainerStatus ReadContainer(const bj::object& json) {
  ContainerStatus out{.name = TextField(json, "name"),
                      .state = "waiting",
                      .reason = {},
                      .message = {},
                      .restarts = NumberField(json, "restartCount")};
  for (const char* state : {"waiting", "running", "terminated"}) {
    const auto* found = ObjectField(json, "state").if_contains(state);
    if (found == nullptr || !found->is_object()) continue;
    out.state = state;
    out.reason = TextField(found->get_object(), "reason");
    out.message = TextField(found->get_object(), "message");
    out.exit_code = static_cast<int>(NumberField(found->get_object(), "exitCode"));
  }
  const bj::object& last = ObjectField(ObjectField(json, "lastState"), "terminated");
  out.has_ended = !last.empty();
  out.last_exit_code = static_cast<int>(NumberField(last, "exitCode"));
  return out;
}

/// A ReplicaSet is named after its Deployment and the version of the pods, which is a label of
/// them.
void ReadOwner(const bj::object& meta, Pod& pod) {
  for (const auto& one : ArrayField(meta, "ownerReferences")) {
    if (!one.is_object() || !FlagField(one.get_object(), "controller")) continue;
    std::string kind = TextField(one.get_object(), "kind");
    std::string name = TextField(one.get_object(), "name");
    const std::string version = "-" + TextField(ObjectField(meta, "labels"), "pod-template-hash");
    if (kind == "ReplicaSet" && version.size() > 1 && name.ends_with(version)) {
      kind = "Deployment";
      name.resize(name.size() - version.size());
    }
    if (const auto known = KindOf(kind)) {
      pod.owner_kind = *known;
      pod.owner = std::move(name);
    }
  }
}

Pod ReadPod(const bj::object& json) {
  const bj::object& meta = ObjectField(json, "metadata");
  const bj::object& status = ObjectField(json, "status");
  Pod pod{.name = TextField(meta, "name"),
          .uid = TextField(meta, "uid"),
          .owner = {},
          .phase = TextField(status, "phase"),
          .is_ready = TextField(Condition(status, "Ready"), "status") == "True",
          .is_leaving = meta.contains("deletionTimestamp"),
          .containers = {}};
  ReadOwner(meta, pod);
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const auto& one : ArrayField(status, list)) {
      if (one.is_object()) pod.containers.push_back(ReadContainer(one.get_object()));
    }
  }
  return pod;
}

bool LacksImage(const ContainerStatus& container) {
  static constexpr std::array kReasons = {"ImagePullBackOff", "InvalidImageName",
                                          "ErrImageNeverPull"};
  return container.state == "waiting" &&
         std::ranges::find(kReasons, container.reason) != kReasons.end();
}

bool KeepsFailing(const ContainerStatus& container) {
  return container.restarts >= kHopelessRestarts && container.reason == "CrashLoopBackOff";
}

}  // namespace

std::string_view ToString(WorkloadKind kind) {
  switch (kind) {
    case WorkloadKind::kDeployment:
      return "deployment";
    case WorkloadKind::kStatefulSet:
      return "statefulset";
    case WorkloadKind::kDaemonSet:
      return "daemonset";
    case WorkloadKind::kJob:
      return "job";
  }
  return "?";
}

std::string Workload::id() const { return fmt::format("{}/{}", ToString(kind), name); }

bool Pod::belongs_to(const Workload& workload) const {
  return owner == workload.name && owner_kind == workload.kind;
}

int64_t Pod::restarts() const {
  int64_t sum = 0;
  for (const ContainerStatus& one : containers) sum += one.restarts;
  return sum;
}

std::string Pod::Trouble() const {
  for (const ContainerStatus& one : containers) {
    const bool is_waiting = one.state == "waiting" && !one.reason.empty() &&
                            one.reason != "ContainerCreating" && one.reason != "PodInitializing";
    if (is_waiting) {
      return fmt::format("container {}: {}{}{}", one.name, one.reason,
                         one.message.empty() ? "" : ", ", one.message);
    }
    if (one.state == "terminated" && one.exit_code != 0) {
      return fmt::format("container {} exited with code {}", one.name, one.exit_code);
    }
  }
  return {};
}

bool Pod::is_hopeless() const {
  return std::ranges::any_of(
      containers, [](const ContainerStatus& one) { return LacksImage(one) || KeepsFailing(one); });
}

base::Result<ClusterObjects> ParseObjects(std::string_view text) {
  auto parsed = json::Parse(text);
  if (!parsed.has_value() || !parsed->is_object()) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("kubectl described the objects by \"{}\", expected a JSON object",
                                  text.substr(0, 80)));
  }
  ClusterObjects out;
  std::vector<const bj::object*> workloads;
  std::vector<const bj::object*> services;
  for (const auto& item : ArrayField(parsed->get_object(), "items")) {
    if (!item.is_object()) continue;
    const bj::object& object = item.get_object();
    const std::string kind = TextField(object, "kind");
    if (kind == "Pod") out.pods.push_back(ReadPod(object));
    if (kind == "Service") services.push_back(&object);
    const auto known = KindOf(kind);
    if (!known) continue;
    Workload workload{.kind = *known, .name = TextField(ObjectField(object, "metadata"), "name")};
    workload.replicas = NumberField(ObjectField(object, "spec"), "replicas", 1);
    Judge(object, workload);
    AddDeclaredPorts(object, workload.ports);
    out.workloads.push_back(std::move(workload));
    workloads.push_back(&object);
  }
  for (const bj::object* service : services) {
    for (size_t i = 0; i < workloads.size(); ++i) {
      AddServicePorts(*service, *workloads[i], out.workloads[i].ports);
    }
  }
  return out;
}

std::vector<PodEvent> WatchReader::Feed(std::string_view bytes) {
  std::vector<PodEvent> events;
  for (const char one : bytes) {
    if (depth_ == 0 && one != '{') continue;
    object_ += one;
    if (in_text_) {
      if (!escaped_ && one == '"') in_text_ = false;
      escaped_ = !escaped_ && one == '\\';
      continue;
    }
    if (one == '"') in_text_ = true;
    if (one == '{') ++depth_;
    if (one == '}') --depth_;
    if (depth_ != 0) continue;
    const auto parsed = json::Parse(object_);
    object_.clear();
    if (!parsed.has_value() || !parsed->is_object()) continue;
    const bj::object& event = parsed->get_object();
    Pod pod = ReadPod(ObjectField(event, "object"));
    if (pod.name.empty()) continue;  // a bookmark, an error
    events.push_back({.is_gone = TextField(event, "type") == "DELETED", .pod = std::move(pod)});
  }
  return events;
}

}  // namespace assay::environment
