#include "lib/synth/background.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lib/synth/waves.h"

namespace synth {
namespace {

constexpr double kHopSeconds = 3;  // divides the 30 s of an epoch
constexpr uint64_t kVariety = 16384;
constexpr uint64_t kMaxHop = 32768;
constexpr uint64_t kTableBudgetBytes = uint64_t{24} << 20;

/// A rhythm that waxes and wanes: noise through a resonance.
struct Resonance {
  double hz;
  double bandwidth_hz;
  double rms_uv;  ///< at its sites
  std::string_view sites;
  double spread;
};

/// Spectrum of a stage. Exponents of the aperiodic part: about 1 awake, steeper the deeper the
/// sleep (Lendner et al. 2020; Donoghue et al. 2020). Rhythms as the AASM scoring manual defines
/// the stages: posterior alpha awake, low-voltage mixed theta in N1 and REM, high delta in N3.
struct StageSound {
  double exponent;
  double gain;  ///< of the wake background rms
  std::array<Resonance, 2> rhythms;
  double chin_uv;  ///< rms of the chin electromyogram; tone falls with depth, least in REM
};

StageSound SoundOf(SleepStage stage, double alpha_hz) {
  switch (stage) {
    case SleepStage::kWake:
      return {1.1, 1.0, {{{alpha_hz, 1.0, 9, "O1 O2", 0.8}, {19, 6, 2.5, "F3 F4", 0.8}}}, 20};
    case SleepStage::kN1:
      return {1.3, 0.9, {{{5.2, 2.0, 8, "Cz", 1.2}, {alpha_hz, 1.5, 2, "O1 O2", 0.8}}}, 10};
    case SleepStage::kN2:
      return {1.6, 1.3, {{{1.4, 1.2, 8, "Fz", 1.4}, {5.5, 2.5, 6, "Cz", 1.2}}}, 7};
    case SleepStage::kN3:
      return {1.85, 1.7, {{{0.9, 0.7, 32, "Fz", 1.4}, {1.9, 1.2, 12, "Cz", 1.4}}}, 5};
    case SleepStage::kRem:
      return {1.6, 0.9, {{{4.2, 2.5, 6, "Cz", 1.2}, {19, 6, 1.5, "F3 F4", 0.8}}}, 1.5};
  }
  return {};
}

constexpr std::string_view kSourceSites = "Fp1 Fp2 F7 F8 Fz C3 C4 T7 T8 Pz P7 P8 O1 O2";
constexpr double kSourceSpread = 0.75;
/// Share of the variance that a channel does not have in common with its neighbours.
constexpr double kOwnShare = 0.12;

using Series = std::vector<double>;

double Rms(const Series& series) {
  double sum = 0;
  for (const double value : series) sum += value * value;
  return std::sqrt(sum / static_cast<double>(series.size()));
}

/// 1/f^exponent noise of rms 1: first-order low-passes an octave apart, weighted so that their sum
/// follows the power law (after Voss; see Kasdin 1995 for the principle).
Series PowerLawNoise(size_t length, double rate_hz, double exponent, base::Random& random) {
  constexpr int kPoles = 8;
  std::array<double, kPoles> keep{};
  std::array<double, kPoles> weight{};
  std::array<double, kPoles> state{};
  double corner = 0.35;
  double amplitude = 1;
  // An octave up, the power of a pole falls by 2^exponent: a low-pass driven with power p has 1/f^2
  // of height p corner^2 above its corner.
  const double step = ExpNegative(-0.34657359 * exponent);
  for (size_t k = 0; k < kPoles; ++k) {
    const double x = std::min(0.9, 3.14159265358979 * corner / rate_hz);
    keep[k] = (1 - x) / (1 + x);
    weight[k] = amplitude * (1 - keep[k]);
    corner *= 2;
    amplitude *= step;
  }
  Series out(length);
  const auto warm_up = static_cast<size_t>(rate_hz * 4);
  for (size_t i = 0; i < warm_up + length; ++i) {
    const uint64_t bits = random.Next();
    double sum = 0;
    // Each pole has an input of its own, so that their powers add: 8 bits, uniform.
    for (size_t k = 0; k < kPoles; ++k) {
      const double input = static_cast<double>((bits >> (8 * k)) & 0xff) - 127.5;
      state[k] = keep[k] * state[k] + weight[k] * input;
      sum += state[k];
    }
    if (i >= warm_up) out[i - warm_up] = sum;
  }
  const double scale = 1 / Rms(out);
  for (double& value : out) value *= scale;
  return out;
}

/// Noise of rms 1 around a frequency: two poles of radius 1 - pi bandwidth / rate.
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
  const double scale = 1 / Rms(out);
  for (double& value : out) value *= scale;
  return out;
}

void AddScaled(Series& into, const Series& source, double weight) {
  for (size_t i = 0; i < into.size(); ++i) into[i] += weight * source[i];
}

/// Muscle: white noise, differentiated, which lifts it towards 20 Hz and above.
Series MuscleNoise(size_t length, base::Random& random) {
  Series out(length);
  double before = 0;
  for (double& value : out) {
    const double now = RoughNormal(random);
    value = (now - 0.7 * before) * 0.82;
    before = now;
  }
  return out;
}

void ToTicks(const Series& series, double scale, std::span<int16_t> into) {
  for (size_t i = 0; i < into.size(); ++i) {
    const double ticks = std::floor(series[i] * scale + 0.5);
    into[i] = static_cast<int16_t>(std::clamp(ticks, -15000.0, 15000.0));
  }
}

}  // namespace

