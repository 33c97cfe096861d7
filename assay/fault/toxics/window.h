#pragma once
// When a fault is on: from `after`, for `lasts`, again every `every`.
//
//   start      after                        after + every
//     |----------|########|-------------------|########|----
//                  lasts

#include <optional>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::fault {

/// Spans are not negative. Without `lasts` it stays on; `every` needs `lasts` and is longer than
/// it.
struct Window {
  base::Duration after{};
  std::optional<base::Duration> lasts;
  std::optional<base::Duration> every;

  /// kInvalid: `every` without `lasts`, or not longer than it.
  base::Result<void> Check() const;
  bool is_always() const { return after == base::Duration::zero() && !lasts; }
  /// `since` is the time since the fault was made.
  bool IsOn(base::Duration since) const;
  /// When IsOn next changes, measured like `since`; nothing: never again.
  std::optional<base::Duration> NextChange(base::Duration since) const;
};

}  // namespace assay::fault
