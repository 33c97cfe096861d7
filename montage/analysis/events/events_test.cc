#include <cmath>
#include <numbers>
#include <set>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/analysis/events/detection_testing.h"
#include "montage/analysis/events/seizures.h"
#include "montage/analysis/events/suppression.h"
#include "montage/analysis/events/trains.h"

namespace montage::analysis {
namespace {

using synth::PlantKind;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

double FeatureOf(const Event& event, std::string_view name) {
  const auto found = std::ranges::find(event.features, name, &EventFeature::name);
  return found == event.features.end() ? NAN : found->value;
}

TEST(Events, SpikesAreFoundAtTheirTimesAndElectrode) {
  const std::vector<double> onsets = {12.3, 31, 55.5, 80, 101.2};
  for (const double rate : {128.0, 200.0, 256.0, 500.0}) {
    const auto events = Findings(
        EventsIn({.rate_hz = rate,
                  .plants = {{.kind = PlantKind::kSpike, .at_s = onsets, .channels = {"T8"}}}}));
    ASSERT_THAT(events, SizeIs(onsets.size())) << rate;
    for (size_t i = 0; i < onsets.size(); ++i) {
      EXPECT_EQ(events[i].type, EventType::kEpileptiform);
      EXPECT_NEAR(events[i].onset_s, onsets[i], 0.1) << rate;
      EXPECT_LT(events[i].duration_s, 0.6);
      EXPECT_EQ(events[i].channels.front(), "T8");
      EXPECT_GT(events[i].confidence, 0.6);
      EXPECT_LE(events[i].confidence, 1.0);
      EXPECT_EQ(FeatureOf(events[i], "negative"), 1.0);
    }
  }
}

TEST(Events, SpikesAreFoundInFewChannelsAndInBipolarOnes) {
  const std::vector<double> onsets = {20, 45.5, 90};
  const Scene ten{.channels = {"Fp1", "Fp2", "C3", "C4", "T7", "T8", "P3", "P4", "O1", "O2"},
                  .plants = {{.kind = PlantKind::kSpike, .at_s = onsets, .channels = {"C4"}}}};
  EXPECT_THAT(Findings(EventsIn(ten)), SizeIs(onsets.size()));
  const Scene bipolar{
      .channels = {"Fp1-F7", "F7-T7", "T7-P7", "P7-O1", "Fp2-F8", "F8-T8", "T8-P8", "P8-O2"},
      .plants = {
          {.kind = PlantKind::kSpike, .at_s = onsets, .channels = {"T8-P8"}, .amplitude_uv = 150}}};
  const auto events = Findings(EventsIn(bipolar));
  ASSERT_THAT(events, SizeIs(onsets.size()));
  EXPECT_EQ(events[1].channels.front(), "T8-P8");
}

TEST(Events, TrainsOfSpikeAndWaveAreOneEventEach) {
  const auto events = Findings(
      EventsIn({.plants = {{.kind = PlantKind::kSpikeWave, .at_s = {20, 70}, .length_s = 8}}}));
  ASSERT_THAT(events, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(events[i].type, EventType::kEpileptiform);
    EXPECT_EQ(events[i].form, "spike_wave");
    EXPECT_NEAR(events[i].onset_s, i == 0 ? 20 : 70, 0.5);
    EXPECT_NEAR(events[i].duration_s, 8, 1);
    EXPECT_NEAR(FeatureOf(events[i], "rate_hz"), 3, 0.2);
    EXPECT_EQ(FeatureOf(events[i], "electrographic_seizure_criterion"), 0.0);
  }
}

TEST(Events, LongSpikeAndWaveSaysThatItMeetsTheSeizureCriterion) {
  const auto events = Findings(
      EventsIn({.plants = {{.kind = PlantKind::kSpikeWave, .at_s = {30}, .length_s = 20}}}));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].form, "spike_wave");
  EXPECT_EQ(FeatureOf(events[0], "electrographic_seizure_criterion"), 1.0);
}

TEST(Events, PeriodicDischargesAreToldApartBySideAndAreNotSpikes) {
  for (const bool lateral : {true, false}) {
    const auto kind = lateral ? PlantKind::kPled : PlantKind::kGped;
    const auto events =
        Findings(EventsIn({.plants = {{.kind = kind, .from_s = 20, .until_s = 100}}}));
    ASSERT_THAT(events, SizeIs(1)) << lateral;
    EXPECT_EQ(events[0].type, lateral ? EventType::kPled : EventType::kGped);
    EXPECT_NEAR(events[0].onset_s, 20, 1);
    EXPECT_NEAR(events[0].end_s(), 100, 2.5);
    EXPECT_NEAR(FeatureOf(events[0], "rate_hz"), 1, 0.1);
    EXPECT_EQ(FeatureOf(events[0], "laterality") > kLateralised, lateral);
    EXPECT_GE(FeatureOf(events[0], "discharges"), 60);
  }
}

