#pragma once
// Runs a load from its start to its figures, on the loop of the run.

#include <memory>
#include <string>
#include <vector>

#include "assay/action/action.h"
#include "assay/workload/figures/collector.h"
#include "assay/workload/figures/metrics.h"
#include "assay/workload/load.h"
#include "assay/workload/workload_schema.h"
#include "lib/net/event.h"

namespace assay::workload {

/// One load. Single use.
class Control {
 public:
  /// All of them outlive it. `engine_reason`: why `workers` are not the quickest kind, or "".
  Control(const WorkloadParams& params, const action::ActionContext& context, Flow& flow,
          Collector& collector, Workers& workers, std::string engine_reason);

  /// Returns when every thread is at rest. When the caller is cancelled the load ends at once and
  /// the outcome is kInterrupted with the figures until then.
  net::Task<history::Outcome> Run();

 private:
  net::Task<void> RunWorkers();
  net::Task<void> Watch();
  /// True when the caller was cancelled before.
  net::Task<bool> SleepUntil(base::SteadyTime time);
  /// Tells of what was delivered since the last call.
  void Second();
  void EmitStarted() const;
  void EmitFailures();
  void AskAbort();
  LoadState State(base::SteadyTime now) const;
  std::string Lag(const Tally& total) const;
  history::Outcome Conclude(bool cancelled);

  const WorkloadParams& params_;
  const action::ActionContext& context_;
  Flow& flow_;
  Collector& collector_;
  Workers& workers_;
  std::string engine_reason_;
  std::vector<std::string> names_;
  std::set<int64_t> named_statuses_;
  Tally interval_;
  net::Event ended_;
  std::string aborted_;
  std::string broken_;  // an abort condition that cannot be evaluated
  base::SteadyTime finished_{};
  int64_t next_second_ = 0;
  bool cancelled_ = false;
};

}  // namespace assay::workload
