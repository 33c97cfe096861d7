#include "montage/analysis/features/window_features.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include <Eigen/Eigenvalues>
#include <fmt/format.h>

#include "montage/analysis/features/electrode_features.h"
#include "montage/analysis/requirements.h"
#include "montage/signal/fft.h"
#include "montage/signal/scalp/electrodes.h"
#include "montage/signal/scalp/spherical_spline.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr size_t kMinSources = 4;
constexpr double kFloor = 1e-2;  // microvolt^2, as in electrode_features.cc

using Electrodes = std::span<const std::string_view>;

size_t ElectrodeIndex(std::string_view name) {
  const Electrodes all = signal::TenTwenty();
  return static_cast<size_t>(std::ranges::find(all, name) - all.begin());
}

/// Limits windows of one length to kFeatureBand and brings them to kFeatureSamples samples.
class BandLimiter {
 public:
  BandLimiter(double rate_hz, size_t length)
      : rate_hz_(rate_hz),
        forward_(length, kFeatureLanes),
        inverse_(kFeatureSamples, kFeatureLanes),
        window_(length * kFeatureLanes),
        real_(std::max(forward_.bins(), inverse_.bins()) * kFeatureLanes),
        imaginary_(real_.size()),
        samples_(kFeatureSamples * kFeatureLanes) {}

  size_t length() const { return forward_.length(); }

  /// Lane of the next Run; the rest of the lanes keep what they had.
  void SetLane(size_t lane, std::span<const double> samples) {
    for (size_t i = 0; i < samples.size(); ++i) window_[i * kFeatureLanes + lane] = samples[i];
  }
  void Run() {
    forward_.Forward(window_, std::span(real_).first(forward_.bins() * kFeatureLanes),
                     std::span(imaginary_).first(forward_.bins() * kFeatureLanes));
    const double step = rate_hz_ / static_cast<double>(length());
    const double scale = static_cast<double>(kFeatureSamples) / static_cast<double>(length());
    for (size_t bin = 0; bin < inverse_.bins(); ++bin) {
      const double hz = step * static_cast<double>(bin);
      const bool keep =
          hz > kFeatureBand.low - 1e-9 && hz < kFeatureBand.high + 1e-9 && 2 * bin < length();
      for (size_t l = bin * kFeatureLanes; l < (bin + 1) * kFeatureLanes; ++l) {
        real_[l] = keep ? scale * real_[l] : 0.0;
        imaginary_[l] = keep ? scale * imaginary_[l] : 0.0;
      }
    }
    inverse_.Inverse(std::span(real_).first(inverse_.bins() * kFeatureLanes),
                     std::span(imaginary_).first(inverse_.bins() * kFeatureLanes), samples_);
  }
  void GetLane(size_t lane, std::span<double> samples) const {
    for (size_t i = 0; i < kFeatureSamples; ++i) samples[i] = samples_[i * kFeatureLanes + lane];
  }

 private:
  double rate_hz_;
  signal::RealFft forward_;
  signal::RealFft inverse_;
  std::vector<double> window_;
  std::vector<double> real_;
  std::vector<double> imaginary_;
  std::vector<double> samples_;
};

struct Recorded {
  size_t electrode;
  size_t channel;
};

/// Electrodes that are computed from others, with the weights of all electrodes.
struct Interpolation {
  size_t electrode;
  std::array<double, kFeatureElectrodes> weights;
};

}  // namespace

class WindowFeatures::Extractor {
 public:
  explicit Extractor(const RecordingView& recording) : recording_(recording) {}

