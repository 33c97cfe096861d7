#include "montage/analysis/spectral.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>

#include "montage/analysis/quality/clean_segments.h"
#include "montage/analysis/requirements.h"
#include "montage/signal/scalp/electrodes.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr signal::FrequencyRange kAlpha{8, 13};
constexpr signal::FrequencyRange kPosterior{4, 14};
constexpr double kMinProminence = 2.0;
constexpr double kMinCleanFraction = 0.1;  ///< of segments, else all are used
constexpr size_t kChunkSegments = 32;

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kPairs = {{{"Fp1", "Fp2"},
                                                                                  {"F3", "F4"},
                                                                                  {"F7", "F8"},
                                                                                  {"C3", "C4"},
                                                                                  {"T7", "T8"},
                                                                                  {"P3", "P4"},
                                                                                  {"P7", "P8"},
                                                                                  {"O1", "O2"}}};
constexpr std::array<std::string_view, 3> kOccipital = {"O1", "O2", "Oz"};
constexpr std::array<std::string_view, 5> kParietal = {"P3", "P4", "Pz", "P7", "P8"};

/// Reads a channel chunk by chunk and averages its segments.
class ChannelReader {
 public:
  ChannelReader(const RecordingView& recording, const SpectralOptions& options,
                const Control& control)
      : recording_(recording), options_(options), control_(control) {}

  struct Reading {
    signal::Spectrum spectrum;
    bool with_artifacts = false;
  };

  base::Result<Reading> Read(size_t channel, const CleanSegments& clean) {
    const Channel& described = recording_.channels[channel];
    const auto wanted = static_cast<uint64_t>(std::llround(options_.segment_s * described.rate_hz));
    const auto segment = static_cast<size_t>(std::min(wanted, described.samples));
    const size_t step = std::max<size_t>(segment / 2, 1);
    const size_t segments = static_cast<size_t>(described.samples - segment) / step + 1;
    std::vector<bool> use(segments);
    size_t usable = 0;
    for (size_t s = 0; s < segments; ++s) {
      const double from = static_cast<double>(s * step) / described.rate_hz;
      use[s] = clean.IsClean(from, from + static_cast<double>(segment) / described.rate_hz);
      usable += use[s] ? 1U : 0U;
    }
    Reading reading;
    if (static_cast<double>(usable) < kMinCleanFraction * static_cast<double>(segments)) {
      use.assign(segments, true);
      reading.with_artifacts = true;
    }
    signal::WelchAverager& averager = AveragerFor(segment, described.rate_hz);
    TRY(Average(channel, segment, step, use, averager));
    reading.spectrum = averager.Finish();
    return reading;
  }

 private:
  signal::WelchAverager& AveragerFor(size_t segment, double rate) {
    auto& slot = averagers_[{segment, rate}];
    if (!slot) slot = std::make_unique<signal::WelchAverager>(segment, rate);
    return *slot;
  }

  base::Result<void> Average(size_t channel, size_t segment, size_t step,
                             const std::vector<bool>& use, signal::WelchAverager& averager) {
    for (size_t first = 0; first < use.size(); first += kChunkSegments) {
      const size_t count = std::min(kChunkSegments, use.size() - first);
      buffer_.resize((count - 1) * step + segment);
      TRY(recording_.source->Read(channel, first * step, buffer_, control_.deadline));
      for (double& value : buffer_) value = std::isfinite(value) ? value : 0.0;
      for (size_t s = 0; s < count; ++s) {
        if (use[first + s]) {
          averager.Add(std::span<const double>(buffer_).subspan(s * step, segment));
        }
      }
    }
    return {};
  }

  const RecordingView& recording_;
  const SpectralOptions& options_;
  const Control& control_;
  std::map<std::pair<size_t, double>, std::unique_ptr<signal::WelchAverager>> averagers_;
  std::vector<double> buffer_;
};

/// Mean of the bins nearest to each plotted frequency, so that power is kept.
std::vector<double> Downsample(const signal::Spectrum& spectrum, const SpectralOptions& options) {
  std::vector<double> plot;
  for (double hz = 0.0; hz <= options.plot_to_hz + 1e-9; hz += options.plot_step_hz) {
    const auto bins = signal::BinsIn(
        spectrum, {hz - 0.5 * options.plot_step_hz, hz + 0.5 * options.plot_step_hz - 1e-6});
    if (bins.first == bins.last) {
      if (hz > spectrum.FrequencyAt(spectrum.density.size() - 1)) break;
      const auto nearest = static_cast<size_t>(std::llround(hz / spectrum.step_hz));
      plot.push_back(spectrum.density[std::min(nearest, spectrum.density.size() - 1)]);
      continue;
    }
    const auto inside = std::span(spectrum.density).subspan(bins.first, bins.last - bins.first);
    plot.push_back(signal::Mean(inside));
  }
  return plot;
}

ChannelSpectrum Describe(std::string name, const signal::Spectrum& spectrum,
                         const SpectralOptions& options) {
  ChannelSpectrum channel{.name = std::move(name)};
  channel.total = signal::BandPower(spectrum, kTotalRange);
  for (size_t b = 0; b < kBandCount; ++b) {
    channel.bands.absolute[b] = signal::BandPower(spectrum, kBands[b].range);
    channel.bands.relative[b] = channel.total > 0 ? channel.bands.absolute[b] / channel.total : 0;
  }
  channel.peak_alpha = FindRhythm(spectrum, kAlpha);
  for (size_t b = 0; b < std::size(kGammaParts); ++b) {
    channel.gamma_parts[b] = signal::BandPower(spectrum, kGammaParts[b].range);
  }
  channel.edge95_hz = signal::SpectralEdge(spectrum, kShapeRange, 0.95);
  channel.entropy = signal::SpectralEntropy(spectrum, kShapeRange);
  channel.segments = spectrum.segments;
  channel.plot = Downsample(spectrum, options);
  return channel;
}