TEST(Events, ASeizureIsOneEventThatEvolves) {
  for (const double amplitude : {90.0, 150.0, 225.0}) {
    const auto events = Findings(EventsIn({.plants = {{.kind = PlantKind::kSeizure,
                                                       .at_s = {40},
                                                       .length_s = 30,
                                                       .amplitude_uv = amplitude}}}));
    ASSERT_THAT(events, SizeIs(1)) << amplitude;
    EXPECT_EQ(events[0].type, EventType::kSeizure);
    EXPECT_NEAR(events[0].onset_s, 40, 1);
    EXPECT_NEAR(events[0].end_s(), 70, 2);
    EXPECT_LT(FeatureOf(events[0], "to_hz"), FeatureOf(events[0], "from_hz"));
    EXPECT_THAT(events[0].channels, Contains("T7"));
  }
}

TEST(Events, BurstSuppressionIsOneEvent) {
  const auto events = Findings(
      EventsIn({.seconds = 180,
                .plants = {{.kind = PlantKind::kBurstSuppression, .from_s = 30, .until_s = 150}}}));
  const auto found = OfType(events, EventType::kBurstSuppression);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_NEAR(found[0].onset_s, 30, 1);
  EXPECT_NEAR(found[0].end_s(), 150, 6);
  EXPECT_GT(FeatureOf(found[0], "suppressed_fraction"), 0.5);
}

TEST(Events, NormalEegHasNoneAndArtifactsAreOnlyArtifacts) {
  for (uint64_t seed = 7100; seed < 7106; ++seed) {
    EXPECT_THAT(Findings(EventsIn({.seed = seed})), IsEmpty()) << seed;
  }
  const Scene spoiled{.plants = {{.kind = PlantKind::kBlink, .every_s = 4.3},
                                 {.kind = PlantKind::kMuscle, .at_s = {33, 81}, .length_s = 4},
                                 {.kind = PlantKind::kMovement, .at_s = {50}},
                                 {.kind = PlantKind::kElectrodePop, .at_s = {20.5, 66}},
                                 {.kind = PlantKind::kLineNoise}}};
  const auto events = EventsIn(spoiled);
  EXPECT_THAT(Findings(events), IsEmpty());
  const auto starts_near = [&](std::string_view form, double onset_s) {
    return std::ranges::any_of(events, [&](const Event& event) {
      return event.form == form && std::abs(event.onset_s - onset_s) <= 1.0;
    });
  };
  EXPECT_TRUE(starts_near("muscle", 33));
  EXPECT_TRUE(starts_near("muscle", 81));
  EXPECT_TRUE(starts_near("movement", 50));
  EXPECT_TRUE(starts_near("pop", 20.5));
  size_t blinks = 0;
  for (double at = 0; at < 119; at += 4.3) blinks += starts_near("blink", at) ? 1 : 0;
  EXPECT_GE(blinks, 24U);
}

TEST(Events, SteadyAlphaAndSleepFiguresAreNoEvents) {
  EXPECT_THAT(Findings(EventsIn({.plants = {{.kind = PlantKind::kAlpha, .amplitude_uv = 60}}})),
              IsEmpty());
  const Scene sleep{.seconds = 300,
                    .hypnogram = std::vector<synth::SleepStage>(10, synth::SleepStage::kN2)};
  EXPECT_THAT(Findings(EventsIn(sleep)), IsEmpty());
}

TEST(Events, EveryEventIsWithinTheRecordingAndNamesItsChannels) {
  const Scene scene{.seconds = 90,
                    .plants = {{.kind = PlantKind::kGped},
                               {.kind = PlantKind::kBlink, .every_s = 3},
                               {.kind = PlantKind::kSpike, .at_s = {0.1, 89.5}}}};
  for (const Event& event : EventsIn(scene)) {
    EXPECT_GE(event.onset_s, 0);
    EXPECT_LE(event.end_s(), 90 + 1e-9);
    EXPECT_GT(event.duration_s, 0);
    EXPECT_GE(event.confidence, 0);
    EXPECT_LE(event.confidence, 1);
    EXPECT_FALSE(event.channels.empty());
  }
}

TEST(Events, WithoutUsableChannelsThereIsNothing) {
  MemoryRecording recording;
  for (const char* name : {"C3", "C4", "O1", "O2"}) {
    recording.Add(name, 200, std::vector<double>(200 * 90, 0.0));
  }
  const auto found = Detect(recording);
  EXPECT_TRUE(found->survey.layout.rows.empty());
  EXPECT_THAT(found->events, IsEmpty());
}

TEST(Events, MissingSamplesAndOffsetsDoNotMatter) {
  auto recording = MakeScene(
      {.plants = {{.kind = PlantKind::kSpike, .at_s = {30, 60.5, 95}, .channels = {"C3"}}}});
  for (size_t c = 0; c < recording.view().channels.size(); ++c) {
    for (double& value : recording.samples(c)) value += 3000;
    for (size_t i = 5000; i < 5200; ++i) recording.samples(c)[i] = NAN;
  }
  size_t spikes = 0;
  for (const Event& event : OfType(Detect(recording)->events, EventType::kEpileptiform)) {
    spikes += event.channels.front() == "C3" ? 1 : 0;
  }
  EXPECT_EQ(spikes, 3U);
}

