// Generated recordings have the statistics that are published for real ones. Everything is measured
// on the samples with the plain methods below, none of which the platform's analyses use; the
// ranges are those of docs/detection.md, section "How real the recordings are". Every test prints
// the row of that table.

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/formats/edf/channel_names.h"
#include "lib/synth/eeg.h"
#include "lib/synth/waves.h"

namespace synth {
namespace {

constexpr double kRate = 200;
constexpr size_t kPeople = 12;

using Signal = std::vector<double>;

EegGenerator Person(uint64_t seed, double duration_s, std::vector<SleepStage> hypnogram = {},
                    std::vector<EyesFor> eyes = {}) {
  EegSpec spec;
  spec.channels = FirstChannels(19).value();
  spec.channels.insert(spec.channels.end(), {"Fpz-Cz", "E1", "E2", "EMG chin"});
  spec.rate_hz = kRate;
  spec.duration_s = duration_s;
  spec.seed = seed;
  spec.hypnogram = std::move(hypnogram);
  spec.eyes = std::move(eyes);
  auto generator = EegGenerator::Create(std::move(spec));
  EXPECT_TRUE(generator.has_value()) << (generator ? "" : generator.error().message);
  return std::move(generator).value();
}

Signal Microvolts(const EegGenerator& generator, std::string_view channel, double from_s,
                  double length_s) {
  const auto& names = generator.spec().channels;
  const auto index = static_cast<size_t>(std::ranges::find(names, channel) - names.begin());
  std::vector<int16_t> ticks(static_cast<size_t>(length_s * kRate));
  generator.Render(index, static_cast<uint64_t>(from_s * kRate), ticks);
  Signal out;
  for (const int16_t tick : ticks) out.push_back(tick / kTicksPerMicrovolt);
  return out;
}

/// Power density at whole and half hertz: the plain sum of a DFT over Hann windows of 2 s, uV^2/Hz.
double Density(const Signal& x, double hz) {
  const auto window = static_cast<size_t>(2 * kRate);
  double total = 0;
  size_t count = 0;
  for (size_t at = 0; at + window <= x.size(); at += window / 2, ++count) {
    double re = 0;
    double im = 0;
    for (size_t i = 0; i < window; ++i) {
      const double t = static_cast<double>(i) / static_cast<double>(window);
      const double value = x[at + i] * (0.5 - 0.5 * std::cos(2 * std::numbers::pi * t));
      const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / kRate;
      re += value * std::cos(angle);
      im += value * std::sin(angle);
    }
    total += re * re + im * im;
  }
  // 3/8 is the mean of the squared window.
  return 2 * total / static_cast<double>(count) / (kRate * static_cast<double>(window) * 0.375);
}

double BandPower(const Signal& x, double low_hz, double high_hz) {
  double sum = 0;
  for (double hz = low_hz; hz < high_hz; hz += 0.5) sum += 0.5 * Density(x, hz);
  return sum;
}

/// Convolves with a windowed-sinc band-pass of half a second to two seconds; no delay.
Signal BandPass(const Signal& x, double low_hz, double high_hz) {
  const auto half = static_cast<std::ptrdiff_t>(kRate * std::min(2.0, 1.5 / low_hz));
  Signal kernel;
  const auto sinc = [](double hz, double t) {
    return t == 0 ? 2 * hz : std::sin(2 * std::numbers::pi * hz * t) / (std::numbers::pi * t);
  };
  for (std::ptrdiff_t k = -half; k <= half; ++k) {
    const double t = static_cast<double>(k) / kRate;
    const double window =
        0.5 + 0.5 * std::cos(std::numbers::pi * static_cast<double>(k) / static_cast<double>(half));
    kernel.push_back((sinc(high_hz, t) - sinc(low_hz, t)) * window / kRate);
  }
  Signal out(x.size());
  for (std::ptrdiff_t i = 0; i < std::ssize(x); ++i) {
    double sum = 0;
    for (std::ptrdiff_t k = -half; k <= half; ++k) {
      const std::ptrdiff_t at = i + k;
      if (at >= 0 && at < std::ssize(x))
        sum += kernel[static_cast<size_t>(k + half)] * x[static_cast<size_t>(at)];
    }
    out[static_cast<size_t>(i)] = sum;
  }
  return out;
}

struct Spread {
  double least, median, most;
};

Spread SpreadOf(std::vector<double> values) {
  std::ranges::sort(values);
  return {values.front(), values[values.size() / 2], values.back()};
}

/// Prints the row and checks that every person lies within the published range.
void Report(std::string_view measure, std::string_view unit, const std::vector<double>& values,
            double low, double high) {
  const Spread spread = SpreadOf(values);
  fmt::print("| {} | {} | {:.2f} | {:.2f} to {:.2f} | {:g} to {:g} |\n", measure, unit,
             spread.median, spread.least, spread.most, low, high);
  EXPECT_GE(spread.least, low) << measure;
  EXPECT_LE(spread.most, high) << measure;
}

std::vector<SleepStage> Epochs(SleepStage stage, size_t count) {
  return std::vector<SleepStage>(count, stage);
}

using Matrix = std::vector<std::vector<double>>;

/// The electrodes of FirstChannels(19) on a head of radius 1.
std::vector<std::array<double, 3>> Directions() {
  std::vector<std::array<double, 3>> out;
  for (const std::string& name : FirstChannels(19).value()) {
    const auto* at = formats::edf::FindElectrode(name);
    const double radius = std::hypot(at->x, at->y, at->z);
    out.push_back({at->x / radius, at->y / radius, at->z / radius});
  }
  return out;
}

double Cosine(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  return std::clamp(a[0] * b[0] + a[1] * b[1] + a[2] * b[2], -1.0, 1.0);
}

/// Covariances of the 19 channels of a waking person with closed eyes over two minutes.
Matrix CovarianceAwake(uint64_t seed) {
  const EegGenerator person = Person(seed, 120);
  std::vector<Signal> signals;
  for (const std::string& name : FirstChannels(19).value())
    signals.push_back(Microvolts(person, name, 0, 120));
  Matrix out(signals.size(), Signal(signals.size()));
  for (size_t a = 0; a < signals.size(); ++a) {
    for (size_t b = 0; b < signals.size(); ++b) {
      out[a][b] = std::inner_product(signals[a].begin(), signals[a].end(), signals[b].begin(), 0.0);
    }
  }
  return out;
}

/// Mean correlation of the pairs that lie this far from each other along a scalp of radius 9.2 cm.
double CorrelationAt(const Matrix& covariance, double from_cm, double until_cm) {
  const auto places = Directions();
  double sum = 0;
  double pairs = 0;
  for (size_t a = 0; a < places.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      const double apart_cm = 9.2 * std::acos(Cosine(places[a], places[b]));
      if (apart_cm < from_cm || apart_cm >= until_cm) continue;
      sum += covariance[a][b] / std::sqrt(covariance[a][a] * covariance[b][b]);
      pairs += 1;
    }
  }
  return sum / pairs;
}

/// Solves a system by elimination with pivots.
Signal Solve(Matrix system, Signal right) {
  const size_t count = right.size();
  for (size_t k = 0; k < count; ++k) {
    size_t pivot = k;
    for (size_t row = k + 1; row < count; ++row)
      if (std::abs(system[row][k]) > std::abs(system[pivot][k])) pivot = row;
    std::swap(system[k], system[pivot]);
    std::swap(right[k], right[pivot]);
    for (size_t row = k + 1; row < count; ++row) {
      const double factor = system[row][k] / system[k][k];
      for (size_t column = k; column < count; ++column)
        system[row][column] -= factor * system[k][column];
      right[row] -= factor * right[k];
    }
  }
  for (size_t k = count; k-- > 0;) {
    for (size_t column = k + 1; column < count; ++column)
      right[k] -= system[k][column] * right[column];
    right[k] /= system[k][k];
  }
  return right;
}

/// Kernel of spherical splines of order 4 (Perrin et al. 1989, equation 3).
double SplineKernel(double cosine) {
  double before = 1;
  double now = cosine;
  double sum = 0;
  for (int n = 1; n <= 50; ++n) {
    sum += (2 * n + 1) / std::pow(n * (n + 1), 4) * now;
    const double next = ((2 * n + 1) * cosine * now - n * before) / (n + 1);
    before = now;
    now = next;
  }
  return sum / (4 * std::numbers::pi);
}

/// Correlation of a channel with what spherical splines make of all the others.
double Predictability(const Matrix& covariance, size_t target) {
  const auto places = Directions();
  std::vector<size_t> others;
  for (size_t i = 0; i < places.size(); ++i)
    if (i != target) others.push_back(i);
  // The system is symmetric, so that its solution for the kernel at the target are the weights.
  Matrix system(others.size() + 1, Signal(others.size() + 1, 1));
  Signal right(others.size() + 1, 1);
  for (size_t a = 0; a < others.size(); ++a) {
    for (size_t b = 0; b < others.size(); ++b)
      system[a][b] = SplineKernel(Cosine(places[others[a]], places[others[b]]));
    system[a][a] += 1e-5;
    right[a] = SplineKernel(Cosine(places[others[a]], places[target]));
  }
  system.back().back() = 0;
  const Signal weights = Solve(std::move(system), std::move(right));
  double both = 0;
  double power = 0;
  for (size_t a = 0; a < others.size(); ++a) {
    both += weights[a] * covariance[others[a]][target];
    for (size_t b = 0; b < others.size(); ++b)
      power += weights[a] * weights[b] * covariance[others[a]][others[b]];
  }
  return both / std::sqrt(power * covariance[target][target]);
}

// Correlation falls with distance. Volume conduction of uncorrelated sources alone gives 0.5 at 6
// cm (Westdrop 1993) and reaches 10 to 12 cm (Srinivasan, Nunez et al. 1998); coherent sources and
// the reference add to it below 40 Hz (Srinivasan et al. 2007). The ranges are the medians of
// bench/eeg/volume_conduction.py for a skull of 1:80 with any coherence and reference, widened by
// 0.1 because people differ.
TEST(Realism, CorrelationFallsWithDistance) {
  std::vector<double> near, next, far, across;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    const Matrix covariance = CovarianceAwake(seed);
    near.push_back(CorrelationAt(covariance, 4, 6.5));
    next.push_back(CorrelationAt(covariance, 6.5, 8.5));
    far.push_back(CorrelationAt(covariance, 10, 12));
    across.push_back(CorrelationAt(covariance, 18, 40));
  }
  Report("correlation awake at 4 to 6.5 cm", "", near, 0.52, 0.9);
  Report("correlation awake at 6.5 to 8.5 cm", "", next, 0.4, 0.79);
  Report("correlation awake at 10 to 12 cm", "", far, 0.13, 0.62);
  Report("correlation awake across the head, over 18 cm", "", across, -0.46, 0.2);
}

