#include "assay/environment/kubernetes/cluster.h"

#include <algorithm>
#include <cctype>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/environment/json_fields.h"
#include "lib/json/parse.h"

namespace assay::environment {

namespace {

constexpr base::Duration kSweepLimit = std::chrono::minutes(5);
constexpr size_t kLongestLabel = 63;
constexpr const char* kRunLabel = "assay-run";

/// The namespace goes first, so that nothing new can be made in it; then the time is cut that its
/// pods may take. Two rounds that find nothing: the server may still carry out what a killed
/// program had asked for.
constexpr const char* kSweepScript = R"(
space=$1 run=$2 grace=$3
shift 3
empty=0
while :; do
  left=$(kubectl "$@" get namespaces --field-selector "metadata.name=$space" -l "assay-run=$run" -o name) || exit 1
  if [ -z "$left" ]; then
    empty=$((empty + 1))
    [ $empty -lt 2 ] || exit 0
  else
    empty=0
    kubectl "$@" delete namespaces --field-selector "metadata.name=$space" -l "assay-run=$run" --ignore-not-found --wait=false
    kubectl "$@" -n "$space" delete pods --all --grace-period="$grace" --ignore-not-found --wait=false
    kubectl "$@" wait --for=delete "namespace/$space" --timeout=60s
  fi
  sleep 0.2
done
)";

bool IsLabelCharacter(char one) { return std::isalnum(static_cast<unsigned char>(one)) != 0; }

/// Cuts characters from both ends that a label must not begin or end with.
std::string Trimmed(std::string text) {
  while (!text.empty() && !IsLabelCharacter(text.back())) text.pop_back();
  const auto first = std::ranges::find_if(text, IsLabelCharacter);
  return {first, text.end()};
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

std::vector<std::string> OptionsOf(const ClusterAccess& access) {
  std::vector<std::string> options;
  if (!access.kubeconfig.empty()) options.push_back("--kubeconfig=" + access.kubeconfig);
  if (!access.context.empty()) options.push_back("--context=" + access.context);
  return options;
}

std::vector<std::string> Words(std::vector<std::string> first, const ClusterAccess& access,
                               std::vector<std::string> rest) {
  const auto options = OptionsOf(access);
  first.insert(first.end(), options.begin(), options.end());
  first.insert(first.end(), std::make_move_iterator(rest.begin()),
               std::make_move_iterator(rest.end()));
  return first;
}

std::string VersionOf(const boost::json::object& said, std::string_view whose) {
  return TextField(ObjectField(said, whose), "gitVersion");
}

}  // namespace

net::Task<ClusterAnswer> AskCluster(const ToolSetting& setting, ClusterAccess access,
                                    base::Deadline deadline) {
  ClusterAnswer answer{
      .kubectl_version = {}, .context = access.context, .version = {}, .problem = {}};
  if (answer.context.empty()) {
    const auto current = co_await CallTool(
        setting.Call(Words({"kubectl"}, access, {"config", "current-context"})), deadline);
    if (!current.has_value() && current.error().code == base::ErrorCode::kNotFound) {
      answer.problem = "kubectl is not installed";
      co_return answer;
    }
    if (current.has_value() && current->succeeded()) answer.context = FirstLine(current->out);
    access.context = answer.context;
  }
  const auto said = co_await CallTool(
      setting.Call(Words({"kubectl"}, access, {"version", "-o", "json", "--request-timeout=10s"})),
      deadline);
  if (!said.has_value()) {
    answer.problem = said.error().code == base::ErrorCode::kNotFound ? "kubectl is not installed"
                                                                     : said.error().message;
    co_return answer;
  }
  // Without a cluster the client's version is still there, and the error on the other stream.
  const auto parsed = json::Parse(said->out);
  if (parsed.has_value() && parsed->is_object()) {
    answer.kubectl_version = VersionOf(parsed->get_object(), "clientVersion");
    answer.version = VersionOf(parsed->get_object(), "serverVersion");
  }
  if (answer.version.empty()) {
    answer.problem = fmt::format("no cluster answers: {}", FirstLine(said->err));
  }
  co_return answer;
}

std::string NamespaceName(std::string_view prefix, std::string_view run) {
  const auto label = [](std::string_view text) {
    std::string out;
    for (const char one : text) {
      out += IsLabelCharacter(one)
                 ? static_cast<char>(std::tolower(static_cast<unsigned char>(one)))
                 : '-';
    }
    return Trimmed(std::move(out));
  };
  std::string suffix = label(run);
  if (suffix.size() > kLongestLabel) suffix = Trimmed(suffix.substr(suffix.size() - kLongestLabel));
  const size_t room = kLongestLabel - suffix.size();
  const std::string name = room < 2 ? std::string() : Trimmed(label(prefix).substr(0, room - 1));
  return name.empty() ? suffix : fmt::format("{}-{}", name, suffix);
}

std::string RunLabel(std::string_view run) {
  std::string out;
  for (const char one : run.substr(0, kLongestLabel)) {
    out += IsLabelCharacter(one) || one == '_' || one == '.' ? one : '-';
  }
  return Trimmed(std::move(out));
}

Cluster::Cluster(ToolSetting setting, ClusterAccess access, std::string space)
    : setting_(std::move(setting)), access_(std::move(access)), space_(std::move(space)) {}

ToolCall Cluster::Call(std::vector<std::string> words) const {
  words.insert(words.begin(), "--namespace=" + space_);
  return setting_.Call(Words({"kubectl"}, access_, std::move(words)));
}

net::Task<base::Result<ToolOutput>> Cluster::Run(std::vector<std::string> words,
                                                 base::Deadline deadline) const {
  return CallToolOrFail(Call(std::move(words)), deadline);
}

net::Task<base::Result<void>> Cluster::CreateNamespace(base::Deadline deadline) const {
  const boost::json::object manifest{
      {"apiVersion", "v1"},
      {"kind", "Namespace"},
      {"metadata",
       {{"name", space_},
        {"labels",
         {{kRunLabel, RunLabel(setting_.run)}, {"app.kubernetes.io/managed-by", "assay"}}}}}};
  // Not through Call: kubectl refuses an object that is not in the namespace of the call.
  ToolCall call =
      setting_.Call(Words({"kubectl"}, access_, {"create", "--filename=-", "--output=name"}));
  call.input = boost::json::serialize(manifest);
  CO_TRY(const ToolOutput made, co_await CallTool(std::move(call), deadline));
  if (made.succeeded()) co_return base::Result<void>();
  const std::string said = made.Tail();
  const bool exists = said.find("AlreadyExists") != std::string::npos;
  co_return base::Fail(
      base::Error{.code = exists ? base::ErrorCode::kConflict : base::ErrorCode::kUnavailable,
                  .message = fmt::format("cannot make the namespace {}: {}", space_, said),
                  .hint = exists ? "it is not this run's, so it is left alone"
                                 : "`kubectl auth can-i create namespaces` says whether you may"});
}

CleanupCommand Cluster::Sweep(base::Duration pod_grace) const {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(pod_grace).count();
  std::vector<std::string> argv{"/bin/sh",
                                "-c",
                                kSweepScript,
                                "sh",
                                space_,
                                RunLabel(setting_.run),
                                std::to_string(std::max<int64_t>(seconds, 1))};
  return {.argv = Words(std::move(argv), access_, {}),
          .environment = CleanupEnvironment(setting_.environment),
          .within = kSweepLimit};
}

// `create --dry-run=client` gives every object that has a place in a namespace that of the call.
net::Task<base::Result<std::vector<std::string>>> Cluster::FindClusterWide(
    std::string manifests, base::Deadline deadline) const {
  constexpr const char* kTemplate =
      "--output=go-template={{.kind}} {{.metadata.name}} {{.metadata.namespace}}{{\"\\n\"}}";
  ToolCall call = Call({"create", "--dry-run=client", "--filename=-", kTemplate});
  call.input = std::move(manifests);
  CO_TRY(const ToolOutput output, co_await CallToolOrFail(std::move(call), deadline));
  std::vector<std::string> found;
  constexpr std::string_view kNone = " <no value>";
  std::string_view rest = output.out;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with(kNone)) found.emplace_back(line.substr(0, line.size() - kNone.size()));
  }
  co_return found;
}

