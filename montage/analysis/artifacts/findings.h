#pragma once
// From flags of channels and epochs to stretches of time.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "montage/analysis/artifacts/artifact_detection.h"

namespace montage::analysis {

/// Ratio to its limit of one kind in every channel and epoch.
struct RatioTable {
  std::string_view kind;
  size_t epochs = 0;
  std::vector<float> ratios;  ///< [row][epoch]

  RatioTable(std::string_view name, size_t rows, size_t count)
      : kind(name), epochs(count), ratios(rows * count, 0.0F) {}
  float& At(size_t row, size_t epoch) { return ratios[row * epochs + epoch]; }
  float At(size_t row, size_t epoch) const { return ratios[row * epochs + epoch]; }
};

/// Consecutive epochs in which any channel reaches 1 are one finding, with all channels that do.
/// `names` has a name a row.
std::vector<ArtifactFinding> JoinEpochs(const RatioTable& table, std::span<const std::string> names,
                                        double epoch_s);

void SortByStart(std::vector<ArtifactFinding>& findings);

/// Of `epochs` epochs, the fraction that any of the findings touches.
double TouchedFraction(std::span<const ArtifactFinding> findings, double epoch_s, size_t epochs);

}  // namespace montage::analysis
