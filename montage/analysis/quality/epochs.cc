#include "montage/analysis/quality/epochs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numbers>
#include <numeric>
#include <optional>

#include "montage/signal/fft.h"
#include "montage/signal/filter/window.h"
#include "montage/signal/scalp/electrodes.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr size_t kLanes = 8;  ///< epochs transformed together
constexpr size_t kChunkEpochs = 2 * kLanes;
constexpr size_t kNeighbours = 4;
constexpr double kCorrelateFrom = 1.0, kCorrelateTo = 30.0;  // Hz
constexpr double kSlowFrom = 0.4, kSlowTo = 4.0;             // Hz
constexpr double kFastFrom = 20.0, kFastTo = 100.0;          // Hz
constexpr double kLineHalfWidth = 1.0;                       // Hz
constexpr double kStepSeconds = 0.004;
constexpr double kTiltLowFrom = 1.0, kTiltLowTo = 15.0;     // Hz
constexpr double kTiltHighFrom = 20.0, kTiltHighTo = 45.0;  // Hz; below the line frequencies

/// Tables for one epoch length; channels of one rate share it.
struct Transform {
  Transform(size_t length, double rate)
      : rate_hz(rate),
        fft(length, kLanes),
        window(signal::Hann(length, signal::Symmetry::kPeriodic)),
        frames(length * kLanes),
        real(fft.bins() * kLanes),
        imaginary(fft.bins() * kLanes) {
    const double power = std::inner_product(window.begin(), window.end(), window.begin(), 0.0);
    // Sum over bins of |X|^2 * scale is the mean square of the windowed epoch over that of the
    // window, and 2 because a bin stands for its mirror image too.
    scale = power > 0.0 ? 2.0 / (power * static_cast<double>(length)) : 0.0;
  }

  double Hz(size_t bin) const {
    return rate_hz * static_cast<double>(bin) / static_cast<double>(fft.length());
  }
  /// Bins with from <= frequency < to, at most up to half the rate.
  std::pair<size_t, size_t> Bins(double from, double to) const {
    const double step = rate_hz / static_cast<double>(fft.length());
    const auto bin = [&](double hz) {
      return std::min(fft.bins(), static_cast<size_t>(std::ceil(hz / step - 1e-9)));
    };
    return {bin(from), bin(to)};
  }

  double rate_hz;
  signal::RealFft fft;
  std::vector<double> window, frames, real, imaginary;
  double scale = 0;
};

/// The bins of 1 to 30 Hz of all channels for the epochs of one chunk.
struct LowBins {
  size_t bins = 0;
  std::vector<float> values;  ///< [row][epoch][real, imaginary][bin], unit energy
  float* At(size_t row, size_t epoch) {
    return values.data() + (row * kChunkEpochs + epoch) * 2 * bins;
  }
};

size_t ReplaceMissing(std::span<double> samples) {
  size_t missing = 0;
  for (double& value : samples) {
    if (std::isfinite(value)) continue;
    value = 0.0;
    ++missing;
  }
  return missing;
}

/// Samples that a step may take: a jump is not less of a jump at a higher rate.
size_t StepLag(double rate_hz) {
  return std::max<size_t>(1, static_cast<size_t>(std::llround(kStepSeconds * rate_hz)));
}

/// Everything that needs no spectrum.
Epoch MeasureInTime(std::span<const double> x, size_t step_lag) {
  const auto n = static_cast<double>(x.size());
  double sum = 0, low = x[0], high = x[0], step = 0, path = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    sum += x[i];
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  for (size_t i = step_lag; i < x.size(); ++i) {
    const double difference = std::abs(x[i] - x[i - step_lag]);
    path += difference;
    step = difference > step ? difference : step;
  }
  const double mean = sum / n;
  double squares = 0;
  size_t stuck = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    squares += (x[i] - mean) * (x[i] - mean);
    if (i > 0 && x[i] == x[i - 1] && (x[i] == low || x[i] == high)) ++stuck;
  }
  Epoch epoch;
  epoch.mean = static_cast<float>(mean);
  epoch.deviation = static_cast<float>(std::sqrt(squares / n));
  epoch.peak_to_peak = static_cast<float>(high - low);
  epoch.step = static_cast<float>(step);
  epoch.roughness = static_cast<float>(path / n);
  epoch.stuck = static_cast<float>(static_cast<double>(stuck) / n);
  epoch.lowest = static_cast<float>(low);
  epoch.highest = static_cast<float>(high);
  return epoch;
}

