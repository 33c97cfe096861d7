#include "montage/analysis/artifacts/decomposition.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "montage/analysis/artifacts/component_rules.h"
#include "montage/signal/fft.h"
#include "montage/signal/filter/iir.h"
#include "montage/signal/filter/window.h"
#include "montage/signal/scalp/electrodes.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

using Channels = std::vector<std::vector<double>>;

constexpr double kLeadS = 2.0;     ///< read around a window, so that the filter has settled in it
constexpr double kSegmentS = 2.0;  ///< of which a spectrum is taken
constexpr double kLongestPeriodS = 0.9;
/// Of the segments, those whose spectrum counts: a source that is active now and then shows what it
/// is where it is strongest.
constexpr double kStrongestPart = 0.05;
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

/// Power of a source in one segment, by range of frequencies in Hz.
struct SegmentPower {
  double all = 0;    ///< 1 to 100
  double low = 0;    ///< 1 to 45
  double slow = 0;   ///< 1 to 7.5
  double fast = 0;   ///< 20 to 100, without mains
  double mains = 0;  ///< within 1 of the mains frequency
  double rhythmicity = 0;
};

/// Spectra of the segments of a window (Hann), all at once.
class SegmentSpectra {
 public:
  SegmentSpectra(size_t window, double rate_hz, double line_hz)
      : length_(std::min(window, static_cast<size_t>(std::llround(kSegmentS * rate_hz)))),
        lanes_(window / length_),
        rate_hz_(rate_hz),
        line_hz_(line_hz),
        fft_(length_, lanes_),
        taper_(signal::Hann(length_, signal::Symmetry::kPeriodic)),
        frames_(length_ * lanes_),
        real_(fft_.bins() * lanes_),
        imaginary_(fft_.bins() * lanes_),
        taper_lags_(Lags(taper_)) {}

  void Add(std::span<const double> window, std::vector<SegmentPower>& powers) {
    for (size_t l = 0; l < lanes_; ++l) {
      for (size_t i = 0; i < length_; ++i) {
        frames_[i * lanes_ + l] = window[l * length_ + i] * taper_[i];
      }
    }
    fft_.Forward(frames_, real_, imaginary_);
    const size_t first = powers.size();
    powers.resize(first + lanes_);
    for (size_t k = 0; k < fft_.bins(); ++k) {
      const double hz = rate_hz_ * static_cast<double>(k) / static_cast<double>(length_);
      if (hz < 1.0 || hz > 100.0) continue;
      const bool mains = std::abs(hz - line_hz_) <= 1.0;
      for (size_t l = 0; l < lanes_; ++l) {
        const double re = real_[k * lanes_ + l], im = imaginary_[k * lanes_ + l];
        const double power = re * re + im * im;
        SegmentPower& sums = powers[first + l];
        sums.all += power;
        if (mains) sums.mains += power;
        if (hz <= 45.0) sums.low += power;
        if (hz <= 7.5) sums.slow += power;
        if (hz >= 20.0 && !mains) sums.fast += power;
      }
    }
    AddRhythmicity(std::span(powers).subspan(first));
  }

 private:
  /// Circular autocorrelation of one sequence of the segments' length.
  std::vector<double> Lags(std::span<const double> x) const {
    signal::RealFft fft(length_);
    std::vector<double> real(fft.bins()), imaginary(fft.bins()), lags(length_);
    fft.Forward(x, real, imaginary);
    for (size_t k = 0; k < fft.bins(); ++k) {
      real[k] = real[k] * real[k] + imaginary[k] * imaginary[k];
      imaginary[k] = 0;
    }
    fft.Inverse(real, imaginary, lags);
    return lags;
  }

  /// The largest autocorrelation after the first zero crossing, up to lags of 0.9 s: near 1 for a
  /// rhythm of that period and less, near 0 for a single deflection. From the power spectrum
  /// (Wiener-Khinchin), over that of the taper.
  void AddRhythmicity(std::span<SegmentPower> powers) {
    for (size_t i = 0; i < real_.size(); ++i) {
      real_[i] = real_[i] * real_[i] + imaginary_[i] * imaginary_[i];
      imaginary_[i] = 0;
    }
    fft_.Inverse(real_, imaginary_, frames_);
    const auto last = std::min(static_cast<size_t>(kLongestPeriodS * rate_hz_), length_ / 2);
    for (size_t l = 0; l < lanes_; ++l) {
      const double energy = frames_[l] / taper_lags_[0];
      bool crossed = false;
      for (size_t lag = 1; lag < last && energy > 0.0; ++lag) {
        const double r = frames_[lag * lanes_ + l] / taper_lags_[lag] / energy;
        crossed = crossed || r < 0.0;
        if (crossed) powers[l].rhythmicity = std::max(powers[l].rhythmicity, r);
      }
    }
  }

