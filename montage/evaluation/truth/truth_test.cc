// The readers of annotation files, on small files written by hand after the published formats.

#include "montage/evaluation/truth/truth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/evaluation/truth/chb_mit.h"
#include "montage/evaluation/truth/edf_truth.h"
#include "montage/evaluation/truth/tuh.h"

namespace montage::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Labels, MeanKindsOfEvents) {
  EXPECT_EQ(MeaningOf("SPSW"), "epileptiform");
  EXPECT_EQ(MeaningOf("gped"), "GPED");
  EXPECT_EQ(MeaningOf("LPD"), "PLED");
  EXPECT_EQ(MeaningOf("FNSZ"), "seizure");
  EXPECT_EQ(MeaningOf("eyem_musc"), "artifact");
  EXPECT_EQ(MeaningOf("BCKG"), "background");
  // Not epileptic, unknown, and no pair of artifacts.
  EXPECT_EQ(MeaningOf("nesz"), "");
  EXPECT_EQ(MeaningOf("zzz"), "");
  EXPECT_EQ(MeaningOf("musc_seiz"), "");
}

TEST(Labels, NameSleepStages) {
  EXPECT_EQ(ParseSleepStage("4"), SleepStage::kN3);
  EXPECT_EQ(ParseSleepStage("R"), SleepStage::kRem);
  EXPECT_EQ(ParseSleepStage("n2"), SleepStage::kN2);
  EXPECT_EQ(ParseSleepStage("?"), std::nullopt);
  EXPECT_EQ(ParseSleepStage("M"), std::nullopt);
}

TEST(JoinOverlapping, MakesOneEventOfSeveralChannels) {
  EXPECT_THAT(
      JoinOverlapping({{"PLED", 5, 2}, {"PLED", 1, 3}, {"PLED", 2, 2}, {"seizure", 2, 1}}),
      ElementsAre(TimedEvent{"PLED", 1, 3}, TimedEvent{"seizure", 2, 1}, TimedEvent{"PLED", 5, 2}));
}

TEST(Tuh, ReadsTse) {
  const auto truth = ReadTuhAnnotation("a.tse",
                                       "version = tse_v1.0.0\n\n"
                                       "0.0000 36.8868 bckg 1.0000\n"
                                       "36.8868 183.3055 fnsz 1.0000\n"
                                       "183.3055 301.0000 bckg 1.0000\n");
  ASSERT_TRUE(truth.has_value()) << truth.error().message;
  ASSERT_EQ(truth->events.size(), 1u);
  EXPECT_EQ(truth->events[0].kind, "seizure");
  EXPECT_NEAR(truth->events[0].end_s(), 183.3055, 1e-9);
  EXPECT_FALSE(truth->reviewed.has_value());
}

TEST(Tuh, ReadsCsvAndJoinsItsChannels) {
  const auto truth = ReadTuhAnnotation("a.csv",
                                       "# version = csv_v1.0.0\r\n"
                                       "# bname = aaaaaaac_s001_t000\r\n"
                                       "# duration = 301.00 secs\r\n"
                                       "#\r\n"
                                       "channel,start_time,stop_time,label,confidence\r\n"
                                       "FP1-F7,0.0000,36.0000,bckg,1.0000\r\n"
                                       "FP1-F7,36.0000,80.5000,cpsz,1.0000\r\n"
                                       "F7-T3,40.0000,90.0000,cpsz,1.0000\r\n"
                                       "C3-CZ,100.0000,101.0000,eyem_musc,1.0000\r\n");
  ASSERT_TRUE(truth.has_value()) << truth.error().message;
  EXPECT_THAT(truth->events,
              ElementsAre(TimedEvent{"seizure", 36, 54}, TimedEvent{"artifact", 100, 1}));
}

TEST(Tuh, ReadsRecAndReviewsOnlyWhatItNames) {
  const auto truth = ReadTuhAnnotation("a.rec",
                                       "13,90.4,91.4,6\n"
                                       "3,22.1,23.1,1\n"
                                       "4,22.6,23.6,1\n"
                                       "5,40.0,41.0,3\n");
  ASSERT_TRUE(truth.has_value()) << truth.error().message;
  ASSERT_EQ(truth->events.size(), 2u);
  EXPECT_EQ(truth->events[0].kind, "epileptiform");
  EXPECT_NEAR(truth->events[0].duration_s, 1.5, 1e-9);
  EXPECT_EQ(truth->events[1].kind, "PLED");
  ASSERT_TRUE(truth->reviewed.has_value());
  EXPECT_EQ(truth->reviewed->size(), 3u);
}

struct Wrong {
  std::string name;
  std::string text;
  std::string error;
};
std::ostream& operator<<(std::ostream& out, const Wrong& wrong) { return out << wrong.error; }

