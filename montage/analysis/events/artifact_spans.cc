#include "montage/analysis/events/artifact_spans.h"

#include <algorithm>
#include <cmath>

#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr float kMuscleUv = 7.0F;  ///< rms above 41 Hz, over the channel's usual
constexpr float kMuscleOverUsual = 1.7F;
constexpr double kMuscleJoinS = 0.5;
constexpr double kMuscleLeastS = 0.5;
constexpr float kMovementUv = 110.0F;  ///< deflection of most channels
constexpr double kMovementJoinS = 1.0;
constexpr float kMovementStillUv = 45.0F;
constexpr float kBlinkUv = 45.0F;
/// Robust deviations of the front's curvature. Background has about ten independent curvatures a
/// second, 3,000 in five minutes: over 4 deviations lies one in ten such recordings, over 5 one in
/// a thousand, if it is Gaussian.
constexpr float kBlinkZ = 5.0F;
constexpr double kBlinkReachS = 0.2;
constexpr float kBlinkOverBack = 2.5F;
constexpr double kLeastBlinkS = 0.12;  ///< at a tenth of its height

class SpanFinder {
 public:
  SpanFinder(const ConditionedChunk& chunk, const ScalpLayout& layout)
      : chunk_(chunk), layout_(layout) {}

  std::vector<ArtifactSpan> Find(std::span<const ElectrodePop> pops) {
    FindMuscle();
    FindMovement();
    FindBlinks();
    for (const ElectrodePop& pop : pops) {
      Add(ArtifactSource::kPop, pop.time_s, pop.time_s + 1.0, {static_cast<uint16_t>(pop.row)});
    }
    std::ranges::sort(spans_, {}, &ArtifactSpan::start_s);
    return std::move(spans_);
  }

 private:
  double FrameTime(size_t frame) const { return chunk_.TimeOf(frame * chunk_.frame_samples); }

  void Add(ArtifactSource source, double start_s, double end_s, std::vector<uint16_t> rows) {
    if (start_s < chunk_.begin_s || start_s >= chunk_.end_s) return;
    spans_.push_back({source, start_s, std::min(end_s, layout_.duration_s()), std::move(rows)});
  }

  void FindMuscle() {
    // Frames that are loud in any channel, joined; the rows that were.
    std::vector<std::vector<bool>> loud(layout_.rows.size());
    std::vector<bool> any(chunk_.frames, false);
    for (size_t row = 0; row < layout_.rows.size(); ++row) {
      const auto fast = chunk_.Fast(row);
      std::vector<float> sorted(fast.begin(), fast.end());
      const float usual = signal::OrderStatistic(sorted, 0.3);
      // Mains are as loud as usual all the time: powers subtract.
      const float excess = std::max(kMuscleOverUsual * usual, kMuscleUv);
      const float least = std::sqrt(usual * usual + excess * excess);
      loud[row].resize(fast.size());
      for (size_t f = 0; f < fast.size(); ++f) {
        loud[row][f] = fast[f] > least;
        any[f] = any[f] || loud[row][f];
      }
    }
    const auto gap = static_cast<size_t>(kMuscleJoinS / kFrameS);
    for (size_t f = 0; f < chunk_.frames; ++f) {
      if (!any[f]) continue;
      size_t last = f;
      for (size_t next = f + 1; next < chunk_.frames && next - last <= gap + 1; ++next) {
        if (any[next]) last = next;
      }
      if (static_cast<double>(last - f + 1) * kFrameS >= kMuscleLeastS) {
        std::vector<uint16_t> rows;
        for (size_t row = 0; row < loud.size(); ++row) {
          if (std::find(loud[row].begin() + static_cast<ptrdiff_t>(f),
                        loud[row].begin() + static_cast<ptrdiff_t>(last) + 1,
                        true) != loud[row].begin() + static_cast<ptrdiff_t>(last) + 1) {
            rows.push_back(static_cast<uint16_t>(row));
          }
        }
        Add(ArtifactSource::kMuscle, FrameTime(f), FrameTime(last + 1), std::move(rows));
      }
      f = last;
    }
  }

