#include "montage/analysis/connectivity/connectivity.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "montage/analysis/quality/clean_segments.h"
#include "montage/analysis/requirements.h"
#include "montage/signal/connectivity/pair_connectivity.h"
#include "montage/signal/spectrum.h"

namespace montage::analysis {
namespace {

constexpr double kMinCleanFraction = 0.1;  // of segments, else all are used
/// Segments whose samples are read together.
constexpr size_t kRun = 32;

struct Chosen {
  std::vector<size_t> channels;
  uint64_t samples = 0;
  double rate_hz = 0;
};

/// The rate that most usable channels have; the higher one of two with as many.
base::Result<Chosen> ChooseChannels(const RecordingView& recording, const QualityReport* quality,
                                    ConnectivityReport& report) {
  const Eligibility eligibility = CheckRecording(recording);
  std::map<double, size_t> rates;
  for (const size_t c : eligibility.eeg) {
    if (!IsBad(quality, recording.channels[c].name)) ++rates[recording.channels[c].rate_hz];
  }
  Chosen chosen;
  size_t most = 0;
  for (const auto& [rate, count] : rates) {
    if (count < most) continue;
    most = count;
    chosen.rate_hz = rate;
  }
  if (most < 2) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} usable EEG channel{} of one rate, expected at least two",
                                  most, most == 1 ? "" : "s"));
  }
  chosen.samples = UINT64_MAX;
  for (const size_t c : eligibility.eeg) {
    const Channel& channel = recording.channels[c];
    if (channel.rate_hz != chosen.rate_hz || IsBad(quality, channel.name)) {
      report.left_out.push_back(channel.name);
      continue;
    }
    chosen.channels.push_back(c);
    chosen.samples = std::min(chosen.samples, channel.samples);
    report.channels.push_back(channel.name);
  }
  report.rate_hz = chosen.rate_hz;
  return chosen;
}

/// Starts of segments every `step` samples that are clean in all channels; of more than `most`,
/// evenly distant ones. All segments when hardly any is clean: `with_artifacts` says so.
std::vector<uint64_t> ChooseStarts(const Chosen& chosen, const QualityReport* quality,
                                   uint64_t length, uint64_t step, size_t most,
                                   bool& with_artifacts) {
  std::vector<CleanSegments> clean;
  for (const size_t channel : chosen.channels) clean.emplace_back(quality, channel);
  std::vector<uint64_t> all, good;
  for (uint64_t first = 0; first + length <= chosen.samples; first += step) {
    const double from_s = static_cast<double>(first) / chosen.rate_hz;
    const double to_s = static_cast<double>(first + length) / chosen.rate_hz;
    all.push_back(first);
    if (std::ranges::all_of(clean, [&](const auto& one) { return one.IsClean(from_s, to_s); })) {
      good.push_back(first);
    }
  }
  if (static_cast<double>(good.size()) < kMinCleanFraction * static_cast<double>(all.size())) {
    with_artifacts = true;
    good = std::move(all);
  }
  if (good.size() <= most) return good;
  std::vector<uint64_t> even;
  for (size_t i = 0; i < most; ++i) even.push_back(good[i * good.size() / most]);
  return even;
}

/// Samples [first, first + length) of every chosen channel; what is not a number is 0.
base::Result<std::vector<std::vector<double>>> ReadAll(const RecordingView& recording,
                                                       const Chosen& chosen, uint64_t first,
                                                       size_t length, const Control& control) {
  std::vector<std::vector<double>> rows;
  for (const size_t channel : chosen.channels) {
    std::vector<double>& row = rows.emplace_back(length);
    TRY(recording.source->Read(channel, first, row, control.deadline));
    for (double& value : row) value = std::isfinite(value) ? value : 0.0;
  }
  return rows;
}

std::vector<std::span<const double>> Parts(const std::vector<std::vector<double>>& rows,
                                           size_t first, size_t length) {
  std::vector<std::span<const double>> parts;
  for (const auto& row : rows) parts.push_back(std::span(row).subspan(first, length));
  return parts;
}

std::vector<NamedBand> BandsBelow(double rate_hz) {
  std::vector<NamedBand> bands;
  for (NamedBand band : kBands) {
    // Filters need room below half the rate.
    band.range.high = std::min(band.range.high, 0.45 * rate_hz);
    if (band.range.low < 0.8 * band.range.high) bands.push_back(band);
  }
  return bands;
}

class Connectivities {
 public:
  Connectivities(const RecordingView& recording, const QualityReport* quality,
                 const ConnectivityAnalysisOptions& options, const Control& control)
      : recording_(recording), quality_(quality), options_(options), control_(control) {}

  base::Result<ConnectivityReport> Run() {
    TRY(chosen_, ChooseChannels(recording_, quality_, report_));
    for (const NamedBand& band : BandsBelow(chosen_.rate_hz)) report_.bands.push_back({band});
    TRY(MeasureCoherence());
    TRY(MeasurePhases());
    return std::move(report_);
  }

