#include "montage/analysis/events/survey.h"

#include <algorithm>
#include <cmath>

#include "montage/analysis/events/artifact_spans.h"
#include "montage/analysis/events/spectra.h"

namespace montage::analysis {
namespace {

constexpr double kSegmentS = 2.0;
/// A window needs this many of its three segments whole; the last one may end the recording.
constexpr double kRhythmLowHz = 1.0;
constexpr double kRhythmHighHz = 25.0;
/// A main frequency below this cannot be told from drift in 2 s.
constexpr double kLeastRhythmHz = 1.5;
constexpr double kPeakHalfWidthHz = 1.0;

/// Sum of densities over [from, to) Hz times the step: power.
float PowerOf(const SecondSpectra& spectra, std::span<const float> density, double from,
              double to) {
  float sum = 0;
  for (size_t k = spectra.BinOf(from); k < spectra.BinOf(to); ++k) sum += density[k];
  return sum * static_cast<float>(spectra.step_hz());
}

RhythmCell RhythmOf(const SecondSpectra& spectra, std::span<const float> density) {
  const auto step = static_cast<float>(spectra.step_hz());
  const size_t low = spectra.BinOf(kRhythmLowHz), high = spectra.BinOf(kRhythmHighHz);
  const size_t first = spectra.BinOf(kLeastRhythmHz);
  float power = 0, weighted = 0, best = 0;
  size_t at = first;
  for (size_t k = low; k < high; ++k) {
    const float value = density[k] * static_cast<float>(k);
    power += density[k];
    weighted += value;
    if (k >= first && value > best) {
      best = value;
      at = k;
    }
  }
  RhythmCell cell;
  if (!(weighted > 0)) return cell;
  const auto reach = static_cast<size_t>(std::llround(kPeakHalfWidthHz / spectra.step_hz()));
  float near = 0, moment = 0;
  for (size_t k = std::max(low, at - std::min(at, reach)); k <= std::min(at + reach, high - 1); ++k) {
    near += density[k] * static_cast<float>(k);
    moment += density[k] * static_cast<float>(k * k);
  }
  const float level = std::sqrt(power * step);
  cell.level_tenths = static_cast<uint16_t>(std::min(65535.0F, 10 * level + 0.5F));
  cell.hz_tenths = static_cast<uint8_t>(std::min(255.0F, 10 * step * moment / near + 0.5F));
  cell.purity_255 = static_cast<uint8_t>(std::min(255.0F, 255 * near / weighted + 0.5F));
  return cell;
}

/// How much 11.5 to 15.5 Hz stands out at the vertex from the bands beside it, as a ratio of
/// densities; 0 where it is below 3 uV rms. Spindles reach 3 and more.
float SpindleIndex(const SecondSpectra& spectra, std::span<const float> density) {
  const float sigma = PowerOf(spectra, density, 11.5, 15.5) / 4.0F;
  const float beside = (PowerOf(spectra, density, 8.0, 10.5) + PowerOf(spectra, density, 17, 20)) /
                       5.5F;
  if (sigma * 4.0F < 9.0F) return 0;
  return sigma / std::max(beside, 1e-3F);
}

/// Centre of power times frequency within 4 to 13 Hz.
float PosteriorCentre(const SecondSpectra& spectra, std::span<const float> density) {
  float sum = 0, moment = 0;
  for (size_t k = spectra.BinOf(4.0); k < spectra.BinOf(13.0); ++k) {
    const auto hz = static_cast<float>(spectra.step_hz()) * static_cast<float>(k);
    sum += density[k] * hz;
    moment += density[k] * hz * hz;
  }
  return sum > 0 ? moment / sum : NAN;
}

class Surveyor {
 public:
  Surveyor(const RecordingView& recording, const QualityReport& quality, const Control& control,
           Survey& survey)
      : quality_(quality),
        control_(control),
        survey_(survey),
        conditioner_(recording, survey.layout),
        finder_(survey.layout),
        spectra_(conditioner_.rate_hz()) {}

