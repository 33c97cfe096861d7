// The figures by which sleep stages are scored (AASM Manual for the Scoring of Sleep, chapter IV),
// and the blinks of open eyes.

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "lib/synth/planting.h"

namespace synth {
namespace {

/// Variants of one figure.
struct Figure {
  std::string_view kind;
  std::vector<uint32_t> ops;
  std::vector<uint64_t> lengths;
  Field field;
  double amplitude_uv;
  std::vector<double> hz;  ///< by variant; empty: no frequency
};

class SleepPlanter {
 public:
  explicit SleepPlanter(Planting& planting)
      : planting_(planting), random_(base::Random::ForPart(planting.spec().seed, "sleep")) {
    MakeFigures();
  }

  void PlantEpoch(size_t epoch, SleepStage stage) {
    // Every epoch takes a stream of its own: a change of one stage leaves the others as they are.
    random_ = base::Random::ForPart(planting_.spec().seed, fmt::format("sleep.{}", epoch));
    const Subject& subject = planting_.subject();
    switch (stage) {
      case SleepStage::kWake:
        return;  // blinks come with open eyes, see PlantBlinks
      case SleepStage::kN1:
        Scatter(epoch, slow_eye_, Count(2));
        return Scatter(epoch, vertex_, Count(0.6));
      case SleepStage::kN2:
        Scatter(epoch, spindle_, Count(subject[Trait::kSpindlesPerMinute] / 2));
        Scatter(epoch, k_complex_, Count(subject[Trait::kKComplexesPerMinute] / 2));
        // Slow waves stay under a fifth of the epoch: more would be N3.
        return Scatter(epoch, slow_waves_, std::min(Count(1), 3));
      case SleepStage::kN3:
        Scatter(epoch, spindle_, Count(subject[Trait::kSpindlesPerMinute] / 8));
        return Scatter(epoch, slow_waves_,
                       std::max(6, Count(subject[Trait::kSlowWavesPerMinute] / 2)));
      case SleepStage::kRem:
        // Phasic and tonic stretches: eye movements come in clusters.
        Scatter(epoch, rapid_eye_, random_.Uniform() < 0.3 ? 0 : Count(5));
        return Scatter(epoch, sawtooth_, Count(0.6));
    }
  }

  /// Blinks of the stretches with open eyes.
  void PlantBlinks() {
    const double per_minute = planting_.subject()[Trait::kBlinksPerMinute];
    if (per_minute <= 0) return;
    random_ = base::Random::ForPart(planting_.spec().seed, "eyes");
    const double gap_s = 60 / per_minute;
    for (const Stretch& open : planting_.truth().eyes_open) {
      const double until = open.onset_s + open.duration_s;
      double at = open.onset_s + gap_s * random_.Uniform();
      while (at + 0.5 < until) {
        Put(blink_, at);
        at += std::max(0.6, gap_s * random_.Uniform(0.3, 1.7));
      }
    }
  }

 private:
  double rate() const { return planting_.spec().rate_hz; }

  void AddVariant(Figure& figure, Shape shape, double hz = 0) {
    figure.lengths.push_back(shape.size());
    figure.ops.push_back(planting_.AddShape(std::move(shape), figure.field));
    if (hz > 0) figure.hz.push_back(hz);
  }

  Figure Around(std::string_view kind, std::string_view sites, double spread, double amplitude_uv) {
    return {kind, {}, {}, planting_.FieldAround(PlacesOf(sites), spread), amplitude_uv, {}};
  }

  /// Eye movements: opposite signs left and right, strongest beside the eyes.
  Figure Horizontal(std::string_view kind, double amplitude_uv) {
    Figure figure{kind, {}, {}, {}, amplitude_uv, {}};
    uint32_t strongest = 0;
    const std::vector<Lead>& leads = planting_.leads();
    for (uint32_t i = 0; i < leads.size(); ++i) {
      const auto side = [](const Place& place) { return std::clamp(place.x * 2, -1.0, 1.0); };
      double gain = 0;
      if (leads[i].kind == LeadKind::kEye) {
        gain = leads[i].active.x < 0 ? -1 : 1;
      } else if (leads[i].kind == LeadKind::kScalp) {
        const std::vector<Place> sites = PlacesOf("F9 F10 Fp1 Fp2");
        gain = 0.5 * side(leads[i].active) *
               FieldAt({"", LeadKind::kScalp, leads[i].active, {}}, sites, 0.5);
      }
      figure.field.gains.push_back(static_cast<float>(std::abs(gain) < 0.01 ? 0 : gain));
      if (std::abs(gain) >= 0.5) figure.field.channels.push_back(i);
      if (std::abs(figure.field.gains[i]) > std::abs(figure.field.gains[strongest])) strongest = i;
    }
    if (figure.field.channels.empty()) figure.field.channels = {strongest};
    return figure;
  }