net::Task<base::Result<std::string>> Cluster::Apply(std::string manifests,
                                                    base::Deadline deadline) const {
  ToolCall call = Call({"apply", "--server-side", "--field-manager=assay", "--filename=-"});
  call.input = std::move(manifests);
  CO_TRY(const ToolOutput output, co_await CallToolOrFail(std::move(call), deadline));
  co_return output.out + output.err;
}

net::Task<base::Result<ClusterObjects>> Cluster::List(base::Deadline deadline) const {
  std::vector<std::string> words{
      "get", "deployments.apps,statefulsets.apps,daemonsets.apps,jobs.batch,services,pods",
      "--output=json"};
  CO_TRY(const ToolOutput listed, co_await Run(std::move(words), deadline));
  co_return ParseObjects(listed.out);
}

net::Task<base::Result<Workload>> Cluster::Find(WorkloadKind kind, std::string name,
                                                base::Deadline deadline) const {
  CO_TRY(ClusterObjects objects, co_await List(deadline));
  for (Workload& one : objects.workloads) {
    if (one.kind == kind && one.name == name) co_return std::move(one);
  }
  co_return base::Fail(base::ErrorCode::kNotFound,
                       fmt::format("the {} {} is gone", ToString(kind), name));
}

net::Task<base::Result<void>> Cluster::Scale(std::string workload, int64_t replicas,
                                             base::Deadline deadline) const {
  std::vector<std::string> words{"scale", std::move(workload),
                                 fmt::format("--replicas={}", replicas)};
  CO_TRY(co_await Run(std::move(words), deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Cluster::RestartRollout(std::string workload,
                                                      base::Deadline deadline) const {
  std::vector<std::string> words{"rollout", "restart", std::move(workload)};
  CO_TRY(co_await Run(std::move(words), deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Cluster::KillPods(std::vector<std::string> pods,
                                                base::Deadline deadline) const {
  std::vector<std::string> words{"delete",  "pods",         "--grace-period=0",
                                 "--force", "--wait=false", "--ignore-not-found"};
  words.insert(words.end(), pods.begin(), pods.end());
  CO_TRY(co_await Run(std::move(words), deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Cluster::WatchPods(std::function<void(std::string_view)> sink) const {
  ToolCall call = Call({"get", "pods", "--watch", "--output-watch-events", "--output=json"});
  call.on_output = std::move(sink);
  call.keeps_output = false;
  CO_TRY(co_await CallTool(std::move(call), base::Deadline::Never()));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Cluster::FollowLog(std::string pod, std::string container,
                                                 std::string since,
                                                 std::function<void(std::string_view)> sink) const {
  std::vector<std::string> words{"logs", "--follow", std::move(pod), "--container=" + container};
  if (!since.empty()) words.push_back("--since-time=" + since);
  ToolCall call = Call(std::move(words));
  call.on_output = std::move(sink);
  call.keeps_output = false;
  CO_TRY(co_await CallTool(std::move(call), base::Deadline::Never()));
  co_return base::Result<void>();
}

net::Task<base::Result<ToolOutput>> Cluster::Forward(
    std::string pod, std::vector<std::pair<uint16_t, uint16_t>> local_to_pod,
    std::function<void(std::string_view)> sink) const {
  std::vector<std::string> words{"port-forward", "--address=127.0.0.1", "pod/" + pod};
  for (const auto& [local, remote] : local_to_pod) {
    words.push_back(fmt::format("{}:{}", local, remote));
  }
  ToolCall call = Call(std::move(words));
  call.on_output = std::move(sink);
  call.keeps_output = false;
  co_return co_await CallTool(std::move(call), base::Deadline::Never());
}

}  // namespace assay::environment
