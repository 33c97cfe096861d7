#include "montage/analysis/events/suppression.h"

#include <algorithm>

#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr size_t kLeastFrames = 4;    ///< of a suppression: 1 s
constexpr size_t kBridgeFrames = 1;   ///< louder frames that do not end a suppression
constexpr size_t kMostBurst = 40;     ///< frames between suppressions of one pattern: 10 s
constexpr size_t kLeastBurst = 2;     ///< frames of a burst: half a second
constexpr float kLeastBurstUv = 10.0F;
constexpr size_t kLeastBursts = 2;
constexpr double kLeastLengthS = 10.0;
constexpr double kLeastFraction = 0.5;

struct Frames {
  size_t first;
  size_t end;
};

std::vector<Frames> Suppressions(const std::vector<float>& amplitude) {
  std::vector<Frames> out;
  for (size_t f = 0; f < amplitude.size(); ++f) {
    if (amplitude[f] >= kSuppressedRmsUv) continue;
    size_t last = f;
    for (size_t next = f + 1; next < amplitude.size() && next - last <= kBridgeFrames + 1; ++next) {
      if (amplitude[next] < kSuppressedRmsUv) last = next;
    }
    if (last - f + 1 >= kLeastFrames) out.push_back({f, last + 1});
    f = last;
  }
  return out;
}

}  // namespace

std::vector<BurstSuppression> FindBurstSuppression(const Survey& survey) {
  std::vector<BurstSuppression> found;
  const auto suppressions = Suppressions(survey.amplitude);
  for (size_t i = 0; i < suppressions.size();) {
    size_t j = i;
    size_t quiet = suppressions[i].end - suppressions[i].first;
    std::vector<double> peaks;
    while (j + 1 < suppressions.size() &&
           suppressions[j + 1].first - suppressions[j].end <= kMostBurst) {
      const auto from = survey.amplitude.begin() + static_cast<ptrdiff_t>(suppressions[j].end);
      const auto to = survey.amplitude.begin() + static_cast<ptrdiff_t>(suppressions[j + 1].first);
      const float peak = *std::max_element(from, to);
      if (static_cast<size_t>(to - from) >= kLeastBurst && peak >= kLeastBurstUv) {
        peaks.push_back(static_cast<double>(peak));
      }
      ++j;
      quiet += suppressions[j].end - suppressions[j].first;
    }
    const size_t length = suppressions[j].end - suppressions[i].first;
    const double fraction = static_cast<double>(quiet) / static_cast<double>(length);
    if (peaks.size() >= kLeastBursts && fraction >= kLeastFraction &&
        static_cast<double>(length) * kFrameS >= kLeastLengthS) {
      found.push_back({kFrameS * static_cast<double>(suppressions[i].first),
                       kFrameS * static_cast<double>(suppressions[j].end), peaks.size(), fraction,
                       signal::Median(peaks)});
    }
    i = j + 1;
  }
  return found;
}

}  // namespace montage::analysis