  void MakeFigures() {
    const Subject& subject = planting_.subject();
    blink_ = Around("blink", "Fp1 Fp2", 0.45, subject[Trait::kBlinkUv]);
    for (const double length : {0.22, 0.28, 0.36}) AddVariant(blink_, BlinkShape(rate(), length));
    slow_eye_ = Horizontal("slow_eye_movement", 90);
    for (const double length : {2.4, 3.2}) AddVariant(slow_eye_, SaccadeShape(rate(), length));
    vertex_ = Around("vertex_wave", "Cz", 0.7, 90);
    AddVariant(vertex_, VertexWaveShape(rate()));
    spindle_ = Around("spindle", "Cz", 1.0, subject[Trait::kSpindleUv]);
    // Length: half a second to two, most under one (Warby et al. 2014). A sine under a raised
    // cosine is seen for about two thirds of its length.
    for (const double shift : {-0.7, 0.0, 0.6}) {
      const double hz = subject[Trait::kSpindleHz] + shift;
      for (const double length : {0.8, 1.0, 1.2, 1.5, 1.9})
        AddVariant(spindle_, SpindleShape(rate(), hz, length), hz);
    }
    // Largest over the front of the head (Colrain 2005): 115 uV at Fz, half of it at Cz.
    k_complex_ = Around("k_complex", "AFz", 1.5, 131);
    for (const double width : {0.8, 1.0, 1.2}) AddVariant(k_complex_, KComplexShape(rate(), width));
    // Every slow wave has a place of its own where it begins and is largest, most often prefrontal
    // (Massimini et al. 2004; Nir et al. 2011); frontal channels see the largest (Mongrain et al.
    // 2010).
    for (const std::string_view site : {"AFz", "AFz", "Cz"}) {
      Figure& wave =
          slow_waves_.emplace_back(Around("slow_wave", site, 1.2, subject[Trait::kSlowWaveUv]));
      for (const double length : {0.7, 0.85, 1.0, 1.2, 1.5})
        AddVariant(wave, SlowWaveShape(rate(), length), 1 / length);
    }
    rapid_eye_ = Horizontal("rapid_eye_movement", 110);
    for (const double length : {0.7, 1.0, 1.3})
      AddVariant(rapid_eye_, SaccadeShape(rate(), length));
    sawtooth_ = Around("sawtooth", "Cz", 0.9, 40);
    for (const double hz : {2.6, 3.2, 4.0}) AddVariant(sawtooth_, SawtoothShape(rate(), hz, 8), hz);
  }

  /// How many happen of something that happens `mean` times on average: between none and twice it.
  int Count(double mean) {
    return static_cast<int>(std::floor(mean * (random_.Uniform() + random_.Uniform()) + 0.5));
  }

  void Scatter(size_t epoch, const Figure& figure, int count) {
    Scatter(epoch, std::span(&figure, 1), count);
  }

  /// Spreads `count` over the epoch, one a slot, so that they do not overlap; each is one of
  /// `figures`.
  void Scatter(size_t epoch, std::span<const Figure> figures, int count) {
    const double slot = kEpochSeconds / std::max(count, 1);
    for (int i = 0; i < count; ++i) {
      const Figure& figure = figures[figures.size() > 1 ? random_.Below(figures.size()) : 0];
      const double begin = kEpochSeconds * static_cast<double>(epoch) + slot * i;
      const double longest = static_cast<double>(std::ranges::max(figure.lengths)) / rate() + 0.1;
      Put(figure, begin + std::max(0.0, slot - longest) * random_.Uniform());
    }
  }

  /// One figure, of a variant, size and (for eye movements) direction that are drawn.
  void Put(const Figure& figure, double onset) {
    const size_t variant = random_.Below(figure.ops.size());
    const double length = static_cast<double>(figure.lengths[variant]) / rate();
    const double size = random_.Uniform(0.8, 1.2);
    const bool left = random_.Uniform() < 0.5;
    if (onset + length > planting_.duration_s()) return;
    const bool eye = &figure == &rapid_eye_ || &figure == &slow_eye_;
    Placed placed{figure.kind,
                  figure.ops[variant],
                  onset,
                  figure.lengths[variant],
                  figure.amplitude_uv * size * (eye && left ? -1 : 1),
                  {},
                  &figure.field.channels};
    if (!figure.hz.empty()) placed.hz = figure.hz[variant];
    planting_.Place(placed);
  }

  Planting& planting_;
  base::Random random_;
  Figure blink_, slow_eye_, vertex_, spindle_, k_complex_, rapid_eye_, sawtooth_;
  std::vector<Figure> slow_waves_;  ///< by where they begin, as often as they are listed
};

}  // namespace

void PlantSleep(Planting& planting) {
  const std::vector<SleepStage>& hypnogram = planting.spec().hypnogram;
  if (hypnogram.empty() && planting.truth().eyes_open.empty()) return;
  SleepPlanter planter(planting);
  for (size_t epoch = 0; epoch < hypnogram.size(); ++epoch)
    planter.PlantEpoch(epoch, hypnogram[epoch]);
  planter.PlantBlinks();
}

}  // namespace synth