// A good channel can be predicted from the others: below 0.75 PREP calls it bad (Bigdely-Shamlo et
// al. 2015), and heads of four shells with coherent sources have 0.79 to 0.95
// (bench/eeg/volume_conduction.py, skull of 1:80).
TEST(Realism, ChannelsArePredictableFromTheOthers) {
  std::vector<double> median, least;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    const Matrix covariance = CovarianceAwake(seed);
    std::vector<double> all;
    for (size_t channel = 0; channel < covariance.size(); ++channel)
      all.push_back(Predictability(covariance, channel));
    median.push_back(SpreadOf(all).median);
    least.push_back(SpreadOf(all).least);
  }
  Report("channel against its spherical-spline prediction, median", "", median, 0.79, 0.95);
  Report("the same, worst channel", "", least, 0.75, 0.95);
}

// Aperiodic exponent awake: 0.6 to 1.8 for single adults between 2 and 40 Hz (Voytek et al. 2015,
// figure 2; Donoghue et al. 2020).
TEST(Realism, AperiodicSlopeAwake) {
  std::vector<double> exponents;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    const Signal x = Microvolts(Person(seed, 120), "Cz", 0, 120);
    double sx = 0, sy = 0, sxx = 0, sxy = 0, n = 0;
    for (const double hz : {2.0, 2.5, 3.0, 4.0, 5.0, 28.0, 30.0, 32.0, 35.0, 40.0}) {
      const double lx = std::log10(hz);
      const double ly = std::log10(Density(x, hz));
      sx += lx, sy += ly, sxx += lx * lx, sxy += lx * ly, n += 1;
    }
    exponents.push_back(-(n * sxy - sx * sy) / (n * sxx - sx * sx));
  }
  Report("aperiodic exponent awake, Cz, 2-40 Hz", "", exponents, 0.6, 1.8);
  // People differ.
  EXPECT_GT(SpreadOf(exponents).most - SpreadOf(exponents).least, 0.25);
}

