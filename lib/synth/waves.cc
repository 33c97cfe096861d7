#include "lib/synth/waves.h"

#include <algorithm>
#include <cmath>

namespace synth {
namespace {

/// Samples f(t) for t in seconds, scaled so that the largest deflection fills the range.
template <typename Function>
Shape Sample(double rate_hz, double length_s, Function f) {
  const auto count = static_cast<size_t>(std::max(2.0, std::floor(length_s * rate_hz + 0.5)));
  std::vector<double> values(count);
  double largest = 1e-12;
  for (size_t i = 0; i < count; ++i) {
    values[i] = f(static_cast<double>(i) / rate_hz);
    largest = std::max(largest, values[i] < 0 ? -values[i] : values[i]);
  }
  Shape shape(count);
  for (size_t i = 0; i < count; ++i) {
    shape[i] = static_cast<int16_t>(std::floor(values[i] / largest * 32767 + 0.5));
  }
  return shape;
}

/// A bump of height 1 around `center`, `width` between its half heights.
double Bump(double t, double center, double width) {
  const double x = (t - center) / width;
  return ExpNegative(-2.772588722239781 * x * x);  // 4 ln 2
}

/// Raised cosine over [0, length]: 0 at both ends, 1 in the middle.
double Hann(double t, double length) {
  if (t <= 0 || t >= length) return 0;
  return 0.5 - 0.5 * CosTurns(t / length);
}

/// Rises over the first and falls over the last `edge` seconds.
double Plateau(double t, double length, double edge) {
  if (t <= 0 || t >= length) return 0;
  if (t < edge) return 0.5 - 0.5 * CosTurns(t / edge / 2);
  if (t > length - edge) return 0.5 - 0.5 * CosTurns((length - t) / edge / 2);
  return 1;
}

WaveTable MakeWave(double second, double third) {
  std::array<double, 4096> values{};
  double largest = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double x = static_cast<double>(i) / 4096;
    values[i] = SinTurns(x) + second * CosTurns(2 * x) - third * SinTurns(3 * x);
    largest = std::max(largest, std::abs(values[i]));
  }
  WaveTable table{};
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<int16_t>(std::floor(values[i] / largest * 32767 + 0.5));
  }
  return table;
}

}  // namespace

double SinTurns(double x) {
  x -= std::floor(x + 0.5);  // [-1/2, 1/2)
  if (x > 0.25) x = 0.5 - x;
  if (x < -0.25) x = -0.5 - x;
  const double y = x * 6.283185307179586;
  const double z = y * y;
  // Taylor up to y^15; y is within +-pi/2.
  double sum = -1.0 / 1307674368000.0;
  sum = sum * z + 1.0 / 6227020800.0;
  sum = sum * z - 1.0 / 39916800.0;
  sum = sum * z + 1.0 / 362880.0;
  sum = sum * z - 1.0 / 5040.0;
  sum = sum * z + 1.0 / 120.0;
  sum = sum * z - 1.0 / 6.0;
  return y + y * z * sum;
}

double CosTurns(double x) { return SinTurns(x + 0.25); }

double ExpNegative(double x) {
  if (x < -700) return 0;
  // e^x = (e^(x / 1024))^1024: a Taylor series near 0 and ten squarings.
  const double y = x / 1024;
  double value = 1 + y * (1 + y / 2 * (1 + y / 3 * (1 + y / 4 * (1 + y / 5 * (1 + y / 6)))));
  for (int i = 0; i < 10; ++i) value *= value;
  return value;
}

double RoughNormal(base::Random& random) {
  const uint64_t bits = random.Next();
  const auto sum = static_cast<double>((bits & 0xffff) + ((bits >> 16) & 0xffff) +
                                       ((bits >> 32) & 0xffff) + (bits >> 48));
  // Mean 4 * 32767.5, variance 4 * 65536^2 / 12.
  return (sum - 131070.0) / 37837.2276;
}

const WaveTable& SineWave() {
  static const WaveTable kTable = MakeWave(0, 0);
  return kTable;
}

const WaveTable& SharpWave() {
  static const WaveTable kTable = MakeWave(0.35, 0.12);
  return kTable;
}

// Spike: 20 to 70 ms, surface-negative, followed by a slow wave (Kane et al. 2017, revised IFCN
// glossary; Chatrian et al. 1974).
Shape SpikeShape(double rate_hz) {
  return Sample(rate_hz, 0.42, [](double t) {
    return 0.18 * Bump(t, 0.022, 0.018) - Bump(t, 0.05, 0.03) + 0.35 * Bump(t, 0.085, 0.035) -
           0.38 * Hann(t - 0.11, 0.29);
  });
}

// Spike-and-slow-wave complex of absence seizures: a short negative spike, then a wave that fills
// the rest of the period (IFCN glossary 2017).
Shape SpikeWaveShape(double rate_hz, double hz) {
  const double period = 1 / hz;
  return Sample(rate_hz, period, [=](double t) {
    return 0.2 * Bump(t, 0.025, 0.02) - 0.9 * Bump(t, 0.055, 0.035) + 0.3 * Bump(t, 0.09, 0.03) -
           Hann(t - 0.1, period - 0.1);
  });
}

