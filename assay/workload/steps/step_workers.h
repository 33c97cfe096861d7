#pragma once
// Workers that carry out tasks as ordinary steps: whatever an action can do can be load. Users are
// coroutines, spread over a few event loops.
//
//   open:    dispatcher: wait for room -> take an arrival -> sleep until due -> hand to a free user
//   closed:  user:       take an iteration -> carry it out -> think -> ...

#include <memory>
#include <vector>

#include "assay/action/nested/step_bodies.h"
#include "assay/workload/figures/collector.h"
#include "assay/workload/load.h"

namespace assay::workload {

class StepLoop;

class StepWorkers final : public Workers {
 public:
  /// All of them outlive the workers.
  StepWorkers(const Load& load, const action::StepBodies& bodies, Flow& flow, Collector& collector,
              const WorkerOptions& options);
  ~StepWorkers() override;

  net::Task<void> Run() override;
  void Wake() override;
  void Cancel() override;
  std::string_view name() const override { return "steps"; }

 private:
  struct Thread;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace assay::workload
