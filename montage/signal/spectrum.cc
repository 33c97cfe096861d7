#include "montage/signal/spectrum.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "montage/signal/finite.h"

namespace montage::signal {
namespace {

/// Composite 1-4-1 rule; requires an odd number of ordinates.
double OddSimpson(std::span<const double> y, double step) {
  double sum = 0.0;
  for (size_t i = 0; i + 2 < y.size(); i += 2) sum += y[i] + 4.0 * y[i + 1] + y[i + 2];
  return sum * step / 3.0;
}

std::span<const double> Inside(const Spectrum& spectrum, BinRange bins) {
  return std::span(spectrum.density).subspan(bins.first, bins.last - bins.first);
}

}  // namespace

double Simpson(std::span<const double> y, double step) {
  const size_t n = y.size();
  if (n < 2) return 0.0;
  if (n == 2) return 0.5 * step * (y[0] + y[1]);
  if (n % 2 == 1) return OddSimpson(y, step);
  const double last_interval = (5.0 * y[n - 1] + 8.0 * y[n - 2] - y[n - 3]) / 12.0;
  return OddSimpson(y.first(n - 1), step) + last_interval * step;
}

BinRange BinsIn(const Spectrum& spectrum, FrequencyRange range) {
  return BinsIn(spectrum.step_hz, spectrum.density.size(), range);
}

BinRange BinsIn(double step_hz, size_t count, FrequencyRange range) {
  if (!(step_hz > 0.0) || range.high < 0.0) return {};
  // A frequency that differs from an edge by rounding only belongs to the range.
  constexpr double kSlack = 1e-9;
  const double first = std::ceil(std::max(range.low, 0.0) / step_hz - kSlack);
  const double last = std::floor(range.high / step_hz + kSlack) + 1.0;
  const double bins = static_cast<double>(count);
  if (first >= std::min(last, bins)) return {};
  return {static_cast<size_t>(first), static_cast<size_t>(std::min(last, bins))};
}

double BandPower(const Spectrum& spectrum, FrequencyRange range) {
  return Simpson(Inside(spectrum, BinsIn(spectrum, range)), spectrum.step_hz);
}

double RelativePower(const Spectrum& spectrum, FrequencyRange range, FrequencyRange total) {
  const double whole = BandPower(spectrum, total);
  return whole > 0.0 ? BandPower(spectrum, range) / whole : 0.0;
}

double SpectralEdge(const Spectrum& spectrum, FrequencyRange range, double fraction) {
  const BinRange bins = BinsIn(spectrum, range);
  const auto power = Inside(spectrum, bins);
  double total = 0.0;
  for (size_t i = 1; i < power.size(); ++i) total += 0.5 * (power[i - 1] + power[i]);
  if (!(total > 0.0)) return 0.0;
  const double wanted = fraction * total;
  double below = 0.0;
  for (size_t i = 1; i < power.size(); ++i) {
    const double interval = 0.5 * (power[i - 1] + power[i]);
    if (below + interval >= wanted) {
      const double part = interval > 0.0 ? (wanted - below) / interval : 0.0;
      return spectrum.FrequencyAt(bins.first + i - 1) + part * spectrum.step_hz;
    }
    below += interval;
  }
  return spectrum.FrequencyAt(bins.last - 1);
}

double PeakFrequency(const Spectrum& spectrum, FrequencyRange range) {
  const BinRange bins = BinsIn(spectrum, range);
  const auto power = Inside(spectrum, bins);
  const auto top = std::ranges::max_element(power);
  if (top == power.end() || !(*top > 0.0)) return 0.0;
  const size_t bin = bins.first + static_cast<size_t>(top - power.begin());
  double shift = 0.0;
  if (bin > 0 && bin + 1 < spectrum.density.size()) {
    const double before = spectrum.density[bin - 1];
    const double after = spectrum.density[bin + 1];
    // Not a summit when the band's edge cuts a slope: the bin itself is the answer then.
    if (before > 0.0 && after > 0.0 && before <= *top && after <= *top) {
      const double a = std::log(before), b = std::log(*top), c = std::log(after);
      const double curvature = a - 2.0 * b + c;
      if (curvature < 0.0) shift = 0.5 * (a - c) / curvature;
    }
  }
  return spectrum.FrequencyAt(bin) + shift * spectrum.step_hz;
}

double Centroid(const Spectrum& spectrum, FrequencyRange range) {
  const BinRange bins = BinsIn(spectrum, range);
  double power = 0.0;
  double moment = 0.0;
  for (size_t k = bins.first; k < bins.last; ++k) {
    power += spectrum.density[k];
    moment += spectrum.density[k] * spectrum.FrequencyAt(k);
  }
  return power > 0.0 ? moment / power : 0.0;
}

double SpectralEntropy(const Spectrum& spectrum, FrequencyRange range) {
  const auto power = Inside(spectrum, BinsIn(spectrum, range));
  double total = 0.0;
  for (const double value : power) total += value;
  if (!(total > 0.0) || power.size() < 2) return 0.0;
  double entropy = 0.0;
  for (const double value : power) {
    const double p = value / total;
    if (p > 0.0) entropy -= p * std::log(p);
  }
  return std::min(1.0, entropy / std::log(static_cast<double>(power.size())));
}

namespace {

/// The Hilbert transform of one length: every positive frequency times -i; 0 Hz and half the rate
/// have none.
class Hilbert {
 public:
  explicit Hilbert(size_t length) : fft_(length), real_(fft_.bins()), imaginary_(fft_.bins()) {}

