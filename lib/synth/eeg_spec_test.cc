// The JSON form of a spec: what is accepted, and the exact messages for what is not.

#include "lib/synth/eeg_spec.h"

#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/synth/eeg.h"

namespace synth {
namespace {

base::Result<EegSpec> Parse(std::string_view text) {
  return ParseEegSpec(boost::json::parse({text.data(), text.size()}).get_object());
}

TEST(SpecJson, ReadsTheExampleOfTheScenarioLanguage) {
  const auto spec = Parse(R"({"channels": 19, "rate": 256, "duration": "20m", "plant": [
      {"alpha": {"hz": 10, "channels": ["O1", "O2"]}},
      {"spike": {"at": ["30s", "95s"], "channel": "T7"}}]})");
  ASSERT_TRUE(spec.has_value()) << spec.error().message;
  EXPECT_EQ(spec->channels.size(), 19u);
  EXPECT_EQ(spec->duration_s, 1200);
  ASSERT_EQ(spec->plants.size(), 2u);
  EXPECT_EQ(spec->plants[0].kind, PlantKind::kAlpha);
  EXPECT_EQ(spec->plants[0].hz, 10);
  EXPECT_THAT(spec->plants[0].channels, ::testing::ElementsAre("O1", "O2"));
  EXPECT_THAT(spec->plants[1].at_s, ::testing::ElementsAre(30, 95));
  EXPECT_THAT(spec->plants[1].channels, ::testing::ElementsAre("T7"));
}

TEST(SpecJson, ReadsEveryField) {
  const auto spec =
      Parse(R"({"channels": ["C3", "Fpz-Cz", "E1"], "rate": 100.0, "seed": 18446744073709551615,
      "format": "bdf+", "record_duration": "2s", "start": "2025-02-28T23:59:58", "annotate": true,
      "background_uv": 20, "hypnogram": ["W", "N2*3", "REM"],
      "patient": {"code": "MRN-7", "sex": "F", "birthdate": "1980-02-29", "name": "Jane"},
      "plant": [{"seizure": {"at": 12, "duration": "30s", "amplitude_uv": 90}},
                {"blink": {"every": "4s", "from": "10s", "until": "50s"}}, {"gped": null}]})");
  ASSERT_TRUE(spec.has_value()) << spec.error().message;
  EXPECT_EQ(spec->seed, UINT64_MAX);
  EXPECT_EQ(spec->format, EegFormat::kBdfPlus);
  EXPECT_EQ(spec->duration_s, 150);  // from the hypnogram
  EXPECT_EQ(spec->hypnogram.size(), 5u);
  EXPECT_EQ(spec->patient.birthdate, std::chrono::year(1980) / 2 / 29);
  EXPECT_EQ(spec->plants[0].length_s, 30);
  EXPECT_EQ(spec->plants[1].every_s, 4);
  const auto generator = EegGenerator::Create(*spec);
  ASSERT_TRUE(generator.has_value()) << generator.error().message;
  EXPECT_EQ(generator->record_count(), 75u);
}

TEST(SpecJson, ReadsAPersonAndOpenEyes) {
  const auto spec = Parse(R"({"channels": 19, "duration": "2m", "eyes": ["closed*30s", "open*15s"],
      "subject": {"alpha_hz": 9.25, "blinks_per_minute": 20}})");
  ASSERT_TRUE(spec.has_value()) << spec.error().message;
  const auto generator = EegGenerator::Create(*spec);
  ASSERT_TRUE(generator.has_value()) << generator.error().message;
  EXPECT_EQ(generator->truth().background_alpha_hz, 9.25);
  EXPECT_EQ(generator->truth().subject[Trait::kBlinksPerMinute], 20);
  EXPECT_THAT(generator->truth().eyes_open,
              ::testing::ElementsAre(Stretch{30, 15}, Stretch{75, 15}));
  // Blinks come only then.
  EXPECT_FALSE(generator->truth().events.empty());
  for (const TruthEvent& event : generator->truth().events) {
    EXPECT_EQ(event.kind, "blink");
    EXPECT_TRUE((event.onset_s >= 30 && event.onset_s < 45) ||
                (event.onset_s >= 75 && event.onset_s < 90))
        << event.onset_s;
  }
}

