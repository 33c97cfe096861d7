#include <algorithm>
#include <cmath>
#include <numeric>

#include "montage/analysis/sleep/figures/figures.h"
#include "montage/analysis/sleep/window_powers.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kWindowS = 1.0, kStepS = 0.5;
constexpr double kBeforeS = 10.0, kLeastS = 3.0;
constexpr double kShift = 4.0;  ///< of power: twice the amplitude
constexpr signal::FrequencyRange kFast[] = {{8, 10.5}, {16, 30}};
constexpr double kLeastPowerUv2 = 4.0;  ///< a shift under 2 uV would not be seen

class Finder {
 public:
  Finder(const Trace& trace, const WindowPowers& powers) : trace_(trace), powers_(powers) {}

  std::vector<Arousal> Run(double from_s, double to_s) {
    std::vector<Arousal> out;
    const auto before = static_cast<size_t>(kBeforeS / kStepS);
    for (size_t w = before; w < powers_.windows();) {
      const size_t length = ShiftAt(w);
      const double onset_s = trace_.TimeAt(0) + powers_.OffsetS(w);
      // The last window reaches half a step over.
      const double duration_s = static_cast<double>(length) * kStepS;
      if (duration_s < kLeastS) {
        ++w;
        continue;
      }
      if (onset_s >= from_s && onset_s < to_s) out.push_back({onset_s, duration_s});
      w += length;
    }
    return out;
  }

 private:
  double Usual(size_t w, size_t band) {
    const auto before = static_cast<size_t>(kBeforeS / kStepS);
    scratch_.clear();
    for (size_t i = w - before; i < w; ++i) scratch_.push_back(powers_.At(i, band));
    return signal::Median(scratch_);
  }

  bool IsUsable(size_t w) const {
    const double at_s = trace_.TimeAt(0) + powers_.OffsetS(w);
    return trace_.IsUsable(at_s, at_s + kWindowS);
  }

  /// How many windows from `w` on stand above what was usual before it.
  size_t ShiftAt(size_t w) {
    double limits[2];
    bool any = false;
    for (size_t b = 0; b < 2; ++b) {
      limits[b] = std::max(kShift * Usual(w, b), kLeastPowerUv2);
      any = any || powers_.At(w, b) >= limits[b];
    }
    if (!any) return 0;
    size_t end = w;
    while (end < powers_.windows() && IsUsable(end) &&
           (powers_.At(end, 0) >= limits[0] || powers_.At(end, 1) >= limits[1])) {
      ++end;
    }
    return end - w;
  }

  const Trace& trace_;
  const WindowPowers& powers_;
  std::vector<double> scratch_;
};

}  // namespace

base::Result<std::vector<Arousal>> FindShifts(const Trace& trace, double from_s, double to_s) {
  const WindowPowers powers(trace, kWindowS, kStepS, kFast);
  return Finder(trace, powers).Run(from_s, to_s);
}

}  // namespace montage::analysis
