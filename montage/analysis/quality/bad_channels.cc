#include "montage/analysis/quality/bad_channels.h"

#include <algorithm>
#include <cmath>

#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr int kComparable = 3;  ///< channels below which nothing is usual

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

/// Fraction of the epochs that `holds` is true for.
template <typename Holds>
double Fraction(size_t epochs, Holds holds) {
  size_t count = 0;
  for (size_t e = 0; e < epochs; ++e) count += holds(e) ? 1U : 0U;
  return epochs == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(epochs);
}

double Fraction(const ArtifactMask& mask, size_t row, Artifact kind) {
  return Fraction(mask.epochs, [&](size_t e) { return mask.Has(row, e, kind); });
}

double LogOf(double value) { return std::log(std::max(value, 1e-3)); }

Fellows::Usual Measure(std::span<const ChannelQuality> channels, double ChannelQuality::* field,
                       const ChannelLimits& limits) {
  std::vector<double> logs;
  for (const ChannelQuality& channel : channels) logs.push_back(LogOf(channel.*field));
  const double median = signal::Median(logs);
  return {median, std::max(signal::RobustDeviation(logs), limits.outlier_spread)};
}

/// Electrodes on an AC-coupled amplifier have no offset; on a DC-coupled one each has its own.
bool HasOffset(const Fellows& fellows, const ChannelLimits& limits, double mean) {
  if (fellows.count < kComparable) return std::abs(mean) > limits.dc_offset;
  if (fellows.mean_spread > limits.dc_coupled_spread) {
    return std::abs(mean) > limits.dc_coupled_offset;
  }
  return std::abs(mean) > limits.dc_offset || std::abs(mean - fellows.mean) > limits.dc_difference;
}

}  // namespace

ChannelQuality Summarise(const EpochTable& table, const ArtifactMask& mask, size_t row,
                         const Channel& channel) {
  const auto epochs = table.Row(row);
  ChannelQuality quality{.name = channel.name, .label = channel.label};
  quality.impedance_ohm = channel.impedance_ohm;
  quality.mean = MedianOf(epochs, &Epoch::mean);
  quality.deviation = MedianOf(epochs, &Epoch::deviation);
  quality.peak_to_peak = MedianOf(epochs, &Epoch::peak_to_peak);
  quality.high_frequency = MedianOf(epochs, &Epoch::fast);
  quality.line = MedianOf(epochs, &Epoch::line);
  quality.tilt = MedianOf(epochs, &Epoch::tilt);
  quality.flat_fraction = Fraction(mask, row, Artifact::kFlat);
  quality.clipped_fraction = Fraction(mask, row, Artifact::kClipping);
  quality.artifact_fraction =
      Fraction(mask.epochs, [&](size_t e) { return !mask.IsClean(row, e); });
  return quality;
}

void JudgeAlone(const EpochTable& table, const ArtifactMask& mask, size_t row,
                const ChannelLimits& limits, ChannelQuality& channel) {
  auto& faults = channel.faults;
  if (table.missing[row] > limits.missing_fraction) {
    faults.push_back(ChannelFault::kMissingSamples);
  }
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
  const auto epochs = table.Row(row);
  const double noisy = Fraction(epochs.size(), [&](size_t e) {
    return static_cast<double>(epochs[e].deviation) > limits.noisy_deviation;
  });
  if (noisy > limits.noisy_fraction) faults.push_back(ChannelFault::kNoisy);
  if (channel.line > limits.line_always) faults.push_back(ChannelFault::kLineNoise);
  if (std::abs(channel.mean) > limits.dc_warning) {
    channel.warnings.push_back(ChannelFault::kDcOffset);
  }
  // A warning only: the signal itself says whether the contact still served.
  if (channel.impedance_ohm && ContactOf(*channel.impedance_ohm) == Contact::kBad) {
    channel.warnings.push_back(ChannelFault::kHighImpedance);
  }
}

void CompareNeighbours(const EpochTable& table, std::span<ChannelQuality> channels) {
  for (size_t row = 0; row < channels.size(); ++row) {
    double best = -1.0;
    for (size_t k = 0; k < table.neighbours[row].size(); ++k) {
      if (!channels[table.neighbours[row][k]].faults.empty()) continue;
      best = std::max(best, std::abs(table.agreement[row][k]));
    }
    channels[row].correlation = best;
  }
}

Fellows::Fellows(std::span<const ChannelQuality> channels, const ChannelLimits& limits)
    : count(static_cast<int>(channels.size())),
      deviation(Measure(channels, &ChannelQuality::deviation, limits)),
      fast(Measure(channels, &ChannelQuality::high_frequency, limits)),
      mean(MedianOver(channels, &ChannelQuality::mean)),
      line(MedianOver(channels, &ChannelQuality::line)),
      correlation(MedianOver(channels, &ChannelQuality::correlation)) {
  std::vector<double> means;
  for (const ChannelQuality& channel : channels) means.push_back(channel.mean);
  mean_spread = signal::RobustDeviation(means);
}

void JudgeAgainst(const Fellows& fellows, const ChannelLimits& limits, ChannelQuality& channel) {
  auto& faults = channel.faults;
  const auto add = [&](ChannelFault fault) {
    if (0 == std::ranges::count(faults, fault)) faults.push_back(fault);
  };
  const bool comparable = fellows.count >= kComparable;
  const auto is_high = [&](double value, const Fellows::Usual& usual) {
    const double above = LogOf(value) - usual.median;
    return comparable && above > limits.outlier_z * usual.spread &&
           above > std::log(limits.outlier_ratio);
  };
  if (is_high(channel.deviation, fellows.deviation) &&
      channel.deviation > limits.outlier_deviation &&
      channel.correlation < limits.outlier_correlation) {
    add(ChannelFault::kNoisy);
  }
  if (comparable && channel.deviation < limits.weak_deviation &&
      LogOf(channel.deviation) - fellows.deviation.median < std::log(limits.weak_ratio)) {
    add(ChannelFault::kFlat);
  }
  if (is_high(channel.high_frequency, fellows.fast) &&
      channel.high_frequency > limits.fast_deviation) {
    add(ChannelFault::kHighFrequencyNoise);
  }
  if (comparable && channel.line > limits.line_deviation &&
      channel.line > limits.line_ratio * fellows.line) {
    add(ChannelFault::kLineNoise);
  }
  if (HasOffset(fellows, limits, channel.mean)) add(ChannelFault::kDcOffset);
  const double least = std::min(limits.correlation, limits.correlation_ratio * fellows.correlation);
  if (fellows.count >= limits.correlation_channels && channel.correlation >= 0.0 &&
      channel.correlation < least && fellows.correlation >= limits.typical_correlation) {
    add(ChannelFault::kLowCorrelation);
  }
  // Activity of a brain falls with frequency and reaches more than one electrode. What has another
  // fault need not be looked at.
  if (faults.empty() && channel.tilt < limits.white_tilt &&
      channel.correlation < limits.white_correlation) {
    add(ChannelFault::kNoBrainSignal);
  }
}

}  // namespace montage::analysis
