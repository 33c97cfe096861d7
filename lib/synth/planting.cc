#include "lib/synth/planting.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lib/base/suggest.h"

namespace synth {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr double kDefaultLength = 10;  // seconds of a lasting plant that is given by `at`

struct Range {
  double from_s;
  double until_s;
};

/// Plants one Plant.
class Planter {
 public:
  Planter(Planting& planting, const Plant& plant, size_t index)
      : planting_(planting),
        plant_(plant),
        traits_(TraitsOf(plant.kind)),
        path_(fmt::format("plant[{}].{}", index, traits_.name)),
        amplitude_(plant.amplitude_uv.value_or(traits_.amplitude_uv)),
        hz_(plant.hz.value_or(traits_.hz)),
        random_(base::Random::ForPart(planting.spec().seed, path_)) {}

  Result<void> Run() {
    TRY(FindField());
    TRY(CheckValues());
    if (traits_.momentary) return PlantMoments();
    TRY(FindRanges());
    for (const Range& range : ranges_) {
      PlantRange(range);
      NoteBadChannel(range);
    }
    return {};
  }

 private:
  double rate() const { return planting_.spec().rate_hz; }

  Result<void> CheckValues() const {
    if (!(amplitude_ >= 0 && amplitude_ <= 3200) && plant_.kind != PlantKind::kDcOffset) {
      return Fail(ErrorCode::kInvalid,
                  fmt::format("{}.amplitude_uv is {}, expected 0 to 3200", path_, amplitude_));
    }
    if (!(std::abs(amplitude_) <= 3200)) {
      return Fail(ErrorCode::kInvalid,
                  fmt::format("{}.amplitude_uv is {}, expected -3200 to 3200", path_, amplitude_));
    }
    const bool train = plant_.kind == PlantKind::kSpikeWave || plant_.kind == PlantKind::kPled ||
                       plant_.kind == PlantKind::kGped;
    const double most = train ? 6 : rate() / 2;
    if (traits_.hz > 0 && !(hz_ > 0 && hz_ <= most)) {
      return Fail(
          ErrorCode::kInvalid,
          fmt::format("{}.hz is {}, expected more than 0 and at most {}", path_, hz_, most));
    }
    return {};
  }

  Result<void> FindField() {
    const std::vector<Lead>& leads = planting_.leads();
    if (!plant_.channels.empty()) return NamedField();
    if (traits_.sites.empty()) {  // every channel on the head
      field_.gains.assign(leads.size(), 0);
      for (uint32_t i = 0; i < leads.size(); ++i) {
        if (leads[i].kind == LeadKind::kMuscle) continue;
        field_.gains[i] = 1;
        field_.channels.push_back(i);
      }
      return {};
    }
    if (traits_.spread > 0) {
      field_sites_ = PlacesOf(traits_.sites);
      field_ = planting_.FieldAround(field_sites_, traits_.spread);
      return {};
    }
    const auto found = std::ranges::find(leads, traits_.sites, &Lead::name);
    if (found == leads.end()) {
      return Fail(
          base::Error{.code = ErrorCode::kInvalid,
                      .message = fmt::format("{} has no channels, and its own {} is not recorded",
                                             path_, traits_.sites),
                      .hint = fmt::format("write channel: {}", leads.front().name)});
    }
    field_.gains.assign(leads.size(), 0);
    field_.gains[static_cast<size_t>(found - leads.begin())] = 1;
    field_.channels = {static_cast<uint32_t>(found - leads.begin())};
    return {};
  }

  Result<void> NamedField() {
    const std::vector<Lead>& leads = planting_.leads();
    std::vector<synth::Place> sites;
    std::vector<uint32_t> named;
    for (const std::string& name : plant_.channels) {
      const auto found = std::ranges::find(leads, name, &Lead::name);
      if (found == leads.end()) {
        std::vector<std::string> names;
        names.reserve(leads.size());
        for (const Lead& lead : leads) names.push_back(lead.name);
        return Fail(base::Error{
            .code = ErrorCode::kInvalid,
            .message = fmt::format("{} names channel \"{}\", which is not recorded", path_, name),
            .hint = base::SuggestionFor(name, names)});
      }
      sites.push_back(found->active);
      named.push_back(static_cast<uint32_t>(found - leads.begin()));
    }
    field_.gains.assign(leads.size(), 0);
    field_sites_ = sites;
    if (traits_.spread > 0) field_ = planting_.FieldAround(sites, traits_.spread);
    for (const uint32_t channel : named) field_.gains[channel] = 1;
    field_.channels = named;
    return {};
  }

