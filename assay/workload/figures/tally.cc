#include "assay/workload/figures/tally.h"

#include <algorithm>

namespace assay::workload {

uint64_t Microseconds(base::Duration span) {
  constexpr int64_t kHalf = 500;
  return static_cast<uint64_t>(std::max<int64_t>(0, (span.count() + kHalf) / 1000));
}

void TaskTally::Add(const TaskTally& other) {
  latency.Add(other.latency);
  service.Add(other.service);
  failed += other.failed;
  interrupted += other.interrupted;
  for (size_t i = 0; i < status.size(); ++i) status[i] += other.status[i];
}

void TaskTally::Clear() {
  latency.Clear();
  service.Clear();
  failed = interrupted = 0;
  status.fill(0);
}

void Tally::Finished(const IterationEnd& end) {
  TaskTally& task = tasks[end.task];
  task.latency.Record(Microseconds(end.latency));
  task.service.Record(Microseconds(end.service));
  if (end.failed) ++task.failed;
}

void Tally::Status(size_t task, int64_t status) {
  if (status >= 100 && status < 600) ++tasks[task].status[static_cast<size_t>(status - 100)];
}

void Tally::Add(const Tally& other) {
  for (size_t i = 0; i < tasks.size(); ++i) tasks[i].Add(other.tasks[i]);
  delay.Add(other.delay);
  think.Add(other.think);
  begun += other.begun;
  late += other.late;
  start_failures += other.start_failures;
  received_bytes += other.received_bytes;
  busy += other.busy;
  present += other.present;
}

void Tally::Clear() {
  for (TaskTally& task : tasks) task.Clear();
  delay.Clear();
  think.Clear();
  begun = late = start_failures = received_bytes = 0;
  busy = present = {};
}

TaskTally Tally::Whole() const {
  TaskTally whole;
  for (const TaskTally& task : tasks) whole.Add(task);
  return whole;
}

}  // namespace assay::workload
