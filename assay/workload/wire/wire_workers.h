#pragma once
// Workers for requests that are the same every time: a thread with an epoll of its own for each
// processor, connections as state machines, no memory taken and no coroutine resumed in a request.

#include <memory>
#include <string>
#include <vector>

#include "assay/workload/figures/collector.h"
#include "assay/workload/load.h"
#include "assay/workload/wire/wire_plan.h"

namespace assay::workload {

class WireThread;

class WireWorkers final : public Workers {
 public:
  /// All of them outlive the workers.
  WireWorkers(const Load& load, WirePlan plan, Flow& flow, Collector& collector,
              const WorkerOptions& options);
  ~WireWorkers() override;

  net::Task<void> Run() override;
  void Wake() override;
  void Cancel() override;
  std::string_view name() const override { return "wire"; }

 private:
  const WirePlan plan_;
  std::vector<std::unique_ptr<WireThread>> threads_;
};

}  // namespace assay::workload