class WrongTuh : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongTuh, IsRefusedWithItsPlace) {
  const auto truth = ReadTuhAnnotation(GetParam().name, GetParam().text);
  ASSERT_FALSE(truth.has_value());
  EXPECT_EQ(truth.error().ToString(), GetParam().error);
}

const std::string kTse = "version = tse_v1.0.0\n";
const std::string kCsv = "channel,start_time,stop_time,label,confidence\n";

INSTANTIATE_TEST_SUITE_P(
    Tuh, WrongTuh,
    ::testing::Values(
        Wrong{"x.tse", "", "x.tse:1:1: the file is empty, expected \"version = tse_v1.0.0\""},
        Wrong{"x.tse", "0 1 bckg 1\n",
              "x.tse:1:1: expected \"version = tse_v1.0.0\", found \"0 1 bckg 1\""},
        Wrong{"x.tse", kTse + "0 1 bckg\n",
              "x.tse:2:1: expected start, stop, label and probability, found 3 columns"},
        Wrong{"x.tse", kTse + "0 1 bckg 1\n1 two seiz 1\n",
              "x.tse:3:3: stop is \"two\", expected a number"},
        Wrong{"x.tse", kTse + "5 4 seiz 1\n",
              "x.tse:2:3: stop is 4 s, expected not before start, 5 s"},
        Wrong{"x.tse", kTse + "-1 4 seiz 1\n", "x.tse:2:1: start is -1 s, expected not negative"},
        Wrong{
            "x.csv", "# version = csv_v1.0.0\n",
            "x.csv:1:1: the file has no heading \"channel,start_time,stop_time,label,confidence\""},
        Wrong{"x.csv", "a,b\n",
              "x.csv:1:1: expected the heading \"channel,start_time,stop_time,label,confidence\", "
              "found \"a,b\""},
        Wrong{"x.csv_bi", kCsv + "TERM,0,1,seiz\n",
              "x.csv_bi:2:1: expected 5 columns (channel,start_time,stop_time,label,confidence), "
              "found 4"},
        Wrong{"x.csv", kCsv + "TERM,0,nan,seiz,1\n",
              "x.csv:2:8: stop is \"nan\", expected a number"},
        Wrong{"x.csv", kCsv + "TERM,0,1,,1\n", "x.csv:2:1: the label is missing"},
        Wrong{"x.csv", kCsv + "TERM,0,1,seiz,sure\n",
              "x.csv:2:15: confidence is \"sure\", expected a number"},
        Wrong{"x.rec", "1,0,1,7\n", "x.rec:1:7: code is 7, expected 1 to 6"},
        Wrong{"x.rec", "1,0,1\n",
              "x.rec:1:1: expected channel, start, stop and code, found 3 columns"},
        Wrong{"x.txt", "1,0,1\n",
              "x.txt:1:1: unknown kind of annotation \".txt\", expected .tse, .tse_bi, .csv, "
              ".csv_bi or .rec"}));

constexpr std::string_view kSummary =
    "Data Sampling Rate: 256 Hz\n"
    "*************************\n\n"
    "Channels in EDF Files:\n"
    "**********************\n"
    "Channel 1: FP1-F7\n\n"
    "File Name: chb01_01.edf\n"
    "File Start Time: 11:42:54\n"
    "File End Time: 12:42:54\n"
    "Number of Seizures in File: 0\n\n"
    "File Name: chb01_03.edf\n"
    "Number of Seizures in File: 1\n"
    "Seizure Start Time: 2996 seconds\n"
    "Seizure End Time: 3036 seconds\n\n"
    "File Name: chb06_01.edf\n"
    "Number of Seizures in File: 2\n"
    "Seizure 1 Start Time: 1724 seconds\n"
    "Seizure 1 End Time: 1738 seconds\n"
    "Seizure 2 Start Time: 7461 seconds\n"
    "Seizure 2 End Time: 7476 seconds\n";

TEST(ChbMit, ReadsTheSeizuresOfEveryFile) {
  const auto truths = ReadChbMitSummary("chb01-summary.txt", std::string(kSummary));
  ASSERT_TRUE(truths.has_value()) << truths.error().ToString();
  ASSERT_EQ(truths->size(), 3u);
  EXPECT_THAT(truths->at("chb01_01.edf").events, IsEmpty());
  EXPECT_THAT(truths->at("chb01_03.edf").events, ElementsAre(TimedEvent{"seizure", 2996, 40}));
  EXPECT_EQ(truths->at("chb06_01.edf").events.size(), 2u);
}

