#pragma once
// The part of a load that one of several generators carries out.

#include <cstdint>

#include "assay/workload/pacing/executor.h"
#include "lib/base/result.h"

namespace assay::workload {

/// Number `index` (from 0) of `count` takes every count-th iteration, beginning with iteration
/// `index`: all of them together are exactly the whole load, with its times, tasks and rows.
struct Share {
  uint64_t index = 0;
  uint64_t count = 1;

  /// How many of `total` things are its own.
  uint64_t Of(uint64_t total) const { return (total + count - 1 - index) / count; }
  /// The number in the whole load of its own `number`-th thing; both from 0.
  uint64_t Whole(uint64_t number) const { return number * count + index; }
};

/// The executor of the share: users and shared iterations are divided. Rates stay as they are,
/// because arrivals are divided one by one. kInvalid when the share would have no user.
base::Result<Executor> PartOf(const Executor& whole, const Share& share);

}  // namespace assay::workload
