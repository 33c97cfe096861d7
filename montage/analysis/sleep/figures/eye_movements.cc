#include <algorithm>
#include <cmath>

#include "montage/analysis/sleep/figures/figures.h"
#include "montage/signal/filter/iir.h"

namespace montage::analysis {
namespace {

constexpr double kRapidS = 0.25;
constexpr double kSlowFromS = 0.5, kSlowToS = 3.0;
constexpr double kReturnS = 1.0;  ///< a deflection back within this is the end of the one before

struct Deflection {
  size_t from = 0, to = 0;
};

/// Turning points that are at least `reversal` apart in height: small ripples do not break a
/// deflection in two.
std::vector<Deflection> Deflections(std::span<const double> x, double reversal) {
  std::vector<Deflection> out;
  size_t turn = 0, extreme = 0;
  bool rising = x.size() > 1 && x[1] > x[0];
  for (size_t i = 1; i < x.size(); ++i) {
    const double ahead = rising ? x[i] - x[extreme] : x[extreme] - x[i];
    if (ahead >= 0) {
      extreme = i;
    } else if (-ahead >= reversal) {
      out.push_back({turn, extreme});
      turn = extreme;
      extreme = i;
      rising = !rising;
    }
  }
  out.push_back({turn, extreme});
  return out;
}

/// Samples between the last below a tenth and the first above nine tenths of the way.
size_t MiddleTime(std::span<const double> x, Deflection d) {
  const double height = x[d.to] - x[d.from];
  const auto way = [&](size_t i) { return (x[i] - x[d.from]) / height; };
  size_t last_low = d.from, first_high = d.to;
  for (size_t i = d.to; i > d.from; --i) {
    if (way(i) >= 0.9) first_high = i;
  }
  for (size_t i = d.from; i < first_high; ++i) {
    if (way(i) <= 0.1) last_low = i;
  }
  return first_high - last_low;
}

}  // namespace

base::Result<std::vector<EyeMovement>> FindEyeMovements(const Trace& trace, double least_uv,
                                                        double from_s, double to_s) {
  std::vector<double> x = trace.samples;
  TRY(const auto band, signal::Butterworth(2, signal::Band::kBandPass, {0.3, 10}, trace.rate_hz));
  TRY(signal::FilterZeroPhase(band, x));
  std::vector<EyeMovement> out;
  double free_from_s = -1e300;
  for (const Deflection& deflection : Deflections(x, 0.3 * least_uv)) {
    const double height = std::abs(x[deflection.to] - x[deflection.from]);
    if (height < least_uv) continue;
    const double middle_s = static_cast<double>(MiddleTime(x, deflection)) / trace.rate_hz;
    const bool rapid = middle_s < kRapidS;
    if (!rapid && (middle_s < kSlowFromS || middle_s > kSlowToS)) continue;
    const double onset_s = trace.TimeAt(deflection.from), end_s = trace.TimeAt(deflection.to);
    if (onset_s < free_from_s) continue;
    free_from_s = end_s + (rapid ? kReturnS : 0.0);
    if (onset_s < from_s || onset_s >= to_s || !trace.IsUsable(onset_s, end_s + 1e-6)) continue;
    out.push_back({onset_s, end_s - onset_s, height,
                   rapid ? EyeMovementKind::kRapid : EyeMovementKind::kSlow});
  }
  return out;
}

}  // namespace montage::analysis
