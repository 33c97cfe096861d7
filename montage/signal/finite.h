#pragma once
// The policy for samples that are not numbers: they are refused, never passed through.

#include <span>

#include "lib/base/result.h"

namespace montage::signal {

/// Error kInvalid naming the index of the first NaN or infinity; success otherwise.
base::Result<void> CheckFinite(std::span<const double> samples);

}  // namespace montage::signal
