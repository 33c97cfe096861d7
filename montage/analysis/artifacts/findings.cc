#include "montage/analysis/artifacts/findings.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace montage::analysis {

std::vector<ArtifactFinding> JoinEpochs(const RatioTable& table, std::span<const std::string> names,
                                        double epoch_s) {
  std::vector<ArtifactFinding> findings;
  std::vector<bool> touched(names.size());
  float score = 0;
  size_t start = 0;
  bool open = false;
  const auto close = [&](size_t end) {
    if (!open) return;
    ArtifactFinding finding{.kind = table.kind,
                            .start_s = epoch_s * static_cast<double>(start),
                            .end_s = epoch_s * static_cast<double>(end),
                            .score = static_cast<double>(score)};
    for (size_t row = 0; row < names.size(); ++row) {
      if (touched[row]) finding.channels.push_back(names[row]);
    }
    findings.push_back(std::move(finding));
    touched.assign(names.size(), false);
    score = 0;
    open = false;
  };
  for (size_t e = 0; e < table.epochs; ++e) {
    bool any = false;
    for (size_t row = 0; row < names.size(); ++row) {
      const float ratio = table.At(row, e);
      if (ratio < 1.0F) continue;
      any = true;
      touched[row] = true;
      score = std::max(score, ratio);
    }
    if (!any) {
      close(e);
    } else if (!open) {
      open = true;
      start = e;
    }
  }
  close(table.epochs);
  return findings;
}

void SortByStart(std::vector<ArtifactFinding>& findings) {
  std::ranges::sort(findings, [](const ArtifactFinding& a, const ArtifactFinding& b) {
    return std::tie(a.start_s, a.kind, a.end_s) < std::tie(b.start_s, b.kind, b.end_s);
  });
}

double TouchedFraction(std::span<const ArtifactFinding> findings, double epoch_s, size_t epochs) {
  if (epochs == 0) return 0.0;
  std::vector<bool> touched(epochs, false);
  for (const ArtifactFinding& finding : findings) {
    const auto first = static_cast<size_t>(finding.start_s / epoch_s + 1e-9);
    const auto last = static_cast<size_t>(std::ceil(finding.end_s / epoch_s - 1e-9));
    for (size_t e = first; e < std::min(last, epochs); ++e) touched[e] = true;
  }
  return static_cast<double>(std::ranges::count(touched, true)) / static_cast<double>(epochs);
}

}  // namespace montage::analysis
