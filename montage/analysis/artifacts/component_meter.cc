#include "montage/analysis/artifacts/component_meter.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace montage::analysis {

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
