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

void ScaleToRmsOne(Series& series) {
  double sum = 0;
  for (const double value : series) sum += value * value;
  const double scale = 1 / std::sqrt(sum / static_cast<double>(series.size()));
  for (double& value : series) value *= scale;
}

Series ResonantNoise(size_t length, double rate_hz, double hz, double bandwidth_hz,
                     base::Random& random) {
  const double radius = std::max(0.0, 1 - 3.14159265358979 * bandwidth_hz / rate_hz);
  const double a1 = 2 * radius * CosTurns(hz / rate_hz);
  const double a2 = -radius * radius;
  double y1 = 0;
  double y2 = 0;
  Series out(length);
  const auto warm_up = static_cast<size_t>(rate_hz * 4);
  for (size_t i = 0; i < warm_up + length; ++i) {
    const double y = a1 * y1 + a2 * y2 + RoughNormal(random);
    y2 = y1;
    y1 = y;
    if (i >= warm_up) out[i - warm_up] = y;
  }
  ScaleToRmsOne(out);
  return out;
}

// Surface electromyogram of the head: from 20 Hz up, its peak between 30 and 80 Hz (Goncharova et
// al. 2003): a broad resonance less what a low-pass of 20 Hz leaves.
Series MuscleNoise(size_t length, double rate_hz, base::Random& random) {
  Series out = ResonantNoise(length, rate_hz, std::min(50.0, 0.35 * rate_hz),
                             std::min(60.0, 0.2 * rate_hz), random);
  const double x = 3.14159265358979 * 20 / rate_hz;
  const double keep = std::max(0.0, (1 - x) / (1 + x));
  double slow = 0;
  for (double& value : out) {
    slow = keep * slow + (1 - keep) * value;
    value -= slow;
  }
  ScaleToRmsOne(out);
  return out;
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
Shape SpikeShape(double rate_hz, double width, double slow) {
  return Sample(rate_hz, 0.2 + 0.22 * width, [=](double t) {
    const double u = t / width;
    return 0.18 * Bump(u, 0.022, 0.018) - Bump(u, 0.05, 0.03) + 0.35 * Bump(u, 0.085, 0.035) -
           slow * Hann(t - 0.11 * width, 0.29);
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
Shape PeriodicDischargeShape(double rate_hz, double width, double second) {
  return Sample(rate_hz, 0.32 * width, [=](double t) {
    const double u = t / width;
    return 0.25 * Bump(u, 0.05, 0.04) - Bump(u, 0.1, 0.05) + second * Bump(u, 0.16, 0.06) -
           0.3 * Bump(u, 0.24, 0.09);
  });
}

// Blink: positive at the front, 200 to 400 ms, faster up than down (Iwasaki et al. 2005).
Shape BlinkShape(double rate_hz, double length_s) {
  return Sample(rate_hz, length_s, [=](double t) {
    const double up = 0.37 * length_s;
    if (t < up) return 0.5 - 0.5 * CosTurns(t / up / 2);
    return 0.5 + 0.5 * CosTurns((t - up) / (length_s - up) / 2);
  });
}

// Electrode pop: a step that an amplifier's high-pass filter lets decay.
Shape ElectrodePopShape(double rate_hz, double decay_s) {
  return Sample(rate_hz, 5 * decay_s, [=](double t) {
    const double rise = t < 0.008 ? t / 0.008 : 1;
    return rise * ExpNegative(-t / decay_s);
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
Shape BurstShape(double rate_hz, double length_s, base::Random& random) {
  std::array<double, 8> phases{};
  for (double& phase : phases) phase = random.Uniform();
  return Sample(rate_hz, length_s, [&](double t) {
    double sum = 0;
    for (size_t k = 0; k < phases.size(); ++k) {
      const double hz = 1.3 + 1.1 * static_cast<double>(k);
      sum += SinTurns(hz * t + phases[k]) / (1 + 0.5 * static_cast<double>(k));
    }
    return sum * Plateau(t, length_s, 0.25);
  });
}

Shape SlowTexture(double rate_hz, double hz, base::Random& random) {
  // A minute, or what a quarter of a million samples hold; the end fades into the beginning.
  const double seconds = std::min(60.0, 262144 / rate_hz);
  const auto length = static_cast<size_t>(std::floor(seconds * rate_hz));
  const auto seam = std::min(length / 2, static_cast<size_t>(std::floor(2 * rate_hz)) + 1);
  const Series noise = ResonantNoise(length + seam, rate_hz, hz, 0.6 * hz, random);
  Series loop(noise.begin(), noise.begin() + static_cast<std::ptrdiff_t>(length));
  for (size_t i = 0; i < seam; ++i) {
    const double turn = (static_cast<double>(i) + 0.5) / static_cast<double>(seam) / 4;
    loop[i] = SinTurns(turn) * noise[i] + CosTurns(turn) * noise[length + i];
  }
  ScaleToRmsOne(loop);
  Shape out(length);
  for (size_t i = 0; i < length; ++i) {
    const double value = std::floor(loop[i] * 32767 / 4 + 0.5);
    out[i] = static_cast<int16_t>(std::clamp(value, -32767.0, 32767.0));
  }
  return out;
}

// Sleep spindle: 11 to 16 Hz, at least 0.5 s, waxing and waning (AASM scoring manual, rule IV.B).
Shape SpindleShape(double rate_hz, double hz, double length_s) {
  return Sample(rate_hz, length_s, [=](double t) { return SinTurns(hz * t) * Hann(t, length_s); });
}

// K complex: a sharp negative wave, then a positive one, at least 0.5 s in all (AASM, rule IV.B).
Shape KComplexShape(double rate_hz, double width) {
  return Sample(rate_hz, 1.1 * width, [=](double t) {
    const double u = t / width;
    return 0.12 * Bump(u, 0.1, 0.1) - Bump(u, 0.28, 0.17) + 0.62 * Bump(u, 0.6, 0.36);
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
