#include "montage/analysis/artifacts/decomposition.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "montage/analysis/artifacts/component_meter.h"
#include "montage/analysis/artifacts/component_rules.h"
#include "montage/signal/filter/iir.h"
#include "montage/signal/scalp/electrodes.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

using Channels = std::vector<std::vector<double>>;

constexpr double kLeadS = 2.0;  ///< read around a window, so that the filter has settled in it
/// Of the gradient, over the square root of the samples: a third of what the choice of the samples
/// leaves open.
constexpr double kTolerance = 0.3;
constexpr size_t kIterations = 200;

std::vector<std::span<const double>> ConstSpans(const Channels& channels) {
  return {channels.begin(), channels.end()};
}
std::vector<std::span<double>> Spans(Channels& channels) {
  return {channels.begin(), channels.end()};
}

/// How many components `samples` samples can carry.
size_t ComponentsFor(size_t channels, size_t samples, const FitLimits& limits) {
  const double carried =
      std::sqrt(static_cast<double>(samples) / static_cast<double>(limits.samples_per_weight));
  return std::min({channels, limits.components, static_cast<size_t>(carried)});
}

/// Reads windows of some channels without slow drifts.
class WindowReader {
 public:
  static base::Result<WindowReader> Create(const RecordingView& recording,
                                           std::vector<size_t> channels, double high_pass_hz,
                                           const Control& control) {
    const Channel& described = recording.channels[channels.front()];
    TRY(auto sections,
        signal::Butterworth(2, signal::Band::kHighPass, {.low = high_pass_hz}, described.rate_hz));
    return WindowReader(recording, std::move(channels), std::move(sections), control);
  }

  /// The window's samples, a vector a channel.
  base::Result<const Channels*> Read(uint64_t first, size_t length) {
    TRY(control_.Check());
    const Channel& described = recording_.channels[channels_.front()];
    const auto lead = static_cast<uint64_t>(kLeadS * described.rate_hz);
    const uint64_t from = first - std::min(first, lead);
    const uint64_t to = std::min(first + length + lead, described.samples);
    padded_.resize(channels_.size());
    window_.resize(channels_.size());
    for (size_t c = 0; c < channels_.size(); ++c) {
      padded_[c].resize(to - from);
      TRY(recording_.source->Read(channels_[c], from, padded_[c], control_.deadline));
      for (double& value : padded_[c]) value = std::isfinite(value) ? value : 0.0;
    }
    TRY(signal::FilterZeroPhase(sections_, Spans(padded_)));
    for (size_t c = 0; c < channels_.size(); ++c) {
      const auto begin = padded_[c].begin() + static_cast<ptrdiff_t>(first - from);
      window_[c].assign(begin, begin + static_cast<ptrdiff_t>(length));
    }
    return &window_;
  }

 private:
  WindowReader(const RecordingView& recording, std::vector<size_t> channels,
               signal::Sections sections, const Control& control)
      : recording_(recording),
        channels_(std::move(channels)),
        sections_(std::move(sections)),
        control_(control) {}

  const RecordingView& recording_;
  std::vector<size_t> channels_;
  signal::Sections sections_;
  const Control& control_;
  Channels padded_, window_;
};

/// Every stride-th sample of the windows. Components need single moments only, so that a higher
/// rate adds nothing.
base::Result<Channels> GatherSamples(WindowReader& reader, const FitWindows& windows,
                                     size_t channels, const FitLimits& limits) {
  const size_t all = windows.first.size() * windows.length;
  const size_t stride = (all + limits.samples - 1) / limits.samples;
  Channels samples(channels);
  for (const uint64_t first : windows.first) {
    TRY(const Channels* window, reader.Read(first, windows.length));
    for (size_t c = 0; c < channels; ++c) {
      for (size_t i = 0; i < windows.length; i += stride) samples[c].push_back((*window)[c][i]);
    }
  }
  return samples;
}

/// |r| of a component with a weighted sum of the model's channels. Sources are uncorrelated with
/// unit variance over the fitted samples, so that it follows from the mixing.
double CorrelationWithSum(const signal::IcaModel& model, size_t k,
                          std::span<const double> weights) {
  double product = 0, variance = 0;
  for (size_t j = 0; j < model.components(); ++j) {
    double gain = 0;
    for (size_t c = 0; c < weights.size(); ++c) gain += weights[c] * model.mixing(c, j);
    variance += gain * gain;
    if (j == k) product = gain;
  }
  return variance > 0.0 ? std::abs(product) / std::sqrt(variance) : 0.0;
}