/// Averages over equal stretches (single samples where there are fewer than points), then removes
/// the line, so that drift and offset are no swing.
float Thin(std::span<const double> x, std::span<double> points) {
  for (size_t p = 0; p < points.size(); ++p) {
    const size_t from = p * x.size() / points.size();
    const size_t to = std::max(from + 1, (p + 1) * x.size() / points.size());
    double sum = 0;
    for (size_t i = from; i < to; ++i) sum += x[i];
    points[p] = sum / static_cast<double>(to - from);
  }
  signal::RemoveTrend(points);
  return static_cast<float>(signal::PeakToPeak(points));
}

double PowerIn(const Transform& t, size_t lane, std::pair<size_t, size_t> bins) {
  double power = 0;
  for (size_t k = std::max<size_t>(bins.first, 1); k < bins.second; ++k) {
    const double re = t.real[k * kLanes + lane], im = t.imaginary[k * kLanes + lane];
    power += re * re + im * im;
  }
  return power * t.scale;
}

float DeviationOf(double power) { return static_cast<float>(std::sqrt(std::max(power, 0.0))); }

/// Sums of what is stronger at 50 and at 60 Hz, relative to the channel's other fast activity, so
/// that one channel of noise does not decide.
struct LineShares {
  double at_50 = 0;
  double at_60 = 0;
};

size_t Width(std::pair<size_t, size_t> bins) {
  return bins.second > bins.first ? bins.second - bins.first : 0;
}

/// The line is looked for at both frequencies unless one is given: recordings travel. What counts
/// is what stands out of the fast activity around it.
void MeasureBands(const Transform& t, size_t lane, double line_hz, Epoch& epoch,
                  LineShares& shares) {
  const auto bins_at = [&](double hz) {
    return t.Bins(hz - kLineHalfWidth, hz + kLineHalfWidth + 1e-6);
  };
  const auto bins_50 = bins_at(line_hz > 0 ? line_hz : 50.0);
  const auto bins_60 = line_hz > 0 ? bins_50 : bins_at(60.0);
  const auto fast_bins = t.Bins(kFastFrom, kFastTo);
  const double at_50 = PowerIn(t, lane, bins_50);
  const double at_60 = PowerIn(t, lane, bins_60);
  const double fast = PowerIn(t, lane, fast_bins);
  const double line = std::max(at_50, at_60);
  const size_t others = Width(fast_bins) - std::min(Width(fast_bins), Width(bins_50));
  const double around = (fast - line) / static_cast<double>(std::max<size_t>(others, 1));
  shares.at_50 += at_50 / std::max(fast, 1e-12);
  shares.at_60 += at_60 / std::max(fast, 1e-12);
  epoch.line = DeviationOf(line - std::max(around, 0.0) * static_cast<double>(Width(bins_50)));
  epoch.fast = DeviationOf(fast - line);
  epoch.slow = DeviationOf(PowerIn(t, lane, t.Bins(kSlowFrom, kSlowTo)));
  const auto low = t.Bins(kTiltLowFrom, kTiltLowTo);
  // Not into the slope of an anti-alias filter.
  const auto high = t.Bins(kTiltHighFrom, std::min(kTiltHighTo, 0.45 * t.rate_hz));
  const auto width = [](std::pair<size_t, size_t> bins) {
    return static_cast<double>(std::max<size_t>(Width(bins), 1));
  };
  const double above = PowerIn(t, lane, high) / width(high);
  const double below = PowerIn(t, lane, low) / width(low);
  epoch.tilt = static_cast<float>(above > 0.0 ? std::min(below / above, 1e6) : 1e6);
}

/// Copies 1 to 30 Hz scaled to unit energy, so that a sum of products is a correlation.
void KeepLowBins(const Transform& t, size_t lane, size_t first, LowBins& low, float* out) {
  double energy = 0;
  for (size_t k = 0; k < low.bins; ++k) {
    const size_t at = (first + k) * kLanes + lane;
    const bool inside = first + k < t.fft.bins();
    const double re = inside ? t.real[at] : 0.0, im = inside ? t.imaginary[at] : 0.0;
    out[k] = static_cast<float>(re);
    out[low.bins + k] = static_cast<float>(im);
    energy += re * re + im * im;
  }
  const double factor = energy > 0.0 ? 1.0 / std::sqrt(energy) : 0.0;
  for (size_t k = 0; k < 2 * low.bins; ++k) {
    out[k] = static_cast<float>(static_cast<double>(out[k]) * factor);
  }
}