// Sleep steepens it: N3 by 0.3 to 1.5 against wake (Lendner et al. 2020; Miskovic et al. 2019).
TEST(Realism, AperiodicSlopeSteepensInDeepSleep) {
  std::vector<double> steeper;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    const auto slope = [&](SleepStage stage) {
      // Beside delta, alpha and beta.
      const Signal x = Microvolts(Person(seed, 120, Epochs(stage, 4)), "Cz", 3, 114);
      return std::log10(BandPower(x, 4.5, 6.5) / BandPower(x, 41, 43)) / std::log10(42.0 / 5.5);
    };
    steeper.push_back(slope(SleepStage::kN3) - slope(SleepStage::kWake));
  }
  Report("steepening of the slope in N3, Cz, 5-42 Hz", "", steeper, 0.1, 1.5);
}

// Peak of the posterior rhythm, and how much of its power open eyes take: closed over open 1.5 to
// 12 (Barry et al. 2007; Klimesch 1999: 8 to 13 Hz).
TEST(Realism, AlphaAndItsReactivity) {
  std::vector<double> peaks, ratios, shares;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    const EegGenerator person = Person(seed, 240, {}, {{false, 120}, {true, 120}});
    const Signal closed = Microvolts(person, "O1", 3, 114);
    const Signal open = Microvolts(person, "O1", 126, 114);
    double best_hz = 0;
    double best = 0;
    for (double hz = 6; hz <= 14; hz += 0.5) {
      const double height = Density(closed, hz) * hz;  // less the 1/f slope
      if (height > best) best = height, best_hz = hz;
    }
    peaks.push_back(best_hz);
    const double low = best_hz - 1;
    const double high = best_hz + 1.5;
    ratios.push_back(BandPower(closed, low, high) / BandPower(open, low, high));
    shares.push_back(BandPower(closed, 8, 13) / BandPower(closed, 1, 40));
  }
  Report("posterior rhythm, O1", "Hz", peaks, 8, 12.5);
  Report("alpha power, eyes closed over open, O1", "", ratios, 1.5, 15);
  Report("share of alpha in 1-40 Hz, eyes closed, O1", "", shares, 0.1, 0.8);
}

