#include "montage/analysis/quality/quality.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include "montage/analysis/quality/artifacts.h"
#include "montage/analysis/quality/quality_limits.h"
#include "montage/analysis/requirements.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

double MedianOf(std::span<const Epoch> epochs, float Epoch::* field) {
  std::vector<double> values;
  values.reserve(epochs.size());
  for (const Epoch& epoch : epochs) values.push_back(static_cast<double>(epoch.*field));
  return signal::Median(values);
}

double MedianOver(std::span<const ChannelQuality> channels, double ChannelQuality::* field) {
  std::vector<double> values;
  for (const ChannelQuality& channel : channels) values.push_back(channel.*field);
  return signal::Median(values);
}

double Fraction(const ArtifactMask& mask, size_t row, Artifact kind) {
  size_t count = 0;
  for (size_t e = 0; e < mask.epochs; ++e) count += mask.Has(row, e, kind) ? 1U : 0U;
  return mask.epochs == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(mask.epochs);
}

double ArtifactFraction(const ArtifactMask& mask, size_t row) {
  size_t count = 0;
  for (size_t e = 0; e < mask.epochs; ++e) count += mask.IsClean(row, e) ? 0U : 1U;
  return mask.epochs == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(mask.epochs);
}

ChannelQuality Summarise(const EpochTable& table, const ArtifactMask& mask, size_t row,
                         const Channel& channel) {
  const auto epochs = table.Row(row);
  ChannelQuality quality{.name = channel.name, .label = channel.label};
  quality.mean = MedianOf(epochs, &Epoch::mean);
  quality.deviation = MedianOf(epochs, &Epoch::deviation);
  quality.peak_to_peak = MedianOf(epochs, &Epoch::peak_to_peak);
  quality.high_frequency = MedianOf(epochs, &Epoch::fast);
  quality.line = MedianOf(epochs, &Epoch::line);
  quality.correlation = MedianOf(epochs, &Epoch::correlation);
  quality.flat_fraction = Fraction(mask, row, Artifact::kFlat);
  quality.clipped_fraction = Fraction(mask, row, Artifact::kClipping);
  quality.artifact_fraction = ArtifactFraction(mask, row);
  return quality;
}

/// Compares each channel with its fellows: robust z of the logarithm, so that one scale fits all.
class Outliers {
 public:
  Outliers(std::span<const ChannelQuality> channels, double ChannelQuality::* field,
           const ChannelLimits& limits)
      : field_(field), limits_(limits), comparable_(channels.size() >= 3) {
    std::vector<double> logs;
    for (const ChannelQuality& channel : channels) logs.push_back(Log(channel));
    median_ = signal::Median(logs);
    spread_ = std::max(signal::RobustDeviation(logs), limits.outlier_spread);
  }

  bool IsHigh(const ChannelQuality& channel) const {
    const double above = Log(channel) - median_;
    return comparable_ && above > limits_.outlier_z * spread_ &&
           above > std::log(limits_.outlier_ratio);
  }
  bool IsLow(const ChannelQuality& channel) const {
    return comparable_ && Log(channel) - median_ < std::log(limits_.weak_ratio);
  }

 private:
  double Log(const ChannelQuality& channel) const {
    return std::log(std::max(channel.*field_, 1e-3));
  }

  double ChannelQuality::* field_;
  const ChannelLimits& limits_;
  bool comparable_;
  double median_ = 0;
  double spread_ = 1;
};

/// What a channel is compared with.
struct Fellows {
  Fellows(std::span<const ChannelQuality> channels, const ChannelLimits& limits)
      : deviation(channels, &ChannelQuality::deviation, limits),
        fast(channels, &ChannelQuality::high_frequency, limits),
        mean(MedianOver(channels, &ChannelQuality::mean)),
        line(MedianOver(channels, &ChannelQuality::line)),
        correlation(MedianOver(channels, &ChannelQuality::correlation)),
        count(static_cast<int>(channels.size())) {}

  Outliers deviation;
  Outliers fast;
  double mean;
  double line;
  double correlation;
  int count;
};