  size_t length() const { return fft_.length(); }

  void Transform(std::span<const double> samples, std::span<double> transformed) {
    fft_.Forward(samples, real_, imaginary_);
    for (size_t k = 0; k < fft_.bins(); ++k) {
      const bool alone = k == 0 || 2 * k == length();
      const double was_real = real_[k];
      real_[k] = alone ? 0.0 : imaginary_[k];
      imaginary_[k] = alone ? 0.0 : -was_real;
    }
    fft_.Inverse(real_, imaginary_, transformed);
  }

 private:
  RealFft fft_;
  std::vector<double> real_;
  std::vector<double> imaginary_;
};

base::Result<void> CheckInput(std::span<const double> samples) {
  if (samples.empty()) {
    return base::Fail(base::ErrorCode::kInvalid, "no samples to take the envelope of");
  }
  return CheckFinite(samples);
}

}  // namespace

base::Result<std::vector<std::complex<double>>> AnalyticSignal(std::span<const double> samples) {
  TRY(CheckInput(samples));
  std::vector<double> imaginary(samples.size());
  Hilbert(samples.size()).Transform(samples, imaginary);
  std::vector<std::complex<double>> analytic(samples.size());
  for (size_t i = 0; i < analytic.size(); ++i) analytic[i] = {samples[i], imaginary[i]};
  return analytic;
}

base::Result<std::vector<double>> Envelope(std::span<const double> samples) {
  TRY(auto envelopes, EnvelopeAll(std::span(&samples, 1)));
  return std::move(envelopes.front());
}

base::Result<std::vector<std::vector<double>>> EnvelopeAll(
    std::span<const std::span<const double>> channels) {
  std::vector<std::vector<double>> envelopes;
  std::unique_ptr<Hilbert> hilbert;
  for (const auto& samples : channels) {
    TRY(CheckInput(samples));
    if (!hilbert || hilbert->length() != samples.size()) {
      hilbert = std::make_unique<Hilbert>(samples.size());
    }
    std::vector<double> envelope(samples.size());
    hilbert->Transform(samples, envelope);
    for (size_t i = 0; i < envelope.size(); ++i) {
      envelope[i] = std::sqrt(samples[i] * samples[i] + envelope[i] * envelope[i]);
    }
    envelopes.push_back(std::move(envelope));
  }
  return envelopes;
}

}  // namespace montage::signal
