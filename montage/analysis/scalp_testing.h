#pragma once
// Small recordings with known truth for the tests of this folder: a smooth field over the scalp
// from a few sources with 1/f activity and a posterior alpha rhythm, so that neighbours agree as on
// a head.

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "lib/base/random.h"
#include "montage/analysis/recording_view.h"
#include "montage/signal/scalp/electrodes.h"

namespace montage::analysis {

/// 1/f noise of unit deviation: a sum of random-walk filters an octave apart (Voss-McCartney idea).
inline std::vector<double> PinkNoise(size_t count, base::Random& random) {
  std::vector<double> samples(count, 0.0);
  double rows[7] = {};
  double energy = 0;
  for (size_t i = 0; i < count; ++i) {
    double sum = 0.5 * random.Normal();
    for (size_t r = 0; r < std::size(rows); ++r) {
      const double keep = 1.0 - 1.0 / static_cast<double>(2U << r);
      rows[r] = keep * rows[r] + std::sqrt(1.0 - keep * keep) * random.Normal();
      sum += rows[r];
    }
    samples[i] = sum;
    energy += sum * sum;
  }
  const double scale = 1.0 / std::sqrt(energy / static_cast<double>(count));
  for (double& value : samples) value *= scale;
  return samples;
}

struct ScalpOptions {
  double seconds = 120;
  double rate_hz = 256;
  double alpha_hz = 10.0;
  double alpha_uv = 20;
  double background_uv = 12;
  uint64_t seed = 1;
};

/// Adds the field's value at each position; the other half of the work of MakeScalp.
inline std::vector<std::vector<double>> ScalpField(std::span<const signal::Position> positions,
                                                   const ScalpOptions& options) {
  const auto count = static_cast<size_t>(options.seconds * options.rate_hz);
  base::Random random(options.seed);
  std::vector<std::vector<double>> channels(positions.size(), std::vector<double>(count, 0.0));
  const signal::Position sources[] = {{-0.5, 0.6, 0.6}, {0.5, 0.6, 0.6},   {-0.7, 0.0, 0.7},
                                      {0.7, 0.0, 0.7},  {-0.5, -0.6, 0.6}, {0.5, -0.6, 0.6},
                                      {0.0, 0.0, 1.0}};
  for (const auto& source : sources) {
    const auto activity = PinkNoise(count, random);
    for (size_t c = 0; c < positions.size(); ++c) {
      const double angle = signal::AngleBetween(source, positions[c]);
      const double weight = options.background_uv * std::exp(-angle * angle / 1.2);
      for (size_t i = 0; i < count; ++i) channels[c][i] += weight * activity[i];
    }
  }
  for (size_t c = 0; c < positions.size(); ++c) {
    const double weight = options.alpha_uv * std::exp(-2.0 * (positions[c].y + 0.9));
    for (size_t i = 0; i < count; ++i) {
      const double t = static_cast<double>(i) / options.rate_hz;
      const double waxing = 0.75 + 0.25 * std::sin(2 * std::numbers::pi * 0.13 * t);
      channels[c][i] += weight * waxing * std::sin(2 * std::numbers::pi * options.alpha_hz * t);
      channels[c][i] += random.Normal();
    }
  }
  return channels;
}

/// The 19 channels of the 10-20 system.
inline MemoryRecording MakeScalp(const ScalpOptions& options = {}) {
  std::vector<signal::Position> positions;
  for (const auto name : signal::TenTwenty()) positions.push_back(*signal::FindElectrode(name));
  auto channels = ScalpField(positions, options);
  MemoryRecording recording;
  for (size_t c = 0; c < channels.size(); ++c) {
    recording.Add(std::string(signal::TenTwenty()[c]), options.rate_hz, std::move(channels[c]));
  }
  return recording;
}

inline std::span<double> SamplesOf(MemoryRecording& recording, std::string_view name) {
  return recording.samples(recording.view().IndexOf(name));
}

inline void AddNoise(std::span<double> samples, double deviation, uint64_t seed) {
  base::Random random(seed);
  for (double& value : samples) value += deviation * random.Normal();
}

inline void AddSine(std::span<double> samples, double hz, double amplitude, double rate_hz) {
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] +=
        amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate_hz);
  }
}

/// Raised-cosine deflections of 0.3 s, as of the lids on the front of the head.
inline void AddBlink(MemoryRecording& recording, double at_s, double amplitude, double rate_hz) {
  for (size_t c = 0; c < recording.view().channels.size(); ++c) {
    const auto position = signal::FindElectrode(recording.view().channels[c].name);
    const double weight = amplitude * std::exp(-4.0 * (0.9 - position->y));
    const auto samples = recording.samples(c);
    const auto length = static_cast<size_t>(0.3 * rate_hz);
    const auto first = static_cast<size_t>(at_s * rate_hz);
    for (size_t i = 0; i < length && first + i < samples.size(); ++i) {
      const double phase =
          2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length);
      samples[first + i] += weight * 0.5 * (1.0 - std::cos(phase));
    }
  }
}

}  // namespace montage::analysis
