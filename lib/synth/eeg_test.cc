// A generated recording contains what its truth says, and looks like EEG.

#include "lib/synth/eeg.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/formats/edf/reader.h"
#include "lib/formats/edf/writer.h"
#include "lib/synth/waves.h"

namespace synth {
namespace {

using formats::edf::MemorySink;
using formats::edf::MemorySource;
using formats::edf::Reader;

EegSpec Spec(double duration_s, std::vector<Plant> plants = {}) {
  EegSpec spec;
  spec.channels = FirstChannels(19).value();
  spec.duration_s = duration_s;
  spec.plants = std::move(plants);
  return spec;
}

EegGenerator Make(EegSpec spec) {
  auto generator = EegGenerator::Create(std::move(spec));
  EXPECT_TRUE(generator.has_value()) << (generator ? "" : generator.error().message);
  return std::move(generator).value();
}

size_t ChannelOf(const EegGenerator& generator, std::string_view name) {
  const auto& channels = generator.spec().channels;
  return static_cast<size_t>(std::ranges::find(channels, name) - channels.begin());
}

/// Microvolts of [from_s, from_s + length_s).
std::vector<double> Microvolts(const EegGenerator& generator, std::string_view channel,
                               double from_s, double length_s) {
  const double rate = generator.spec().rate_hz;
  std::vector<int16_t> ticks(static_cast<size_t>(length_s * rate));
  generator.Render(ChannelOf(generator, channel), static_cast<uint64_t>(from_s * rate), ticks);
  return {ticks.begin(), ticks.end()};
}

std::vector<double> Scaled(std::vector<double> ticks) {
  for (double& value : ticks) value /= kTicksPerMicrovolt;
  return ticks;
}

double Rms(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return std::sqrt(sum / static_cast<double>(x.size()));
}

double Correlation(const std::vector<double>& x, const std::vector<double>& y) {
  double xy = 0;
  for (size_t i = 0; i < x.size(); ++i) xy += x[i] * y[i];
  return xy / static_cast<double>(x.size()) / Rms(x) / Rms(y);
}

/// Power near a frequency: Goertzel on Hann windows of 4 s, averaged (uV^2 / Hz, unnormalised).
double Power(const std::vector<double>& x, double rate, double hz) {
  const auto window = static_cast<size_t>(4 * rate);
  double total = 0;
  size_t count = 0;
  for (size_t at = 0; at + window <= x.size(); at += window / 2, ++count) {
    double re = 0;
    double im = 0;
    for (size_t i = 0; i < window; ++i) {
      const double t = static_cast<double>(i) / static_cast<double>(window);
      const double w = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * t);
      const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / rate;
      re += w * x[at + i] * std::cos(angle);
      im += w * x[at + i] * std::sin(angle);
    }
    total += re * re + im * im;
  }
  return total / static_cast<double>(count);
}

TEST(Mathematics, AgreesWithTheLibrary) {
  for (double x = -3; x < 3; x += 0.01) {
    EXPECT_NEAR(SinTurns(x), std::sin(2 * std::numbers::pi * x), 1e-9) << x;
    EXPECT_NEAR(CosTurns(x), std::cos(2 * std::numbers::pi * x), 1e-9) << x;
    EXPECT_NEAR(ExpNegative(-10 * std::abs(x)), std::exp(-10 * std::abs(x)), 1e-10) << x;
  }
}

TEST(Background, HasRealisticAmplitudes) {
  const EegGenerator generator = Make(Spec(120));
  for (const std::string& channel : generator.spec().channels) {
    const double rms = Rms(Scaled(Microvolts(generator, channel, 0, 120)));
    EXPECT_GT(rms, 8) << channel;
    EXPECT_LT(rms, 30) << channel;
  }
}

TEST(Background, FallsWithFrequencyLikeAPowerLaw) {
  const EegGenerator generator = Make(Spec(240));
  const auto x = Microvolts(generator, "Fz", 0, 240);
  // Between 2 and 40 Hz, beside the rhythms.
  double sx = 0, sy = 0, sxx = 0, sxy = 0, n = 0;
  for (const double hz : {2.0, 3.0, 4.0, 5.5, 28.0, 32.0, 36.0, 40.0}) {
    double power = 0;
    for (double d = -0.5; d <= 0.5; d += 0.25) power += Power(x, 256, hz + d);
    const double lx = std::log10(hz);
    const double ly = std::log10(power);
    sx += lx, sy += ly, sxx += lx * lx, sxy += lx * ly, n += 1;
  }
  const double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  EXPECT_LT(slope, -0.7);
  EXPECT_GT(slope, -1.7);
}

TEST(Background, CorrelatesLessTheFartherApart) {
  const EegGenerator generator = Make(Spec(120));
  const auto f3 = Microvolts(generator, "F3", 0, 120);
  const double near = Correlation(f3, Microvolts(generator, "Fz", 0, 120));
  const double middle = Correlation(f3, Microvolts(generator, "C4", 0, 120));
  const double far = Correlation(f3, Microvolts(generator, "O2", 0, 120));
  EXPECT_GT(near, 0.5);
  EXPECT_GT(near, middle);
  EXPECT_GT(middle, far);
  EXPECT_LT(far, 0.4);
}

TEST(Background, HasItsAlphaAtTheBack) {
  const EegGenerator generator = Make(Spec(120));
  const double hz = generator.truth().background_alpha_hz;
  const auto ratio = [&](std::string_view channel) {
    const auto x = Microvolts(generator, channel, 0, 120);
    return Power(x, 256, hz) / (Power(x, 256, hz - 4) + Power(x, 256, hz + 4));
  };
  EXPECT_GT(ratio("O1"), 2);
  EXPECT_GT(ratio("O1"), 4 * ratio("Fp1"));
}

TEST(Background, DoesNotDependOnWhereReadingBegins) {
  const EegGenerator generator =
      Make(Spec(60, {{.kind = PlantKind::kSeizure, .at_s = {5}, .length_s = 40},
                     {.kind = PlantKind::kMuscle, .from_s = 3.3},
                     {.kind = PlantKind::kAlpha},
                     {.kind = PlantKind::kBurstSuppression, .from_s = 30}}));
  const auto whole = Microvolts(generator, "T7", 0, 60);
  std::vector<int16_t> piece(333);
  for (uint64_t first = 0; first + 333 <= whole.size(); first += 301) {
    generator.Render(ChannelOf(generator, "T7"), first, piece);
    for (size_t i = 0; i < piece.size(); ++i) ASSERT_EQ(piece[i], whole[first + i]) << first + i;
  }
}

TEST(Plants, RhythmPeaksAtItsFrequencyInItsChannels) {
  const EegGenerator generator = Make(Spec(
      60, {{.kind = PlantKind::kAlpha, .channels = {"O1", "O2"}, .amplitude_uv = 40, .hz = 11.5}}));
  for (const auto* channel : {"O1", "O2"}) {
    const auto x = Microvolts(generator, channel, 0, 60);
    double best = 0;
    double best_hz = 0;
    for (double hz = 2; hz < 40; hz += 0.25) {
      if (const double power = Power(x, 256, hz); power > best) best = power, best_hz = hz;
    }
    EXPECT_EQ(best_hz, 11.5) << channel;
  }
  const TruthEvent expected{"alpha", 0, 60, {17, 18}, 40, 11.5};
  EXPECT_THAT(generator.truth().events, ::testing::ElementsAre(expected));
}

/// The largest deflection that a plant adds, in microvolts, between two times.
double Deflection(const Plant& plant, std::string_view channel, double from_s, double length_s) {
  const EegGenerator with = Make(Spec(60, {plant}));
  const EegGenerator without = Make(Spec(60));
  const auto a = Microvolts(with, channel, from_s, length_s);
  const auto b = Microvolts(without, channel, from_s, length_s);
  double best = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::abs(a[i] - b[i]) > std::abs(best)) best = a[i] - b[i];
  }
  return best / kTicksPerMicrovolt;
}