  base::Result<void> Run() {
    const double duration = survey_.layout.duration_s();
    const size_t rows = survey_.layout.rows.size();
    survey_.rate_hz = conditioner_.rate_hz();
    survey_.seconds = duration < kSegmentS ? 0 : static_cast<size_t>(duration - kSegmentS) + 1;
    survey_.windows = duration < kWindowS
                          ? 0
                          : static_cast<size_t>((duration - kWindowS) / kWindowStrideS + 1e-9) + 1;
    survey_.rhythm.resize(survey_.seconds * rows);
    survey_.bands.resize(survey_.windows * rows);
    survey_.posterior_hz.assign(survey_.windows, NAN);
    survey_.spindle.assign(survey_.seconds, 0.0F);
    survey_.amplitude.assign(static_cast<size_t>(duration / kFrameS), 0.0F);
    survey_.posterior_density.assign(spectra_.bins(), 0.0);
    survey_.density_step_hz = spectra_.step_hz();
    ConditionedChunk chunk;
    for (size_t c = 0; c < conditioner_.chunk_count(); ++c) {
      TRY(conditioner_.Read(c, chunk, control_));
      SurveyChunk(chunk);
      control_.Report(static_cast<double>(c + 1) / static_cast<double>(conditioner_.chunk_count()));
    }
    for (double& density : survey_.posterior_density) {
      density /= std::max(1.0, static_cast<double>(posterior_segments_));
    }
    return {};
  }

 private:
  void SurveyChunk(const ConditionedChunk& chunk) {
    auto found = finder_.Find(chunk);
    survey_.discharges.insert(survey_.discharges.end(), found.discharges.begin(),
                              found.discharges.end());
    const auto spans = FindArtifactSpans(chunk, survey_.layout, found.pops);
    MeasureAmplitude(chunk);
    MeasureSpectra(chunk, spans);
    survey_.artifacts.insert(survey_.artifacts.end(), spans.begin(), spans.end());
  }

  void MeasureAmplitude(const ConditionedChunk& chunk) {
    std::vector<float> levels(survey_.layout.rows.size());
    const auto first = static_cast<size_t>(chunk.begin_s / kFrameS);
    const auto last = std::min(survey_.amplitude.size(), static_cast<size_t>(chunk.end_s / kFrameS));
    for (size_t frame = first; frame < last; ++frame) {
      const double at = (kFrameS * static_cast<double>(frame) - chunk.first_s) * chunk.rate_hz;
      const auto start = static_cast<size_t>(std::llround(at));
      for (size_t row = 0; row < levels.size(); ++row) {
        float squares = 0;
        for (const float value : chunk.Low(row).subspan(start, chunk.frame_samples)) {
          squares += value * value;
        }
        levels[row] = std::sqrt(squares / static_cast<float>(chunk.frame_samples));
      }
      const auto middle = levels.begin() + static_cast<ptrdiff_t>(levels.size() / 2);
      std::ranges::nth_element(levels, middle);
      survey_.amplitude[frame] = *middle;
    }
  }

  /// Is the row free of artifacts from `from_s` on for a window?
  bool IsClean(const ConditionedChunk& chunk, size_t row, double from_s,
               std::span<const ArtifactSpan> spans) const {
    const ArtifactMask& mask = quality_.mask;
    const auto known = survey_.layout.rows[row].quality;
    if (known && mask.epoch_s > 0) {
      const auto first = static_cast<size_t>(from_s / mask.epoch_s);
      const auto last = static_cast<size_t>(std::ceil((from_s + kWindowS) / mask.epoch_s - 1e-9));
      for (size_t e = first; e < std::min(last, mask.epochs); ++e) {
        for (size_t kind = 0; kind < kArtifactKinds; ++kind) {
          const auto artifact = static_cast<Artifact>(kind);
          // Mains are filtered out.
          if (artifact != Artifact::kLine && mask.Has(*known, e, artifact)) return false;
        }
      }
    }
    (void)chunk;
    return std::ranges::none_of(spans, [&](const ArtifactSpan& span) {
      return span.start_s < from_s + kWindowS && span.end_s > from_s &&
             std::ranges::find(span.rows, static_cast<uint16_t>(row)) != span.rows.end();
    });
  }

