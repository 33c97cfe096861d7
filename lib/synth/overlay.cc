#include "lib/synth/overlay.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace synth {
namespace {

constexpr uint64_t kNoiseLength = 1 << 15;
/// noise_ holds standard normal values times this.
constexpr double kNoiseSigma = 8000;
constexpr size_t kLayers = 7;
/// Events longer than this are kept apart, so that the search for brief ones stays narrow.
constexpr double kBriefSeconds = 4;

int16_t Saturate(int32_t value) { return static_cast<int16_t>(std::clamp(value, -32768, 32767)); }

/// The part of an event that lies within the samples at hand.
struct Part {
  std::span<int16_t> samples;
  uint64_t from;  ///< samples since the event's onset
};

int32_t Scaled(const Event& event, float gain) {
  return static_cast<int32_t>(
      std::floor(static_cast<double>(event.amplitude) * static_cast<double>(gain) + 0.5));
}

/// Edge of an event in 1/32768: linear up over `fade` samples, flat, linear down; times the growth.
int32_t Envelope(const Op& op, const Event& event, uint64_t at) {
  uint64_t level = 32768;
  if (op.fade > 0) {
    const uint64_t edge = std::min(at + 1, event.length - at);
    level = std::min<uint64_t>(32768, edge * 32768 / op.fade);
  }
  if (op.grow > 0 && at < op.grow) {
    level = level * (8192 + 24576 * at / op.grow) / 32768;  // from a quarter to full size
  }
  return static_cast<int32_t>(level);
}

void AddShape(const Op& op, int32_t amplitude, Part part) {
  const int16_t* shape = op.shape.data() + part.from;
  for (size_t i = 0; i < part.samples.size(); ++i) {
    part.samples[i] = Saturate(part.samples[i] + ((shape[i] * amplitude + 16384) >> 15));
  }
}

void AddOscillator(const Op& op, const Event& event, int32_t amplitude, uint64_t waxing_step,
                   Part part) {
  const WaveTable& wave = *op.wave;
  const WaveTable& sine = SineWave();
  constexpr size_t kChunk = 16;  // the envelope is constant within
  for (size_t done = 0; done < part.samples.size();) {
    const uint64_t n = part.from + done;
    // Chunks are aligned to the event, so that the result does not depend on where `part` begins.
    const size_t count = std::min<size_t>(part.samples.size() - done, kChunk - n % kChunk);
    const uint64_t chunk = n - n % kChunk;
    int64_t level = int64_t{amplitude} * Envelope(op, event, chunk) / 32768;
    if (op.waxing) {
      const int32_t swing = sine[(chunk * waxing_step) >> 52];
      level = level * (26214 + swing / 5) / 32768;  // 0.8 +- 0.2
    }
    const auto scale = static_cast<int32_t>(level);
    uint64_t phase = n * op.step + n * (n - 1) / 2 * op.bend;
    uint64_t step = op.step + n * op.bend;
    if (op.bend == 0) {
      for (size_t i = 0; i < count; ++i, phase += step) {
        int16_t& sample = part.samples[done + i];
        sample = Saturate(sample + ((wave[phase >> 52] * scale + 16384) >> 15));
      }
    } else {
      for (size_t i = 0; i < count; ++i, phase += step, step += op.bend) {
        int16_t& sample = part.samples[done + i];
        sample = Saturate(sample + ((wave[phase >> 52] * scale + 16384) >> 15));
      }
    }
    done += count;
  }
}

void AddNoise(const Op& op, const Event& event, int32_t amplitude, size_t channel,
              std::span<const int16_t> noise, Part part) {
  // The whole product of amplitude and noise is kept in 64 bits: 300 uV rms reach beyond 32 bits.
  for (size_t i = 0; i < part.samples.size(); ++i) {
    const uint64_t n = part.from + i;
    // Another stretch of the table every 8192 samples and for every channel.
    const uint64_t place = ((event.first + n) >> 13) * 0x9e3779b97f4a7c15ULL +
                           (op.differs_by_channel ? (channel + 1) * 0xbf58476d1ce4e5b9ULL : 0);
    const int64_t value = noise[(n + (place >> 40)) % kNoiseLength];
    const int64_t scaled = value * amplitude / static_cast<int64_t>(kNoiseSigma);
    const int64_t level = Envelope(op, event, n);
    part.samples[i] = Saturate(part.samples[i] + static_cast<int32_t>(scaled * level / 32768));
  }
}

void Multiply(const Op& op, const Event& event, Part part) {
  const auto level = static_cast<int32_t>(op.level * 32768.0F);
  for (size_t i = 0; i < part.samples.size(); ++i) {
    const int32_t depth = Envelope(op, event, part.from + i);
    const auto gain = static_cast<int32_t>(32768 - (int64_t{32768 - level} * depth >> 15));
    part.samples[i] = static_cast<int16_t>((int64_t{part.samples[i]} * gain) >> 15);
  }
}

}  // namespace

