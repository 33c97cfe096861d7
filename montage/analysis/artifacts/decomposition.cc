#include "montage/analysis/artifacts/decomposition.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "montage/analysis/artifacts/component_rules.h"
#include "montage/signal/filter/iir.h"
#include "montage/signal/scalp/electrodes.h"
#include "montage/signal/spectrum.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

using Channels = std::vector<std::vector<double>>;

constexpr double kLeadS = 2.0;  ///< read around a window, so that the filter has settled in it
constexpr double kSpectrumS = 2.0;
/// Of the relative gradient: a component may turn by a tenth of a degree yet.
constexpr double kTolerance = 1e-4;
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

/// Sums over the windows from which the measures of all components follow.
class ComponentMeter {
 public:
  ComponentMeter(const signal::IcaModel& model, size_t comparisons, double rate_hz)
      : model_(model),
        rate_hz_(rate_hz),
        fourth_(model.components(), 0.0),
        square_(model.components(), 0.0),
        intervals_(model.components()),
        products_(model.components(), std::vector<double>(comparisons, 0.0)),
        energy_(comparisons, 0.0) {
    const auto segment = static_cast<size_t>(std::llround(kSpectrumS * rate_hz));
    for (size_t k = 0; k < model.components(); ++k) averagers_.emplace_back(segment, rate_hz);
    sources_.resize(model.components());
  }

  /// The model's channels first, then the channels to compare with.
  void Add(const Channels& window) {
    const size_t length = window.front().size();
    auto inputs = ConstSpans(window);
    inputs.resize(model_.channels());
    for (auto& source : sources_) source.resize(length);
    const auto outputs = Spans(sources_);
    signal::Sources(model_, inputs, outputs);
    observed_s_ += static_cast<double>(length) / rate_hz_;
    for (size_t r = 0; r < energy_.size(); ++r) {
      const auto& other = window[model_.channels() + r];
      energy_[r] += std::inner_product(other.begin(), other.end(), other.begin(), 0.0);
    }
    for (size_t k = 0; k < sources_.size(); ++k) AddSource(k, window);
  }

  ComponentMeasures Finish(size_t k, double line_hz, std::span<const size_t> eog,
                           std::optional<size_t> ecg) {
    ComponentMeasures measures;
    const double n = observed_s_ * rate_hz_;
    const double variance = square_[k] / n;
    if (variance > 0.0) measures.kurtosis = fourth_[k] / n / (variance * variance) - 3.0;
    MeasureSpectrum(averagers_[k].Finish(), line_hz, measures);
    for (const size_t r : eog) {
      measures.eye_correlation = std::max(measures.eye_correlation, CorrelationWith(k, r));
    }
    if (ecg) measures.ecg_correlation = CorrelationWith(k, *ecg);
    MeasureBeats(intervals_[k], observed_s_, measures);
    return measures;
  }

 private:
  void AddSource(size_t k, const Channels& window) {
    const std::vector<double>& source = sources_[k];
    for (const double value : source) {
      const double square = value * value;
      square_[k] += square;
      fourth_[k] += square * square;
    }
    for (size_t r = 0; r < energy_.size(); ++r) {
      const auto& other = window[model_.channels() + r];
      products_[k][r] += std::inner_product(source.begin(), source.end(), other.begin(), 0.0);
    }
    const size_t segment = averagers_[k].segment();
    for (size_t at = 0; at + segment <= source.size(); at += segment) {
      averagers_[k].Add(std::span<const double>(source).subspan(at, segment));
    }
    const auto peaks = FindSharpPeaks(source, rate_hz_);
    for (size_t i = 1; i < peaks.size(); ++i) {
      intervals_[k].push_back(static_cast<double>(peaks[i] - peaks[i - 1]) / rate_hz_);
    }
  }

  double CorrelationWith(size_t k, size_t r) const {
    const double scale = std::sqrt(square_[k] * energy_[r]);
    return scale > 0.0 ? std::abs(products_[k][r]) / scale : 0.0;
  }

  static void MeasureSpectrum(const signal::Spectrum& spectrum, double line_hz,
                              ComponentMeasures& measures) {
    // Bins, not integrals: a mains peak is three bins wide.
    const auto sum = [&](double low, double high) {
      const auto bins = signal::BinsIn(spectrum, {low, high});
      double power = 0;
      for (size_t k = bins.first; k < bins.last; ++k) power += spectrum.density[k];
      return power;
    };
    const double line = sum(line_hz - 1.0, line_hz + 1.0);
    const double all = sum(1.0, 100.0), slow = sum(1.0, 7.5), fast = sum(20.0, 100.0);
    const double low = sum(1.0, 45.0);
    if (all > 0.0) measures.line_fraction = line / all;
    if (all > line) measures.fast_fraction = std::max(fast - line, 0.0) / (all - line);
    if (low > 0.0) measures.slow_fraction = slow / low;
  }