// Blinks with open eyes: 6 to 30 a minute (Bentivoglio et al. 1997), 60 to 300 uV at Fp1 (Iwasaki
// et al. 2005). Counted as peaks over 50 uV of the signal under 8 Hz.
TEST(Realism, Blinks) {
  std::vector<double> rates, heights;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    const EegGenerator person = Person(seed, 180, {}, {{true, 180}});
    const Signal x = BandPass(Microvolts(person, "Fp1", 0, 180), 0.5, 8);
    std::vector<double> found;
    for (size_t i = 60; i + 60 < x.size(); ++i) {
      const auto around = std::span(x).subspan(i - 40, 81);
      if (x[i] > 50 && x[i] == std::ranges::max(around)) found.push_back(x[i]);
    }
    rates.push_back(static_cast<double>(found.size()) / 3);
    heights.push_back(SpreadOf(found).median);
  }
  Report("blinks, eyes open, Fp1", "1/min", rates, 6, 30);
  Report("height of blinks, 0.5-8 Hz, Fp1", "uV", heights, 60, 300);
}

// Spindles in N2: bursts of 11-16 Hz over twice the median envelope for 0.5 to 2 s; 1.5 to 9 a
// minute (Purcell et al. 2017; Warby et al. 2014), mean frequency 11.5 to 15 Hz.
TEST(Realism, Spindles) {
  std::vector<double> rates, lengths, frequencies;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    const Signal sigma =
        BandPass(Microvolts(Person(seed, 600, Epochs(SleepStage::kN2, 20)), "Cz", 0, 600), 11, 16);
    const size_t width = static_cast<size_t>(0.2 * kRate);
    Signal envelope(sigma.size());
    double sum = 0;
    for (size_t i = 0; i < sigma.size(); ++i) {
      sum += sigma[i] * sigma[i] - (i >= width ? sigma[i - width] * sigma[i - width] : 0);
      envelope[i] = std::sqrt(std::max(0.0, sum) / static_cast<double>(width));
    }
    Signal sorted = envelope;
    std::ranges::sort(sorted);
    const double limit = 2.2 * sorted[sorted.size() / 2];
    size_t begin = 0;
    bool inside = false;
    std::vector<double> found_s, found_hz;
    for (size_t i = 0; i < envelope.size(); ++i) {
      if (envelope[i] > limit && !inside) begin = i, inside = true;
      if (envelope[i] > limit || !inside) continue;
      inside = false;
      const double seconds = static_cast<double>(i - begin) / kRate;
      if (seconds < 0.5 || seconds > 2.2) continue;
      size_t crossings = 0;
      for (size_t k = begin; k < i; ++k) crossings += (sigma[k] < 0) != (sigma[k + 1] < 0) ? 1 : 0;
      found_s.push_back(seconds);
      found_hz.push_back(static_cast<double>(crossings) / 2 / seconds);
    }
    ASSERT_FALSE(found_s.empty()) << seed;
    rates.push_back(static_cast<double>(found_s.size()) / 10);
    lengths.push_back(SpreadOf(found_s).median);
    frequencies.push_back(SpreadOf(found_hz).median);
  }
  Report("spindles in N2, Cz", "1/min", rates, 1.5, 9);
  Report("median length of spindles", "s", lengths, 0.5, 1.3);
  Report("median frequency of spindles", "Hz", frequencies, 11.5, 15);
}