TEST(Plants, SpikeIsNegativeAtItsOnsetAndNowhereElse) {
  const Plant spike{
      .kind = PlantKind::kSpike, .at_s = {20, 40}, .channels = {"T7"}, .amplitude_uv = 150};
  const EegGenerator generator = Make(Spec(60, {spike}));
  for (const TruthEvent& event : generator.truth().events) {
    EXPECT_GE(event.amplitude_uv, 0.75 * 150);
    EXPECT_LE(event.amplitude_uv, 150);
    EXPECT_NEAR(Deflection(spike, "T7", event.onset_s, 0.12), -event.amplitude_uv, 1);
  }
  EXPECT_EQ(Deflection(spike, "T7", 0, 20), 0);
  EXPECT_EQ(Deflection(spike, "T7", 20.7, 19.2), 0);
  // Its field reaches the neighbour and fades.
  EXPECT_LT(Deflection(spike, "F7", 20, 0.1), -10);
  EXPECT_GT(Deflection(spike, "F7", 20, 0.1), -75);
  EXPECT_GT(Deflection(spike, "T8", 20, 0.1), -5);
}

TEST(Plants, BlinkIsFrontalPositiveAndShort) {
  const Plant blink{.kind = PlantKind::kBlink, .at_s = {10}};
  const TruthEvent event = Make(Spec(60, {blink})).truth().events.at(0);
  EXPECT_NEAR(Deflection(blink, "Fp1", 10, event.duration_s), event.amplitude_uv, 2);
  EXPECT_THAT(event.amplitude_uv, ::testing::AllOf(::testing::Ge(112), ::testing::Le(150)));
  EXPECT_THAT(event.duration_s, ::testing::AllOf(::testing::Ge(0.2), ::testing::Le(0.4)));
  EXPECT_LT(Deflection(blink, "O1", 10, 0.3), 10);
  EXPECT_EQ(Deflection(blink, "Fp1", 10.41, 5), 0);
}

