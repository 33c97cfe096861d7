#include "assay/environment/kubernetes/helm.h"

#include <fmt/format.h>

namespace assay::environment {

namespace {

constexpr base::Duration kAnswerLimit = std::chrono::seconds(15);

ToolCall HelmCall(const Cluster& cluster, const ChartRelease& chart,
                  std::vector<std::string> words) {
  std::vector<std::string> argv{"helm"};
  argv.insert(argv.end(), words.begin(), words.end());
  argv.insert(argv.end(), {chart.release, chart.chart, "--namespace=" + cluster.space()});
  if (!cluster.access().kubeconfig.empty()) {
    argv.push_back("--kubeconfig=" + cluster.access().kubeconfig);
  }
  if (!cluster.access().context.empty()) {
    argv.push_back("--kube-context=" + cluster.access().context);
  }
  if (!chart.version.empty()) argv.push_back("--version=" + chart.version);
  for (const std::string& file : chart.value_files) argv.push_back("--values=" + file);
  argv.emplace_back("--values=-");
  ToolCall call = cluster.setting().Call(std::move(argv));
  call.input = chart.values;
  return call;
}

}  // namespace

net::Task<base::Result<void>> RequireHelm(const Cluster& cluster, base::Deadline deadline) {
  std::vector<std::string> argv{"helm", "version", "--short"};
  const auto answered = co_await CallTool(cluster.setting().Call(std::move(argv)),
                                          deadline.Earlier(base::Deadline::After(kAnswerLimit)));
  if (answered.has_value() && answered->succeeded()) co_return base::Result<void>();
  const std::string why = answered.has_value() ? answered->Tail(1) : answered.error().message;
  co_return base::Fail(base::Error{
      .code = base::ErrorCode::kNotFound,
      .message = fmt::format("the environment has a chart, and helm cannot be used: {}", why),
      .hint = "install Helm 3 (no Debian package), or render the chart once with `helm template` "
              "and name the file under `manifests`"});
}

net::Task<base::Result<std::string>> RenderChart(const Cluster& cluster, const ChartRelease& chart,
                                                 std::string cluster_version,
                                                 base::Deadline deadline) {
  std::vector<std::string> words{"template", "--skip-tests", "--kube-version=" + cluster_version};
  CO_TRY(ToolOutput rendered,
         co_await CallToolOrFail(HelmCall(cluster, chart, std::move(words)), deadline));
  co_return std::move(rendered.out);
}

net::Task<base::Result<std::string>> InstallChart(const Cluster& cluster, const ChartRelease& chart,
                                                  base::Deadline deadline) {
  std::vector<std::string> words{"install"};
  CO_TRY(const ToolOutput installed,
         co_await CallToolOrFail(HelmCall(cluster, chart, std::move(words)), deadline));
  co_return installed.out + installed.err;
}

}  // namespace assay::environment