  Result<void> CheckTime(std::string_view field, double seconds) const {
    if (seconds >= 0 && seconds < planting_.duration_s()) return {};
    return Fail(ErrorCode::kInvalid,
                fmt::format("{}.{} is {} s, expected within the {} s of the recording", path_,
                            field, seconds, planting_.duration_s()));
  }

  Result<void> FindRanges() {
    if (plant_.at_s.empty()) {
      const double until =
          std::min(plant_.until_s.value_or(planting_.duration_s()), planting_.duration_s());
      TRY(CheckTime("from", plant_.from_s));
      if (until <= plant_.from_s) {
        return Fail(ErrorCode::kInvalid, fmt::format("{}.until is {} s, expected after from, {} s",
                                                     path_, until, plant_.from_s));
      }
      ranges_.push_back({plant_.from_s, until});
    }
    for (const double at : plant_.at_s) {
      TRY(CheckTime("at", at));
      const double length = plant_.length_s.value_or(kDefaultLength);
      ranges_.push_back({at, std::min(at + length, planting_.duration_s())});
    }
    return {};
  }

  Result<void> PlantMoments() {
    const uint32_t ops = AddMomentOps();
    std::vector<double> onsets = plant_.at_s;
    for (const double at : onsets) TRY(CheckTime("at", at));
    if (plant_.every_s) {
      const double until =
          std::min(plant_.until_s.value_or(planting_.duration_s()), planting_.duration_s());
      if (until / *plant_.every_s > 1e7) {
        return Fail(ErrorCode::kTooLarge,
                    fmt::format("{}.every makes more than 10 million events", path_));
      }
      for (int64_t k = 0;; ++k) {
        const double at = plant_.from_s + static_cast<double>(k) * *plant_.every_s;
        if (at >= until) break;
        onsets.push_back(at);
      }
    }
    for (const double onset : onsets) {
      const uint32_t op = first_op_ + static_cast<uint32_t>(random_.Below(ops));
      const double amplitude = amplitude_ * random_.Uniform(0.75, 1.0);
      planting_.Place(
          {traits_.name, op, onset, lengths_[op - first_op_], amplitude, {}, &field_.channels});
    }
    return {};
  }

  /// Adds the variants of a momentary kind; returns how many.
  uint32_t AddMomentOps() {
    std::vector<Shape> shapes;
    switch (plant_.kind) {
      case PlantKind::kSpike: {
        // One focus gives spikes of one form, more or less wide.
        const double width = random_.Uniform(0.75, 1.5);
        const double slow = random_.Uniform(0.25, 0.6);
        for (const double jitter : {0.9, 1.0, 1.12})
          shapes.push_back(SpikeShape(rate(), width * jitter, slow));
        break;
      }
      case PlantKind::kBlink:
        for (const double length : {0.22, 0.28, 0.36}) shapes.push_back(BlinkShape(rate(), length));
        break;
      case PlantKind::kElectrodePop:
        for (const double decay : {0.15, 0.3, 0.5})
          shapes.push_back(ElectrodePopShape(rate(), decay));
        break;
      default:
        for (int i = 0; i < 4; ++i) shapes.push_back(MovementShape(rate(), random_));
    }
    return AddShapes(std::move(shapes));
  }

  uint32_t AddShapes(std::vector<Shape> shapes) {
    for (Shape& shape : shapes) {
      lengths_.push_back(shape.size());
      const uint32_t op = planting_.AddShape(std::move(shape), field_);
      if (lengths_.size() == 1) first_op_ = op;
    }
    return static_cast<uint32_t>(shapes.size());
  }

