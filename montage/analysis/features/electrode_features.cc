#include "montage/analysis/features/electrode_features.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "montage/signal/dynamics/complexity.h"
#include "montage/signal/dynamics/entropy.h"
#include "montage/signal/dynamics/fractal.h"
#include "montage/signal/filter/window.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr size_t kSegment = 256;  // 2 s: bins of 0.5 Hz
constexpr size_t kHop = kSegment / 2;
constexpr size_t kSegments = (kFeatureSamples - kSegment) / kHop + 1;
constexpr double kBinHz = kFeatureRateHz / kSegment;
constexpr size_t kFirstBin = 1;  // 0.5 Hz
constexpr size_t kLastBin = 90;  // 45 Hz
/// The noise of a good amplifier, 0.1 uV rms (IFCN, Nuwer et al. 1998, allow 0.5 uV): what is below
/// tells nothing of a brain, so that a flat channel stands at the floor and not at minus infinity.
constexpr double kFloorPower = 1e-2;
/// The same spread over 0.5 to 45 Hz, microvolt^2 / Hz, rounded down.
constexpr double kFloorDensity = 1e-4;

double Log(double power) { return std::log10(std::max(power, kFloorPower)); }
double LogDensity(double density) { return std::log10(std::max(density, kFloorDensity)); }

double LogRatio(double above, double below) {
  return std::log10((above + kFloorPower) / (below + kFloorPower));
}

struct Line {
  double slope = 0;
  double offset = 0;
};

/// Least squares through log power over log frequency within 2 to 40 Hz, without the alpha range.
Line AperiodicLine(std::span<const double> density) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (size_t bin = 4; bin <= 80; ++bin) {
    if (bin >= 14 && bin <= 28) continue;
    const double x = std::log10(kBinHz * static_cast<double>(bin));
    const double y = LogDensity(density[bin]);
    n += 1;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  Line line;
  line.slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  line.offset = (sy - line.slope * sx) / n;
  return line;
}

/// Frequency below which the fraction of the power of the bins lies.
double Edge(std::span<const double> density, double fraction) {
  double total = 0;
  for (size_t bin = kFirstBin; bin <= kLastBin; ++bin) total += density[bin];
  if (total <= 0) return 0;
  double sum = 0;
  for (size_t bin = kFirstBin; bin <= kLastBin; ++bin) {
    const double next = sum + density[bin];
    if (next >= fraction * total) {
      const double part = density[bin] > 0 ? (fraction * total - sum) / density[bin] : 0;
      return kBinHz * (static_cast<double>(bin) - 0.5 + part);
    }
    sum = next;
  }
  return kBinHz * kLastBin;
}

double Entropy(std::span<const double> density) {
  double total = 0;
  for (size_t bin = kFirstBin; bin <= kLastBin; ++bin) total += density[bin];
  if (total <= 0) return 0;
  double entropy = 0;
  for (size_t bin = kFirstBin; bin <= kLastBin; ++bin) {
    const double share = density[bin] / total;
    if (share > 0) entropy -= share * std::log(share);
  }
  return entropy / std::log(static_cast<double>(kLastBin - kFirstBin + 1));
}

/// A measure that is not defined for the window (a constant) is 0.
double OrZero(const base::Result<double>& value) {
  return value && std::isfinite(*value) ? *value : 0.0;
}

/// Writes measures one after another.
class Writer {
 public:
  explicit Writer(float* into) : into_(into) {}
  void Put(double value) { *into_++ = static_cast<float>(value); }

 private:
  float* into_;
};

constexpr size_t kSpectralMeasures = 27;

}  // namespace

ElectrodeMeasures::ElectrodeMeasures()
    : fft_(kSegment, kFeatureLanes),
      window_(signal::Hann(kSegment, signal::Symmetry::kPeriodic)),
      frame_(kSegment * kFeatureLanes),
      real_(fft_.bins() * kFeatureLanes),
      imaginary_(fft_.bins() * kFeatureLanes),
      density_(fft_.bins() * kFeatureLanes),
      one_(kFeatureSamples) {}

void ElectrodeMeasures::Spectrum(std::span<const double> samples) {
  std::ranges::fill(density_, 0.0);
  for (size_t segment = 0; segment < kSegments; ++segment) {
    const double* from = samples.data() + segment * kHop * kFeatureLanes;
    for (size_t i = 0; i < kSegment; ++i) {
      for (size_t l = 0; l < kFeatureLanes; ++l) {
        frame_[i * kFeatureLanes + l] = window_[i] * from[i * kFeatureLanes + l];
      }
    }
    fft_.Forward(frame_, real_, imaginary_);
    for (size_t i = 0; i < (kLastBin + 1) * kFeatureLanes; ++i) {
      density_[i] += real_[i] * real_[i] + imaginary_[i] * imaginary_[i];
    }
  }
  double energy = 0;
  for (const double value : window_) energy += value * value;
  const double scale = 2.0 / (kFeatureRateHz * energy * kSegments);
  for (double& value : density_) value *= scale;
}

