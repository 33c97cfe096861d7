#pragma once
// The policy for samples that are not numbers: they are refused or replaced, never passed through.

#include <span>

#include "lib/base/result.h"

namespace montage::signal {

/// Error kInvalid naming the index of the first NaN or infinity; success otherwise.
base::Result<void> CheckFinite(std::span<const double> samples);

/// Puts the last number before it in the place of each NaN and infinity; 0 where there is none.
void HoldMissing(std::span<double> samples);

}  // namespace montage::signal