/// Share of the time in half-waves pairs of 0.5-2 Hz with more than 75 uV from peak to peak.
double SlowWaveShare(const Signal& x) {
  const Signal slow = BandPass(x, 0.4, 4);
  double covered_s = 0;
  size_t begin = 0;
  for (size_t i = 1; i < slow.size(); ++i) {
    if (!(slow[i - 1] >= 0 && slow[i] < 0)) continue;
    const double seconds = static_cast<double>(i - begin) / kRate;
    const auto wave = std::span(slow).subspan(begin, i - begin);
    if (seconds >= 0.5 && seconds <= 2 && std::ranges::max(wave) - std::ranges::min(wave) > 75)
      covered_s += seconds;
    begin = i;
  }
  return covered_s / (static_cast<double>(x.size()) / kRate);
}

// AASM: N3 has slow waves over a fifth of the time and more, N2 less, at a frontal channel. The
// nights of Sleep-EDF were scored by the same 75 uV (Rechtschaffen and Kales 1968) in Fpz-Cz, which
// therefore has them as well (Kemp et al. 2000).
TEST(Realism, SlowWaves) {
  constexpr std::array<std::string_view, 2> kLeads = {"F4", "Fpz-Cz"};
  std::array<std::vector<double>, kLeads.size()> deep, light, awake;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    const auto add = [&](SleepStage stage, auto& shares) {
      const EegGenerator person = Person(seed, 300, Epochs(stage, 10));
      for (size_t k = 0; k < kLeads.size(); ++k)
        shares[k].push_back(SlowWaveShare(Microvolts(person, kLeads[k], 0, 300)));
    };
    add(SleepStage::kN3, deep);
    add(SleepStage::kN2, light);
    add(SleepStage::kWake, awake);
  }
  for (size_t k = 0; k < kLeads.size(); ++k) {
    Report(fmt::format("time in slow waves over 75 uV, N3, {}", kLeads[k]), "", deep[k], 0.2, 1);
    Report(fmt::format("time in slow waves over 75 uV, N2, {}", kLeads[k]), "", light[k], 0, 0.2);
    Report(fmt::format("time in slow waves over 75 uV, wake, {}", kLeads[k]), "", awake[k], 0, 0.1);
  }
}

// Slow waves are largest over the front of the head, least at the back, and none is lost to the
// midline: power of 0.5 to 4 Hz in N3 over that at Fz (Finelli et al. 2001; Werth et al. 1997).
TEST(Realism, SlowWavesAreFrontal) {
  std::vector<double> centre, back;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    const EegGenerator person = Person(seed, 300, Epochs(SleepStage::kN3, 10));
    const auto rms = [&](std::string_view channel) {
      return std::sqrt(BandPower(Microvolts(person, channel, 0, 300), 0.5, 4));
    };
    centre.push_back(rms("Cz") / rms("Fz"));
    back.push_back(rms("O1") / rms("Fz"));
  }
  Report("slow activity of N3, Cz over Fz", "", centre, 0.6, 1);
  Report("slow activity of N3, O1 over Fz", "", back, 0.2, 0.9);
}