void ElectrodeMeasures::SpectralMeasures(size_t lane, float* into, BandPowers& powers) const {
  std::array<double, kLastBin + 1> density{};
  for (size_t bin = 0; bin <= kLastBin; ++bin) density[bin] = density_[bin * kFeatureLanes + lane];
  double total = 0;
  for (size_t band = 0; band < kFeatureBands.size(); ++band) {
    const auto first = static_cast<size_t>(kFeatureBands[band].range.low / kBinHz);
    auto last = static_cast<size_t>(kFeatureBands[band].range.high / kBinHz);
    if (band + 1 == kFeatureBands.size()) ++last;
    powers[band] = 0;
    for (size_t bin = first; bin < last; ++bin) powers[band] += density[bin] * kBinHz;
    total += powers[band];
  }
  Writer out(into);
  for (const double power : powers) out.Put(Log(power));
  for (const double power : powers) out.Put(total > kFloorPower ? power / total : 0.0);
  const double delta = powers[0] + powers[1];
  const double theta = powers[2];
  const double alpha = powers[3] + powers[4];
  const double beta = powers[5] + powers[6];
  out.Put(LogRatio(theta, alpha));
  out.Put(LogRatio(delta, alpha));
  out.Put(LogRatio(delta + theta, alpha + beta));
  out.Put(LogRatio(alpha, beta));
  out.Put(Entropy(density));
  out.Put(Edge(density, 0.5) / kFeatureBand.high);
  out.Put(Edge(density, 0.95) / kFeatureBand.high);
  const auto peak = static_cast<size_t>(
      std::max_element(density.begin() + 14, density.begin() + 27) - density.begin());
  const double peak_hz = kBinHz * static_cast<double>(peak);
  const Line line = AperiodicLine(density);
  out.Put(peak_hz / 13.0);
  out.Put(LogDensity(density[peak]) - (line.offset + line.slope * std::log10(peak_hz)));
  out.Put(-line.slope);
  out.Put(line.offset);
}

void ElectrodeMeasures::ShapeMeasures(std::span<const double> samples, size_t lane, float* into) {
  for (size_t i = 0; i < kFeatureSamples; ++i) one_[i] = samples[i * kFeatureLanes + lane];
  const auto moments = signal::MomentsOf(one_);
  const auto hjorth = signal::HjorthOf(one_);
  const double line_length = signal::LineLength(one_);
  double largest_step = 0;
  for (size_t i = 1; i < one_.size(); ++i) {
    largest_step = std::max(largest_step, std::abs(one_[i] - one_[i - 1]));
  }
  const double mean_step = line_length / static_cast<double>(one_.size() - 1);
  Writer out(into);
  out.Put(Log(moments.variance));
  out.Put(hjorth.mobility);
  out.Put(hjorth.complexity);
  out.Put(std::asinh(moments.skewness));
  out.Put(std::asinh(moments.excess_kurtosis));
  out.Put(Log(line_length / kFeatureWindowS));
  out.Put(static_cast<double>(signal::ZeroCrossings(one_)) / (10 * kFeatureWindowS));
  out.Put(Log(signal::PeakToPeak(one_)));
  const bool silent = moments.variance < kFloorPower;
  out.Put(silent ? 0.0 : OrZero(signal::PermutationEntropy(one_)));
  out.Put(silent ? 0.0 : OrZero(signal::PetrosianDimension(one_)));
  out.Put(Log(std::abs(OrZero(signal::NonlinearEnergy(one_)))));
  out.Put(silent ? 0.0 : std::log10(largest_step / mean_step));
}

void ElectrodeMeasures::Measure(std::span<const double> samples, size_t count,
                                std::span<float> into, std::span<BandPowers> powers) {
  assert(samples.size() == kFeatureSamples * kFeatureLanes && count <= kFeatureLanes);
  assert(into.size() == count * kFeaturesPerElectrode && powers.size() == count);
  Spectrum(samples);
  for (size_t lane = 0; lane < count; ++lane) {
    float* row = into.data() + lane * kFeaturesPerElectrode;
    SpectralMeasures(lane, row, powers[lane]);
    ShapeMeasures(samples, lane, row + kSpectralMeasures);
  }
}

}  // namespace montage::analysis