/// Sums of channels that show eyes where there is no EOG: the frontopolar mean for lids and up and
/// down, F7 - F8 for left and right.
Channels EyeSums(std::span<const std::string> names) {
  std::vector<double> frontopolar(names.size(), 0.0), sides(names.size(), 0.0);
  for (size_t c = 0; c < names.size(); ++c) {
    if (names[c] == "Fp1" || names[c] == "Fp2" || names[c] == "Fpz") frontopolar[c] = 1;
    if (names[c] == "F7") sides[c] = 1;
    if (names[c] == "F8") sides[c] = -1;
  }
  return {frontopolar, sides};
}

std::vector<double> ColumnOf(const signal::Matrix& matrix, size_t column) {
  std::vector<double> values(matrix.rows);
  for (size_t r = 0; r < matrix.rows; ++r) values[r] = matrix(r, column);
  return values;
}

/// Variance of each channel over the fitted samples.
std::vector<double> Variances(const Channels& samples) {
  std::vector<double> variances;
  for (const auto& channel : samples) {
    variances.push_back(std::pow(signal::StandardDeviation(channel), 2));
  }
  return variances;
}

}  // namespace

base::Result<Decomposition> Decompose(const RecordingView& recording,
                                      const DecompositionInput& input, const FitWindows& windows,
                                      double line_hz, const FitLimits& limits,
                                      const Control& control) {
  const size_t count = input.channels.size();
  std::vector<size_t> read = input.channels;
  read.insert(read.end(), input.eog.begin(), input.eog.end());
  if (input.ecg) read.push_back(*input.ecg);
  TRY(auto reader, WindowReader::Create(recording, read, limits.high_pass_hz, control));
  TRY(const Channels samples, GatherSamples(reader, windows, count, limits));
  const auto fitted = static_cast<double>(samples.front().size());
  signal::IcaOptions options{.tolerance = kTolerance / std::sqrt(fitted),
                             .iterations = kIterations};
  options.limit.count = ComponentsFor(count, samples.front().size(), limits);
  if (options.limit.count < limits.least_components) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("{} undisturbed samples, expected at least {}", samples.front().size(),
                    limits.samples_per_weight * limits.least_components * limits.least_components));
  }
  Decomposition result;
  TRY(result.model, signal::FitIca(ConstSpans(samples), options));
  TRY(control.Check());
  ComponentMeter meter(result.model, read.size() - count, windows.length, input.rate_hz, line_hz);
  for (const uint64_t first : windows.first) {
    TRY(const Channels* window, reader.Read(first, windows.length));
    meter.Add(*window);
  }
  result.fitted_s = static_cast<double>(windows.first.size() * windows.length) / input.rate_hz;

  std::vector<std::string> names;
  std::vector<std::optional<signal::Position>> positions;
  for (const size_t c : input.channels) {
    names.push_back(recording.channels[c].name);
    positions.push_back(signal::FindElectrode(names.back()));
  }
  std::vector<size_t> eog(input.eog.size());
  std::iota(eog.begin(), eog.end(), size_t{0});
  const std::optional<size_t> ecg = input.ecg ? std::optional(input.eog.size()) : std::nullopt;
  const std::vector<double> variances = Variances(samples);
  const Channels eye_sums = EyeSums(names);
  for (size_t k = 0; k < result.model.components(); ++k) {
    ComponentReport component{.explained_fraction = result.model.explained[k]};
    component.topography = ColumnOf(result.model.mixing, k);
    component.measures = meter.Finish(k, eog, ecg);
    ComponentMeasures& measures = component.measures;
    MeasureField(component.topography, positions, measures);
    for (const auto& weights : eye_sums) {
      measures.eye_correlation =
          std::max(measures.eye_correlation, CorrelationWithSum(result.model, k, weights));
    }
    const auto top =
        static_cast<size_t>(std::ranges::max_element(component.topography, {},
                                                     [](double value) { return std::abs(value); }) -
                            component.topography.begin());
    component.strongest_channel = names[top];
    measures.channel_fraction =
        std::min(std::pow(component.topography[top], 2) / std::max(variances[top], 1e-12), 1.0);
    const Labelled labelled = LabelOf(measures);
    component.label = labelled.label;
    component.score = labelled.score;
    result.components.push_back(std::move(component));
  }
  return result;
}

}  // namespace montage::analysis