TEST(Plants, PeriodicDischargesComeAtTheirRate) {
  const EegGenerator with =
      Make(Spec(60, {{.kind = PlantKind::kPled, .from_s = 10, .until_s = 50, .hz = 1}}));
  const EegGenerator without = Make(Spec(60));
  const auto a = Microvolts(with, "T7", 0, 60);
  const auto b = Microvolts(without, "T7", 0, 60);
  int discharges = 0;
  bool inside = false;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool now = a[i] - b[i] < -600;
    discharges += now && !inside ? 1 : 0;
    inside = now;
  }
  EXPECT_NEAR(discharges, 40, 1);
  EXPECT_LT(std::abs(Deflection({.kind = PlantKind::kPled}, "T8", 10, 20)),
            std::abs(Deflection({.kind = PlantKind::kPled}, "T7", 10, 20)) / 4);
}

TEST(Plants, SeizureGrowsAndSlows) {
  const EegGenerator generator = Make(
      Spec(60, {{.kind = PlantKind::kSeizure, .at_s = {10}, .length_s = 40, .channels = {"T7"}}}));
  const auto early = Microvolts(generator, "T7", 11, 8);
  const auto late = Microvolts(generator, "T7", 40, 8);
  EXPECT_GT(Rms(late), 1.5 * Rms(early));
  const auto peak_hz = [](const std::vector<double>& x) {
    double best = 1.5;
    for (double hz = 1.5; hz < 9; hz += 0.25)
      if (Power(x, 256, hz) > Power(x, 256, best)) best = hz;
    return best;
  };
  EXPECT_NEAR(peak_hz(early), 5.7, 0.6);
  EXPECT_LT(peak_hz(late), 0.75 * peak_hz(early));
}

