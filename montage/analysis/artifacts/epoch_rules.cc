#include "montage/analysis/artifacts/epoch_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "montage/analysis/artifacts/findings.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

const AmplitudeLimits& LimitsOf(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::kEog:
      return kEogLimits;
    case ChannelKind::kEmg:
      return kEmgLimits;
    default:
      return kEegLimits;
  }
}

/// How far apart the samples are that Epoch::step compares.
double StepMilliseconds(double rate_hz) {
  return 1000.0 * std::max(1.0, std::round(0.004 * rate_hz)) / rate_hz;
}

std::vector<std::string> NamesOf(const RecordingView& recording, const EpochTable& table) {
  std::vector<std::string> names;
  names.reserve(table.channels.size());
  for (const size_t channel : table.channels) names.push_back(recording.channels[channel].name);
  return names;
}

void Append(std::vector<ArtifactFinding> more, std::vector<ArtifactFinding>& all) {
  std::ranges::move(more, std::back_inserter(all));
}

/// Robust z over epochs of one measure of one row.
std::vector<float> RobustScores(std::span<const double> values, double least_spread) {
  std::vector<double> scratch(values.begin(), values.end());
  const double median = signal::Median(scratch);
  const double spread = std::max(signal::RobustDeviation(scratch), least_spread);
  std::vector<float> scores;
  scores.reserve(values.size());
  for (const double value : values) scores.push_back(static_cast<float>((value - median) / spread));
  return scores;
}

std::vector<double> LogOf(std::span<const Epoch> epochs, float Epoch::* field) {
  constexpr double kLeast = 1e-2;  // microvolts: far below any amplifier's noise
  std::vector<double> values;
  values.reserve(epochs.size());
  for (const Epoch& epoch : epochs) {
    values.push_back(std::log(std::max(static_cast<double>(epoch.*field), kLeast)));
  }
  return values;
}

/// Excess kurtosis in two passes with four partial sums each.
float KurtosisOf(std::span<const double> x) {
  double sums[4] = {};
  for (size_t i = 0; i < x.size(); ++i) sums[i % 4] += x[i];
  const auto n = static_cast<double>(x.size());
  const double mean = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / n;
  double squares[4] = {}, fourths[4] = {};
  for (size_t i = 0; i < x.size(); ++i) {
    const double square = (x[i] - mean) * (x[i] - mean);
    squares[i % 4] += square;
    fourths[i % 4] += square * square;
  }
  const double m2 = ((squares[0] + squares[1]) + (squares[2] + squares[3])) / n;
  const double m4 = ((fourths[0] + fourths[1]) + (fourths[2] + fourths[3])) / n;
  return m2 > 0.0 ? static_cast<float>(m4 / (m2 * m2) - 3.0) : 0.0F;
}

/// Findings in EEG channels decide about an epoch; EOG and EMG are there to be noisy.
double RejectedFraction(const RecordingView& recording, const MethodFindings& method) {
  std::vector<ArtifactFinding> counted;
  std::ranges::copy_if(method.findings, std::back_inserter(counted), [&](const auto& finding) {
    return std::ranges::any_of(finding.channels, [&](const std::string& name) {
      return recording.channels[recording.IndexOf(name)].kind == ChannelKind::kEeg;
    });
  });
  return TouchedFraction(counted, method.epoch_s, method.epochs);
}

/// Makes the findings of a method from its tables.
void Conclude(const RecordingView& recording, const EpochTable& table,
              std::span<const RatioTable> tables, MethodFindings& method) {
  const auto names = NamesOf(recording, table);
  for (const RatioTable& ratios : tables) {
    Append(JoinEpochs(ratios, names, table.epoch_s), method.findings);
  }
  SortByStart(method.findings);
  method.rejected_fraction = RejectedFraction(recording, method);
}

}  // namespace

