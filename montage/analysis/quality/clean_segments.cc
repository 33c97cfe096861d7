#include "montage/analysis/quality/clean_segments.h"

#include <algorithm>
#include <cmath>

namespace montage::analysis {

CleanSegments::CleanSegments(const QualityReport* quality, size_t channel) {
  if (quality == nullptr) return;
  const auto& rows = quality->mask.channels;
  const auto found = std::ranges::find(rows, channel);
  if (found == rows.end()) return;
  mask_ = &quality->mask;
  row_ = static_cast<size_t>(found - rows.begin());
}

bool CleanSegments::IsClean(double from_s, double to_s) const {
  if (mask_ == nullptr || mask_->epochs == 0) return true;
  const auto first = static_cast<size_t>(from_s / mask_->epoch_s + 1e-9);
  const auto last = static_cast<size_t>(std::ceil(to_s / mask_->epoch_s - 1e-9));
  for (size_t e = first; e < std::min(last, mask_->epochs); ++e) {
    if (!mask_->IsClean(row_, e)) return false;
  }
  return true;
}

}  // namespace montage::analysis