TEST(Plants, SlowingIsSlowIrregularAndWhereItIsPlanted) {
  const auto power = [](const EegGenerator& generator, std::string_view channel, double hz) {
    return Power(Microvolts(generator, channel, 0, 60), 256, hz);
  };
  const EegGenerator plain = Make(Spec(60));
  const EegGenerator diffuse = Make(Spec(60, {{.kind = PlantKind::kSlowing}}));
  for (const auto* channel : {"Fp1", "C4", "O2"}) {
    EXPECT_GT(power(diffuse, channel, 2), 8 * power(plain, channel, 2)) << channel;
    EXPECT_LT(power(diffuse, channel, 20), 2 * power(plain, channel, 20)) << channel;
  }
  const EegGenerator focal = Make(Spec(60, {{.kind = PlantKind::kSlowing, .channels = {"T7"}}}));
  EXPECT_GT(power(focal, "T7", 2), 8 * power(plain, "T7", 2));
  EXPECT_LT(power(focal, "P4", 2), 1.5 * power(plain, "P4", 2));
  // Its size is what the plant says, and no single frequency holds it.
  const auto with = Microvolts(focal, "T7", 2, 56);
  const auto without = Microvolts(plain, "T7", 2, 56);
  std::vector<double> added(with.size());
  for (size_t i = 0; i < with.size(); ++i) added[i] = (with[i] - without[i]) / kTicksPerMicrovolt;
  EXPECT_NEAR(Rms(added), 40, 6);
  EXPECT_GT(Power(added, 256, 1.25), 0.1 * Power(added, 256, 2));
}

TEST(Plants, BurstSuppressionIsQuietBetweenBursts) {
  const EegGenerator generator = Make(Spec(60, {{.kind = PlantKind::kBurstSuppression}}));
  double suppressed = 0;
  for (const TruthEvent& event : generator.truth().events) {
    if (event.kind == "suppression" && event.duration_s > 1) {
      suppressed += event.duration_s;
      const auto quiet =
          Scaled(Microvolts(generator, "Cz", event.onset_s + 0.3, event.duration_s - 0.6));
      for (const double v : quiet) ASSERT_LT(std::abs(v), 10);
    }
    if (event.kind == "burst") {
      EXPECT_GT(Rms(Scaled(Microvolts(generator, "Cz", event.onset_s, event.duration_s))), 20);
    }
  }
  EXPECT_GT(suppressed, 30);
}

TEST(Plants, BadChannelsAreBadAndNamed) {
  const EegGenerator generator =
      Make(Spec(20, {{.kind = PlantKind::kFlat, .channels = {"T7"}},
                     {.kind = PlantKind::kNoisy, .channels = {"F8"}},
                     {.kind = PlantKind::kDcOffset, .channels = {"P3"}, .amplitude_uv = -400},
                     {.kind = PlantKind::kClipped, .channels = {"O2"}, .amplitude_uv = 15}}));
  const auto flat = Microvolts(generator, "T7", 0, 20);
  EXPECT_TRUE(std::ranges::all_of(flat, [](double v) { return v == 0; }));
  EXPECT_NEAR(Rms(Scaled(Microvolts(generator, "F8", 0, 20))), 300, 30);
  double sum = 0;
  for (const double v : Scaled(Microvolts(generator, "P3", 0, 20))) sum += v;
  EXPECT_NEAR(sum / (20 * 256), -400, 10);
  const auto clipped = Scaled(Microvolts(generator, "O2", 0, 20));
  EXPECT_EQ(std::ranges::max(clipped), 15);
  EXPECT_GT(std::ranges::count(clipped, 15.0), 100);
  std::vector<std::string> bad;
  for (const BadChannel& channel : generator.truth().bad_channels) {
    bad.push_back(channel.channel + " " + std::string(channel.kind));
  }
  EXPECT_THAT(bad, ::testing::ElementsAre("T7 flat", "F8 noisy", "P3 dc_offset", "O2 clipped"));
}

