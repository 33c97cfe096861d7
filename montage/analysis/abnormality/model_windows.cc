#include "montage/analysis/abnormality/model_windows.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include "montage/analysis/requirements.h"
#include "montage/signal/filter/iir.h"
#include "montage/signal/filter/resample.h"
#include "montage/signal/finite.h"
#include "montage/signal/scalp/electrodes.h"
#include "montage/signal/scalp/spherical_spline.h"

namespace montage::analysis {
namespace {

constexpr double kLowHz = 0.5;
constexpr double kHighHz = 45.0;
constexpr int kOrder = 4;
/// Read beyond the windows on both sides, so that the filter's transient lies outside them.
constexpr double kMarginS = 4.0;
constexpr size_t kLargestFactor = 1000;
constexpr size_t kLeastSplineSources = 4;
constexpr double kLeastDeviationUv = 1e-3;

struct Factor {
  size_t up;
  size_t down;
};

std::optional<Factor> FactorOf(double from_hz, double to_hz) {
  for (size_t down = 1; down <= kLargestFactor; ++down) {
    const double up = to_hz / from_hz * static_cast<double>(down);
    const double whole = std::round(up);
    if (whole >= 1 && whole <= static_cast<double>(kLargestFactor) &&
        std::abs(up - whole) < 1e-9 * whole) {
      return Factor{static_cast<size_t>(whole), down};
    }
  }
  return std::nullopt;
}

base::Result<void> CheckModel(const WindowModel& model) {
  const double samples = model.window_s() * model.rate_hz();
  if (model.channels().empty() || !(model.rate_hz() >= 100 && model.rate_hz() <= 1000) ||
      std::round(model.rate_hz()) != model.rate_hz() ||
      !(model.window_s() >= 2 && model.window_s() <= 60) || std::round(samples) != samples) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("model {} wants {} channels at {} Hz for {} s, expected at least one channel, "
                    "100 to 1000 Hz, 2 to 60 s and whole samples",
                    model.name(), model.channels().size(), model.rate_hz(), model.window_s()));
  }
  return {};
}

void Standardise(std::span<const double> samples, std::span<float> out) {
  const auto n = static_cast<double>(samples.size());
  const double mean = std::accumulate(samples.begin(), samples.end(), 0.0) / n;
  double squares = 0;
  for (const double value : samples) squares += (value - mean) * (value - mean);
  const double deviation = std::sqrt(squares / n);
  const double scale = deviation < kLeastDeviationUv ? 0.0 : 1.0 / deviation;
  for (size_t i = 0; i < samples.size(); ++i) {
    out[i] = static_cast<float>((samples[i] - mean) * scale);
  }
}

}  // namespace

base::Result<ModelWindows> ModelWindows::Create(const RecordingView& recording,
                                                const QualityReport& quality,
                                                const WindowModel& model, double stride_s) {
  TRY(CheckModel(model));
  if (!(stride_s >= 0.1)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("stride is {} s, expected at least 0.1", stride_s));
  }
  ModelWindows windows(recording, stride_s);
  windows.rate_hz_ = model.rate_hz();
  windows.window_ = static_cast<size_t>(std::llround(model.window_s() * model.rate_hz()));
  TRY(windows.ChooseRows(quality, model));
  const auto factor = FactorOf(windows.source_hz_, windows.rate_hz_);
  if (!factor) {
    return base::Fail(
        base::ErrorCode::kUnsupported,
        fmt::format("no factor of at most {} / {} leads from {} Hz to the model's {} Hz",
                    kLargestFactor, kLargestFactor, windows.source_hz_, windows.rate_hz_));
  }
  windows.up_ = factor->up;
  windows.down_ = factor->down;
  double shortest_s = recording.duration_s;
  for (const size_t c : windows.used_) {
    shortest_s = std::min(shortest_s,
                          static_cast<double>(recording.channels[c].samples) / windows.source_hz_);
  }
  if (shortest_s >= model.window_s()) {
    windows.count_ =
        1 + static_cast<size_t>(std::floor((shortest_s - model.window_s()) / stride_s + 1e-9));
  }
  return windows;
}

size_t ModelWindows::UseChannel(size_t channel) {
  const auto known = std::ranges::find(used_, channel);
  const auto index = static_cast<size_t>(known - used_.begin());
  if (known == used_.end()) used_.push_back(channel);
  return index;
}