 private:
  size_t Samples(double seconds) const {
    return static_cast<size_t>(std::llround(seconds * chosen_.rate_hz));
  }

  base::Result<void> MeasureCoherence() {
    const size_t length = Samples(options_.segment_s);
    if (chosen_.samples < length) {
      return base::Fail(
          base::ErrorCode::kInvalid,
          fmt::format("the channels have {:.3g} s in common, expected at least {:g} s",
                      static_cast<double>(chosen_.samples) / chosen_.rate_hz, options_.segment_s));
    }
    const auto starts = ChooseStarts(chosen_, quality_, length, length / 2, options_.max_segments,
                                     report_.with_artifacts);
    const signal::FrequencyRange range{report_.bands.front().band.range.low,
                                       report_.bands.back().band.range.high};
    signal::CrossAverager averager(chosen_.channels.size(), length, chosen_.rate_hz, range);
    for (size_t i = 0; i < starts.size();) {
      TRY(control_.Check());
      // Neighbouring segments are read in one go, since they overlap.
      size_t last = i;
      while (last + 1 < starts.size() && last + 1 < i + kRun &&
             starts[last + 1] <= starts[last] + length) {
        ++last;
      }
      const auto span = static_cast<size_t>(starts[last] - starts[i]) + length;
      TRY(const auto rows, ReadAll(recording_, chosen_, starts[i], span, control_));
      for (size_t s = i; s <= last; ++s) {
        averager.Add(Parts(rows, static_cast<size_t>(starts[s] - starts[i]), length));
      }
      i = last + 1;
      control_.Report(0.4 * static_cast<double>(i) / static_cast<double>(starts.size()));
    }
    report_.segments = starts.size();
    Average(averager);
    return {};
  }

  void Average(signal::CrossAverager& averager) {
    const auto coherence = averager.Coherence();
    const auto imaginary = averager.ImaginaryCoherence();
    const signal::BinRange kept = averager.bins();
    for (BandConnectivity& band : report_.bands) {
      band.coherence.assign(report_.pairs(), 0.0);
      band.imaginary_coherence.assign(report_.pairs(), 0.0);
      const signal::BinRange bins = signal::BinsIn(averager.step_hz(), kept.last, band.band.range);
      const size_t first = std::max(bins.first, kept.first);
      if (first >= bins.last) continue;
      const double count = static_cast<double>(bins.last - first);
      for (size_t pair = 0; pair < report_.pairs(); ++pair) {
        for (size_t bin = first; bin < bins.last; ++bin) {
          band.coherence[pair] += coherence[pair][bin - kept.first] / count;
          band.imaginary_coherence[pair] += std::abs(imaginary[pair][bin - kept.first]) / count;
        }
      }
    }
  }

  base::Result<void> MeasurePhases() {
    const size_t margin = Samples(options_.epoch_margin_s);
    const size_t epoch = Samples(options_.epoch_s);
    const size_t length = epoch + 2 * margin;
    bool with_artifacts = false;
    const auto starts =
        ChooseStarts(chosen_, quality_, length, epoch, options_.max_epochs, with_artifacts);
    report_.epochs = starts.size();
    std::vector<signal::PairAverager> averagers(report_.bands.size(),
                                                signal::PairAverager(chosen_.channels.size()));
    for (size_t i = 0; i < starts.size(); ++i) {
      TRY(control_.Check());
      TRY(const auto rows, ReadAll(recording_, chosen_, starts[i], length, control_));
      for (size_t b = 0; b < averagers.size(); ++b) {
        TRY(const auto analytic,
            signal::AnalyticInBand(
                Parts(rows, 0, length), chosen_.rate_hz,
                {.band = report_.bands[b].band.range, .before = margin, .after = margin}));
        averagers[b].Add(analytic);
      }
      control_.Report(0.4 + 0.6 * static_cast<double>(i + 1) / static_cast<double>(starts.size()));
    }
    for (size_t b = 0; b < averagers.size(); ++b) {
      signal::Connectivity phases = averagers[b].Finish();
      report_.bands[b].phase_locking = std::move(phases.phase_locking);
      report_.bands[b].weighted_phase_lag = std::move(phases.weighted_phase_lag);
    }
    return {};
  }

  const RecordingView& recording_;
  const QualityReport* quality_;
  const ConnectivityAnalysisOptions& options_;
  const Control& control_;
  Chosen chosen_;
  ConnectivityReport report_;
};

}  // namespace

base::Result<ConnectivityReport> AnalyseConnectivity(const RecordingView& recording,
                                                     const QualityReport* quality,
                                                     const ConnectivityAnalysisOptions& options,
                                                     const Control& control) {
  return Connectivities(recording, quality, options, control).Run();
}

}  // namespace montage::analysis
