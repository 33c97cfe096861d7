#include "montage/analysis/events/find_events.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "montage/analysis/events/seizures.h"
#include "montage/analysis/events/suppression.h"
#include "montage/analysis/events/trains.h"

namespace montage::analysis {
namespace {

/// A single discharge must be beyond doubt, a member of a train is confirmed by the others.
/// One below kLoneSpikeZ counts when kRepeated others of its sign come from the same place.
constexpr float kSpikeZ = 5.2F;
constexpr float kLoneSpikeZ = 6.3F;
constexpr size_t kRepeated = 2;
constexpr float kSpikeUv = 55.0F;
constexpr float kSpikeIsolation = 2.6F;
constexpr float kSpikeSharpness = 0.6F;
constexpr double kSpikeJoinS = 0.35;
constexpr double kCovered = 0.5;
constexpr double kSlowWaveS = 0.3;
constexpr double kEvolvedHz = 1.0;
constexpr double kExplained = 0.6;

double Overlap(double a_start, double a_end, double b_start, double b_end) {
  return std::max(0.0, std::min(a_end, b_end) - std::max(a_start, b_start));
}

/// In [0, 1), 0.5 at `half`, rising with the evidence beyond `from`.
double Saturating(double evidence, double from, double half) {
  const double beyond = std::max(0.0, evidence - from);
  return beyond / (beyond + half);
}

class EventList {
 public:
  EventList(const Survey& survey, const QualityReport& quality)
      : survey_(survey), quality_(quality) {}

  std::vector<Event> Make() {
    AddBurstSuppression();
    FindTrainsAndSeizures();
    AddSpikes();
    AddArtifacts();
    std::ranges::sort(events_, {}, &Event::onset_s);
    return std::move(events_);
  }

 private:
  const std::string& Name(size_t row) const { return survey_.layout.rows[row].name; }
  std::vector<std::string> AllNames() const {
    std::vector<std::string> names;
    for (const ScalpRow& row : survey_.layout.rows) names.push_back(row.name);
    return names;
  }

  /// Is half of [start, end) covered by events that are no artifacts?
  bool IsCovered(double start_s, double end_s) const {
    double covered = 0;
    for (const Event& event : events_) {
      if (event.type == EventType::kArtifact) continue;
      covered += Overlap(start_s, end_s, event.onset_s, event.end_s());
    }
    return covered >= kCovered * std::max(end_s - start_s, 1e-6);
  }

  void AddBurstSuppression() {
    for (const BurstSuppression& found : FindBurstSuppression(survey_)) {
      Event event{.type = EventType::kBurstSuppression, .form = "burst_suppression"};
      event.onset_s = found.start_s;
      event.duration_s = found.end_s - found.start_s;
      event.channels = AllNames();
      event.confidence = 0.5 + 0.5 * Saturating(static_cast<double>(found.bursts), 1, 3);
      event.features = {{"bursts", static_cast<double>(found.bursts)},
                        {"suppressed_fraction", found.suppressed_fraction},
                        {"burst_rms_uv", found.burst_uv}};
      events_.push_back(std::move(event));
    }
  }

  /// Discharges outside of muscle artifact and of what is explained already.
  std::vector<Discharge> FreeDischarges() const {
    std::vector<Discharge> free;
    size_t span = 0;
    for (const Discharge& d : survey_.discharges) {
      while (span < survey_.artifacts.size() && survey_.artifacts[span].end_s + 30 < d.time_s) ++span;
      bool spoiled = false;
      for (size_t k = span; k < survey_.artifacts.size(); ++k) {
        const ArtifactSpan& artifact = survey_.artifacts[k];
        if (artifact.start_s > d.time_s + 0.5) break;
        const bool same_row = std::ranges::find(artifact.rows, d.row) != artifact.rows.end();
        const bool near = d.time_s > artifact.start_s - 0.25 && d.time_s < artifact.end_s + 0.25;
        spoiled |= near && same_row && Spoils(artifact, d);
      }
      if (!spoiled && !IsCovered(d.time_s - 0.05, d.time_s + 0.05)) free.push_back(d);
    }
    return free;
  }

  static bool Spoils(const ArtifactSpan& artifact, const Discharge& d) {
    switch (artifact.source) {
      case ArtifactSource::kMuscle:
      case ArtifactSource::kPop:
        return true;
      case ArtifactSource::kBlink:
        return !d.IsNegative();
      case ArtifactSource::kMovement:
        return d.z < 2 * kSpikeZ;
    }
    return false;
  }