  size_t length_, lanes_;
  double rate_hz_, line_hz_;
  signal::RealFft fft_;
  std::vector<double> taper_, frames_, real_, imaginary_, taper_lags_;
};

void MeasureSpectrum(std::vector<SegmentPower> powers, ComponentMeasures& measures) {
  SegmentPower total, strongest;
  for (const SegmentPower& segment : powers) {
    total.all += segment.all;
    total.mains += segment.mains;
  }
  std::ranges::sort(powers, std::greater(), &SegmentPower::all);
  const auto count =
      static_cast<size_t>(std::ceil(kStrongestPart * static_cast<double>(powers.size())));
  for (const SegmentPower& segment : std::span(powers).first(count)) {
    strongest.all += segment.all - segment.mains;
    strongest.low += segment.low;
    strongest.slow += segment.slow;
    strongest.fast += segment.fast;
    strongest.rhythmicity += segment.rhythmicity / static_cast<double>(count);
  }
  measures.rhythmicity = std::min(strongest.rhythmicity, 1.0);
  if (total.all > 0.0) measures.line_fraction = total.mains / total.all;
  if (strongest.all > 0.0) measures.fast_fraction = strongest.fast / strongest.all;
  if (strongest.low > 0.0) measures.slow_fraction = strongest.slow / strongest.low;
}

/// Sums over the windows from which the measures of all components follow.
class ComponentMeter {
 public:
  ComponentMeter(const signal::IcaModel& model, size_t comparisons, size_t window, double rate_hz,
                 double line_hz)
      : model_(model),
        rate_hz_(rate_hz),
        spectra_(window, rate_hz, line_hz),
        fourth_(model.components(), 0.0),
        square_(model.components(), 0.0),
        beats_(model.components()),
        products_(model.components(), std::vector<double>(comparisons, 0.0)),
        energy_(comparisons, 0.0),
        powers_(model.components()) {
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

  ComponentMeasures Finish(size_t k, std::span<const size_t> eog, std::optional<size_t> ecg) const {
    ComponentMeasures measures;
    const double n = observed_s_ * rate_hz_;
    const double variance = square_[k] / n;
    if (variance > 0.0) measures.kurtosis = fourth_[k] / n / (variance * variance) - 3.0;
    MeasureSpectrum(powers_[k], measures);
    for (const size_t r : eog) {
      measures.eye_correlation = std::max(measures.eye_correlation, CorrelationWith(k, r));
    }
    if (ecg) measures.ecg_correlation = CorrelationWith(k, *ecg);
    MeasureBeats(beats_[k], observed_s_, measures);
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
    spectra_.Add(source, powers_[k]);
    const auto peaks = FindSharpPeaks(source, rate_hz_);
    for (size_t i = 0; i < peaks.size(); ++i) {
      beats_[k].widths_s.push_back(static_cast<double>(peaks[i].width) / rate_hz_);
      if (i == 0) continue;
      beats_[k].intervals_s.push_back(static_cast<double>(peaks[i].at - peaks[i - 1].at) /
                                      rate_hz_);
    }
  }

  double CorrelationWith(size_t k, size_t r) const {
    const double scale = std::sqrt(square_[k] * energy_[r]);
    return scale > 0.0 ? std::abs(products_[k][r]) / scale : 0.0;
  }

  const signal::IcaModel& model_;
  double rate_hz_;
  SegmentSpectra spectra_;
  double observed_s_ = 0;
  Channels sources_;
  std::vector<double> fourth_, square_;
  std::vector<Beats> beats_;
  Channels products_;           ///< [component][channel to compare with]
  std::vector<double> energy_;  ///< of the channels to compare with
  std::vector<std::vector<SegmentPower>> powers_;
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
  const auto most = static_cast<size_t>(limits.seconds / limits.window_s);
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