  base::Result<void> Open() {
    const Eligibility eligibility = CheckRecording(recording_);
    for (size_t e = 0; e < kFeatureElectrodes; ++e) {
      const size_t channel = recording_.IndexOf(signal::TenTwenty()[e]);
      if (std::ranges::find(eligibility.eeg, channel) != eligibility.eeg.end()) {
        recorded_.push_back({e, channel});
      }
    }
    if (recorded_.empty()) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("the recording has no electrode of the 10-20 system (Fp1 to "
                                    "O2) that is sampled at {} Hz or more; window features "
                                    "describe those 19",
                                    kMinRateHz));
    }
    double duration = recording_.duration_s;
    for (const Recorded& one : recorded_) {
      const Channel& channel = recording_.channels[one.channel];
      duration = std::min(duration, static_cast<double>(channel.samples) / channel.rate_hz);
      const auto length = static_cast<size_t>(std::llround(kFeatureWindowS * channel.rate_hz));
      limiters_.try_emplace(channel.rate_hz, channel.rate_hz, length);
    }
    count_ = FeatureWindowCount(duration);
    if (count_ == 0) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("the recording is {:.3f} s long, expected at least one window "
                                    "of {:g} s",
                                    duration, kFeatureWindowS));
    }
    return PrepareInterpolation();
  }

  size_t count() const { return count_; }
  const std::vector<std::string>& interpolated() const { return interpolated_; }
  const std::vector<std::string>& missing() const { return missing_; }

  base::Result<std::vector<float>> Compute(size_t window, base::Deadline deadline) {
    if (window >= count_) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("there is no window {}; the recording has windows 0 to {}",
                                    window, count_ - 1));
    }
    for (auto& [rate, limiter] : limiters_) TRY(ReadAt(rate, limiter, window, deadline));
    for (const Interpolation& wanted : interpolations_) Interpolate(wanted);
    std::vector<float> features(kFeatureCount, 0.0F);
    MeasureElectrodes(features);
    MeasureHead(features);
    for (float& value : features) {
      if (!std::isfinite(value)) value = 0.0F;  // amplitudes beyond the range of a float
    }
    return features;
  }

 private:
  std::span<double> Samples(size_t electrode) {
    return std::span(samples_).subspan(electrode * kFeatureSamples, kFeatureSamples);
  }

  base::Result<void> PrepareInterpolation() {
    std::vector<signal::Position> sources, targets;
    std::vector<size_t> absent;
    for (size_t e = 0; e < kFeatureElectrodes; ++e) {
      const auto position = *signal::FindElectrode(signal::TenTwenty()[e]);
      if (std::ranges::find(recorded_, e, &Recorded::electrode) != recorded_.end()) {
        sources.push_back(position);
        present_[e] = true;
      } else {
        targets.push_back(position);
        absent.push_back(e);
      }
    }
    if (absent.empty()) return {};
    if (sources.size() < kMinSources) {
      for (const size_t e : absent) missing_.emplace_back(signal::TenTwenty()[e]);
      return {};
    }
    TRY(const auto weights, signal::SplineWeights(sources, targets));
    for (size_t t = 0; t < absent.size(); ++t) {
      Interpolation interpolation{absent[t], {}};
      for (size_t s = 0; s < sources.size(); ++s) {
        interpolation.weights[recorded_[s].electrode] = weights[t * sources.size() + s];
      }
      interpolations_.push_back(interpolation);
      interpolated_.emplace_back(signal::TenTwenty()[absent[t]]);
      present_[absent[t]] = true;
    }
    return {};
  }

  base::Result<void> ReadAt(double rate, BandLimiter& limiter, size_t window,
                            base::Deadline deadline) {
    buffer_.resize(limiter.length());
    size_t lane = 0;
    std::array<size_t, kFeatureLanes> electrodes{};
    const auto flush = [&] {
      limiter.Run();
      for (size_t l = 0; l < lane; ++l) limiter.GetLane(l, Samples(electrodes[l]));
      lane = 0;
    };
    for (const auto& [electrode, channel] : recorded_) {
      const Channel& described = recording_.channels[channel];
      if (described.rate_hz != rate) continue;
      const auto start =
          static_cast<uint64_t>(std::llround(kFeatureStrideS * static_cast<double>(window) * rate));
      const uint64_t first = std::min<uint64_t>(start, described.samples - buffer_.size());
      TRY(recording_.source->Read(channel, first, buffer_, deadline));
      for (double& value : buffer_) value = std::isfinite(value) ? value : 0.0;
      signal::RemoveTrend(buffer_);
      electrodes[lane] = electrode;
      limiter.SetLane(lane++, buffer_);
      if (lane == kFeatureLanes) flush();
    }
    if (lane > 0) flush();
    return {};
  }

  void Interpolate(const Interpolation& wanted) {
    const auto out = Samples(wanted.electrode);
    std::ranges::fill(out, 0.0);
    for (size_t e = 0; e < kFeatureElectrodes; ++e) {
      const double weight = wanted.weights[e];
      if (weight == 0.0) continue;
      const auto in = Samples(e);
      for (size_t i = 0; i < kFeatureSamples; ++i) out[i] += weight * in[i];
    }
  }

  void MeasureElectrodes(std::vector<float>& features) {
    for (size_t first = 0; first < kFeatureElectrodes; first += kFeatureLanes) {
      const size_t count = std::min(kFeatureLanes, kFeatureElectrodes - first);
      for (size_t l = 0; l < count; ++l) {
        const auto in = Samples(first + l);
        for (size_t i = 0; i < kFeatureSamples; ++i) lanes_[i * kFeatureLanes + l] = in[i];
      }
      measures_.Measure(
          lanes_, count,
          std::span(features).subspan(first * kFeaturesPerElectrode, count * kFeaturesPerElectrode),
          std::span(powers_).subspan(first, count));
    }
    for (size_t e = 0; e < kFeatureElectrodes; ++e) {
      if (present_[e]) continue;
      std::fill_n(features.begin() + static_cast<ptrdiff_t>(e * kFeaturesPerElectrode),
                  kFeaturesPerElectrode, 0.0F);
    }
  }

  double Power(std::string_view electrode, size_t first_band, size_t last_band) const {
    double sum = 0;
    const size_t e = ElectrodeIndex(electrode);
    for (size_t band = first_band; band < last_band; ++band) sum += powers_[e][band];
    return sum;
  }
  /// 0 unless both were recorded or interpolated.
  double LogRatio(std::string_view above, std::string_view below, size_t first_band,
                  size_t last_band) const {
    if (!present_[ElectrodeIndex(above)] || !present_[ElectrodeIndex(below)]) return 0;
    return std::log10((Power(above, first_band, last_band) + kFloor) /
                      (Power(below, first_band, last_band) + kFloor));
  }

  double TotalAsymmetry() const {
    double left = 0, right = 0;
    for (size_t e = 0; e < kFeatureElectrodes; ++e) {
      const double x = signal::FindElectrode(signal::TenTwenty()[e])->x;
      if (!present_[e] || std::abs(x) < 1e-6) continue;
      for (const double power : powers_[e]) (x > 0 ? right : left) += power;
    }
    return std::log10((right + kFloor) / (left + kFloor));
  }

  /// Mean over the window of the deviation over electrodes.
  double FieldPower() {
    double total = 0;
    for (size_t i = 0; i < kFeatureSamples; ++i) {
      double n = 0, sum = 0, squares = 0;
      for (size_t e = 0; e < kFeatureElectrodes; ++e) {
        if (!present_[e]) continue;
        const double value = samples_[e * kFeatureSamples + i];
        n += 1;
        sum += value;
        squares += value * value;
      }
      total += std::sqrt(std::max(0.0, squares / n - sum / n * (sum / n)));
    }
    return total / kFeatureSamples;
  }

  /// Fills correlations_ (0 for an electrode without signal); returns the electrodes with signal.
  size_t Correlate() {
    using Row = Eigen::Matrix<double, kFeatureElectrodes, kFeatureSamples, Eigen::RowMajor>;
    Eigen::Map<const Row> rows(samples_.data());
    correlations_.noalias() = rows * rows.transpose();
    std::array<double, kFeatureElectrodes> scale{};
    size_t live = 0;
    for (Eigen::Index e = 0; e < correlations_.rows(); ++e) {
      const auto index = static_cast<size_t>(e);
      const bool signal =
          present_[index] && correlations_(e, e) > kFloor * static_cast<double>(kFeatureSamples);
      scale[index] = signal ? 1.0 / std::sqrt(correlations_(e, e)) : 0.0;
      live += signal ? 1U : 0U;
    }
    for (Eigen::Index a = 0; a < correlations_.rows(); ++a) {
      for (Eigen::Index b = 0; b < correlations_.cols(); ++b) {
        correlations_(a, b) *= scale[static_cast<size_t>(a)] * scale[static_cast<size_t>(b)];
      }
    }
    return live;
  }

  void MeasureHead(std::vector<float>& features) {
    const size_t live = Correlate();
    const double others = live > 1 ? static_cast<double>(live - 1) : 1.0;
    double mean = 0;
    for (size_t e = 0; e < kFeatureElectrodes; ++e) {
      const auto row = correlations_.row(static_cast<Eigen::Index>(e));
      const double own = row(static_cast<Eigen::Index>(e));
      const double sum = (row.cwiseAbs().sum() - own) / others;
      features[(e + 1) * kFeaturesPerElectrode - 1] = static_cast<float>(sum);
      mean += sum;
    }
    constexpr size_t kHead = kFeatureElectrodes * kFeaturesPerElectrode;
    const Eigen::SelfAdjointEigenSolver<decltype(correlations_)> solver(correlations_,
                                                                        Eigen::EigenvaluesOnly);
    const double front = Power("Fp1", 3, 5) + Power("Fp2", 3, 5);
    const double back = Power("O1", 3, 5) + Power("O2", 3, 5);
    const bool both = present_[ElectrodeIndex("Fp1")] && present_[ElectrodeIndex("O1")] &&
                      present_[ElectrodeIndex("Fp2")] && present_[ElectrodeIndex("O2")];
    const std::array<double, kHeadFeatures> head = {
        LogRatio("F4", "F3", 3, 5),
        LogRatio("O2", "O1", 3, 5),
        LogRatio("T8", "T7", 0, 3),
        TotalAsymmetry(),
        both ? std::log10((back + kFloor) / (front + kFloor)) : 0.0,
        std::log10(std::max(FieldPower(), kFloor)),
        live > 0 ? mean / static_cast<double>(live) : 0.0,
        live > 0 ? solver.eigenvalues().maxCoeff() / static_cast<double>(live) : 0.0};
    for (size_t k = 0; k < head.size(); ++k) features[kHead + k] = static_cast<float>(head[k]);
  }

  const RecordingView& recording_;
  size_t count_ = 0;
  std::vector<Recorded> recorded_;
  std::vector<Interpolation> interpolations_;
  std::vector<std::string> interpolated_;
  std::vector<std::string> missing_;
  std::array<bool, kFeatureElectrodes> present_{};
  std::map<double, BandLimiter> limiters_;
  ElectrodeMeasures measures_;
  std::vector<double> buffer_;
  std::vector<double> lanes_ = std::vector<double>(kFeatureSamples * kFeatureLanes, 0.0);
  std::vector<double> samples_ = std::vector<double>(kFeatureElectrodes * kFeatureSamples, 0.0);
  std::array<ElectrodeMeasures::BandPowers, kFeatureElectrodes> powers_{};
  Eigen::Matrix<double, kFeatureElectrodes, kFeatureElectrodes> correlations_;
};

