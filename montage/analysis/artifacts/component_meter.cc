#include "montage/analysis/artifacts/component_meter.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "montage/signal/filter/window.h"

namespace montage::analysis {
namespace {

constexpr double kSegmentS = 2.0;
constexpr double kLongestPeriodS = 0.9;
constexpr double kStrongestPart = 0.05;

}  // namespace

SegmentSpectra::SegmentSpectra(size_t window, double rate_hz, double line_hz)
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

void SegmentSpectra::Add(std::span<const double> window, std::vector<SegmentPower>& powers) {
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

/// Circular autocorrelation of one sequence of the segments' length.
std::vector<double> SegmentSpectra::Lags(std::span<const double> x) const {
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
void SegmentSpectra::AddRhythmicity(std::span<SegmentPower> powers) {
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

ComponentMeter::ComponentMeter(const signal::IcaModel& model, size_t comparisons, size_t window,
                               double rate_hz, double line_hz)
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

void ComponentMeter::Add(std::span<const std::vector<double>> window) {
  const size_t length = window.front().size();
  const auto channels = window.first(model_.channels());
  const std::vector<std::span<const double>> inputs(channels.begin(), channels.end());
  for (auto& source : sources_) source.resize(length);
  const std::vector<std::span<double>> outputs(sources_.begin(), sources_.end());
  signal::Sources(model_, inputs, outputs);
  observed_s_ += static_cast<double>(length) / rate_hz_;
  for (size_t r = 0; r < energy_.size(); ++r) {
    const auto& other = window[model_.channels() + r];
    energy_[r] += std::inner_product(other.begin(), other.end(), other.begin(), 0.0);
  }
  for (size_t k = 0; k < sources_.size(); ++k) AddSource(k, window);
}

ComponentMeasures ComponentMeter::Finish(size_t k, std::span<const size_t> eog,
                                         std::optional<size_t> ecg) const {
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

void ComponentMeter::AddSource(size_t k, std::span<const std::vector<double>> window) {
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
    beats_[k].intervals_s.push_back(static_cast<double>(peaks[i].at - peaks[i - 1].at) / rate_hz_);
  }
}

double ComponentMeter::CorrelationWith(size_t k, size_t r) const {
  const double scale = std::sqrt(square_[k] * energy_[r]);
  return scale > 0.0 ? std::abs(products_[k][r]) / scale : 0.0;
}

}  // namespace montage::analysis
