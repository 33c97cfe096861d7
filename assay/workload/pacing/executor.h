#pragma once
// How a workload asks for iterations: the six executors of k6 with its parameters and defaults.

#include <cstdint>
#include <string_view>
#include <vector>

#include "assay/cel/value.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::workload {

enum class ExecutorKind {
  kConstantArrivalRate,  ///< open: `rate` iterations every `time_unit`
  kRampingArrivalRate,   ///< open: from `start_rate` through `stages`
  kConstantVus,          ///< closed: `vus` users, one iteration after the other
  kRampingVus,           ///< closed: from `start_vus` through `stages`
  kSharedIterations,     ///< `iterations` in all, taken by `vus` users
  kPerVuIterations,      ///< `iterations` by each of `vus` users
};

std::string_view ToString(ExecutorKind kind);

/// In `duration` the rate (iterations every time unit) or the number of users goes evenly to
/// `target`; with no duration it is there at once.
struct Stage {
  base::Duration duration{};
  double target = 0;
};

/// Fields that an executor does not have keep their defaults.
struct Executor {
  ExecutorKind kind = ExecutorKind::kConstantVus;
  double rate = 0;
  double start_rate = 0;
  base::Duration time_unit = std::chrono::seconds(1);
  base::Duration duration{};
  int64_t pre_allocated_vus = 0;  ///< users that are there from the beginning
  int64_t max_vus = 0;            ///< so many are made when arrivals find no free one
  int64_t vus = 1;
  int64_t start_vus = 1;
  std::vector<Stage> stages;
  int64_t iterations = 1;
  base::Duration max_duration = std::chrono::minutes(10);
  base::Duration graceful_stop = std::chrono::seconds(30);
  base::Duration graceful_ramp_down = std::chrono::seconds(30);

  /// Arrivals come by a schedule, whether the system keeps up or not.
  bool is_open() const {
    return kind == ExecutorKind::kConstantArrivalRate || kind == ExecutorKind::kRampingArrivalRate;
  }
  /// How long iterations are begun.
  base::Duration span() const;
  /// The most users at a time.
  int64_t most_vus() const;
};

inline constexpr int64_t kMostVus = 100'000;
inline constexpr double kHighestRate = 10'000'000;  ///< iterations a second

/// From the evaluated parameters of a `workload` step. kInvalid names the parameter that is
/// missing, out of range, or not one of this executor.
base::Result<Executor> ReadExecutor(const cel::Value& params);

}  // namespace assay::workload
