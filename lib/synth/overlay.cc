#include "lib/synth/overlay.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace synth {
namespace {

constexpr uint64_t kNoiseLength = 1 << 15;
/// noise_ holds standard normal values times this.
constexpr double kNoiseSigma = 8000;
constexpr size_t kLayers = 8;
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

constexpr size_t kChunk = 16;  // the envelope of an oscillator is constant within

/// Envelope times amplitude at the start of a chunk, in ticks.
int32_t ChunkScale(const Op& op, const Event& event, int32_t amplitude, uint64_t waxing_step,
                   uint64_t chunk) {
  int64_t level = int64_t{amplitude} * Envelope(op, event, chunk) / 32768;
  if (op.waxing) {
    const int32_t swing = SineWave()[(chunk * waxing_step) >> 52];
    level = level * (26214 + swing / 5) / 32768;  // 0.8 +- 0.2
  }
  return static_cast<int32_t>(level);
}

/// Chunks are aligned to the event, so that the result does not depend on where `part` begins.
template <typename AddChunk>
void ForChunks(Part part, AddChunk add) {
  for (size_t done = 0; done < part.samples.size();) {
    const uint64_t n = part.from + done;
    const size_t offset = n % kChunk;
    const size_t count = std::min<size_t>(part.samples.size() - done, kChunk - offset);
    add(n - offset, offset, part.samples.subspan(done, count));
    done += count;
  }
}

/// sin(a + k d) = sin a cos k d + cos a sin k d: one look-up a chunk, the rest is multiplications
/// that the compiler does side by side.
void AddSine(const Op& op, const Event& event, int32_t amplitude, uint64_t waxing_step, Part part) {
  ForChunks(part, [&](uint64_t chunk, size_t offset, std::span<int16_t> samples) {
    const int32_t scale = ChunkScale(op, event, amplitude, waxing_step, chunk);
    const uint64_t phase = chunk * op.step;
    const auto sine = static_cast<int16_t>((SineWave()[phase >> 52] * scale + 16384) >> 15);
    const auto cosine = static_cast<int16_t>(
        (SineWave()[(phase + (uint64_t{1} << 62)) >> 52] * scale + 16384) >> 15);
    const int16_t* __restrict__ turn_cos = op.turn_cos.data() + offset;
    const int16_t* __restrict__ turn_sin = op.turn_sin.data() + offset;
    for (size_t i = 0; i < samples.size(); ++i) {
      samples[i] =
          Saturate(samples[i] + ((sine * turn_cos[i] + cosine * turn_sin[i] + 16384) >> 15));
    }
  });
}

void AddWave(const Op& op, const Event& event, int32_t amplitude, uint64_t waxing_step, Part part) {
  const WaveTable& wave = *op.wave;
  ForChunks(part, [&](uint64_t chunk, size_t offset, std::span<int16_t> samples) {
    const int32_t scale = ChunkScale(op, event, amplitude, waxing_step, chunk);
    const uint64_t n = chunk + offset;
    uint64_t phase = n * op.step + n * (n - 1) / 2 * op.bend;
    uint64_t step = op.step + n * op.bend;
    for (int16_t& sample : samples) {
      sample = Saturate(sample + ((wave[phase >> 52] * scale + 16384) >> 15));
      phase += step;
      step += op.bend;
    }
  });
}

/// Steady sines are marked by their rotation table; cos 0 is never 0.
void AddOscillator(const Op& op, const Event& event, int32_t amplitude, uint64_t waxing_step,
                   Part part) {
  if (op.turn_cos[0] != 0) return AddSine(op, event, amplitude, waxing_step, part);
  AddWave(op, event, amplitude, waxing_step, part);
}

void AddNoise(const Op& op, const Event& event, int32_t amplitude, size_t channel,
              std::span<const int16_t> noise, Part part) {
  // In 1/8192 of the table's sigma: at most 32768, and 32768 * 32767 fits 32 bits.
  const auto gain =
      static_cast<int32_t>(int64_t{amplitude} * 8192 / static_cast<int64_t>(kNoiseSigma));
  for (size_t done = 0; done < part.samples.size();) {
    // Another stretch of the table every 8192 samples and for every channel; runs end where it
    // wraps.
    const uint64_t n = part.from + done;
    const uint64_t stretch = ((event.first + n) >> 13) * 0x9e3779b97f4a7c15ULL +
                             (op.differs_by_channel ? (channel + 1) * 0xbf58476d1ce4e5b9ULL : 0);
    const uint64_t place = (n + (stretch >> 40)) % kNoiseLength;
    const uint64_t to_next = 8192 - (event.first + n) % 8192;
    const size_t count =
        std::min<uint64_t>({part.samples.size() - done, to_next, kNoiseLength - place});
    const int16_t* __restrict__ source = noise.data() + place;
    const std::span<int16_t> run = part.samples.subspan(done, count);
    const bool steady = n >= op.fade && n + count + op.fade <= event.length;
    for (size_t i = 0; steady && i < count; ++i) {
      run[i] = Saturate(run[i] + ((source[i] * gain) >> 13));
    }
    for (size_t i = 0; !steady && i < count; ++i) {
      const int64_t scaled = (source[i] * gain) >> 13;
      run[i] = Saturate(run[i] + static_cast<int32_t>(scaled * Envelope(op, event, n + i) / 32768));
    }
    done += count;
  }
}

void AddTexture(const Op& op, const Event& event, int32_t amplitude, Part part) {
  uint64_t place = part.from % op.shape.size();
  for (size_t i = 0; i < part.samples.size(); ++i) {
    const int64_t scaled =
        int64_t{op.shape[place]} * amplitude * Envelope(op, event, part.from + i);
    part.samples[i] = Saturate(part.samples[i] + static_cast<int32_t>(scaled >> 30));
    if (++place == op.shape.size()) place = 0;
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
      noise_(kNoiseLength),
      muscle_(kNoiseLength) {
  base::Random random = base::Random::ForPart(seed, "noise");
  for (int16_t& value : noise_) {
    value = static_cast<int16_t>(std::floor(RoughNormal(random) * kNoiseSigma + 0.5));
  }
  const Series muscle = MuscleNoise(kNoiseLength, rate_hz, random);
  for (size_t i = 0; i < muscle.size(); ++i) {
    const double value = std::floor(muscle[i] * kNoiseSigma + 0.5);
    muscle_[i] = static_cast<int16_t>(std::clamp(value, -32767.0, 32767.0));
  }
}

uint32_t Overlay::Add(Op op) {
  if (op.wave == &SineWave() && op.bend == 0) {
    for (size_t k = 0; k < kChunk; ++k) {
      const double turns = static_cast<double>(op.step >> 11) * 0x1.0p-53 * static_cast<double>(k);
      op.turn_cos[k] = static_cast<int16_t>(std::floor(CosTurns(turns) * 32767 + 0.5));
      op.turn_sin[k] = static_cast<int16_t>(std::floor(SinTurns(turns) * 32767 + 0.5));
    }
  }
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
      return AddNoise(op, event, amplitude, channel, op.muscular ? muscle_ : noise_, part);
    case OpType::kTexture:
      return AddTexture(op, event, amplitude, part);
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