  void FindTrainsAndSeizures() {
    free_ = FreeDischarges();
    auto trains = FindTrains(free_);
    for (const Seizure& seizure : FindSeizures(survey_)) {
      if (IsCovered(seizure.start_s, seizure.end_s)) continue;
      double explained = 0;
      for (const DischargeTrain& train : trains) {
        explained += Overlap(seizure.start_s, seizure.end_s, train.start_s, train.end_s);
      }
      const double share = explained / (seizure.end_s - seizure.start_s);
      const bool evolves = std::abs(seizure.to_hz - seizure.from_hz) >= kEvolvedHz;
      if (share >= kExplained && !evolves) continue;
      std::erase_if(trains, [&](const DischargeTrain& train) {
        return Overlap(seizure.start_s, seizure.end_s, train.start_s, train.end_s) >=
               kCovered * (train.end_s - train.start_s);
      });
      Add(seizure);
    }
    for (const DischargeTrain& train : trains) Add(train);
  }

  void Add(const Seizure& seizure) {
    Event event{.type = EventType::kSeizure, .form = "seizure"};
    event.onset_s = seizure.start_s;
    event.duration_s = std::min(seizure.end_s, survey_.layout.duration_s()) - seizure.start_s;
    for (const size_t row : seizure.rows) event.channels.push_back(Name(row));
    const double evidence = seizure.purity * std::log2(1 + seizure.over_usual) *
                            std::min(1.5, event.duration_s / 20);
    event.confidence = 0.5 + 0.5 * Saturating(evidence, 0.2, 0.5);
    event.features = {{"from_hz", seizure.from_hz},
                      {"to_hz", seizure.to_hz},
                      {"growth", seizure.growth},
                      {"rhythmicity", seizure.purity},
                      {"level_over_usual", seizure.over_usual},
                      {"channels_joining_later", static_cast<double>(seizure.spread_rows)}};
    events_.push_back(std::move(event));
  }

  /// Rows that lead or see at least half of the members, the most frequent leaders first.
  std::vector<std::string> ChannelsOf(const DischargeTrain& train) const {
    std::vector<size_t> leads(survey_.layout.rows.size(), 0), sees(leads);
    for (const size_t member : train.members) {
      ++leads[free_[member].row];
      for (size_t row = 0; row < std::min<size_t>(64, sees.size()); ++row) {
        sees[row] += (free_[member].seen >> row) & 1U;
      }
    }
    std::vector<size_t> rows;
    for (size_t row = 0; row < leads.size(); ++row) {
      if (10 * leads[row] >= train.members.size() || 2 * sees[row] >= train.members.size()) {
        rows.push_back(row);
      }
    }
    std::ranges::sort(rows, [&](size_t a, size_t b) {
      return std::pair(leads[a], sees[a]) > std::pair(leads[b], sees[b]);
    });
    std::vector<std::string> names;
    for (const size_t row : rows) names.push_back(Name(row));
    if (names.empty()) names.push_back(Name(free_[train.members.front()].row));
    return names;
  }

  void Add(const DischargeTrain& train) {
    if (IsCovered(train.start_s, train.end_s)) return;
    Event event;
    const bool waves = train.form == DischargeTrain::Form::kSpikeWave;
    const bool lateral = std::abs(train.laterality) >= kLateralised;
    event.type = waves     ? EventType::kEpileptiform
                 : lateral ? EventType::kPled
                           : EventType::kGped;
    event.form = waves ? "spike_wave" : lateral ? "lateralised_periodic" : "generalised_periodic";
    event.onset_s = std::max(0.0, train.start_s);
    event.duration_s = std::min(train.end_s, survey_.layout.duration_s()) - event.onset_s;
    event.channels = ChannelsOf(train);
    const auto count = static_cast<double>(train.members.size());
    event.confidence = 0.5 + 0.5 * Saturating(count, waves ? 2 : 4, 5) *
                                 (1 - std::min(0.8, train.irregularity)) *
                                 std::min(1.0, train.z / 8);
    event.features = {{"discharges", count},
                      {"rate_hz", train.rate_hz},
                      {"irregularity", train.irregularity},
                      {"amplitude_uv", train.amplitude_uv},
                      {"laterality", train.laterality},
                      {"slow_wave_ratio", train.slow_wave}};
    if (waves) {
      const bool ictal = train.rate_hz > 2.5 && event.duration_s >= 10;
      event.features.push_back({"electrographic_seizure_criterion", ictal ? 1.0 : 0.0});
    }
    events_.push_back(std::move(event));
  }