Background::Background(const std::vector<Lead>& leads, double rate_hz, uint64_t seed, double rms_uv,
                       std::vector<SleepStage> hypnogram)
    : rate_hz_(rate_hz),
      seed_(seed),
      alpha_hz_(base::Random::ForPart(seed, "alpha").Uniform(9.3, 10.7)),
      hypnogram_(std::move(hypnogram)),
      stages_(5) {
  std::array<bool, 5> used{};
  if (hypnogram_.empty()) used[0] = true;
  for (const SleepStage stage : hypnogram_) used[static_cast<size_t>(stage)] = true;
  const auto stage_count = static_cast<uint64_t>(std::ranges::count(used, true));
  const uint64_t most = kTableBudgetBytes / (2 * stage_count * leads.size());
  // 3 s, or less when very many channels or a very high rate would not leave room for variety.
  const auto wanted = static_cast<uint64_t>(std::floor(kHopSeconds * rate_hz + 0.5));
  hop_ = std::clamp<uint64_t>(wanted, 8, std::clamp<uint64_t>(most / 4, 8, kMaxHop));
  length_ = 2 * hop_ + std::clamp<uint64_t>(most > 2 * hop_ ? most - 2 * hop_ : 0, hop_, kVariety);
  rise_.resize(hop_);
  fall_.resize(hop_);
  for (uint64_t i = 0; i < hop_; ++i) {
    const double turn = (static_cast<double>(i) + 0.5) / static_cast<double>(hop_) / 4;
    rise_[i] = static_cast<int16_t>(std::floor(SinTurns(turn) * 32767 + 0.5));
    fall_[i] = static_cast<int16_t>(std::floor(CosTurns(turn) * 32767 + 0.5));
  }
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    if (used[stage]) FillTable(stages_[stage], static_cast<SleepStage>(stage), leads, rms_uv);
  }
}