MethodFindings FindByThreshold(const RecordingView& recording, const EpochTable& table) {
  MethodFindings method{.method = ArtifactMethod::kThreshold,
                        .has_run = true,
                        .epoch_s = table.epoch_s,
                        .epochs = table.epochs};
  const size_t rows = table.channels.size();
  std::array tables = {
      RatioTable{"amplitude", rows, table.epochs}, RatioTable{"gradient", rows, table.epochs},
      RatioTable{"flat", rows, table.epochs}, RatioTable{"line", rows, table.epochs}};
  for (size_t row = 0; row < rows; ++row) {
    const Channel& channel = recording.channels[table.channels[row]];
    const AmplitudeLimits& limits = LimitsOf(channel.kind);
    const double step_limit = limits.gradient_per_ms * StepMilliseconds(channel.rate_hz);
    for (size_t e = 0; e < table.epochs; ++e) {
      const Epoch& epoch = table.At(row, e);
      const auto over = [](float value, double limit) {
        return static_cast<float>(static_cast<double>(value) / limit);
      };
      tables[0].At(row, e) = over(epoch.peak_to_peak, limits.peak_to_peak);
      tables[1].At(row, e) = over(epoch.step, step_limit);
      tables[2].At(row, e) = static_cast<float>(
          limits.flat_deviation / std::max(static_cast<double>(epoch.deviation), 1e-3));
      tables[3].At(row, e) = over(epoch.line, limits.line_deviation);
    }
  }
  Conclude(recording, table, tables, method);
  return method;
}

MethodFindings FindByStatistics(const RecordingView& recording, const EpochTable& table,
                                std::span<const size_t> rows, std::span<const float> kurtosis,
                                const StatisticalLimits& limits) {
  MethodFindings method{
      .method = ArtifactMethod::kStatistical, .epoch_s = table.epoch_s, .epochs = table.epochs};
  if (table.epochs < limits.least_epochs) {
    method.reason = fmt::format("{} epochs, expected at least {} to know what is usual",
                                table.epochs, limits.least_epochs);
    return method;
  }
  method.has_run = true;
  const size_t count = table.channels.size();
  std::array tables = {RatioTable{"variance", count, table.epochs},
                       RatioTable{"kurtosis", count, table.epochs},
                       RatioTable{"high_frequency", count, table.epochs},
                       RatioTable{"gradient", count, table.epochs}};
  for (const size_t row : rows) {
    const auto epochs = table.Row(row);
    const std::vector<double> peakedness(
        kurtosis.begin() + static_cast<ptrdiff_t>(row * table.epochs),
        kurtosis.begin() + static_cast<ptrdiff_t>((row + 1) * table.epochs));
    const std::array scores = {
        RobustScores(LogOf(epochs, &Epoch::deviation), limits.least_log_spread),
        RobustScores(peakedness, limits.least_kurtosis_spread),
        RobustScores(LogOf(epochs, &Epoch::fast), limits.least_log_spread),
        RobustScores(LogOf(epochs, &Epoch::roughness), limits.least_log_spread)};
    for (size_t kind = 0; kind < scores.size(); ++kind) {
      for (size_t e = 0; e < table.epochs; ++e) {
        const float z = kind == 0 ? std::abs(scores[kind][e]) : scores[kind][e];
        tables[kind].At(row, e) = z / static_cast<float>(limits.z);
      }
    }
  }
  Conclude(recording, table, tables, method);
  return method;
}

base::Result<std::vector<float>> MeasureKurtosis(const RecordingView& recording,
                                                 const EpochTable& table, const Control& control) {
  constexpr size_t kChunkEpochs = 32;
  std::vector<float> kurtosis(table.cells.size(), 0.0F);
  std::vector<double> samples;
  for (size_t row = 0; row < table.channels.size(); ++row) {
    TRY(control.Check());
    const size_t channel = table.channels[row];
    const auto length =
        static_cast<size_t>(std::llround(table.epoch_s * recording.channels[channel].rate_hz));
    for (size_t first = 0; first < table.epochs; first += kChunkEpochs) {
      const size_t count = std::min(kChunkEpochs, table.epochs - first);
      samples.resize(count * length);
      TRY(recording.source->Read(channel, first * length, samples, control.deadline));
      for (double& value : samples) value = std::isfinite(value) ? value : 0.0;
      for (size_t e = 0; e < count; ++e) {
        const auto epoch = std::span<const double>(samples).subspan(e * length, length);
        kurtosis[row * table.epochs + first + e] = KurtosisOf(epoch);
      }
    }
  }
  return kurtosis;
}

}  // namespace montage::analysis
