#pragma once
// What a load did, in constant memory: counts and histograms that add up without loss, from one
// worker's second to the whole run.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/stats/histogram.h"

namespace assay::workload {

/// HTTP statuses 100 to 599; index status - 100.
using StatusCounts = std::array<uint64_t, 500>;

/// How a finished iteration went.
struct IterationEnd {
  size_t task = 0;
  base::Duration latency{};  ///< from when it was due to its end
  base::Duration service{};  ///< from its begin to its end
  bool failed = false;
};

/// Of one task. Times in microseconds.
struct TaskTally {
  stats::Histogram latency;
  stats::Histogram service;
  uint64_t failed = 0;
  uint64_t interrupted = 0;  ///< begun and not finished in time; not in the histograms
  StatusCounts status{};

  uint64_t finished() const { return latency.count(); }
  void Add(const TaskTally& other);
  void Clear();
};

struct Tally {
  explicit Tally(size_t tasks) : tasks(tasks) {}

  std::vector<TaskTally> tasks;
  stats::Histogram delay;  ///< of the generator: from when an iteration could begin to its begin
  stats::Histogram think;  ///< pauses as they were
  uint64_t begun = 0;
  uint64_t late = 0;            ///< begun after they were due, because no user was free
  uint64_t start_failures = 0;  ///< users whose on_start did not pass
  uint64_t received_bytes = 0;  ///< of bodies
  base::Duration busy{};        ///< processor time of the workers
  base::Duration present{};     ///< how long the workers were there

  void Finished(const IterationEnd& end);
  void Status(size_t task, int64_t status);
  void Add(const Tally& other);
  void Clear();
  /// All tasks together.
  TaskTally Whole() const;
};

/// Microseconds, rounded; never negative.
uint64_t Microseconds(base::Duration span);

/// Why an iteration failed, as it is counted: few of them, whatever happens.
struct FailureClass {
  size_t task = 0;
  std::string step;
  std::string reason;
  auto operator<=>(const FailureClass&) const = default;
};

/// One failed iteration with what is known of it.
struct Failure {
  FailureClass what;
  base::Duration at{};  ///< from the start of the workload
  int64_t vu = 0;
  uint64_t index = 0;
  int64_t status = 0;              ///< 0: none
  std::string transcript;          ///< name of its blob, or ""
  std::vector<std::string> blobs;  ///< contents of what the iteration stored
};

}  // namespace assay::workload