// Periodic discharge: 60 to 300 ms, sharply contoured, up to three phases (ACNS terminology 2021).
Shape PeriodicDischargeShape(double rate_hz) {
  return Sample(rate_hz, 0.32, [](double t) {
    return 0.25 * Bump(t, 0.05, 0.04) - Bump(t, 0.1, 0.05) + 0.55 * Bump(t, 0.16, 0.06) -
           0.3 * Bump(t, 0.24, 0.09);
  });
}

// Blink: positive at the front, 200 to 400 ms, faster up than down (Iwasaki et al. 2005).
Shape BlinkShape(double rate_hz) {
  return Sample(rate_hz, 0.3, [](double t) {
    const double up = 0.11;
    if (t < up) return 0.5 - 0.5 * CosTurns(t / up / 2);
    return 0.5 + 0.5 * CosTurns((t - up) / (0.3 - up) / 2);
  });
}

// Electrode pop: a step that an amplifier's high-pass filter lets decay (0.3 s time constant).
Shape ElectrodePopShape(double rate_hz) {
  return Sample(rate_hz, 1.5, [](double t) {
    const double rise = t < 0.008 ? t / 0.008 : 1;
    return rise * ExpNegative(-t / 0.3);
  });
}

Shape MovementShape(double rate_hz, base::Random& random) {
  struct Component {
    double hz, weight, phase;
  };
  std::array<Component, 6> parts{};
  for (Component& part : parts) {
    part.hz = random.Uniform(0.3, 3.0);
    part.weight = random.Uniform(0.4, 1.0) / (0.5 + part.hz);
    part.phase = random.Uniform();
  }
  return Sample(rate_hz, 2.0, [&](double t) {
    double sum = 0;
    for (const Component& part : parts) sum += part.weight * SinTurns(part.hz * t + part.phase);
    return sum * Hann(t, 2.0);
  });
}

// A burst of burst suppression: mixed delta and theta with sharp contours, 0.5 s or longer (ACNS
// 2021).
Shape BurstShape(double rate_hz, base::Random& random) {
  const double length = 1.6;
  std::array<double, 8> phases{};
  for (double& phase : phases) phase = random.Uniform();
  return Sample(rate_hz, length, [&](double t) {
    double sum = 0;
    for (size_t k = 0; k < phases.size(); ++k) {
      const double hz = 1.3 + 1.1 * static_cast<double>(k);
      sum += SinTurns(hz * t + phases[k]) / (1 + 0.5 * static_cast<double>(k));
    }
    return sum * Plateau(t, length, 0.25);
  });
}

// Sleep spindle: 11 to 16 Hz, at least 0.5 s, waxing and waning (AASM scoring manual, rule IV.B).
Shape SpindleShape(double rate_hz, double hz, double length_s) {
  return Sample(rate_hz, length_s, [=](double t) { return SinTurns(hz * t) * Hann(t, length_s); });
}

// K complex: a sharp negative wave, then a positive one, at least 0.5 s in all (AASM, rule IV.B).
Shape KComplexShape(double rate_hz) {
  return Sample(rate_hz, 1.1, [](double t) {
    return 0.12 * Bump(t, 0.1, 0.1) - Bump(t, 0.28, 0.17) + 0.62 * Bump(t, 0.6, 0.36);
  });
}

// Slow wave: 0.5 to 2 Hz and more than 75 uV peak to peak (AASM, rule IV.C).
Shape SlowWaveShape(double rate_hz, double length_s) {
  return Sample(rate_hz, length_s, [=](double t) {
    return -SinTurns(t / length_s) * (0.85 + 0.15 * CosTurns(t / length_s));
  });
}

// Vertex sharp wave: negative, shorter than 0.5 s, largest at Cz (AASM, rule IV.A).
Shape VertexWaveShape(double rate_hz) {
  return Sample(rate_hz, 0.4, [](double t) {
    return 0.2 * Bump(t, 0.06, 0.06) - Bump(t, 0.15, 0.09) + 0.4 * Bump(t, 0.27, 0.12);
  });
}

// Sawtooth waves of REM sleep: trains of triangular 2 to 6 Hz waves (AASM, rule IV.D).
Shape SawtoothShape(double rate_hz, double hz, int waves) {
  const double length = waves / hz;
  return Sample(rate_hz, length, [=](double t) {
    const double turn = t * hz - std::floor(t * hz);
    const double tooth = turn < 0.7 ? turn / 0.7 * 2 - 1 : 1 - (turn - 0.7) / 0.3 * 2;
    return tooth * Plateau(t, length, 0.2);
  });
}

// Conjugate eye movement as an AC-coupled electrooculogram shows it: a quick step (rapid eye
// movements: initial deflection under 0.5 s, AASM) and an exponential return.
Shape SaccadeShape(double rate_hz, double length_s) {
  const double rise = length_s < 1.5 ? 0.06 : length_s / 3;
  return Sample(rate_hz, length_s, [=](double t) {
    if (t < rise) return 0.5 - 0.5 * CosTurns(t / rise / 2);
    return ExpNegative(-(t - rise) / (length_s / 4)) * Plateau(t + rise, length_s + rise, rise);
  });
}

}  // namespace synth
