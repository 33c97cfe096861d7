#pragma once
// The parameters of `fault:`: their table and how they are read.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "assay/cel/value.h"
#include "assay/fault/site/fault.h"
#include "assay/scenario/schema.h"

namespace assay::fault {

scenario::ObjectSchema FaultTable();

/// When a fault is on.
struct FaultTimes {
  base::Duration after{};
  std::optional<base::Duration> lasts;
  std::optional<base::Duration> every;
  int64_t times = 1;
};

/// kInvalid: `every` without `for` or `times`, or not longer than `for`.
base::Result<FaultTimes> TimesOf(const cel::Value& params);

/// The fault that the parameters describe. `seed`: of its random choices.
base::Result<std::unique_ptr<Fault>> FaultOf(const cel::Value& params, const Ground& ground,
                                             uint64_t seed);

/// `pause montage`, `latency on link client`, for people.
std::string HeadOf(const cel::Value& params);

}  // namespace assay::fault
