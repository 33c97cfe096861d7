#pragma once
// The parameters of `fault:`: their table and how they are read.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "assay/cel/value.h"
#include "assay/fault/site/fault.h"
#include "assay/scenario/schema.h"

namespace assay::fault {

scenario::ObjectSchema FaultTable();

/// nullopt when there is none; kInvalid when it is no duration.
base::Result<std::optional<base::Duration>> SpanAt(const cel::Value& params, std::string_view key);
/// kInvalid when it is not there or no number.
base::Result<double> NumberAt(const cel::Value& map, std::string_view key);

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
