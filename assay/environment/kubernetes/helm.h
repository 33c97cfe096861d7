#pragma once
// Charts: what helm makes of them, and their installation into the namespace of a run.

#include <string>
#include <vector>

#include "assay/environment/kubernetes/cluster.h"
#include "assay/environment/spec.h"

namespace assay::environment {

/// A chart with its texts complete.
struct ChartRelease {
  std::string chart;
  std::string release;
  std::string version;
  std::vector<std::string> value_files;
  std::string values;  ///< JSON; goes over helm's standard input, for it may hold secrets
};

/// kNotFound with what to do when helm is not installed.
net::Task<base::Result<void>> RequireHelm(const Cluster& cluster, base::Deadline deadline);

/// The manifests of the chart, hooks too, tests not. `cluster_version`: `v1.29.0`.
net::Task<base::Result<std::string>> RenderChart(const Cluster& cluster, const ChartRelease& chart,
                                                 std::string cluster_version,
                                                 base::Deadline deadline);

/// Returns what helm said when all objects are made; does not wait for pods, except those of hooks.
net::Task<base::Result<std::string>> InstallChart(const Cluster& cluster, const ChartRelease& chart,
                                                  base::Deadline deadline);

}  // namespace assay::environment