TEST(Plants, LineNoiseIsNarrowAndEverywhere) {
  const EegGenerator generator = Make(Spec(30, {{.kind = PlantKind::kLineNoise, .hz = 60}}));
  for (const auto* channel : {"Fp1", "Cz", "O2"}) {
    const auto x = Microvolts(generator, channel, 0, 30);
    EXPECT_GT(Power(x, 256, 60), 100 * Power(x, 256, 57)) << channel;
  }
}

TEST(Plants, MuscleIsFastAndTemporal) {
  const EegGenerator generator = Make(Spec(30, {{.kind = PlantKind::kMuscle}}));
  const auto t7 = Microvolts(generator, "T7", 0, 30);
  const auto cz = Microvolts(generator, "Cz", 0, 30);
  EXPECT_GT(Power(t7, 256, 70), 20 * Power(cz, 256, 70));
}

EegSpec Night() {
  EegSpec spec = Spec(600);
  spec.channels = {"F3", "F4", "C3", "C4", "O1", "O2", "E1", "E2", "EMG chin"};
  for (const SleepStage stage :
       {SleepStage::kWake, SleepStage::kN1, SleepStage::kN2, SleepStage::kN3, SleepStage::kRem}) {
    spec.hypnogram.insert(spec.hypnogram.end(), 4, stage);
  }
  return spec;
}

TEST(Sleep, StagesDifferAsTheyAreScored) {
  const EegGenerator generator = Make(Night());
  ASSERT_EQ(generator.truth().hypnogram.size(), 20u);
  const auto stage = [&](std::string_view channel, int index) {
    return Microvolts(generator, channel, 120.0 * index + 6, 108);
  };
  const double rate = 256;
  // N3: high delta. Wake: alpha at the back. Chin: tone falls, lowest in REM.
  EXPECT_GT(Power(stage("C3", 3), rate, 1), 5 * Power(stage("C3", 0), rate, 1));
  const double alpha = generator.truth().background_alpha_hz;
  EXPECT_GT(Power(stage("O1", 0), rate, alpha), 4 * Power(stage("O1", 2), rate, alpha));
  EXPECT_GT(Rms(stage("EMG chin", 0)), 2 * Rms(stage("EMG chin", 4)));
  // Sigma in N2, not in REM.
  const double sigma = generator.truth().subject[Trait::kSpindleHz];
  const auto around = [&](int index) {
    double sum = 0;
    for (double d = -1; d <= 1; d += 0.25) sum += Power(stage("C3", index), rate, sigma + d);
    return sum;
  };
  EXPECT_GT(around(2), 2 * around(4));
}

TEST(Sleep, FiguresLieInTheirStage) {
  const EegGenerator generator = Make(Night());
  for (const TruthEvent& event : generator.truth().events) {
    const auto epoch = static_cast<size_t>(event.onset_s / kEpochSeconds);
    const SleepStage stage = generator.truth().hypnogram[epoch];
    if (event.kind == "k_complex") EXPECT_EQ(stage, SleepStage::kN2);
    if (event.kind == "spindle") EXPECT_TRUE(stage == SleepStage::kN2 || stage == SleepStage::kN3);
    if (event.kind == "slow_wave")
      EXPECT_TRUE(stage == SleepStage::kN2 || stage == SleepStage::kN3);
    if (event.kind == "rapid_eye_movement") {
      EXPECT_EQ(stage, SleepStage::kRem);
      // Both eyes move together: opposite signs.
      const auto left = Microvolts(generator, "E1", event.onset_s, 0.5);
      const auto right = Microvolts(generator, "E2", event.onset_s, 0.5);
      EXPECT_LT(Correlation(left, right), 0);
    }
  }
}

