#include "assay/workload/steps/step_workers.h"

#include <utility>

#include "assay/workload/steps/step_loop.h"
#include "lib/net/gather.h"
#include "lib/net/runtime.h"
#include "lib/net/service/background_loop.h"

namespace assay::workload {

struct StepWorkers::Thread {
  Thread(const StepLoop::Shared& shared, size_t number, const std::string& user_agent)
      : client(loop.executor(), {.user_agent = user_agent}), users(shared, number, client) {}
  // The thread must not be at work any more when what it works on goes.
  ~Thread() { loop.Stop(); }

  net::BackgroundLoop loop;
  http::Client client;
  StepLoop users;
};

StepWorkers::StepWorkers(const Load& load, const action::StepBodies& bodies, Flow& flow,
                         Collector& collector, const WorkerOptions& options) {
  const StepLoop::Shared shared{load, bodies, flow, collector, options.threads};
  for (size_t i = 0; i < options.threads; ++i) {
    threads_.push_back(std::make_unique<Thread>(shared, i, options.user_agent));
  }
}

StepWorkers::~StepWorkers() = default;

net::Task<void> StepWorkers::Run() {
  std::vector<net::Task<void>> loops;
  for (const auto& thread : threads_) {
    loops.push_back(net::RunOn(thread->loop.executor(), thread->users.Run()));
  }
  co_await net::WhenAll(std::move(loops));
}

void StepWorkers::Wake() {
  for (const auto& thread : threads_) {
    net::Post(thread->loop.executor(), [&users = thread->users] { users.Wake(); });
  }
}

void StepWorkers::Cancel() {
  for (const auto& thread : threads_) {
    net::Post(thread->loop.executor(), [&users = thread->users] { users.Cancel(); });
  }
}

}  // namespace assay::workload