base::Result<void> ModelWindows::ChooseRows(const QualityReport& quality,
                                            const WindowModel& model) {
  // Good channels by standard name, of the rate that the first of them has.
  std::vector<size_t> good;
  std::vector<std::string> names;
  for (const size_t c : CheckRecording(*recording_).eeg) {
    const Channel& channel = recording_->channels[c];
    const auto name = signal::StandardElectrodeName(channel.name);
    if (!name || IsBad(&quality, channel.name)) continue;
    if (good.empty()) source_hz_ = channel.rate_hz;
    if (channel.rate_hz != source_hz_) continue;
    good.push_back(c);
    names.push_back(*name);
  }
  std::vector<signal::Position> positions;
  positions.reserve(names.size());
  for (const std::string& name : names) positions.push_back(*signal::FindElectrode(name));
  size_t found = 0;
  for (const std::string& wanted : model.channels()) {
    const auto name = signal::StandardElectrodeName(wanted);
    Row row;
    const auto at = name ? std::ranges::find(names, *name) : names.end();
    if (at != names.end()) {
      row = {{UseChannel(good[static_cast<size_t>(at - names.begin())])}, {1.0}};
      ++found;
    } else if (name && good.size() >= kLeastSplineSources) {
      const signal::Position target[] = {*signal::FindElectrode(*name)};
      TRY(row.weights, signal::SplineWeights(positions, target));
      for (const size_t c : good) row.sources.push_back(UseChannel(c));
      ++interpolated_;
    } else {
      ++zeroed_;
    }
    rows_.push_back(std::move(row));
  }
  if (2 * found < rows_.size()) {
    return base::Fail(
        base::ErrorCode::kUnsupported,
        fmt::format("{} of the model's {} channels are recorded and good, expected at "
                    "least half",
                    found, rows_.size()));
  }
  return {};
}

base::Result<std::vector<double>> ModelWindows::ReadChannel(size_t used, double from_s,
                                                            double until_s,
                                                            base::Deadline deadline) const {
  // The first sample lies on a multiple of `down`, so that resampled samples lie on the model's
  // grid; time before and after the recording repeats its first and last sample.
  const auto grid = static_cast<int64_t>(down_);
  const auto floor_to_grid = [&](double seconds) {
    const auto sample = static_cast<int64_t>(std::floor(seconds * source_hz_));
    return (sample >= 0 ? sample / grid : -((-sample + grid - 1) / grid)) * grid;
  };
  const int64_t first = floor_to_grid(from_s);
  const int64_t last = static_cast<int64_t>(std::ceil(until_s * source_hz_)) + 1;
  const size_t channel = used_[used];
  const auto total = static_cast<int64_t>(recording_->channels[channel].samples);
  const int64_t from = std::clamp<int64_t>(first, 0, total);
  const int64_t until = std::clamp<int64_t>(last, from, total);
  std::vector<double> samples(static_cast<size_t>(last - first), 0.0);
  const auto inside = std::span(samples).subspan(static_cast<size_t>(from - first),
                                                 static_cast<size_t>(until - from));
  TRY(recording_->source->Read(channel, static_cast<uint64_t>(from), inside, deadline));
  signal::HoldMissing(inside);
  if (!inside.empty()) {
    std::fill_n(samples.begin(), from - first, inside.front());
    std::fill(samples.begin() + (until - first), samples.end(), inside.back());
  }
  const double high = std::min(kHighHz, 0.45 * source_hz_);
  TRY(const auto band,
      (signal::Butterworth(kOrder, signal::Band::kBandPass, {kLowHz, high}, source_hz_)));
  TRY(signal::FilterZeroPhase(band, samples));
  TRY(auto resampled, signal::Resample(samples, up_, down_));
  // Resampled sample i stands for time (first / source_hz) + i / rate.
  const double start_s = static_cast<double>(first) / source_hz_;
  const auto skip = static_cast<size_t>(std::llround((from_s - start_s) * rate_hz_));
  resampled.erase(resampled.begin(), resampled.begin() + static_cast<ptrdiff_t>(skip));
  return resampled;
}

base::Result<std::vector<float>> ModelWindows::Read(size_t first, size_t many,
                                                    base::Deadline deadline) const {
  std::vector<float> out(many * rows_.size() * window_);
  const double window_s = static_cast<double>(window_) / rate_hz_;
  const auto chunk = std::max<size_t>(1, static_cast<size_t>(60.0 / stride_s_));
  std::vector<double> mixed(window_);
  for (size_t done = 0; done < many;) {
    // Chunks begin at fixed windows, so that a window does not depend on how it is asked for.
    const size_t begin = (first + done) / chunk * chunk;
    const size_t end = std::min(begin + chunk, count_);
    const double from_s = stride_s_ * static_cast<double>(begin) - kMarginS;
    const double until_s = stride_s_ * static_cast<double>(end - 1) + window_s + kMarginS;
    std::vector<std::vector<double>> series;
    for (size_t u = 0; u < used_.size(); ++u) {
      TRY(auto samples, ReadChannel(u, from_s, until_s, deadline));
      series.push_back(std::move(samples));
    }
    for (; done < many && first + done < end; ++done) {
      const double start_s = stride_s_ * static_cast<double>(first + done) - from_s;
      const auto start = static_cast<size_t>(std::llround(start_s * rate_hz_));
      for (size_t r = 0; r < rows_.size(); ++r) {
        std::ranges::fill(mixed, 0.0);
        for (size_t s = 0; s < rows_[r].sources.size(); ++s) {
          const double* source = series[rows_[r].sources[s]].data() + start;
          for (size_t i = 0; i < window_; ++i) mixed[i] += rows_[r].weights[s] * source[i];
        }
        Standardise(mixed, std::span(out).subspan((done * rows_.size() + r) * window_, window_));
      }
    }
  }
  return out;
}

}  // namespace montage::analysis