/// Nearest rows by electrode position. A channel without position (a mastoid, an unknown name) has
/// none, unless no channel has a position: then the first others in file order.
std::vector<std::vector<size_t>> FindNeighbours(const RecordingView& recording,
                                                std::span<const size_t> channels) {
  std::vector<std::vector<size_t>> neighbours(channels.size());
  std::vector<std::optional<signal::Position>> positions;
  for (const size_t channel : channels) {
    positions.push_back(signal::FindElectrode(recording.channels[channel].name));
  }
  const bool placed = std::ranges::any_of(positions, [](const auto& p) { return p.has_value(); });
  for (size_t row = 0; row < channels.size(); ++row) {
    std::vector<std::pair<double, size_t>> others;
    for (size_t other = 0; other < channels.size(); ++other) {
      if (other == row || (placed && !(positions[row] && positions[other]))) continue;
      const double angle = placed ? signal::AngleBetween(*positions[row], *positions[other]) : 0.0;
      others.emplace_back(angle, other);
    }
    std::ranges::sort(others);
    others.resize(std::min(others.size(), kNeighbours));
    for (const auto& [angle, other] : others) neighbours[row].push_back(other);
  }
  return neighbours;
}

class Measurement {
 public:
  /// `line_hz` 0: not known.
  Measurement(const RecordingView& recording, const Control& control, double line_hz,
              EpochTable& table)
      : recording_(recording), control_(control), line_hz_(line_hz), table_(table) {
    for (const size_t channel : table.channels) {
      const double rate = recording.channels[channel].rate_hz;
      if (transforms_.contains(rate)) continue;
      const auto length = static_cast<size_t>(std::llround(table.epoch_s * rate));
      transforms_.emplace(rate, std::make_unique<Transform>(std::max<size_t>(length, 1), rate));
    }
    first_low_ = static_cast<size_t>(std::ceil(kCorrelateFrom * table.epoch_s));
    const auto last = static_cast<size_t>(std::floor(kCorrelateTo * table.epoch_s));
    low_.bins = last >= first_low_ ? last - first_low_ + 1 : 0;
    low_.values.resize(table.channels.size() * kChunkEpochs * 2 * low_.bins);
    thinned_.resize(kThinnedPoints);
  }

  base::Result<void> Run() {
    for (size_t first = 0; first < table_.epochs; first += kChunkEpochs) {
      TRY(control_.Check());
      const size_t count = std::min(kChunkEpochs, table_.epochs - first);
      for (size_t row = 0; row < table_.channels.size(); ++row) {
        TRY(MeasureRow(row, first, count));
      }
      for (size_t row = 0; row < table_.channels.size(); ++row) Correlate(row, first, count);
      control_.Report(static_cast<double>(first + count) / static_cast<double>(table_.epochs));
    }
    return {};
  }

  /// Where there was more of it.
  double LineHz() const { return shares_.at_60 > shares_.at_50 ? 60.0 : 50.0; }

 private:
  base::Result<void> MeasureRow(size_t row, size_t first, size_t count) {
    const size_t channel = table_.channels[row];
    Transform& t = *transforms_.at(recording_.channels[channel].rate_hz);
    const size_t length = t.fft.length();
    samples_.resize(count * length);
    TRY(recording_.source->Read(channel, first * length, samples_, control_.deadline));
    table_.missing[row] +=
        static_cast<double>(ReplaceMissing(samples_)) / static_cast<double>(table_.epochs * length);
    for (size_t group = 0; group < count; group += kLanes) {
      const size_t lanes = std::min(kLanes, count - group);
      for (size_t l = 0; l < kLanes; ++l) {
        if (l >= lanes) {
          for (size_t i = 0; i < length; ++i) t.frames[i * kLanes + l] = 0.0;
          continue;
        }
        const auto x = std::span<const double>(samples_).subspan((group + l) * length, length);
        Epoch& epoch = Cell(row, first + group + l);
        epoch = MeasureInTime(x, StepLag(t.rate_hz));
        epoch.swing = Thin(x, thinned_);
        KeepThinned(row, first + group + l);
        const auto mean = static_cast<double>(epoch.mean);
        for (size_t i = 0; i < length; ++i) t.frames[i * kLanes + l] = (x[i] - mean) * t.window[i];
      }
      t.fft.Forward(t.frames, t.real, t.imaginary);
      for (size_t l = 0; l < lanes; ++l) {
        MeasureBands(t, l, line_hz_, Cell(row, first + group + l), shares_);
        KeepLowBins(t, l, first_low_, low_, low_.At(row, group + l));
      }
    }
    return {};
  }