class WrongSummary : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongSummary, IsRefusedWithItsPlace) {
  const auto truths = ReadChbMitSummary("s.txt", GetParam().text);
  ASSERT_FALSE(truths.has_value());
  EXPECT_EQ(truths.error().ToString(), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    ChbMit, WrongSummary,
    ::testing::Values(
        Wrong{"", "hello\n", "s.txt:1:1: no \"File Name:\" in it, expected a CHB-MIT summary"},
        Wrong{"", "Seizure Start Time: 3 seconds\n",
              "s.txt:1:1: a seizure before any \"File Name:\""},
        Wrong{"", "File Name: a.edf\nSeizure Start Time: soon\n",
              "s.txt:2:21: Seizure Start Time is \"soon\", expected a number"},
        Wrong{"", "File Name: a.edf\nSeizure Start Time: 9 seconds\nSeizure End Time: 3 seconds\n",
              "s.txt:3:19: end is 3 s, expected not before start, 9 s"},
        Wrong{"", "File Name: a.edf\nSeizure End Time: 3 seconds\n",
              "s.txt:2:1: the end of a seizure without its start"},
        Wrong{"", "File Name: a.edf\nNumber of Seizures in File: 2\n",
              "s.txt:1:1: the file should have 2 seizures, but times are given for 0"},
        Wrong{"", "File Name: a.edf\nFile Name: a.edf\n", "s.txt:2:12: \"a.edf\" is named twice"}));

TEST(EdfTruth, ReadsAHypnogramOfSleepEdf) {
  // Wake 60 s, stages 1, 4, R, movement, unknown.
  const auto truth = ReadEdfTruth({{{0, 60, "Sleep stage W"},
                                    {60, 30, "Sleep stage 1"},
                                    {90, 30, "Sleep stage 4"},
                                    {120, 30, "Sleep stage R"},
                                    {150, 30, "Movement time"},
                                    {180, 300, "Sleep stage ?"}}},
                                  210);
  ASSERT_TRUE(truth.has_value()) << truth.error().message;
  EXPECT_THAT(truth->stages,
              ElementsAre(SleepStage::kWake, SleepStage::kWake, SleepStage::kN1, SleepStage::kN3,
                          SleepStage::kRem, std::nullopt, std::nullopt));
  EXPECT_THAT(truth->events, IsEmpty());
}

TEST(EdfTruth, ShiftsAHypnogramThatStartsElsewhere) {
  const std::vector<formats::edf::Annotation> list = {{0, 30, "Sleep stage N2"},
                                                      {30, 60, "Sleep stage N3"}};
  const auto later = ReadEdfTruth(list, 120, 30);
  ASSERT_TRUE(later.has_value());
  EXPECT_THAT(later->stages,
              ElementsAre(std::nullopt, SleepStage::kN2, SleepStage::kN3, SleepStage::kN3));
  const auto earlier = ReadEdfTruth(list, 60, -30);
  ASSERT_TRUE(earlier.has_value());
  EXPECT_THAT(earlier->stages, ElementsAre(SleepStage::kN3, SleepStage::kN3));
}

TEST(EdfTruth, ReadsRemarksThatNameEvents) {
  const auto truth = ReadEdfTruth({{{5, 0.4, "spike"},
                                    {20, 30, "Seizure"},
                                    {60, 40, "burst suppression"},
                                    {61, {}, "patient coughs"}}},
                                  300);
  ASSERT_TRUE(truth.has_value());
  EXPECT_THAT(truth->events,
              ElementsAre(TimedEvent{"epileptiform", 5, 0.4}, TimedEvent{"seizure", 20, 30},
                          TimedEvent{"burst_suppression", 60, 40}));
  EXPECT_THAT(truth->stages, IsEmpty());
}

TEST(EdfTruth, RefusesWhatContradictsItself) {
  const auto both = ReadEdfTruth({{{0, 30, "Sleep stage W"}, {0, 30, "Sleep stage 2"}}}, 30);
  ASSERT_FALSE(both.has_value());
  EXPECT_EQ(both.error().message, "the epoch at 0 s is both W and N2");
  const auto endless = ReadEdfTruth({{{30, {}, "Sleep stage W"}}}, 60);
  ASSERT_FALSE(endless.has_value());
  EXPECT_EQ(endless.error().message, "\"Sleep stage W\" at 30 s has no duration");
}

TEST(TrimWake, KeepsSomeWakeAroundTheSleep) {
  std::vector<std::optional<SleepStage>> stages(10, SleepStage::kWake);
  stages[4] = SleepStage::kN2;
  stages[5] = SleepStage::kRem;
  TrimWake(stages, 2);
  EXPECT_EQ(stages[1], std::nullopt);
  EXPECT_EQ(stages[2], SleepStage::kWake);
  EXPECT_EQ(stages[7], SleepStage::kWake);
  EXPECT_EQ(stages[8], std::nullopt);
  std::vector<std::optional<SleepStage>> awake(5, SleepStage::kWake);
  TrimWake(awake, 1);
  EXPECT_EQ(awake[0], SleepStage::kWake);
}

}  // namespace
}  // namespace montage::evaluation