  const signal::IcaModel& model_;
  double rate_hz_;
  double observed_s_ = 0;
  Channels sources_;
  std::vector<double> fourth_, square_;
  std::vector<std::vector<double>> intervals_;
  Channels products_;           ///< [component][channel to compare with]
  std::vector<double> energy_;  ///< of the channels to compare with
  std::vector<signal::WelchAverager> averagers_;
};

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

/// How unlike the others each epoch is: the largest robust z, over the rows, of its extent.
std::vector<double> Unusualness(const DecompositionInput& input, const EpochTable& table) {
  std::vector<double> unusual(table.epochs, 0.0);
  for (const size_t row : input.rows) {
    std::vector<double> logs;
    for (const Epoch& epoch : table.Row(row)) {
      logs.push_back(std::log(std::max(static_cast<double>(epoch.peak_to_peak), 1e-2)));
    }
    std::vector<double> scratch = logs;
    const double median = signal::Median(scratch);
    const double spread = std::max(signal::RobustDeviation(scratch), 0.1);
    for (size_t e = 0; e < logs.size(); ++e) {
      unusual[e] = std::max(unusual[e], (logs[e] - median) / spread);
    }
  }
  return unusual;
}

bool IsGross(const DecompositionInput& input, const EpochTable& table, size_t epoch,
             const FitLimits& limits) {
  return std::ranges::any_of(input.rows, [&](size_t row) {
    return static_cast<double>(table.At(row, epoch).peak_to_peak) > limits.gross_peak_to_peak;
  });
}

}  // namespace

DecompositionInput ChooseInput(const RecordingView& recording, const EpochTable& table,
                               const FitLimits& limits) {
  std::map<std::pair<double, uint64_t>, DecompositionInput> sets;
  for (size_t row = 0; row < table.channels.size(); ++row) {
    const size_t c = table.channels[row];
    const Channel& channel = recording.channels[c];
    if (channel.kind != ChannelKind::kEeg) continue;
    auto& set = sets[{channel.rate_hz, channel.samples}];
    set.rate_hz = channel.rate_hz;
    set.samples = channel.samples;
    set.channels.push_back(c);
    set.rows.push_back(row);
  }
  DecompositionInput chosen;
  for (auto& [key, set] : sets) {
    if (set.channels.size() > chosen.channels.size()) chosen = std::move(set);
  }
  if (chosen.channels.size() < limits.least_components) {
    chosen.shortcoming = fmt::format("{} good EEG channels of one rate, expected at least {}",
                                     chosen.channels.size(), limits.least_components);
    return chosen;
  }
  for (size_t c = 0; c < recording.channels.size(); ++c) {
    const Channel& channel = recording.channels[c];
    if (channel.rate_hz != chosen.rate_hz || channel.samples != chosen.samples) continue;
    if (channel.kind == ChannelKind::kEog) chosen.eog.push_back(c);
    if (channel.kind == ChannelKind::kEcg && !chosen.ecg) chosen.ecg = c;
  }
  return chosen;
}

FitWindows ChooseWindows(const DecompositionInput& input, const EpochTable& table,
                         const FitLimits& limits) {
  FitWindows windows;
  const auto wanted = static_cast<uint64_t>(limits.window_s * input.rate_hz);
  windows.length = static_cast<size_t>(std::min(wanted, input.samples));
  if (windows.length == 0) return windows;
  // By time, not by samples: at a higher rate samples are thinned instead.
  const auto most =
      static_cast<size_t>(static_cast<double>(limits.samples) / 256.0 / limits.window_s);
  const std::vector<double> unusual = Unusualness(input, table);
  std::vector<std::pair<double, uint64_t>> candidates;  // minus unusualness, first sample
  for (uint64_t first = 0; first + windows.length <= input.samples; first += windows.length) {
    const double from = static_cast<double>(first) / input.rate_hz;
    const double to = static_cast<double>(first + windows.length) / input.rate_hz;
    const auto last = std::min(static_cast<size_t>(std::ceil(to / table.epoch_s)), table.epochs);
    double most_unusual = 0;
    bool gross = false;
    for (auto e = static_cast<size_t>(from / table.epoch_s); e < last; ++e) {
      most_unusual = std::max(most_unusual, unusual[e]);
      gross = gross || IsGross(input, table, e, limits);
    }
    if (!gross) candidates.emplace_back(-most_unusual, first);
  }
  const size_t even = std::min(candidates.size(), (most + 1) / 2);
  std::vector<bool> taken(candidates.size(), false);
  for (size_t i = 0; i < even; ++i) taken[i * candidates.size() / even] = true;
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return candidates[i]; });
  size_t left = std::min(candidates.size(), most) - even;
  for (const size_t i : order) {
    if (left == 0) break;
    if (taken[i]) continue;
    taken[i] = true;
    --left;
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (taken[i]) windows.first.push_back(candidates[i].second);
  }
  return windows;
}

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
  signal::IcaOptions options{.tolerance = kTolerance, .iterations = kIterations};
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
  ComponentMeter meter(result.model, read.size() - count, input.rate_hz);
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
    component.measures = meter.Finish(k, line_hz, eog, ecg);
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