  void PlantRange(const Range& range) {
    switch (plant_.kind) {
      case PlantKind::kAlpha:
      case PlantKind::kBeta:
      case PlantKind::kTheta:
      case PlantKind::kDelta:
      case PlantKind::kRhythm:
        return Oscillate(range, {hz_, hz_, SineWave(), true, 0.25});
      case PlantKind::kSeizure:
        return Seize(range);
      case PlantKind::kSlowing:
        return Slow(range);
      case PlantKind::kLineNoise:
      case PlantKind::kDrift:
        return Oscillate(range, {hz_, hz_, SineWave(), false, 0});
      case PlantKind::kSpikeWave:
        return Train(range, SpikeWaveShape(rate(), hz_), 0);
      case PlantKind::kPled:
      case PlantKind::kGped: {
        // ACNS 2021: up to 0.5 s long; most intervals differ by less than half from the one before.
        // With a jitter of j each the intervals lie within 1 +- 2 j of the period.
        const double jitter = random_.Uniform(0.02, 0.1);
        const double width = random_.Uniform(0.7, std::min(1.4, 1.2 / hz_ + 0.2));
        return Train(range, PeriodicDischargeShape(rate(), width, random_.Uniform(0.3, 0.8)),
                     jitter);
      }
      case PlantKind::kBurstSuppression:
        return BurstSuppress(range);
      case PlantKind::kMuscle:
        return Constant(range, OpType::kNoise, 0.1);
      case PlantKind::kNoisy:
        return Constant(range, OpType::kNoise, 0);
      case PlantKind::kDcOffset:
        return Constant(range, OpType::kOffset, 0);
      case PlantKind::kClipped:
        return Constant(range, OpType::kClip, 0);
      default:
        return Constant(range, OpType::kFlat, 0);
    }
  }

  uint64_t Length(const Range& range) const {
    return planting_.Samples(range.until_s) - planting_.Samples(range.from_s);
  }

  /// A rhythm in the field at hand, from one frequency to another that is not higher.
  struct Rhythm {
    double from_hz;
    double to_hz;
    const WaveTable& wave;
    bool waxing;
    double fade_s;
  };

  Op RhythmOp(const Rhythm& rhythm, uint64_t length) const {
    Op op;
    op.type = OpType::kOscillator;
    op.gains = field_.gains;
    op.wave = &rhythm.wave;
    op.step = PhaseStep(rhythm.from_hz, rate());
    if (rhythm.to_hz < rhythm.from_hz) {  // a negative bend wraps, which subtracts
      op.bend = 0 - (op.step - PhaseStep(rhythm.to_hz, rate())) / std::max<uint64_t>(1, length);
      op.grow = static_cast<uint32_t>(std::min<uint64_t>(length * 2 / 5 + 1, UINT32_MAX));
    }
    op.waxing = rhythm.waxing;
    op.fade =
        static_cast<uint32_t>(std::min<uint64_t>(planting_.Samples(rhythm.fade_s), length / 2));
    return op;
  }

  void Oscillate(const Range& range, const Rhythm& rhythm) {
    const uint64_t length = Length(range);
    Op op = RhythmOp(rhythm, length);
    if (plant_.kind == PlantKind::kLineNoise) {  // coupling differs from electrode to electrode
      for (float& gain : op.gains) gain *= static_cast<float>(random_.Uniform(0.7, 1.0));
    }
    const uint32_t index = planting_.overlay().Add(std::move(op));
    planting_.Place({traits_.name, index, range.from_s, length, amplitude_, hz_, &field_.channels});
  }

