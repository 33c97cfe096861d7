#include "assay/workload/pacing/share.h"

#include <fmt/format.h>

namespace assay::workload {

base::Result<Executor> PartOf(const Executor& whole, const Share& share) {
  if (share.count == 1) return whole;
  const auto part = [&](int64_t users) {
    return static_cast<int64_t>(share.Of(static_cast<uint64_t>(users)));
  };
  Executor own = whole;
  own.pre_allocated_vus = part(whole.pre_allocated_vus);
  own.max_vus = part(whole.max_vus);
  own.vus = part(whole.vus);
  if (whole.kind == ExecutorKind::kRampingVus) {
    own.start_vus = part(whole.start_vus);
    for (Stage& stage : own.stages) {
      stage.target = static_cast<double>(part(static_cast<int64_t>(stage.target)));
    }
  }
  if (whole.kind == ExecutorKind::kSharedIterations) own.iterations = part(whole.iterations);
  if (own.most_vus() > 0 && own.iterations > 0) return own;
  return base::Fail(
      base::Error{base::ErrorCode::kInvalid,
                  fmt::format("{} cannot be divided among {} shards",
                              own.most_vus() == 0 ? fmt::format("{} users", whole.most_vus())
                                                  : fmt::format("{} iterations", whole.iterations),
                              share.count)}
          .Hint("use fewer shards, or more users"));
}

}  // namespace assay::workload
