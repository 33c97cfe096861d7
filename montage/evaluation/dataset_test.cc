// Corpora as they lie on disk, built small in a folder of the test's own.

#include "montage/evaluation/dataset.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/formats/edf/bytes.h"
#include "lib/synth/eeg.h"

namespace montage::evaluation {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Corpora : public ::testing::Test {
 protected:
  Corpora() : folder_(fs::path(::testing::TempDir()) / "montage_evaluation_corpora") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Corpora() override { fs::remove_all(folder_); }

  fs::path Text(const std::string& name, std::string_view text = "") {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  /// Two channels, `hypnogram` as annotations.
  void Recording(const std::string& name, synth::EegSpec spec) {
    spec.channels = {"Fpz-Cz", "Pz-Oz"};
    spec.rate_hz = 100;
    const fs::path path = Text(name);
    auto sink = formats::edf::FileSink::Create(path, base::Deadline::Never());
    ASSERT_TRUE(sink.has_value());
    ASSERT_TRUE(synth::GenerateEeg(std::move(spec), **sink).has_value());
    ASSERT_TRUE((*sink)->Close());
  }

  std::vector<std::string> Names(Dataset dataset) {
    const auto listing = ListDataset(dataset, folder_);
    EXPECT_TRUE(listing.has_value()) << (listing ? "" : listing.error().ToString());
    std::vector<std::string> names;
    if (listing)
      for (const DatasetItem& item : listing->items) names.push_back(item.name);
    return names;
  }

  fs::path folder_;
};

TEST_F(Corpora, TuabIsLabelledByItsFolders) {
  Text("edf/eval/normal/01_tcp_ar/b.edf");
  Text("edf/eval/abnormal/01_tcp_ar/a.edf");
  Text("edf/eval/abnormal/01_tcp_ar/notes.txt");
  Text("edf/other/c.edf");
  const auto listing = ListDataset(Dataset::kTuab, folder_);
  ASSERT_TRUE(listing.has_value());
  ASSERT_EQ(listing->items.size(), 2u);
  EXPECT_EQ(listing->items[0].name, "edf/eval/abnormal/01_tcp_ar/a.edf");
  EXPECT_EQ(ReadTruth(listing->items[0], 60, base::Deadline::Never())->is_abnormal, true);
  EXPECT_EQ(ReadTruth(listing->items[1], 60, base::Deadline::Never())->is_abnormal, false);
  EXPECT_THAT(listing->left_out,
              ElementsAre("edf/other/c.edf: neither below normal nor below abnormal"));
}

TEST_F(Corpora, TuabMayBeOneOfItsFolders) {
  Text("abnormal/a.edf");
  const auto listing = ListDataset(Dataset::kTuab, folder_ / "abnormal/");
  ASSERT_TRUE(listing.has_value()) << listing.error().ToString();
  EXPECT_EQ(listing->items[0].truth->is_abnormal, true);
}

TEST_F(Corpora, TuszTakesTheAnnotationBesideARecording) {
  Text("x/a.edf");
  Text("x/a.csv", "not read");
  Text("x/a.csv_bi", "channel,start_time,stop_time,label,confidence\nTERM,3.0,9.0,seiz,1.0\n");
  Text("x/b.edf");
  const auto listing = ListDataset(Dataset::kTusz, folder_);
  ASSERT_TRUE(listing.has_value());
  ASSERT_EQ(listing->items.size(), 1u);
  const auto truth = ReadTruth(listing->items[0], 60, base::Deadline::Never());
  ASSERT_TRUE(truth.has_value()) << truth.error().ToString();
  EXPECT_THAT(truth->events, ElementsAre(TimedEvent{"seizure", 3, 6}));
  EXPECT_THAT(truth->annotated.value(), ElementsAre("seizure"));
  EXPECT_THAT(listing->left_out, ElementsAre("x/b.edf: no annotation beside it"));
}

TEST_F(Corpora, ADamagedAnnotationIsAnErrorAtItsPlace) {
  Text("a.edf");
  Text("a.rec", "1,2,3,1\n1,5,x,1\n");
  const auto listing = ListDataset(Dataset::kTuev, folder_);
  ASSERT_TRUE(listing.has_value());
  const auto truth = ReadTruth(listing->items[0], 60, base::Deadline::Never());
  ASSERT_FALSE(truth.has_value());
  EXPECT_THAT(truth.error().ToString(), HasSubstr("a.rec:2:5: stop is \"x\", expected a number"));
}

TEST_F(Corpora, ChbMitIsWhatItsSummariesName) {
  Text("chb01/chb01_01.edf");
  Text("chb01/chb01-summary.txt",
       "File Name: chb01_01.edf\nNumber of Seizures in File: 1\nSeizure Start Time: 5 seconds\n"
       "Seizure End Time: 25 seconds\n\nFile Name: chb01_02.edf\nNumber of Seizures in File: 0\n");
  const auto listing = ListDataset(Dataset::kChbMit, folder_);
  ASSERT_TRUE(listing.has_value()) << listing.error().ToString();
  ASSERT_EQ(listing->items.size(), 1u);
  EXPECT_EQ(listing->items[0].truth->events[0].duration_s, 20);
  EXPECT_THAT(listing->left_out,
              ElementsAre("chb01/chb01_02.edf: named by chb01-summary.txt but not there"));
}

TEST_F(Corpora, SleepEdfPairsNightsWithHypnograms) {
  synth::EegSpec night{.duration_s = 120};
  night.start += std::chrono::seconds(30);
  Recording("SC4001E0-PSG.edf", night);
  synth::EegSpec scored{
      .duration_s = 150,
      .format = synth::EegFormat::kEdfPlus,
      .annotate = true,
      .hypnogram = {synth::SleepStage::kN2, synth::SleepStage::kN1, synth::SleepStage::kRem,
                    synth::SleepStage::kN3, synth::SleepStage::kN3}};
  Recording("SC4001EC-Hypnogram.edf", scored);
  Recording("SC4011E0-PSG.edf", night);
  const auto listing = ListDataset(Dataset::kSleepEdf, folder_);
  ASSERT_TRUE(listing.has_value()) << listing.error().ToString();
  ASSERT_EQ(listing->items.size(), 1u);
  // The hypnogram begins 30 s before the recording.
  const auto truth = ReadTruth(listing->items[0], 120, base::Deadline::Never());
  ASSERT_TRUE(truth.has_value()) << truth.error().ToString();
  EXPECT_THAT(truth->stages,
              ElementsAre(SleepStage::kN1, SleepStage::kRem, SleepStage::kN3, SleepStage::kN3));
  EXPECT_THAT(listing->left_out, ElementsAre("SC4011E0-PSG.edf: no hypnogram beside it"));
}

TEST_F(Corpora, EdfAnnotationsAreTheRecordingsOwn) {
  synth::EegSpec spec{.duration_s = 60,
                      .format = synth::EegFormat::kEdfPlus,
                      .annotate = true,
                      .plants = {{.kind = synth::PlantKind::kSpike, .at_s = {20}}}};
  Recording("deep/down/a.edf", spec);
  EXPECT_THAT(Names(Dataset::kEdfAnnotations), ElementsAre("deep/down/a.edf"));
  const auto listing = ListDataset(Dataset::kEdfAnnotations, folder_);
  const auto truth = ReadTruth(listing->items[0], 60, base::Deadline::Never());
  ASSERT_TRUE(truth.has_value()) << truth.error().ToString();
  ASSERT_EQ(truth->events.size(), 1u);
  EXPECT_EQ(truth->events[0].kind, "epileptiform");
  EXPECT_EQ(truth->events[0].onset_s, 20);
}

TEST_F(Corpora, NothingToEvaluateIsAnErrorThatSaysWhatWasLookedFor) {
  const auto empty = ListDataset(Dataset::kSleepEdf, folder_);
  ASSERT_FALSE(empty.has_value());
  EXPECT_EQ(empty.error().code, base::ErrorCode::kNotFound);
  EXPECT_THAT(empty.error().message, HasSubstr("nothing to evaluate below"));
  EXPECT_EQ(empty.error().hint,
            "--dataset sleep-edf looks for *-PSG.edf beside *-Hypnogram.edf of the same night");
  Text("a.edf");
  const auto bare = ListDataset(Dataset::kTusz, folder_);
  ASSERT_FALSE(bare.has_value());
  EXPECT_THAT(bare.error().message,
              HasSubstr("1 recordings without truth, the first is a.edf: no annotation beside it"));
  const auto nowhere = ListDataset(Dataset::kTuab, folder_ / "missing");
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_THAT(nowhere.error().message, HasSubstr("missing is no folder"));
}

TEST(DatasetNames, AreParsedAndSuggested) {
  for (const std::string& name : DatasetNames())
    EXPECT_EQ(ToString(ParseDataset(name).value()), name);
  const auto wrong = ParseDataset("tuabb");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().message, "unknown data set \"tuabb\"");
  EXPECT_EQ(wrong.error().hint, "did you mean \"tuab\"?");
}

}  // namespace
}  // namespace montage::evaluation
