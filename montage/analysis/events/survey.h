#pragma once
// One pass over a recording, from which both abnormality and events are read.
//
//   chunk of 60 s --> discharges          sharp transients, with their field
//                 --> rhythm              a second and channel: level, main frequency, purity
//                 --> bands               a window of 4 s and channel: delta, theta, alpha, beta
//                 --> amplitude           a frame of 0.25 s: what is typical of the channels
//                 --> artifacts           muscle, movement, pops, blinks, to a quarter of a second
//
// Memory: 4 bytes a channel and second, 16 bytes a channel and window of 2 s stride, 64 bytes a
// discharge (a few a second at most), and one chunk: a day of 64 channels takes about 80 MB.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/events/conditioning.h"
#include "montage/analysis/events/discharges.h"
#include "montage/analysis/events/scalp_layout.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

inline constexpr double kWindowS = 4.0;
inline constexpr double kWindowStrideS = 2.0;

/// The 2 s from a whole second on, in one channel; quantised.
struct RhythmCell {
  uint16_t level_tenths = 0;  ///< rms within 1 to 25 Hz, tenths of a microvolt
  uint8_t hz_tenths = 0;      ///< where power times frequency is largest within 1.5 to 25 Hz
  uint8_t purity_255 = 0;     ///< share of power times frequency within 1 Hz of it

  double level_uv() const { return 0.1 * level_tenths; }
  double hz() const { return 0.1 * hz_tenths; }
  double purity() const { return purity_255 / 255.0; }
};

/// Mean power of one channel over one window, microvolts squared; NaN where it has an artifact.
struct WindowBands {
  float delta = NAN;  ///< 1 to 4 Hz
  float theta = NAN;  ///< 4 to 8 Hz
  float alpha = NAN;  ///< 8 to 13 Hz
  float beta = NAN;   ///< 13 to 30 Hz

  bool IsKnown() const { return !std::isnan(delta); }
  double Slow() const { return static_cast<double>(delta) + static_cast<double>(theta); }
  double Fast() const { return static_cast<double>(alpha) + static_cast<double>(beta); }
};

enum class ArtifactSource { kBlink, kMuscle, kMovement, kPop };
struct ArtifactSpan {
  ArtifactSource source = ArtifactSource::kMuscle;
  double start_s = 0;
  double end_s = 0;
  std::vector<uint16_t> rows = {};
};

struct Survey {
  ScalpLayout layout = {};
  double rate_hz = 0;  ///< of the conditioned samples
  size_t seconds = 0;
  size_t windows = 0;
  std::vector<Discharge> discharges = {};    ///< by time
  std::vector<RhythmCell> rhythm = {};       ///< [second][row]
  std::vector<WindowBands> bands = {};       ///< [window][row]
  std::vector<float> posterior_hz = {};      ///< a window: centre of 4 to 13 Hz at the back; or NaN
  std::vector<float> amplitude = {};         ///< a frame: median over rows of the rms, microvolts
  std::vector<float> spindle = {};           ///< a second: see SpindleIndex in survey.cc
  std::vector<ArtifactSpan> artifacts = {};  ///< by start
  std::vector<double> posterior_density = {};  ///< mean spectrum at the back, uV^2 / Hz
  double density_step_hz = 0;

  std::span<const WindowBands> BandsAt(size_t window) const {
    return std::span(bands).subspan(window * layout.rows.size(), layout.rows.size());
  }
};

/// Errors only for I/O, cancellation and deadlines. A recording without usable channels gives an
/// empty survey.
base::Result<Survey> TakeSurvey(const RecordingView& recording, const QualityReport& quality,
                                const Control& control);

}  // namespace montage::analysis