  /// Evolution in frequency, size and place (ACNS 2021): slows to a third or two thirds, grows, and
  /// in half of the seizures reaches the neighbourhood after a third of the time.
  void Seize(const Range& range) {
    const double slows_to = hz_ * random_.Uniform(0.35, 0.6);
    const bool sharp = random_.Uniform() < 0.7;
    const bool spreads = random_.Uniform() < 0.5;
    const Rhythm rhythm{hz_, slows_to, sharp ? SharpWave() : SineWave(), false, 0.5};
    Oscillate(range, rhythm);
    if (!spreads) return;
    const uint64_t late = Length(range) / 3;
    const uint64_t length = Length(range) - late;
    Op op = RhythmOp({hz_ - (hz_ - slows_to) / 3, slows_to, rhythm.wave, false, 0.5}, length);
    // Where the seizure is not strong already.
    const Field around = planting_.FieldAround(field_sites_, 1.5);
    for (size_t i = 0; i < op.gains.size(); ++i) {
      const float wide = std::abs(around.gains[i]);
      op.gains[i] = 0.5F * wide * (1 - std::min(1.0F, std::abs(op.gains[i])));
    }
    const uint32_t index = planting_.overlay().Add(std::move(op));
    planting_.Place({traits_.name,
                     index,
                     range.from_s + static_cast<double>(late) / rate(),
                     length,
                     amplitude_,
                     {},
                     nullptr});
  }

  /// Polymorphic slow activity: irregular, of its own in every region that it covers.
  void Slow(const Range& range) {
    constexpr double kPeakOfRms = 4;  // of SlowTexture
    const bool diffuse = plant_.channels.empty();
    std::vector<std::string_view> regions = {""};
    if (diffuse) regions = {"F3 Fp1 F7", "F4 Fp2 F8", "C3 T7", "C4 T8", "P3 P7 O1", "P4 P8 O2"};
    for (const std::string_view region : regions) {
      Op op;
      op.type = OpType::kTexture;
      op.gains = diffuse ? planting_.FieldAround(PlacesOf(region), 0.6).gains : field_.gains;
      op.shape = SlowTexture(rate(), hz_, random_);
      op.fade = static_cast<uint32_t>(std::min<uint64_t>(planting_.Samples(1), Length(range) / 2));
      const uint32_t index = planting_.overlay().Add(std::move(op));
      planting_.Place(
          {traits_.name, index, range.from_s, Length(range), amplitude_ * kPeakOfRms, {}, nullptr});
    }
    NoteRange(traits_.name, range, amplitude_, hz_);
  }

  void Constant(const Range& range, OpType type, double fade_s) {
    Op op;
    op.type = type;
    op.gains = field_.gains;
    op.fade = static_cast<uint32_t>(planting_.Samples(fade_s));
    op.differs_by_channel = true;
    op.muscular = plant_.kind == PlantKind::kMuscle;
    const uint32_t index = planting_.overlay().Add(std::move(op));
    planting_.Place(
        {traits_.name, index, range.from_s, Length(range), amplitude_, {}, &field_.channels});
  }

  void Train(const Range& range, Shape shape, double jitter) {
    const uint64_t length = shape.size();
    const uint32_t op = planting_.AddShape(std::move(shape), field_);
    for (int64_t k = 0;; ++k) {
      const double late = jitter > 0 ? random_.Uniform(0, 2 * jitter) : 0;
      const double onset = range.from_s + (static_cast<double>(k) + late) / hz_;
      if (onset + static_cast<double>(length) / rate() > range.until_s + 0.5 / rate()) break;
      const double amplitude = amplitude_ * (k == 0 ? 1 : random_.Uniform(0.75, 1.0));
      planting_.Place({traits_.name, op, onset, length, amplitude, {}, nullptr});
    }
    NoteRange(traits_.name, range, amplitude_, hz_);
  }

  void NoteRange(std::string_view kind, const Range& range, double amplitude,
                 std::optional<double> hz) {
    planting_.truth().events.push_back(
        {kind, range.from_s, range.until_s - range.from_s, field_.channels, amplitude, hz});
  }

