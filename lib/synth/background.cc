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
/// Tables: one a stage, and one awake with open eyes.
constexpr size_t kEyesOpen = 5;
constexpr size_t kSounds = 6;

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
  std::vector<Resonance> rhythms;
  double chin;    ///< share of the awake tone of the chin; falls with depth, least in REM
  double muscle;  ///< the same of the temporal muscles
};

StageSound SoundOf(size_t sound, const Subject& of) {
  const double alpha_hz = of[Trait::kAlphaHz];
  const double alpha_width_hz = of[Trait::kAlphaWidthHz];
  const double alpha_uv = of[Trait::kAlphaUv];
  const Resonance beta{of[Trait::kBetaHz], 6, of[Trait::kBetaUv], "F3 F4", 0.8};
  const double exponent = of[Trait::kExponent];
  // Slow activity is high in those whose EEG is high altogether.
  const double level = of[Trait::kBackgroundUv] / 14;
  const auto alpha = [&](double share) {
    return Resonance{alpha_hz, alpha_width_hz, alpha_uv * share, "O1 O2", 0.8};
  };
  // Slow activity of sleep predominates over frontal areas (Finelli et al. 2001), but is not one
  // wave over all of the head: front and centre differ (Massimini et al. 2004; Nir et al. 2011), so
  // that a lead from one to the other, Fpz-Cz, records as much as either.
  const auto frontal_slow = [](double hz, double width_hz, double rms_uv) {
    return Resonance{hz, width_hz, rms_uv, "AFz", 1.2};
  };
  const auto central_slow = [](double hz, double width_hz, double rms_uv) {
    return Resonance{hz, width_hz, rms_uv, "Cz", 1.2};
  };
  switch (sound) {
    case static_cast<size_t>(SleepStage::kWake):
      return {exponent, 1.0, {alpha(1), beta}, 1, 1};
    case kEyesOpen:
      return {exponent, 0.9, {alpha(of[Trait::kAlphaOpen]), beta}, 1, 1.3};
    case static_cast<size_t>(SleepStage::kN1):
      return {exponent + 0.2, 0.9, {{5.2, 2.0, 8 * level, "Cz", 1.2}, alpha(0.2)}, 0.6, 0.4};
    case static_cast<size_t>(SleepStage::kN2):
      return {exponent + 0.5,
              1.25,
              {frontal_slow(1.4, 1.2, 9.1 * level), central_slow(1.4, 1.2, 4.9 * level),
               Resonance{5.5, 2.5, 6 * level, "Cz", 1.2}},
              0.45,
              0.15};
    case static_cast<size_t>(SleepStage::kN3):
      return {exponent + 0.75,
              1.6,
              {frontal_slow(0.9, 0.7, 32 * level), central_slow(0.9, 0.7, 17 * level),
               Resonance{1.9, 1.2, 12 * level, "FCz", 1.4}},
              0.4,
              0.1};
    default:  // REM
      return {exponent + 0.5,
              0.9,
              {{4.2, 2.5, 6 * level, "Cz", 1.2},
               {beta.hz, beta.bandwidth_hz, 0.6 * beta.rms_uv, beta.sites, beta.spread}},
              of[Trait::kChinRem],
              0.1};
  }
}