size_t FeatureWindowCount(double duration_s) {
  if (!(duration_s >= kFeatureWindowS)) return 0;
  return static_cast<size_t>((duration_s - kFeatureWindowS) / kFeatureStrideS + 1e-9) + 1;
}

WindowFeatures::WindowFeatures(std::unique_ptr<Extractor> extractor)
    : extractor_(std::move(extractor)) {}
WindowFeatures::WindowFeatures(WindowFeatures&&) noexcept = default;
WindowFeatures& WindowFeatures::operator=(WindowFeatures&&) noexcept = default;
WindowFeatures::~WindowFeatures() = default;

base::Result<WindowFeatures> WindowFeatures::Create(const RecordingView& recording) {
  auto extractor = std::make_unique<Extractor>(recording);
  TRY(extractor->Open());
  return WindowFeatures(std::move(extractor));
}

size_t WindowFeatures::count() const { return extractor_->count(); }

const std::vector<std::string>& WindowFeatures::interpolated() const {
  return extractor_->interpolated();
}

const std::vector<std::string>& WindowFeatures::missing() const { return extractor_->missing(); }

base::Result<std::vector<float>> WindowFeatures::Compute(size_t window, base::Deadline deadline) {
  return extractor_->Compute(window, deadline);
}

base::Result<FeatureSummary> SummariseFeatures(const RecordingView& recording,
                                               const Control& control) {
  TRY(WindowFeatures features, WindowFeatures::Create(recording));
  FeatureSummary summary{.windows = features.count(),
                         .mean = std::vector<double>(kFeatureCount, 0.0),
                         .deviation = std::vector<double>(kFeatureCount, 0.0),
                         .interpolated = features.interpolated(),
                         .missing = features.missing()};
  // Welford 1962: mean and sum of squares in one pass.
  for (size_t window = 0; window < summary.windows; ++window) {
    TRY(control.Check());
    TRY(const auto vector, features.Compute(window, control.deadline));
    const double n = static_cast<double>(window + 1);
    for (size_t k = 0; k < kFeatureCount; ++k) {
      const double delta = static_cast<double>(vector[k]) - summary.mean[k];
      summary.mean[k] += delta / n;
      summary.deviation[k] += delta * (static_cast<double>(vector[k]) - summary.mean[k]);
    }
    control.Report(n / static_cast<double>(summary.windows));
  }
  for (double& value : summary.deviation) {
    value = std::sqrt(value / static_cast<double>(summary.windows));
  }
  return summary;
}

}  // namespace montage::analysis