uint64_t PhaseStep(double hz, double rate_hz) {
  // Exact: 2^64 hz / rate in two steps, since 2^64 does not fit the result when hz = rate.
  const double turns = hz / rate_hz - std::floor(hz / rate_hz);
  return static_cast<uint64_t>(turns * 0x1.0p63) * 2;
}

Overlay::Overlay(double rate_hz, uint64_t seed)
    : rate_hz_(rate_hz),
      waxing_step_(PhaseStep(0.13, rate_hz)),
      layers_(kLayers),
      noise_(kNoiseLength) {
  base::Random random = base::Random::ForPart(seed, "noise");
  double before = 0;
  for (int16_t& value : noise_) {
    // Differenced: little power below 20 Hz, as muscle has (Goncharova et al. 2003).
    const double now = RoughNormal(random);
    value = static_cast<int16_t>(std::floor((now - 0.7 * before) * 0.82 * kNoiseSigma + 0.5));
    before = now;
  }
}

uint32_t Overlay::Add(Op op) {
  ops_.push_back(std::move(op));
  return static_cast<uint32_t>(ops_.size() - 1);
}

void Overlay::Add(Event event) {
  Layer& layer = layers_[static_cast<size_t>(ops_[event.op].type)];
  if (static_cast<double>(event.length) > kBriefSeconds * rate_hz_) {
    layer.lasting.push_back(event);
  } else {
    layer.brief.push_back(event);
    layer.longest_brief = std::max(layer.longest_brief, event.length);
  }
}

void Overlay::Seal() {
  const auto earlier = [](const Event& a, const Event& b) {
    return std::tie(a.first, a.op, a.length, a.amplitude) <
           std::tie(b.first, b.op, b.length, b.amplitude);
  };
  for (Layer& layer : layers_) {
    std::ranges::sort(layer.brief, earlier);
    std::ranges::sort(layer.lasting, earlier);
  }
}

void Overlay::ApplyEvent(const Event& event, size_t channel, uint64_t first,
                         std::span<int16_t> samples) const {
  const Op& op = ops_[event.op];
  const float gain = op.gains[channel];
  const uint64_t begin = std::max(first, event.first);
  const uint64_t end = std::min(first + samples.size(), event.first + event.length);
  if (gain == 0 || begin >= end) return;
  const Part part{samples.subspan(begin - first, end - begin), begin - event.first};
  const int32_t amplitude = Scaled(event, gain);
  switch (op.type) {
    case OpType::kGain:
      return Multiply(op, event, part);
    case OpType::kShape:
      return AddShape(op, amplitude, part);
    case OpType::kOscillator:
      return AddOscillator(op, event, amplitude, waxing_step_, part);
    case OpType::kNoise:
      return AddNoise(op, event, amplitude, channel, noise_, part);
    case OpType::kOffset:
      for (int16_t& sample : part.samples) sample = Saturate(sample + amplitude);
      return;
    case OpType::kClip:
      for (int16_t& sample : part.samples) {
        sample = static_cast<int16_t>(std::clamp<int32_t>(sample, -amplitude, amplitude));
      }
      return;
    case OpType::kFlat:
      std::ranges::fill(part.samples, int16_t{0});
      return;
  }
}

void Overlay::Apply(size_t channel, uint64_t first, std::span<int16_t> samples) const {
  const uint64_t end = first + samples.size();
  for (const Layer& layer : layers_) {
    for (const Event& event : layer.lasting) {
      if (event.first >= end) break;
      ApplyEvent(event, channel, first, samples);
    }
    const uint64_t earliest = first - std::min(first, layer.longest_brief);
    auto it = std::ranges::lower_bound(layer.brief, earliest, {}, &Event::first);
    for (; it != layer.brief.end() && it->first < end; ++it) {
      ApplyEvent(*it, channel, first, samples);
    }
  }
}

}  // namespace synth