  void FindMovement() {
    // Typical deflection of a frame: the median over rows of the largest |x|.
    std::vector<float> size(chunk_.frames);
    for (size_t f = 0; f < chunk_.frames; ++f) {
      std::vector<float> peaks;
      peaks.reserve(layout_.rows.size());
      for (size_t row = 0; row < layout_.rows.size(); ++row) {
        float peak = 0;
        for (const float value :
             chunk_.Low(row).subspan(f * chunk_.frame_samples, chunk_.frame_samples)) {
          peak = std::max(peak, std::abs(value));
        }
        peaks.push_back(peak);
      }
      size[f] = signal::OrderStatistic(peaks, 0.5);
    }
    const auto gap = static_cast<size_t>(kMovementJoinS / kFrameS);
    for (size_t f = 0; f < chunk_.frames; ++f) {
      if (size[f] < kMovementUv) continue;
      size_t first = f, last = f;
      while (first > 0 && size[first - 1] > kMovementStillUv) --first;
      for (size_t next = f + 1; next < chunk_.frames && next - last <= gap; ++next) {
        if (size[next] > kMovementStillUv) last = next;
      }
      std::vector<uint16_t> rows;
      for (size_t row = 0; row < layout_.rows.size(); ++row)
        rows.push_back(static_cast<uint16_t>(row));
      Add(ArtifactSource::kMovement, FrameTime(first), FrameTime(last + 1), std::move(rows));
      f = last;
    }
  }

  void FindBlinks() {
    if (layout_.front.empty() || layout_.posterior.empty()) return;
    const auto mean_of = [&](std::span<const size_t> rows) {
      std::vector<float> mean(chunk_.samples, 0.0F);
      for (const size_t row : rows) {
        const auto x = chunk_.Low(row);
        for (size_t i = 0; i < mean.size(); ++i) mean[i] += x[i];
      }
      for (float& value : mean) value /= static_cast<float>(rows.size());
      return mean;
    };
    const auto front = mean_of(layout_.front);
    const auto back = mean_of(layout_.posterior);
    const auto reach = static_cast<size_t>(std::llround(kBlinkReachS * chunk_.rate_hz));
    const auto curve_at = [&](size_t i) {
      return front[i] - 0.5F * (front[i - reach] + front[i + reach]);
    };
    std::vector<float> sizes;
    for (size_t i = reach; i + reach < front.size(); i += 4) sizes.push_back(std::abs(curve_at(i)));
    const float least = std::max(kBlinkUv, kBlinkZ * 1.4826F * signal::OrderStatistic(sizes, 0.5));
    for (size_t i = reach; i + reach < front.size(); ++i) {
      if (front[i] < 0.5F * least || curve_at(i) < least) continue;
      // To the top of this wave.
      size_t top = i;
      while (top + reach + 1 < front.size() && front[top + 1] >= front[top]) ++top;
      const float rise = front[top] - std::max(front[top - reach], front[top + reach]);
      const float behind = std::abs(back[top] - 0.5F * (back[top - reach] + back[top + reach]));
      if (rise >= least * 0.7F && rise > kBlinkOverBack * behind) {
        size_t start = top, end = top;
        const float foot = front[top] - 0.9F * rise;
        while (start > 0 && top - start < reach && front[start] > foot) --start;
        while (end + 1 < front.size() && end - top < reach && front[end] > foot) ++end;
        if (static_cast<double>(end - start) / chunk_.rate_hz > kLeastBlinkS) {
          std::vector<uint16_t> rows(layout_.front.begin(), layout_.front.end());
          Add(ArtifactSource::kBlink, chunk_.TimeOf(start), chunk_.TimeOf(end), std::move(rows));
        }
      }
      i = top + reach;
    }
  }

  const ConditionedChunk& chunk_;
  const ScalpLayout& layout_;
  std::vector<ArtifactSpan> spans_;
};

}  // namespace

std::vector<ArtifactSpan> FindArtifactSpans(const ConditionedChunk& chunk,
                                            const ScalpLayout& layout,
                                            std::span<const ElectrodePop> pops) {
  return SpanFinder(chunk, layout).Find(pops);
}

}  // namespace montage::analysis