struct Measured {
  std::string name;
  signal::Spectrum spectrum;
};

/// Mean density of the named channels that share the first one's bins; none when there is none.
std::optional<signal::Spectrum> AverageOf(std::span<const Measured> channels,
                                          std::span<const std::string> names) {
  std::optional<signal::Spectrum> average;
  double count = 0;
  for (const Measured& channel : channels) {
    if (0 == std::ranges::count(names, channel.name)) continue;
    if (!average) {
      average = channel.spectrum;
      count = 1;
      continue;
    }
    const bool same = std::abs(average->step_hz - channel.spectrum.step_hz) < 1e-9;
    if (!same) continue;
    const size_t bins = std::min(average->density.size(), channel.spectrum.density.size());
    average->density.resize(bins);
    for (size_t k = 0; k < bins; ++k) average->density[k] += channel.spectrum.density[k];
    average->segments = std::min(average->segments, channel.spectrum.segments);
    count += 1;
  }
  if (average) {
    for (double& value : average->density) value /= count;
  }
  return average;
}

template <size_t N>
std::vector<std::string> Present(std::span<const Measured> channels,
                                 const std::array<std::string_view, N>& names) {
  std::vector<std::string> present;
  for (const auto name : names) {
    if (0 < std::ranges::count(channels, name, &Measured::name)) present.emplace_back(name);
  }
  return present;
}

void Compare(SpectralReport& report) {
  const auto find = [&](std::string_view name) {
    return std::ranges::find(report.channels, name, &ChannelSpectrum::name);
  };
  for (const auto& [left_name, right_name] : kPairs) {
    const auto left = find(left_name);
    const auto right = find(right_name);
    if (left == report.channels.end() || right == report.channels.end()) continue;
    for (size_t b = 0; b < kBandCount; ++b) {
      const double l = left->bands.absolute[b], r = right->bands.absolute[b];
      if (!(l > 0.0 && r > 0.0)) continue;
      report.asymmetry.push_back(
          {left->name, right->name, kBands[b].name, (r - l) / (r + l), std::log(r) - std::log(l)});
    }
  }
}

}  // namespace

std::optional<Rhythm> FindRhythm(const signal::Spectrum& spectrum, signal::FrequencyRange range) {
  const double hz = signal::PeakFrequency(spectrum, range);
  if (hz <= 0.0) return std::nullopt;
  const auto bin = static_cast<size_t>(std::llround(hz / spectrum.step_hz));
  // The peak must be a summit, not the edge of a slope that leads out of the range.
  if (bin == 0 || bin + 1 >= spectrum.density.size()) return std::nullopt;
  const double top = spectrum.density[bin];
  if (spectrum.density[bin - 1] > top || spectrum.density[bin + 1] > top) return std::nullopt;
  // Least squares of ln density on ln frequency within 2 to 40 Hz, 3 Hz around the peak left out.
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  const auto around = signal::BinsIn(spectrum, {2.0, 40.0});
  for (size_t k = around.first; k < around.last; ++k) {
    const double f = spectrum.FrequencyAt(k);
    if (std::abs(f - hz) < 3.0 || !(spectrum.density[k] > 0.0)) continue;
    const double x = std::log(f), y = std::log(spectrum.density[k]);
    n += 1;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const double determinant = n * sxx - sx * sx;
  if (n < 8 || !(determinant > 0.0)) return std::nullopt;
  const double slope = (n * sxy - sx * sy) / determinant;
  const double background = std::exp((sy - slope * sx) / n + slope * std::log(hz));
  const double prominence = top / background;
  if (prominence < kMinProminence) return std::nullopt;
  return Rhythm{hz, prominence};
}

base::Result<SpectralReport> AnalyseSpectrum(const RecordingView& recording,
                                             const QualityReport* quality,
                                             const SpectralOptions& options,
                                             const Control& control) {
  const Eligibility eligibility = CheckRecording(recording);
  if (!eligibility.CanAnalyse()) {
    return base::Fail(base::ErrorCode::kInvalid, eligibility.shortcomings.front());
  }
  SpectralReport report;
  report.segment_s = std::min(options.segment_s, recording.duration_s);
  report.plot_step_hz = options.plot_step_hz;
  ChannelReader reader(recording, options, control);
  std::vector<Measured> measured;
  std::vector<std::string> names;
  for (size_t i = 0; i < eligibility.eeg.size(); ++i) {
    TRY(control.Check());
    const size_t channel = eligibility.eeg[i];
    const std::string& name = recording.channels[channel].name;
    if (IsBad(quality, name)) continue;
    TRY(auto reading, reader.Read(channel, CleanSegments(quality, channel)));
    report.channels.push_back(Describe(name, reading.spectrum, options));
    report.channels.back().with_artifacts = reading.with_artifacts;
    measured.push_back({name, std::move(reading.spectrum)});
    names.push_back(name);
    control.Report(static_cast<double>(i + 1) / static_cast<double>(eligibility.eeg.size()));
  }
  if (const auto average = AverageOf(measured, names)) {
    report.average = Describe("average", *average, options);
  }
  report.posterior_channels = Present(measured, kOccipital);
  if (report.posterior_channels.empty()) report.posterior_channels = Present(measured, kParietal);
  if (const auto posterior = AverageOf(measured, report.posterior_channels)) {
    report.posterior_rhythm = FindRhythm(*posterior, kPosterior);
  }
  Compare(report);
  return report;
}

}  // namespace montage::analysis