constexpr std::string_view kMuscleSites = "F7 F8 T7 T8";
constexpr double kMuscleSpread = 0.45;
/// Noise of electrode and amplifier, rms.
constexpr double kElectrodeUv = 0.5;
constexpr std::string_view kSourceSites = "Fp1 Fp2 F7 F8 Fz C3 C4 T7 T8 Pz P7 P8 O1 O2";
/// How far the field of a source reaches, and the share of the variance that a channel has for
/// itself: so that correlation falls with distance as in referential recordings of adults. Volume
/// conduction of uncorrelated sources alone gives 0.5 at 6 cm (Westdrop 1993) and some up to 10 to
/// 12 cm (Srinivasan, Nunez et al. 1998); below 40 Hz the coherence of the sources themselves comes
/// on top (Srinivasan et al. 2007). A head of four shells (skull 1:80) with sources coherent over 2
/// to 4 cm, referred to the mastoids, has 0.69 to 0.80 at 4 to 6.5 cm, 0.55 to 0.69 at 6.5 to 8.5
/// and 0.23 to 0.52 at 10 to 12; spherical splines predict a channel of the 10-20 system from the
/// others with 0.86 to 0.91 (medians of bench/eeg/volume_conduction.py). These constants give 0.78,
/// 0.64, 0.46 and 0.90; channel by channel the predictions differ from that head's mean by 0.016
/// rms (O1 and O2 with their alpha aside), 0.002 more than those of the best pair of constants.
constexpr double kSourceSpread = 0.95;
constexpr double kOwnShare = 0.05;

/// 1/f^exponent noise of rms 1: first-order low-passes an octave apart, weighted so that their sum
/// follows the power law (after Voss; see Kasdin 1995 for the principle).
Series PowerLawNoise(size_t length, double rate_hz, double exponent, base::Random& random) {
  constexpr int kPoles = 10;  // up to 180 Hz
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
    // Each pole has an input of its own, so that their powers add: 6 bits, uniform.
    for (size_t k = 0; k < kPoles; ++k) {
      const double input = static_cast<double>((bits >> (6 * k)) & 0x3f) - 31.5;
      state[k] = keep[k] * state[k] + weight[k] * input;
      sum += state[k];
    }
    if (i >= warm_up) out[i - warm_up] = sum;
  }
  ScaleToRmsOne(out);
  return out;
}

void AddScaled(Series& into, const Series& source, double weight) {
  for (size_t i = 0; i < into.size(); ++i) into[i] += weight * source[i];
}

void ToTicks(const Series& series, double scale, std::span<int16_t> into) {
  for (size_t i = 0; i < into.size(); ++i) {
    const double ticks = std::floor(series[i] * scale + 0.5);
    into[i] = static_cast<int16_t>(std::clamp(ticks, -15000.0, 15000.0));
  }
}

/// What the channels of a stage are mixed of, each of rms 1.
struct Sources {
  std::vector<Series> aperiodic;  ///< at kSourceSites
  std::vector<Series> rhythms;    ///< of the stage
  std::vector<Series> muscles;    ///< at kMuscleSites
};

Sources MakeSources(const StageSound& sound, size_t length, double rate_hz, base::Random& random) {
  Sources out;
  for (size_t k = 0; k < PlacesOf(kSourceSites).size(); ++k)
    out.aperiodic.push_back(PowerLawNoise(length, rate_hz, sound.exponent, random));
  for (const Resonance& rhythm : sound.rhythms) {
    out.rhythms.push_back(ResonantNoise(length, rate_hz, rhythm.hz, rhythm.bandwidth_hz, random));
  }
  for (size_t k = 0; k < PlacesOf(kMuscleSites).size(); ++k)
    out.muscles.push_back(MuscleNoise(length, rate_hz, random));
  return out;
}

/// Turns aperiodic noise of rms 1, the channel's own, into what the channel records.
void AddSources(Series& mixed, const Lead& lead, const StageSound& sound, const Sources& sources,
                const Subject& subject) {
  const std::vector<Place> sites = PlacesOf(kSourceSites);
  std::vector<double> weights;
  double power = 0;
  for (const Place& site : sites) {
    weights.push_back(FieldAt(lead, {site}, kSourceSpread));
    power += weights.back() * weights.back();
  }
  // Posterior channels carry more voltage than frontal ones; eyes see the front of the brain.
  const double here = subject[Trait::kBackgroundUv] * sound.gain *
                      (lead.kind == LeadKind::kEye ? 0.7 : 1.05 - 0.15 * lead.active.y);
  for (double& value : mixed) value *= here * std::sqrt(kOwnShare);
  const double scale = here * std::sqrt((1 - kOwnShare) / std::max(power, 1e-9));
  for (size_t k = 0; k < sites.size(); ++k)
    AddScaled(mixed, sources.aperiodic[k], scale * weights[k]);
  for (size_t k = 0; k < sound.rhythms.size(); ++k) {
    const Resonance& rhythm = sound.rhythms[k];
    AddScaled(mixed, sources.rhythms[k],
              rhythm.rms_uv * FieldAt(lead, PlacesOf(rhythm.sites), rhythm.spread));
  }
  const std::vector<Place> muscles = PlacesOf(kMuscleSites);
  for (size_t k = 0; k < muscles.size(); ++k) {
    AddScaled(
        mixed, sources.muscles[k],
        sound.muscle * subject[Trait::kMuscleUv] * FieldAt(lead, {muscles[k]}, kMuscleSpread));
  }
}

}  // namespace