  void MeasureSpectra(const ConditionedChunk& chunk, std::span<const ArtifactSpan> spans) {
    const auto first_second = static_cast<size_t>(chunk.begin_s);
    const auto own = std::min(survey_.seconds, static_cast<size_t>(std::ceil(chunk.end_s))) -
                     std::min(survey_.seconds, first_second);
    const auto first_window = static_cast<size_t>(chunk.begin_s / kWindowStrideS);
    const auto end_window = std::min(survey_.windows,
                                     static_cast<size_t>(std::ceil(chunk.end_s / kWindowStrideS)));
    const size_t rows = survey_.layout.rows.size();
    std::vector<float> posterior((end_window - std::min(first_window, end_window)) *
                                 spectra_.bins());
    std::vector<uint16_t> posterior_rows(posterior.size() / spectra_.bins());
    const float central = 1.0F / static_cast<float>(std::max<size_t>(1, survey_.layout.central.size()));
    for (size_t row = 0; row < rows; ++row) {
      spectra_.Measure(chunk, row, chunk.begin_s, static_cast<size_t>(chunk.end_s - chunk.begin_s) + 2);
      const bool is_central = std::ranges::count(survey_.layout.central, row) > 0;
      const bool is_posterior = std::ranges::count(survey_.layout.posterior, row) > 0;
      for (size_t s = 0; s < own; ++s) {
        survey_.rhythm[(first_second + s) * rows + row] = RhythmOf(spectra_, spectra_.At(s));
        if (is_central) {
          survey_.spindle[first_second + s] += central * SpindleIndex(spectra_, spectra_.At(s));
        }
      }
      for (size_t w = first_window; w < end_window; ++w) {
        if (!IsClean(chunk, row, kWindowStrideS * static_cast<double>(w), spans)) continue;
        const size_t s = 2 * (w - first_window);
        Average(s);
        survey_.bands[w * rows + row] = {PowerOf(spectra_, mean_, 1, 4), PowerOf(spectra_, mean_, 4, 8),
                                         PowerOf(spectra_, mean_, 8, 13),
                                         PowerOf(spectra_, mean_, 13, 30)};
        if (!is_posterior) continue;
        ++posterior_segments_;
        ++posterior_rows[w - first_window];
        float* sum = posterior.data() + (w - first_window) * spectra_.bins();
        for (size_t k = 0; k < spectra_.bins(); ++k) {
          sum[k] += mean_[k];
          survey_.posterior_density[k] += static_cast<double>(mean_[k]);
        }
      }
    }
    for (size_t w = first_window; w < end_window; ++w) {
      if (posterior_rows[w - first_window] == 0) continue;
      survey_.posterior_hz[w] = PosteriorCentre(
          spectra_, std::span(posterior).subspan((w - first_window) * spectra_.bins(), spectra_.bins()));
    }
  }

  /// Welch's mean of the three segments of a window.
  void Average(size_t second) {
    const auto a = spectra_.At(second), b = spectra_.At(second + 1), c = spectra_.At(second + 2);
    mean_.resize(spectra_.bins());
    for (size_t k = 0; k < mean_.size(); ++k) mean_[k] = (a[k] + b[k] + c[k]) / 3.0F;
  }

  const QualityReport& quality_;
  const Control& control_;
  Survey& survey_;
  Conditioner conditioner_;
  DischargeFinder finder_;
  SecondSpectra spectra_;
  size_t posterior_segments_ = 0;
  std::vector<float> mean_;
};

}  // namespace

base::Result<Survey> TakeSurvey(const RecordingView& recording, const QualityReport& quality,
                                const Control& control) {
  Survey survey;
  survey.layout = LayOut(recording, quality);
  if (survey.layout.rows.empty()) return survey;
  TRY(Surveyor(recording, quality, control, survey).Run());
  return survey;
}

}  // namespace montage::analysis
