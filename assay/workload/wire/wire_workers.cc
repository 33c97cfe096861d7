#include "assay/workload/wire/wire_workers.h"

#include <thread>
#include <utility>

#include "assay/workload/wire/wire_thread.h"
#include "lib/net/event.h"
#include "lib/net/runtime.h"

namespace assay::workload {

WireWorkers::WireWorkers(const Load& load, WirePlan plan, Flow& flow, Collector& collector,
                         const WorkerOptions& options)
    : plan_(std::move(plan)) {
  for (size_t i = 0; i < options.threads; ++i) {
    threads_.push_back(
        std::make_unique<WireThread>(load, plan_, flow, collector, i, options.threads));
  }
}

WireWorkers::~WireWorkers() = default;

net::Task<void> WireWorkers::Run() {
  const net::Executor here = co_await net::CurrentExecutor();
  net::Event ended;
  size_t running = threads_.size();
  std::vector<std::jthread> threads;
  for (const auto& thread : threads_) {
    threads.emplace_back([&thread, &here, &running, &ended] {
      thread->Run();
      net::Post(here, [&running, &ended] {
        if (--running == 0) ended.Set();
      });
    });
  }
  static_cast<void>(co_await ended.Wait(base::Deadline::Never()));
}

void WireWorkers::Wake() {
  for (const auto& thread : threads_) thread->Wake();
}

void WireWorkers::Cancel() {
  for (const auto& thread : threads_) thread->Cancel();
}

}  // namespace assay::workload
