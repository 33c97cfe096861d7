#pragma once
// How a caller steers a long computation: by when, whether still, and how far it is.

#include <functional>

#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace montage::analysis {

/// Handed to everything that takes more than a moment.
struct Control {
  base::Deadline deadline = base::Deadline::Never();
  const base::Clock* clock = nullptr;    ///< for the deadline; none: the deadline only goes to I/O
  std::function<bool()> cancelled = {};  ///< may be empty
  std::function<void(double)> progress = {};  ///< gets a fraction in [0, 1]; may be empty

  /// Error kCancelled or kTimeout when it is time to stop.
  base::Result<void> Check() const {
    if (cancelled && cancelled()) {
      return base::Fail(base::ErrorCode::kCancelled, "the analysis was cancelled");
    }
    if (clock != nullptr && deadline.HasPassed(*clock)) {
      return base::Fail(base::ErrorCode::kTimeout, "the analysis passed its deadline");
    }
    return {};
  }
  void Report(double fraction) const {
    if (progress) progress(fraction);
  }
};

}  // namespace montage::analysis