TEST(Events, TheResultListsAndCountsThem) {
  auto recording = MakeScene({.plants = {{.kind = PlantKind::kSpike, .at_s = {30, 60}}}});
  const auto json = ToJson(*Detect(recording));
  EXPECT_EQ(json.at("counts").at("epileptiform").to_number<size_t>(), 2U);
  std::set<std::string> types;
  for (const auto& event : json.at("events").as_array()) {
    types.insert(std::string(event.at("event_type").as_string()));
    EXPECT_TRUE(event.at("onset").is_double());
    EXPECT_GE(event.at("channels").as_array().size(), 1U);
  }
  const std::set<std::string> known = {"epileptiform", "PLED",     "GPED",
                                       "seizure",      "artifact", "burst_suppression"};
  for (const std::string& type : types) EXPECT_TRUE(known.contains(type)) << type;
}

std::vector<Discharge> Regular(double period_s, size_t count, double jitter) {
  std::vector<Discharge> out;
  for (size_t i = 0; i < count; ++i) {
    Discharge d;
    d.time_s = 10 + period_s * (static_cast<double>(i) + (i % 2 == 0 ? jitter : -jitter));
    d.start_s = d.time_s - 0.05;
    d.amplitude_uv = -120;
    d.z = 12;
    d.left_uv = 50;
    d.right_uv = 5;
    out.push_back(d);
  }
  return out;
}

TEST(Trains, SixAtRegularIntervalsArePeriodicAndFiveAreNot) {
  EXPECT_THAT(FindTrains(Regular(1, 6, 0.02)), SizeIs(1));
  EXPECT_THAT(FindTrains(Regular(1, 5, 0.02)), IsEmpty());
  EXPECT_THAT(FindTrains(Regular(5, 12, 0.02)), IsEmpty());  // 0.2 a second
}

TEST(Trains, ScatteredDischargesAreNone) {
  const double intervals_s[] = {0.4, 2.0, 0.9, 3.0, 0.5, 1.6, 2.7, 0.35, 1.2, 3.1, 0.8, 2.2};
  auto discharges = Regular(1, 13, 0);
  for (size_t i = 0; i < std::size(intervals_s); ++i) {
    discharges[i + 1].time_s = discharges[i].time_s + intervals_s[i];
  }
  EXPECT_THAT(FindTrains(discharges), IsEmpty());
}

TEST(Trains, AMissedMemberDoesNotEndATrain) {
  auto discharges = Regular(1, 20, 0.02);
  discharges.erase(discharges.begin() + 9);
  const auto trains = FindTrains(discharges);
  ASSERT_THAT(trains, SizeIs(1));
  EXPECT_THAT(trains[0].members, SizeIs(19));
  EXPECT_NEAR(trains[0].rate_hz, 1, 0.05);
  EXPECT_NEAR(trains[0].laterality, 45.0 / 55, 1e-6);
}

/// A survey of one channel whose rhythm is given second by second.
Survey RhythmOnly(const std::vector<RhythmCell>& cells) {
  Survey survey;
  survey.layout.rows.resize(1);
  survey.seconds = cells.size();
  survey.rhythm = cells;
  return survey;
}

RhythmCell Cell(double level_uv, double hz, double purity) {
  return {static_cast<uint16_t>(10 * level_uv), static_cast<uint8_t>(10 * hz),
          static_cast<uint8_t>(255 * purity)};
}

TEST(Seizures, RhythmsThatDoNotEvolveOrAreBriefAreNone) {
  std::vector<RhythmCell> cells(120, Cell(10, 9, 0.2));
  auto steady = cells, brief = cells, evolving = cells;
  for (size_t s = 40; s < 70; ++s) steady[s] = Cell(60, 6, 0.9);
  for (size_t s = 40; s < 47; ++s) brief[s] = Cell(60, 6 - 0.3 * static_cast<double>(s - 40), 0.9);
  for (size_t s = 40; s < 70; ++s) {
    evolving[s] = Cell(60, 6 - 0.1 * static_cast<double>(s - 40), 0.9);
  }
  EXPECT_THAT(FindSeizures(RhythmOnly(steady)), IsEmpty());
  EXPECT_THAT(FindSeizures(RhythmOnly(brief)), IsEmpty());
  ASSERT_THAT(FindSeizures(RhythmOnly(evolving)), SizeIs(1));
}

TEST(Suppression, NeedsBurstsAndHalfOfTheTimeSuppressed) {
  const auto pattern = [](size_t quiet, size_t burst) {
    Survey survey;
    for (int k = 0; k < 12; ++k) {
      survey.amplitude.insert(survey.amplitude.end(), quiet, 1.5F);
      survey.amplitude.insert(survey.amplitude.end(), burst, 30.0F);
    }
    return survey;
  };
  EXPECT_THAT(FindBurstSuppression(pattern(16, 6)), SizeIs(1));
  EXPECT_THAT(FindBurstSuppression(pattern(8, 16)), IsEmpty());  // a third suppressed
  Survey silent;
  silent.amplitude.assign(400, 1.5F);
  EXPECT_THAT(FindBurstSuppression(silent), IsEmpty());  // no bursts
}

}  // namespace
}  // namespace montage::analysis