  // Suppression below 10 uV for more than half of the time, bursts of 0.5 s and more between (ACNS
  // standardized critical care EEG terminology, 2021).
  void BurstSuppress(const Range& range) {
    Op gain;
    gain.type = OpType::kGain;
    gain.gains = field_.gains;
    // About 1.6 uV rms, which stays under 10 uV.
    gain.level = static_cast<float>(1.6 / planting_.subject()[Trait::kBackgroundUv]);
    gain.fade = static_cast<uint32_t>(planting_.Samples(0.1));
    const uint32_t quiet = planting_.overlay().Add(std::move(gain));
    std::vector<Shape> shapes;
    shapes.reserve(4);
    for (const double length : {0.8, 1.2, 1.6, 2.2})
      shapes.push_back(BurstShape(rate(), length, random_));
    const double quiet_s = random_.Uniform(3, 6);
    const uint32_t variants = AddShapes(std::move(shapes));
    NoteRange(traits_.name, range, amplitude_, {});
    for (double at = range.from_s; at < range.until_s;) {
      const double until = std::min(at + quiet_s * random_.Uniform(0.7, 1.4), range.until_s);
      const uint64_t length = planting_.Samples(until) - planting_.Samples(at);
      planting_.Place({"suppression", quiet, at, length, 0, {}, &field_.channels});
      const uint32_t op = first_op_ + static_cast<uint32_t>(random_.Below(variants));
      const double burst_s = static_cast<double>(lengths_[op - first_op_]) / rate();
      if (until + burst_s > range.until_s) break;
      planting_.Place({"burst",
                       op,
                       until,
                       lengths_[op - first_op_],
                       amplitude_ * random_.Uniform(0.8, 1.0),
                       {},
                       &field_.channels});
      at = until + burst_s;
    }
  }

  void NoteBadChannel(const Range& range) {
    const bool named_noise = plant_.kind == PlantKind::kLineNoise && !plant_.channels.empty();
    if (plant_.kind != PlantKind::kFlat && plant_.kind != PlantKind::kNoisy &&
        plant_.kind != PlantKind::kDcOffset && plant_.kind != PlantKind::kClipped && !named_noise) {
      return;
    }
    for (const uint32_t channel : field_.channels) {
      planting_.truth().bad_channels.push_back({planting_.leads()[channel].name, traits_.name,
                                                range.from_s, range.until_s - range.from_s});
    }
  }

  Planting& planting_;
  const Plant& plant_;
  const PlantTraits& traits_;
  std::string path_;
  double amplitude_;
  double hz_;
  base::Random random_;
  Field field_;
  std::vector<synth::Place> field_sites_;  ///< what it lies around
  std::vector<Range> ranges_;
  std::vector<uint64_t> lengths_;
  uint32_t first_op_ = 0;
};

}  // namespace

uint64_t Planting::Samples(double seconds) const {
  return static_cast<uint64_t>(std::max(0.0, std::floor(seconds * spec_.rate_hz + 0.5)));
}

void Planting::Place(const Placed& placed) {
  const double ticks = std::floor(placed.amplitude_uv * kTicksPerMicrovolt + 0.5);
  overlay_.Add(Event{Samples(placed.onset_s), placed.length, placed.op,
                     static_cast<int32_t>(std::clamp(ticks, -32767.0, 32767.0))});
  if (placed.channels == nullptr) return;
  const double length_s = static_cast<double>(placed.length) / spec_.rate_hz;
  truth_.events.push_back({placed.kind, placed.onset_s,
                           std::min(length_s, duration_s_ - placed.onset_s), *placed.channels,
                           placed.amplitude_uv, placed.hz});
}

Field Planting::FieldAround(const std::vector<synth::Place>& sites, double spread) const {
  Field field;
  uint32_t strongest = 0;
  for (uint32_t i = 0; i < leads_.size(); ++i) {
    const double gain = leads_[i].kind == LeadKind::kMuscle ? 0 : FieldAt(leads_[i], sites, spread);
    field.gains.push_back(static_cast<float>(std::abs(gain) < 0.01 ? 0 : gain));
    if (std::abs(gain) >= 0.5) field.channels.push_back(i);
    if (std::abs(field.gains[i]) > std::abs(field.gains[strongest])) strongest = i;
  }
  if (field.channels.empty()) field.channels = {strongest};
  return field;
}

uint32_t Planting::AddShape(Shape shape, const Field& field) {
  Op op;
  op.type = OpType::kShape;
  op.gains = field.gains;
  op.shape = std::move(shape);
  return overlay_.Add(std::move(op));
}

Result<void> PlantAll(Planting& planting) {
  const std::vector<Plant>& plants = planting.spec().plants;
  for (size_t i = 0; i < plants.size(); ++i) {
    TRY(Planter(planting, plants[i], i).Run());
  }
  return {};
}

}  // namespace synth
