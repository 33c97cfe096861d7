#pragma once
// Internal to the generator: mathematics that gives the same bits on every machine, and the shapes
// of EEG events.
//
// Why the bytes do not depend on the machine: only +, -, *, /, sqrt and floor of IEEE 754 doubles
// are used (all exactly rounded), the folder is compiled without contraction to fused multiply-add,
// nothing calls sin, exp or log of the C library, sums have a fixed order, and everything after the
// tables is integer arithmetic.

#include <array>
#include <cstdint>
#include <vector>

#include "lib/base/random.h"

namespace synth {

/// Digital steps for each microvolt in every generated file.
inline constexpr double kTicksPerMicrovolt = 10;

/// sin(2 pi x); error below 1e-9.
double SinTurns(double x);
double CosTurns(double x);
/// e^x for x <= 0; error below 1e-12.
double ExpNegative(double x);
/// About standard normal (Irwin-Hall of four 16-bit uniforms); cheap and free of libm.
double RoughNormal(base::Random& random);

/// Noise, one value a sample.
using Series = std::vector<double>;
void ScaleToRmsOne(Series& series);
/// Noise of rms 1 around a frequency: two poles of radius 1 - pi bandwidth / rate.
Series ResonantNoise(size_t length, double rate_hz, double hz, double bandwidth_hz,
                     base::Random& random);
/// Noise of rms 1 with the spectrum of muscle: broad, most of it between 20 and 100 Hz.
Series MuscleNoise(size_t length, double rate_hz, base::Random& random);

/// One period of a wave, +-32767, indexed by the top 12 bits of a 64-bit phase.
using WaveTable = std::array<int16_t, 4096>;
const WaveTable& SineWave();
/// Sharp at the negative peak, as ictal rhythms are.
const WaveTable& SharpWave();

/// A shape sampled at the recording's rate; the largest deflection is -32767 or 32767.
using Shape = std::vector<int16_t>;

/// `width` scales the spike (1: 50 ms, IFCN: 20 to 70; sharp waves up to 200), `slow` the height of
/// the slow wave behind it.
Shape SpikeShape(double rate_hz, double width, double slow);
Shape SpikeWaveShape(double rate_hz, double hz);
Shape PeriodicDischargeShape(double rate_hz, double width, double second);
Shape BlinkShape(double rate_hz, double length_s);
Shape ElectrodePopShape(double rate_hz, double decay_s);
Shape MovementShape(double rate_hz, base::Random& random);
Shape BurstShape(double rate_hz, double length_s, base::Random& random);
/// Irregular slow activity that can be repeated without a seam; 32767 is four times its rms.
Shape SlowTexture(double rate_hz, double hz, base::Random& random);
Shape SpindleShape(double rate_hz, double hz, double length_s);
Shape KComplexShape(double rate_hz, double width);
Shape SlowWaveShape(double rate_hz, double length_s);
Shape VertexWaveShape(double rate_hz);
Shape SawtoothShape(double rate_hz, double hz, int waves);
Shape SaccadeShape(double rate_hz, double length_s);

}  // namespace synth