  void Correlate(size_t row, size_t first, size_t count) {
    for (size_t e = 0; e < count; ++e) {
      float best = -1.0F;
      const float* a = low_.At(row, e);
      for (size_t k = 0; k < table_.neighbours[row].size(); ++k) {
        const float* b = low_.At(table_.neighbours[row][k], e);
        float sums[8] = {};
        size_t i = 0;
        for (; i + 8 <= 2 * low_.bins; i += 8) {
          for (size_t j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
        }
        float r = 0;
        for (; i < 2 * low_.bins; ++i) r += a[i] * b[i];
        for (const float sum : sums) r += sum;
        best = std::max(best, std::abs(r));
        table_.agreement[row][k] += static_cast<double>(r) / static_cast<double>(table_.epochs);
      }
      Cell(row, first + e).correlation = best;
    }
  }

  void KeepThinned(size_t row, size_t epoch) {
    ThinnedEpochs& kept = table_.thinned;
    const auto at = std::ranges::lower_bound(kept.epochs, epoch);
    if (at == kept.epochs.end() || *at != epoch) return;
    const size_t index = row * kept.epochs.size() + static_cast<size_t>(at - kept.epochs.begin());
    std::ranges::transform(thinned_,
                           kept.samples.begin() + static_cast<ptrdiff_t>(index * kThinnedPoints),
                           [](double value) { return static_cast<float>(value); });
  }

  Epoch& Cell(size_t row, size_t epoch) { return table_.cells[row * table_.epochs + epoch]; }

  const RecordingView& recording_;
  const Control& control_;
  double line_hz_;
  EpochTable& table_;
  LineShares shares_;
  std::map<double, std::unique_ptr<Transform>> transforms_;
  LowBins low_;
  size_t first_low_ = 0;
  std::vector<double> samples_;
  std::vector<double> thinned_;
};

ThinnedEpochs ChooseThinned(size_t epochs, size_t channels) {
  ThinnedEpochs thinned;
  const size_t count = ThinnedCount(epochs, channels);
  for (size_t k = 0; k < count; ++k) thinned.epochs.push_back(k * epochs / count);
  thinned.samples.resize(count * channels * kThinnedPoints);
  return thinned;
}

}  // namespace

size_t ThinnedCount(size_t epochs, size_t channels) {
  const size_t affordable = channels == 0 ? 0 : kThinnedCells / channels;
  return std::min(epochs, std::clamp(affordable, kLeastThinnedEpochs, kMostThinnedEpochs));
}

base::Result<EpochTable> MeasureEpochs(const RecordingView& recording,
                                       std::span<const size_t> channels, double epoch_s,
                                       double line_hz, const Control& control) {
  EpochTable table;
  table.channels.assign(channels.begin(), channels.end());
  table.missing.assign(channels.size(), 0.0);
  if (channels.empty()) return table;
  double shortest_s = recording.duration_s;
  for (const size_t c : channels) {
    const Channel& channel = recording.channels[c];
    shortest_s = std::min(shortest_s, static_cast<double>(channel.samples) / channel.rate_hz);
  }
  table.epoch_s = std::min(epoch_s, shortest_s);
  table.epochs = static_cast<size_t>(-1);
  for (const size_t c : channels) {
    const Channel& channel = recording.channels[c];
    const auto length = static_cast<uint64_t>(std::llround(table.epoch_s * channel.rate_hz));
    const uint64_t fitting = channel.samples / std::max<uint64_t>(length, 1);
    table.epochs = std::min(table.epochs, static_cast<size_t>(fitting));
  }
  table.neighbours = FindNeighbours(recording, channels);
  for (const auto& others : table.neighbours) table.agreement.emplace_back(others.size(), 0.0);
  table.cells.assign(channels.size() * table.epochs, {});
  table.thinned = ChooseThinned(table.epochs, channels.size());
  Measurement measurement(recording, control, line_hz, table);
  TRY(measurement.Run());
  table.line_hz = line_hz > 0 ? line_hz : measurement.LineHz();
  return table;
}

}  // namespace montage::analysis
