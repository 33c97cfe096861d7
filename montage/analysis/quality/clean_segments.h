#pragma once
// Which stretches of a channel quality control found free of artifacts.

#include <cstddef>

#include "montage/analysis/quality/quality.h"

namespace montage::analysis {

/// The row of the artifact mask that belongs to a channel. The report must outlive it.
class CleanSegments {
 public:
  /// Without a report (null), or for a channel that was not assessed, everything is clean.
  CleanSegments(const QualityReport* quality, size_t channel);

  /// No epoch that touches [from_s, to_s) has an artifact.
  bool IsClean(double from_s, double to_s) const;

 private:
  const ArtifactMask* mask_ = nullptr;
  size_t row_ = 0;
};

}  // namespace montage::analysis