// Muscle: most power between 20 and 150 Hz (Goncharova et al. 2003); the chin is quietest in REM
// sleep (AASM): at least twice as high awake.
TEST(Realism, Muscle) {
  std::vector<double> shares, tones;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    const Signal awake =
        Microvolts(Person(seed, 30, Epochs(SleepStage::kWake, 1)), "EMG chin", 0, 10);
    const Signal rem = Microvolts(Person(seed, 30, Epochs(SleepStage::kRem, 1)), "EMG chin", 0, 10);
    shares.push_back(BandPower(awake, 20, 90) / BandPower(awake, 0.5, 100));
    tones.push_back(std::sqrt(BandPower(awake, 10, 100) / BandPower(rem, 10, 100)));
  }
  Report("share of chin muscle power in 20-90 Hz", "", shares, 0.7, 1);
  Report("chin tone, wake over REM", "", tones, 2, 40);
}

// Healthy adults of middle age (Ohayon et al. 2004; Boulos et al. 2019): N2 40 to 65 %, N3 8 to 30
// %, REM 12 to 30 % of sleep, 5 to 45 minutes to fall asleep.
TEST(Realism, Nights) {
  std::vector<double> n2, n3, rem, latency, shifts;
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    const std::vector<SleepStage> night = PlanNight(960, seed);
    const auto asleep = static_cast<double>(
        std::ranges::count_if(night, [](SleepStage s) { return s != SleepStage::kWake; }));
    const auto share = [&](SleepStage stage) {
      return static_cast<double>(std::ranges::count(night, stage)) / asleep;
    };
    n2.push_back(share(SleepStage::kN2));
    n3.push_back(share(SleepStage::kN3));
    rem.push_back(share(SleepStage::kRem));
    const auto first =
        std::ranges::find_if(night, [](SleepStage s) { return s != SleepStage::kWake; });
    latency.push_back(static_cast<double>(first - night.begin()) / 2);
    double changes = 0;
    for (size_t i = 1; i < night.size(); ++i) changes += night[i] != night[i - 1] ? 1 : 0;
    shifts.push_back(changes / 8);
  }
  Report("N2 of sleep", "", n2, 0.4, 0.7);
  Report("N3 of sleep", "", n3, 0.08, 0.3);
  Report("REM of sleep", "", rem, 0.12, 0.32);
  Report("sleep latency", "min", latency, 2, 45);
  Report("stage shifts", "1/h", shifts, 5, 25);
}

// ACNS 2021: periodic discharges: most intervals differ by less than half from the one before;
// measured as the times of the negative peaks that the plant adds.
TEST(Realism, PeriodicDischarges) {
  std::vector<double> regular;
  for (uint64_t seed = 1; seed <= kPeople; ++seed) {
    EegSpec spec;
    spec.channels = {"T7", "Cz"};
    spec.rate_hz = kRate;
    spec.duration_s = 60;
    spec.seed = seed;
    const auto without = EegGenerator::Create(spec).value();
    spec.plants = {{.kind = PlantKind::kPled}};
    const auto with = EegGenerator::Create(spec).value();
    const Signal a = Microvolts(with, "T7", 0, 60);
    const Signal b = Microvolts(without, "T7", 0, 60);
    std::vector<double> at;
    bool inside = false;
    for (size_t i = 0; i < a.size(); ++i) {
      const bool now = a[i] - b[i] < -60;
      if (now && !inside) at.push_back(static_cast<double>(i) / kRate);
      inside = now;
    }
    ASSERT_GT(at.size(), 40u);
    double steady = 0;
    for (size_t i = 2; i < at.size(); ++i) {
      const double before = at[i - 1] - at[i - 2];
      steady += std::abs(at[i] - at[i - 1] - before) < before / 2 ? 1 : 0;
    }
    regular.push_back(steady / static_cast<double>(at.size() - 2));
  }
  Report("intervals of periodic discharges within half of the one before", "", regular, 0.9, 1);
}

}  // namespace
}  // namespace synth
