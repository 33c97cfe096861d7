#include "assay/workload/load.h"

#include <algorithm>
#include <limits>

namespace assay::workload {

std::vector<std::string> Load::TaskNames() const {
  std::vector<std::string> names;
  for (const LoadTask& task : tasks) names.push_back(task.name);
  return names;
}

std::vector<int64_t> Load::Weights() const {
  std::vector<int64_t> weights;
  for (const LoadTask& task : tasks) weights.push_back(task.weight);
  return weights;
}

Flow::Flow(const Load& load, base::SteadyTime start)
    : start_(start),
      span_(load.executor.span()),
      graceful_stop_(load.executor.graceful_stop),
      share_(load.share),
      count_(std::numeric_limits<uint64_t>::max()) {
  const Executor& executor = load.executor;
  if (executor.is_open()) {
    arrivals_.emplace(executor);
    count_ = share_.Of(arrivals_->count());
  } else if (executor.kind == ExecutorKind::kSharedIterations) {
    count_ = static_cast<uint64_t>(executor.iterations);
  }
}

std::optional<Ticket> Flow::Arrive() {
  if (stopped()) return std::nullopt;
  const uint64_t index = next_.fetch_add(1, std::memory_order_relaxed);
  if (index >= count_) return std::nullopt;
  const uint64_t whole = share_.Whole(index);
  return Ticket{whole, start_ + arrivals_->TimeOf(whole)};
}

std::optional<uint64_t> Flow::Begin() {
  if (stopped()) return std::nullopt;
  const uint64_t index = next_.fetch_add(1, std::memory_order_relaxed);
  if (index >= count_) return std::nullopt;
  return share_.Whole(index);
}

uint64_t Flow::begun() const { return std::min(count_, next_.load(std::memory_order_relaxed)); }

uint64_t Flow::ScheduledUntil(base::SteadyTime now) const {
  return arrivals_ ? share_.Of(arrivals_->CountUntil(now - start_)) : begun();
}

void Flow::Enter() {
  const int64_t now = users_.fetch_add(1, std::memory_order_relaxed) + 1;
  int64_t most = most_users_.load(std::memory_order_relaxed);
  while (now > most && !most_users_.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
  }
}

}  // namespace assay::workload
