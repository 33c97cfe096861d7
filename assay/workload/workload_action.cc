#include "assay/workload/workload_action.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "assay/action/nested/step_bodies.h"
#include "assay/cel/text.h"
#include "assay/workload/control.h"
#include "assay/workload/steps/step_workers.h"
#include "assay/workload/wire/wire_plan.h"
#include "assay/workload/wire/wire_workers.h"
#include "assay/workload/workload_schema.h"
#include "lib/http/client.h"

namespace assay::workload {
namespace {

// The processors that there are, as far as users can be spread over them.
size_t ThreadsFor(const Load& load) {
  const size_t processors = std::max(1U, std::thread::hardware_concurrency());
  return std::min(processors, static_cast<size_t>(load.executor.most_vus()));
}

history::Outcome Refused(base::Error error) {
  history::Outcome refused;
  refused.disposition = history::Disposition::kError;
  refused.value = cel::Value::Object({});
  refused.error = std::move(error);
  return refused;
}

}  // namespace

WorkloadAction::WorkloadAction() : schema_(WorkloadSchema()) {}

std::string WorkloadAction::Head(const cel::Value& params) const {
  const cel::Value* executor = params.Find("executor");
  return executor == nullptr ? "workload" : "workload " + cel::ToText(*executor);
}

net::Task<history::Outcome> WorkloadAction::Run(cel::Value params,
                                                const action::ActionContext& context) const {
  auto read = ReadWorkload(params, context);
  if (!read) co_return Refused(std::move(read).error());
  const Load& load = read->load;
  const WorkerOptions options{.threads = ThreadsFor(load), .user_agent = context.http.user_agent()};
  auto plan =
      read->engine == "steps"
          ? base::Result<WirePlan>(base::Fail(base::ErrorCode::kUnsupported, "engine: steps"))
          : PlanWire(load, context);
  if (plan) {
    auto server = co_await net::Offload(
        pool_, [&plan] { return http::wire::Server::Of(plan->tasks.front().request); });
    if (!server) co_return Refused(std::move(server).error());
    plan->server = *std::move(server);
  }
  const std::string why = plan ? "" : plan.error().message;
  Collector collector(load.tasks.size());
  // Threads are up before the first iteration is due.
  constexpr auto kLead = std::chrono::milliseconds(20);
  Flow flow(load, context.clock.Steady() + kLead);
  std::unique_ptr<Workers> workers;
  if (plan) {
    workers = std::make_unique<WireWorkers>(load, *std::move(plan), flow, collector, options);
  } else {
    workers = std::make_unique<StepWorkers>(load, *context.bodies, flow, collector, options);
  }
  Control control(*read, context, flow, collector, *workers, why);
  co_return co_await control.Run();
}

void RegisterWorkload(action::ActionRegistry& registry) {
  registry.Add(std::make_unique<WorkloadAction>());
}

}  // namespace assay::workload