Background::Background(const std::vector<Lead>& leads, double rate_hz, uint64_t seed,
                       const Subject& subject, Eyes eyes, std::vector<SleepStage> hypnogram)
    : rate_hz_(rate_hz),
      seed_(seed),
      subject_(subject),
      eyes_(std::move(eyes)),
      hypnogram_(std::move(hypnogram)),
      sounds_(kSounds) {
  std::array<bool, kSounds> used{};
  if (hypnogram_.empty()) used[0] = true;
  for (const SleepStage stage : hypnogram_) used[static_cast<size_t>(stage)] = true;
  used[kEyesOpen] = eyes_.CanOpen();
  const auto table_count = static_cast<uint64_t>(std::ranges::count(used, true));
  const uint64_t most = kTableBudgetBytes / (2 * table_count * leads.size());
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
  for (size_t sound = 0; sound < sounds_.size(); ++sound) {
    if (used[sound]) FillTable(sounds_[sound], sound, leads);
  }
}

void Background::FillTable(SoundTable& table, size_t index, const std::vector<Lead>& leads) {
  const StageSound sound = SoundOf(index, subject_);
  const auto stage = static_cast<SleepStage>(index == kEyesOpen ? 0 : index);
  base::Random random = base::Random::ForPart(seed_, ToString(stage));
  const Sources sources = MakeSources(sound, length_, rate_hz_, random);
  table.samples.resize(length_ * leads.size());
  for (size_t channel = 0; channel < leads.size(); ++channel) {
    const std::span<int16_t> into = std::span(table.samples).subspan(channel * length_, length_);
    const Lead& lead = leads[channel];
    if (lead.kind == LeadKind::kMuscle) {
      ToTicks(MuscleNoise(length_, rate_hz_, random),
              sound.chin * subject_[Trait::kChinUv] * kTicksPerMicrovolt, into);
      continue;
    }
    Series mixed = PowerLawNoise(length_, rate_hz_, sound.exponent, random);
    AddSources(mixed, lead, sound, sources, subject_);
    for (double& value : mixed) value += kElectrodeUv * RoughNormal(random);
    ToTicks(mixed, kTicksPerMicrovolt, into);
  }
}

size_t Background::SoundAt(uint64_t hop) const {
  // Hop number h begins to rise at (h - 1) hop, see Render.
  const double seconds = static_cast<double>((hop - std::min<uint64_t>(hop, 1)) * hop_) / rate_hz_;
  if (eyes_.CanOpen() && eyes_.OpenAt(seconds + 0.01)) return kEyesOpen;
  if (hypnogram_.empty()) return static_cast<size_t>(SleepStage::kWake);
  const auto epoch = static_cast<size_t>((seconds + 0.01) / kEpochSeconds);
  return static_cast<size_t>(hypnogram_[std::min(epoch, hypnogram_.size() - 1)]);
}

const int16_t* Background::HopStart(size_t channel, uint64_t hop) const {
  // splitmix64's finaliser of seed and hop number: random access to the hop's place in the table.
  uint64_t z = seed_ + (hop + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  z ^= z >> 31;
  const uint64_t place = (z >> 32) % (length_ - 2 * hop_ + 1);
  const SoundTable& table = sounds_[SoundAt(hop)];
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