  void AddSpikes() {
    double last = -1;
    for (const Discharge& d : free_) {
      if (d.z < kSpikeZ || std::abs(d.amplitude_uv) < kSpikeUv || d.isolation < kSpikeIsolation ||
          d.sharpness < kSpikeSharpness || IsCovered(d.time_s - 0.05, d.time_s + 0.05)) {
        continue;
      }
      if (d.time_s - last < kSpikeJoinS) continue;
      last = d.time_s;
      spikes_.push_back(d);
    }
    for (const Discharge& d : spikes_) {
      if (d.z < kLoneSpikeZ && !IsRepeated(d)) continue;
      Event event{.type = EventType::kEpileptiform, .form = "spike"};
      if (d.half_width_s > 0.05F) event.form = "sharp_wave";
      event.onset_s = std::max(0.0, d.start_s);
      event.duration_s = d.time_s - d.start_s + static_cast<double>(d.half_width_s) +
                         (d.slow_wave > 0.1F ? kSlowWaveS : 0.05);
      event.channels.push_back(Name(d.row));
      for (size_t row = 0; row < std::min<size_t>(64, survey_.layout.rows.size()); ++row) {
        if (row != d.row && ((d.seen >> row) & 1U) != 0) event.channels.push_back(Name(row));
      }
      event.confidence = 0.5 + 0.5 * Saturating(static_cast<double>(d.z), 5, 4);
      event.features = {{"amplitude_uv", std::abs(static_cast<double>(d.amplitude_uv))},
                        {"over_background", static_cast<double>(d.z)},
                        {"half_width_ms", 1000 * static_cast<double>(d.half_width_s)},
                        {"slow_wave_ratio", static_cast<double>(d.slow_wave)},
                        {"negative", d.IsNegative() ? 1.0 : 0.0}};
      events_.push_back(std::move(event));
    }
  }

  /// Do others like it come from the same place?
  bool IsRepeated(const Discharge& d) const {
    const auto& neighbours = survey_.layout.rows[d.row].neighbours;
    size_t alike = 0;
    for (const Discharge& other : spikes_) {
      const bool near = other.row == d.row ||
                        std::ranges::find(neighbours, other.row) != neighbours.end();
      alike += near && other.IsNegative() == d.IsNegative() ? 1U : 0U;
    }
    return alike > kRepeated;
  }

  static std::string_view FormOf(ArtifactSource source) {
    switch (source) {
      case ArtifactSource::kBlink:
        return "blink";
      case ArtifactSource::kMuscle:
        return "muscle";
      case ArtifactSource::kMovement:
        return "movement";
      case ArtifactSource::kPop:
        return "pop";
    }
    return "artifact";
  }

  void AddArtifacts() {
    std::vector<Event> artifacts;
    for (const ArtifactSpan& span : survey_.artifacts) {
      if (IsCovered(span.start_s, span.end_s)) continue;
      Event event{.type = EventType::kArtifact, .form = FormOf(span.source)};
      event.onset_s = std::max(0.0, span.start_s);
      event.duration_s = span.end_s - event.onset_s;
      for (const uint16_t row : span.rows) event.channels.push_back(Name(row));
      event.confidence = 0.8;
      const bool again = std::ranges::any_of(artifacts, [&](const Event& known) {
        return known.form == event.form && known.end_s() > event.onset_s - 0.2;
      });
      if (!again) artifacts.push_back(std::move(event));
    }
    // What the quality stage alone has seen: to its epochs of 2 s.
    for (const ArtifactInterval& interval : quality_.artifacts) {
      if (interval.kind == Artifact::kLine || interval.kind == Artifact::kBlink) continue;
      const bool known = std::ranges::any_of(artifacts, [&](const Event& event) {
        return Overlap(interval.start_s, interval.end_s, event.onset_s, event.end_s()) > 0;
      });
      if (known || IsCovered(interval.start_s, interval.end_s)) continue;
      Event event{.type = EventType::kArtifact, .form = ToString(interval.kind)};
      event.onset_s = interval.start_s;
      event.duration_s = interval.end_s - interval.start_s;
      event.channels = interval.channels;
      event.confidence = 0.6;
      artifacts.push_back(std::move(event));
    }
    std::ranges::move(artifacts, std::back_inserter(events_));
  }

  const Survey& survey_;
  const QualityReport& quality_;
  std::vector<Discharge> free_;    ///< what trains and spikes are made of
  std::vector<Discharge> spikes_;
  std::vector<Event> events_;
};

}  // namespace

std::string_view ToString(EventType type) {
  switch (type) {
    case EventType::kEpileptiform:
      return "epileptiform";
    case EventType::kPled:
      return "PLED";
    case EventType::kGped:
      return "GPED";
    case EventType::kSeizure:
      return "seizure";
    case EventType::kArtifact:
      return "artifact";
    case EventType::kBurstSuppression:
      return "burst_suppression";
  }
  return "artifact";
}

std::vector<Event> FindEvents(const Survey& survey, const QualityReport& quality) {
  if (survey.layout.rows.empty()) return {};
  return EventList(survey, quality).Make();
}

std::array<size_t, 6> CountByType(const std::vector<Event>& events) {
  std::array<size_t, 6> counts{};
  for (const Event& event : events) ++counts[static_cast<size_t>(event.type)];
  return counts;
}

}  // namespace montage::analysis