TEST(Sleep, PlannedNightsLookLikeNights) {
  const auto night = PlanNight(960, 3);
  ASSERT_EQ(night.size(), 960u);
  const auto share = [&](SleepStage stage, size_t from, size_t to) {
    return static_cast<double>(std::count(night.begin() + static_cast<std::ptrdiff_t>(from),
                                          night.begin() + static_cast<std::ptrdiff_t>(to), stage)) /
           static_cast<double>(to - from);
  };
  EXPECT_EQ(night.front(), SleepStage::kWake);
  EXPECT_GT(share(SleepStage::kN2, 0, 960), 0.35);
  EXPECT_GT(share(SleepStage::kN3, 0, 320), share(SleepStage::kN3, 640, 960));
  EXPECT_LT(share(SleepStage::kRem, 0, 320), share(SleepStage::kRem, 640, 960));
  EXPECT_NE(PlanNight(960, 4), night);
}

/// Reads the generated file and writes it again through the ordinary writer.
class FastPath : public ::testing::TestWithParam<EegFormat> {};
INSTANTIATE_TEST_SUITE_P(Eeg, FastPath,
                         ::testing::Values(EegFormat::kEdf, EegFormat::kEdfPlus, EegFormat::kBdf,
                                           EegFormat::kBdfPlus));

TEST_P(FastPath, GivesTheBytesOfTheWriter) {
  EegSpec spec = Night();
  spec.format = GetParam();
  const bool plus = spec.format == EegFormat::kEdfPlus || spec.format == EegFormat::kBdfPlus;
  spec.annotate = plus;
  spec.patient.name = "Doe Jane";
  const EegGenerator generator = Make(spec);
  MemorySink fast;
  ASSERT_TRUE(generator.WriteTo(fast));
  EXPECT_EQ(fast.bytes().size(), generator.truth().bytes);

  const auto reader = Reader::Open(std::make_unique<MemorySource>(fast.bytes()));
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  EXPECT_THAT(reader->warnings(), ::testing::IsEmpty());
  MemorySink slow;
  auto writer = formats::edf::Writer::Create(slow, generator.header());
  ASSERT_TRUE(writer.has_value());
  for (const auto& annotation : generator.annotations()) ASSERT_TRUE(writer->Annotate(annotation));
  for (uint64_t record = 0; record < reader->record_count(); ++record) {
    std::vector<std::vector<int32_t>> values;
    std::vector<std::span<const int32_t>> spans;
    for (const size_t signal : reader->sample_signals()) {
      values.emplace_back(256);
      ASSERT_TRUE(reader->ReadDigital(signal, record * 256, values.back()));
    }
    for (const auto& one : values) spans.emplace_back(one);
    ASSERT_TRUE(writer->WriteDigitalRecord(spans));
  }
  ASSERT_TRUE(writer->Finish());
  EXPECT_TRUE(slow.bytes() == fast.bytes());
  if (plus) {
    const auto list = reader->Annotations();
    ASSERT_TRUE(list.has_value());
    EXPECT_THAT(list->warnings, ::testing::IsEmpty());
    EXPECT_EQ(list->annotations.size(), generator.annotations().size());
  }
}

TEST(TruthJson, NamesChannelsAndEvents) {
  const EegGenerator generator =
      Make(Spec(20, {{.kind = PlantKind::kSpike, .at_s = {2.5}, .channels = {"T7"}},
                     {.kind = PlantKind::kFlat, .channels = {"Cz"}}}));
  const auto json = ToJson(generator.truth());
  EXPECT_EQ(json.at("seed"), 1);
  EXPECT_EQ(json.at("format"), "EDF");
  EXPECT_EQ(boost::json::serialize(json.at("bad_channels")),
            R"([{"channel":"Cz","kind":"flat","onset_s":0E0,"duration_s":2E1}])");
  EXPECT_EQ(json.at("events").at(1).at("kind"), "spike");
  EXPECT_EQ(json.at("events").at(1).at("onset_s"), 2.5);
  EXPECT_EQ(json.at("events").at(1).at("channels"), boost::json::array{"T7"});
}

}  // namespace
}  // namespace synth