/// Faults that a channel shows by itself.
void JudgeAlone(const ArtifactMask& mask, size_t row, double missing, const ChannelLimits& limits,
                ChannelQuality& channel) {
  auto& faults = channel.faults;
  if (missing > limits.missing_fraction) faults.push_back(ChannelFault::kMissingSamples);
  if (channel.flat_fraction > limits.flat_fraction) {
    faults.push_back(ChannelFault::kFlat);
  } else if (channel.flat_fraction > limits.disconnected_fraction) {
    faults.push_back(ChannelFault::kDisconnected);
  }
  if (channel.clipped_fraction > limits.saturated_fraction) {
    faults.push_back(ChannelFault::kClipping);
  }
  if (Fraction(mask, row, Artifact::kPop) > limits.pop_fraction) {
    faults.push_back(ChannelFault::kElectrodePop);
  }
  if (channel.deviation > limits.noisy_deviation) faults.push_back(ChannelFault::kNoisy);
  if (channel.line > limits.line_always) faults.push_back(ChannelFault::kLineNoise);
  if (std::abs(channel.mean) > limits.dc_warning) {
    channel.warnings.push_back(ChannelFault::kDcOffset);
  }
}

/// Faults that show beside the other channels.
void JudgeAgainst(const Fellows& fellows, const ChannelLimits& limits, ChannelQuality& channel) {
  auto& faults = channel.faults;
  const auto add = [&](ChannelFault fault) {
    if (0 == std::ranges::count(faults, fault)) faults.push_back(fault);
  };
  if (fellows.deviation.IsHigh(channel)) add(ChannelFault::kNoisy);
  if (fellows.deviation.IsLow(channel) && channel.deviation < limits.weak_deviation) {
    add(ChannelFault::kFlat);
  }
  if (fellows.fast.IsHigh(channel) && channel.high_frequency > limits.fast_deviation) {
    add(ChannelFault::kHighFrequencyNoise);
  }
  if (fellows.count >= 3 && channel.line > limits.line_deviation &&
      channel.line > limits.line_ratio * fellows.line) {
    add(ChannelFault::kLineNoise);
  }
  if (fellows.count >= 3 && std::abs(channel.mean - fellows.mean) > limits.dc_offset) {
    add(ChannelFault::kDcOffset);
  }
  if (fellows.count >= limits.correlation_channels && channel.correlation < limits.correlation &&
      fellows.correlation >= limits.typical_correlation) {
    add(ChannelFault::kLowCorrelation);
  }
}

double GoodnessOf(double spoilage) { return std::clamp(2.0 * (1.0 - spoilage), 0.0, 1.0); }

double ChannelGoodness(const EpochTable& table, const ArtifactMask& mask, size_t row,
                       const EpochLimits& limits) {
  if (table.epochs == 0) return 0.0;
  double sum = 0;
  for (size_t e = 0; e < table.epochs; ++e) {
    double goodness = GoodnessOf(Spoilage(table.At(row, e), limits));
    if (mask.Has(row, e, Artifact::kBlink)) goodness = std::min(goodness, 0.5);
    sum += goodness;
  }
  return sum / static_cast<double>(table.epochs);
}

/// Grades of the score and the fraction of bad channels; both must reach the row.
Grade GradeOf(double score, double bad_fraction) {
  if (score > 0.8 && bad_fraction < 0.1) return Grade::kExcellent;
  if (score > 0.6 && bad_fraction < 0.2) return Grade::kGood;
  if (score > 0.4 && bad_fraction <= kMaxBadFraction) return Grade::kFair;
  return Grade::kPoor;
}

double GoodEpochFraction(const ArtifactMask& mask, std::span<const bool> bad) {
  const auto good_channels = static_cast<size_t>(std::ranges::count(bad, false));
  if (mask.epochs == 0 || good_channels == 0) return 0.0;
  size_t good = 0;
  for (size_t e = 0; e < mask.epochs; ++e) {
    size_t spoiled = 0;
    for (size_t row = 0; row < bad.size(); ++row) {
      spoiled += !bad[row] && !mask.IsClean(row, e) ? 1U : 0U;
    }
    good += 5 * spoiled <= good_channels ? 1U : 0U;
  }
  return static_cast<double>(good) / static_cast<double>(mask.epochs);
}

void Decide(const RecordingView& recording, QualityReport& report) {
  if (report.channels.empty()) {
    report.reasons.emplace_back("no channel can be analysed");
  } else if (report.BadChannelFraction() > kMaxBadFraction) {
    report.reasons.push_back(fmt::format("{} of {} channels are bad, at most {:.0f} % may be",
                                         report.bad_channels.size(), report.channels.size(),
                                         100 * kMaxBadFraction));
  }
  if (recording.duration_s < kMinDurationS) {
    report.reasons.push_back(fmt::format("duration is {:.3g} s, expected at least {} s",
                                         recording.duration_s, kMinDurationS));
  }
  report.is_acceptable = report.reasons.empty();
  report.grade = GradeOf(report.score, report.BadChannelFraction());
}