void Background::FillTable(StageTable& table, SleepStage stage, const std::vector<Lead>& leads,
                           double rms_uv) {
  const StageSound sound = SoundOf(stage, alpha_hz_);
  base::Random random = base::Random::ForPart(seed_, ToString(stage));
  const std::vector<Place> sites = PlacesOf(kSourceSites);
  std::vector<Series> sources;
  sources.reserve(sites.size());
  for (size_t k = 0; k < sites.size(); ++k) {
    sources.push_back(PowerLawNoise(length_, rate_hz_, sound.exponent, random));
  }
  std::vector<Series> rhythms;
  rhythms.reserve(sound.rhythms.size());
  for (const Resonance& rhythm : sound.rhythms) {
    rhythms.push_back(ResonantNoise(length_, rate_hz_, rhythm.hz, rhythm.bandwidth_hz, random));
  }
  table.samples.resize(length_ * leads.size());
  for (size_t channel = 0; channel < leads.size(); ++channel) {
    const std::span<int16_t> into = std::span(table.samples).subspan(channel * length_, length_);
    const Lead& lead = leads[channel];
    if (lead.kind == LeadKind::kMuscle) {
      ToTicks(MuscleNoise(length_, random), sound.chin_uv * kTicksPerMicrovolt, into);
      continue;
    }
    std::vector<double> weights;
    double power = 0;
    for (const Place& site : sites) {
      weights.push_back(FieldAt(lead, {site}, kSourceSpread));
      power += weights.back() * weights.back();
    }
    Series mixed = PowerLawNoise(length_, rate_hz_, sound.exponent, random);
    // Posterior channels carry more voltage than frontal ones; eyes see the front of the brain.
    const double here =
        rms_uv * sound.gain * (lead.kind == LeadKind::kEye ? 0.7 : 1.05 - 0.15 * lead.active.y);
    for (double& value : mixed) value *= here * std::sqrt(kOwnShare);
    const double scale = here * std::sqrt((1 - kOwnShare) / std::max(power, 1e-9));
    for (size_t k = 0; k < sites.size(); ++k) AddScaled(mixed, sources[k], scale * weights[k]);
    for (size_t k = 0; k < rhythms.size(); ++k) {
      const Resonance& rhythm = sound.rhythms[k];
      AddScaled(mixed, rhythms[k],
                rhythm.rms_uv * FieldAt(lead, PlacesOf(rhythm.sites), rhythm.spread));
    }
    ToTicks(mixed, kTicksPerMicrovolt, into);
  }
}

SleepStage Background::StageAt(uint64_t hop) const {
  if (hypnogram_.empty()) return SleepStage::kWake;
  // Hop number h begins to rise at (h - 1) hop, see Render.
  const double seconds = static_cast<double>((hop - std::min<uint64_t>(hop, 1)) * hop_) / rate_hz_;
  const auto epoch = static_cast<size_t>((seconds + 0.01) / kEpochSeconds);
  return hypnogram_[std::min(epoch, hypnogram_.size() - 1)];
}

const int16_t* Background::HopStart(size_t channel, uint64_t hop) const {
  // splitmix64's finaliser of seed and hop number: random access to the hop's place in the table.
  uint64_t z = seed_ + (hop + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  z ^= z >> 31;
  const uint64_t place = (z >> 32) % (length_ - 2 * hop_ + 1);
  const StageTable& table = stages_[static_cast<size_t>(StageAt(hop))];
  return table.samples.data() + channel * length_ + place;
}

void Background::Render(size_t channel, uint64_t first, std::span<int16_t> into) const {
  while (!into.empty()) {
    // Hop b rises over [b hop, (b + 1) hop) and falls over the next; hop numbers are shifted by one
    // so that the first has one before it.
    const uint64_t hop = first / hop_;
    const uint64_t within = first % hop_;
    const uint64_t count = std::min<uint64_t>(into.size(), hop_ - within);
    const int16_t* __restrict__ rising = HopStart(channel, hop + 1) + within;
    const int16_t* __restrict__ falling = HopStart(channel, hop) + hop_ + within;
    const int16_t* __restrict__ rise = rise_.data() + within;
    const int16_t* __restrict__ fall = fall_.data() + within;
    int16_t* __restrict__ out = into.data();
    for (uint64_t i = 0; i < count; ++i) {
      out[i] = static_cast<int16_t>((rising[i] * rise[i] + falling[i] * fall[i] + 16384) >> 15);
    }
    into = into.subspan(count);
    first += count;
  }
}

}  // namespace synth