TEST(SpecJson, PlansEveryKindOfNight) {
  for (const auto* name : {"night", "fragmented_night", "late_night", "shallow_night"}) {
    const auto spec = Parse(fmt::format(R"({{"duration": "2h", "hypnogram": "{}"}})", name));
    ASSERT_TRUE(spec.has_value()) << spec.error().message;
    EXPECT_EQ(spec->hypnogram, PlanNight(240, 1, ParseNightKind(name).value()));
  }
}

struct Wrong {
  std::string_view json;
  std::string message;
  std::string hint;
};

std::ostream& operator<<(std::ostream& out, const Wrong& wrong) { return out << wrong.json; }

class WrongSpec : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongSpec, IsRefusedWithItsPath) {
  auto spec = Parse(GetParam().json);
  base::Error error;
  if (spec) {
    auto generator = EegGenerator::Create(*spec);
    ASSERT_FALSE(generator.has_value());
    error = generator.error();
  } else {
    error = spec.error();
  }
  EXPECT_EQ(error.message, GetParam().message);
  EXPECT_EQ(error.hint, GetParam().hint);
}

INSTANTIATE_TEST_SUITE_P(
    Eeg, WrongSpec,
    ::testing::Values(
        Wrong{R"({"chanels": 3})", "unknown field \"chanels\" in edf",
              "did you mean \"channels\"?"},
        Wrong{R"({"channels": 0})", "channels is 0, expected a count or a list of names", ""},
        Wrong{R"({"channels": 1000})", "channels is 1000, expected 1 to 83", ""},
        Wrong{R"({"channels": ["Fpq"]})", "unknown channel \"Fpq\"", "did you mean \"Fp1\"?"},
        Wrong{R"({"channels": ["C3", "C3"]})", "channel \"C3\" is given twice", ""},
        Wrong{R"({"channels": [3]})", "channels[0] is 3, expected a string", ""},
        Wrong{R"({"rate": "fast"})", "rate is \"fast\", expected a number", ""},
        Wrong{R"({"rate": -1})", "rate is -1, expected a number above 0", ""},
        Wrong{R"({"rate": 256.5})",
              "a data record of 1 s at 256.5 Hz has 256.5 samples, expected a whole number up to "
              "10 million",
              ""},
        Wrong{R"({"duration": "20 minutes"})",
              "duration is \"20 minutes\", expected a duration like \"30s\", \"20m\"", ""},
        Wrong{R"({"duration": 0})", "duration is 0, expected more than 0 and at most 1e9 s", ""},
        Wrong{R"({"seed": -1})", "seed is -1, expected an integer, not negative", ""},
        Wrong{R"({"format": "fif"})", "format is \"fif\", expected edf, edf+, bdf or bdf+", ""},
        Wrong{R"({"start": "2026-01-01"})",
              "start is \"2026-01-01\", expected a local time like 2026-01-01T09:00:00", ""},
        Wrong{R"({"annotate": true})", "annotate is true, but only edf+ and bdf+ hold annotations",
              ""},
        Wrong{R"({"patient": {"born": 1}})", "unknown field \"born\" in patient",
              "expected one of code, sex, birthdate, name"},
        Wrong{R"({"plant": {"alpha": {}}})",
              R"(plant is {"alpha":{}}, expected a list of {kind: fields})", ""},
        Wrong{R"({"plant": [{"spyke": {"at": 1}}]})", "unknown kind \"spyke\" in plant[0]",
              "did you mean \"spike\"?"},
        Wrong{R"({"plant": [{"spike": {"when": 1}}]})", "unknown field \"when\" in plant[0].spike",
              "expected one of at, every, from, until, duration, channel, channels, amplitude_uv, "
              "hz"},
        Wrong{R"({"plant": [{"spike": {}}]})", "plant[0].spike has neither at nor every",
              "write spike: {at: [30s]}"},
        Wrong{R"({"plant": [{"spike": {"at": []}}]})",
              "plant[0].spike.at is [], expected at least one onset", ""},
        Wrong{R"({"plant": [{"spike": {"at": ["soon"]}}]})",
              "plant[0].spike.at[0] is \"soon\", expected a duration like \"30s\", \"20m\"", ""},
        Wrong{R"({"plant": [{"spike": {"at": 1, "hz": 3}}]})",
              "plant[0].spike.hz is given, but spike has no frequency", ""},
        Wrong{R"({"plant": [{"spike": {"at": 95}}]})",
              "plant[0].spike.at is 95 s, expected within the 60 s of the recording", ""},
        Wrong{R"({"plant": [{"flat": {"channel": "T9"}}]})",
              "plant[0].flat names channel \"T9\", which is not recorded", "did you mean \"T7\"?"},
        Wrong{R"({"channels": ["Cz"], "plant": [{"flat": {}}]})",
              "plant[0].flat has no channels, and its own T8 is not recorded", "write channel: Cz"},
        Wrong{R"({"plant": [{"alpha": {"from": 10, "until": 5}}]})",
              "plant[0].alpha.until is 5 s, expected after from, 10 s", ""},
        Wrong{R"({"plant": [{"alpha": {"hz": 200}}]})",
              "plant[0].alpha.hz is 200, expected more than 0 and at most 128", ""},
        Wrong{R"({"plant": [{"spike": {"at": 1, "amplitude_uv": 1e9}}]})",
              "plant[0].spike.amplitude_uv is 1000000000, expected 0 to 3200", ""},
        Wrong{R"({"subject": {"alfa_hz": 9}})", "unknown field \"alfa_hz\" in subject",
              "did you mean \"alpha_hz\"?"},
        Wrong{R"({"subject": {"alpha_hz": 20}})", "subject.alpha_hz is 20, expected 4 to 14", ""},
        Wrong{R"({"subject": {"exponent": "steep"}})",
              "subject.exponent is \"steep\", expected a number", ""},
        Wrong{R"({"eyes": "shut"})",
              "eyes is \"shut\", expected open, closed or a list like [\"closed*60s\", "
              "\"open*30s\"]",
              ""},
        Wrong{
            R"({"eyes": ["open*30s", "open*10s"]})",
            "eyes[1] is \"open*10s\", expected eyes and how long, like \"open*30s\", in multiples "
            "of 3 s",
            ""},
        Wrong{R"({"eyes": ["open"]})",
              "eyes[0] is \"open\", expected eyes and how long, like \"open*30s\", in multiples of "
              "3 s",
              ""},
        Wrong{R"({"background_uv": 300})",
              "background_uv is 300, expected more than 0 and at most 200", ""},
        Wrong{R"({"hypnogram": "afternoon"})",
              "hypnogram is \"afternoon\", expected a list of stages or \"night\"", ""},
        Wrong{R"({"hypnogram": ["W", "N4"]})",
              "hypnogram[1] is \"N4\", expected W, N1, N2, N3 or REM, or one repeated: N2*20", ""},
        Wrong{R"({"duration": 90, "hypnogram": ["W"]})",
              "the hypnogram has 1 epochs of 30 s, expected 3 for a duration of 90 s", ""}));

TEST(Tables, DescribeEveryKindOnce) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < PlantKinds().size(); ++i) {
    const PlantTraits& traits = PlantKinds()[i];
    EXPECT_EQ(static_cast<size_t>(traits.kind), i) << traits.name;
    EXPECT_TRUE(names.insert(traits.name).second);
    EXPECT_FALSE(traits.doc.empty());
    // Every kind can be planted.
    EegSpec spec;
    spec.channels = FirstChannels(19).value();
    spec.duration_s = 30;
    spec.plants = {{.kind = traits.kind}};
    if (traits.momentary) spec.plants[0].at_s = {10};
    const auto generator = EegGenerator::Create(spec);
    ASSERT_TRUE(generator.has_value()) << generator.error().message;
    EXPECT_EQ(generator->truth().events.at(0).kind, traits.name);
  }
  EXPECT_EQ(names.size(), 22u);
}

}  // namespace
}  // namespace synth