void JudgeChannels(const RecordingView& recording, const EpochTable& table, QualityReport& report) {
  const ChannelLimits limits;
  for (size_t row = 0; row < table.channels.size(); ++row) {
    const Channel& channel = recording.channels[table.channels[row]];
    report.channels.push_back(Summarise(table, report.mask, row, channel));
    const double seen = table.epoch_s * channel.rate_hz * static_cast<double>(table.epochs);
    const double missing = seen > 0.0 ? static_cast<double>(table.missing[row]) / seen : 0.0;
    JudgeAlone(report.mask, row, missing, limits, report.channels.back());
  }
  // Channels that are bad by themselves say nothing about what is usual.
  std::vector<ChannelQuality> sound;
  std::ranges::copy_if(report.channels, std::back_inserter(sound),
                       [](const ChannelQuality& channel) { return channel.faults.empty(); });
  const Fellows fellows(sound, limits);
  for (ChannelQuality& channel : report.channels) {
    JudgeAgainst(fellows, limits, channel);
    channel.bad = !channel.faults.empty();
    if (channel.bad) report.bad_channels.push_back(channel.name);
  }
}

}  // namespace

std::string_view ToString(ChannelFault fault) {
  switch (fault) {
    case ChannelFault::kMissingSamples:
      return "missing_samples";
    case ChannelFault::kFlat:
      return "flat";
    case ChannelFault::kDisconnected:
      return "disconnected";
    case ChannelFault::kNoisy:
      return "noisy";
    case ChannelFault::kHighFrequencyNoise:
      return "high_frequency_noise";
    case ChannelFault::kLineNoise:
      return "line_noise";
    case ChannelFault::kClipping:
      return "clipping";
    case ChannelFault::kElectrodePop:
      return "electrode_pop";
    case ChannelFault::kDcOffset:
      return "dc_offset";
    case ChannelFault::kLowCorrelation:
      return "low_correlation";
  }
  return "unknown";
}

std::string_view ToString(Artifact artifact) {
  switch (artifact) {
    case Artifact::kFlat:
      return "flat";
    case Artifact::kClipping:
      return "clipping";
    case Artifact::kPop:
      return "pop";
    case Artifact::kMovement:
      return "movement";
    case Artifact::kMuscle:
      return "muscle";
    case Artifact::kLine:
      return "line";
    case Artifact::kBlink:
      return "blink";
  }
  return "unknown";
}

std::string_view ToString(Grade grade) {
  switch (grade) {
    case Grade::kExcellent:
      return "excellent";
    case Grade::kGood:
      return "good";
    case Grade::kFair:
      return "fair";
    case Grade::kPoor:
      return "poor";
  }
  return "poor";
}

base::Result<QualityReport> AssessQuality(const RecordingView& recording,
                                          const QualityOptions& options, const Control& control) {
  const Eligibility eligibility = CheckRecording(recording);
  QualityReport report;
  report.notes = eligibility.shortcomings;
  for (const auto& [channel, reason] : eligibility.excluded) {
    report.notes.push_back(
        fmt::format("channel {} is left out: {}", recording.channels[channel].name, reason));
  }
  TRY(const EpochTable table,
      MeasureEpochs(recording, eligibility.eeg, options.epoch_s, options.line_hz, control));
  const EpochLimits limits;
  report.epoch_s = table.epoch_s;
  report.epochs = table.epochs;
  report.line_hz = table.line_hz;
  report.mask = FindArtifacts(table, limits);
  JudgeChannels(recording, table, report);

  const size_t rows = report.channels.size();
  const auto bad = std::make_unique<bool[]>(rows);
  std::vector<std::string> names;
  for (size_t row = 0; row < rows; ++row) {
    bad[row] = report.channels[row].bad;
    names.push_back(report.channels[row].name);
  }
  const std::span<const bool> bad_rows(bad.get(), rows);
  FindBlinks(table, recording, bad_rows, limits, report.mask);
  for (size_t row = 0; row < rows; ++row) {
    ChannelQuality& channel = report.channels[row];
    if (!channel.bad) channel.goodness = ChannelGoodness(table, report.mask, row, limits);
    report.score += channel.goodness / static_cast<double>(rows);
  }
  report.good_epoch_fraction = GoodEpochFraction(report.mask, bad_rows);
  report.artifacts = JoinArtifacts(report.mask, names, bad_rows);
  Decide(recording, report);
  return report;
}

}  // namespace montage::analysis
