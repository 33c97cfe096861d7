// Whole recordings: by hand, written and read back, and real files.

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "lib/base/random.h"
#include "lib/formats/edf/reader.h"
#include "lib/formats/edf/test_bytes.h"
#include "lib/formats/edf/writer.h"

namespace formats::edf {
namespace {

using std::string_literals::operator""s;

Reader OpenBytes(std::vector<uint8_t> bytes) {
  auto reader = Reader::Open(std::make_unique<MemorySource>(std::move(bytes)));
  EXPECT_TRUE(reader.has_value()) << (reader ? "" : reader.error().message);
  return std::move(reader).value();
}

Header MakeHeader(Variant variant, std::vector<uint32_t> samples_per_record) {
  Header header;
  header.variant = variant;
  header.start = std::chrono::local_days(std::chrono::year(2026) / 11 / 21);
  for (size_t i = 0; i < samples_per_record.size(); ++i) {
    Signal signal;
    signal.label = "S" + std::to_string(i);
    signal.physical_dimension = "uV";
    signal.digital_min = IsBdf(variant) ? -8388608 : -32768;
    signal.digital_max = IsBdf(variant) ? 8388607 : 32767;
    signal.samples_per_record = samples_per_record[i];
    header.signals.push_back(signal);
  }
  return header;
}

TEST(Reading, GivesTheSamplesOfAHandWrittenFile) {
  HandWritten file;
  file.signals[0].physical_max = "300";  // 2 units a step from -100
  const auto reader = Reader::Open(file.Source());
  ASSERT_TRUE(reader.has_value());
  std::vector<int32_t> digital(4);
  ASSERT_TRUE(reader->ReadDigital(0, 0, digital));
  EXPECT_THAT(digital, ::testing::ElementsAre(1, -1, 100, -100));
  std::vector<double> physical(2);
  ASSERT_TRUE(reader->ReadPhysical(0, 2, physical));
  EXPECT_THAT(physical, ::testing::ElementsAre(300, -100));
}

TEST(Reading, Decodes24Bits) {
  HandWritten file;
  file.version = "\xff"s + "BIOSEMI";
  file.signals[0].digital_min = "-8388608";
  file.signals[0].digital_max = "8388607";
  file.signals[0].dimension = "mV";
  file.body = "\x01\x00\x00\xff\xff\xff\xff\xff\x7f\x00\x00\x80"s;
  const auto reader = Reader::Open(file.Source());
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  std::vector<int32_t> digital(4);
  ASSERT_TRUE(reader->ReadDigital(0, 0, digital));
  EXPECT_THAT(digital, ::testing::ElementsAre(1, -1, 8388607, -8388608));
  std::vector<double> microvolts(2);
  ASSERT_TRUE(reader->ReadMicrovolts(0, 2, microvolts));
  EXPECT_THAT(microvolts, ::testing::ElementsAre(100'000, -100'000));
}

TEST(Reading, RefusesRangesAndUnitsThatAreNotThere) {
  HandWritten file;
  file.signals[0].dimension = "DegC";
  const auto reader = Reader::Open(file.Source());
  ASSERT_TRUE(reader.has_value());
  std::vector<double> into(3);
  EXPECT_EQ(reader->ReadPhysical(0, 2, into).error().message,
            "samples 2 to 5 of \"EEG Fz\" are wanted, expected within its 4 samples");
  EXPECT_EQ(reader->ReadPhysical(0, UINT64_MAX, into).error().code, base::ErrorCode::kInvalid);
  EXPECT_EQ(reader->ReadPhysical(1, 0, into).error().message,
            "there is no signal 1, expected 0 to 0");
  EXPECT_EQ(reader->ReadMicrovolts(0, 0, into).error().message,
            "the physical dimension of \"EEG Fz\" is \"DegC\", expected a voltage (uV, mV, V, nV)");
}

class AllVariants : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Edf, AllVariants,
                         ::testing::Values(Variant::kEdf, Variant::kEdfPlusC, Variant::kEdfPlusD,
                                           Variant::kBdf, Variant::kBdfPlusC, Variant::kBdfPlusD));

TEST_P(AllVariants, RoundTripDigitalValuesExactly) {
  base::Random random(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<uint32_t> counts(1 + random.Below(5));
    for (uint32_t& count : counts) count = static_cast<uint32_t>(1 + random.Below(600));
    const Header header = MakeHeader(GetParam(), counts);
    const uint64_t records = 1 + random.Below(9);
    std::vector<std::vector<int32_t>> values(counts.size());
    MemorySink sink;
    auto writer = Writer::Create(sink, header);
    ASSERT_TRUE(writer.has_value()) << writer.error().message;
    for (uint64_t record = 0; record < records; ++record) {
      std::vector<std::span<const int32_t>> spans;
      for (size_t i = 0; i < counts.size(); ++i) {
        for (uint32_t k = 0; k < counts[i]; ++k) {
          const auto range = static_cast<uint64_t>(int64_t{header.signals[i].digital_max} * 2 + 2);
          values[i].push_back(static_cast<int32_t>(random.Below(range)) +
                              header.signals[i].digital_min);
        }
        spans.push_back(std::span<const int32_t>(values[i]).last(counts[i]));
      }
      ASSERT_TRUE(writer->WriteDigitalRecord(spans));
    }
    const auto summary = writer->Finish();
    ASSERT_TRUE(summary.has_value()) << summary.error().message;
    EXPECT_EQ(summary->bytes, sink.bytes().size());

    const Reader reader = OpenBytes(sink.Take());
    EXPECT_EQ(reader.header().variant, GetParam());
    EXPECT_THAT(reader.warnings(), ::testing::IsEmpty());
    ASSERT_EQ(reader.record_count(), records);
    for (size_t i = 0; i < counts.size(); ++i) {
      const uint64_t first = random.Below(values[i].size());
      std::vector<int32_t> got(values[i].size() - first);
      ASSERT_TRUE(reader.ReadDigital(i, first, got));
      EXPECT_TRUE(std::ranges::equal(got, std::span(values[i]).subspan(first)));
    }
  }
}

TEST_P(AllVariants, RoundTripPhysicalValuesToHalfAStep) {
  base::Random random(8);
  MemorySink sink;
  const Header header = MakeHeader(GetParam(), {100, 25});
  auto writer = Writer::Create(sink, header);
  ASSERT_TRUE(writer.has_value());
  std::vector<double> a(1000);
  std::vector<double> b(250);
  for (double& v : a) v = random.Uniform(-3000, 3000);
  for (double& v : b) v = random.Uniform(-3000, 3000);
  // Appended in uneven pieces.
  for (size_t at = 0; at < 1000; at += 40) {
    const std::vector<std::span<const double>> piece = {std::span(a).subspan(at, 40),
                                                        std::span(b).subspan(at / 4, 10)};
    ASSERT_TRUE(writer->Append(piece));
  }
  ASSERT_TRUE(writer->Finish());
  const Reader reader = OpenBytes(sink.Take());
  EXPECT_EQ(reader.rate_hz(0), 100);
  EXPECT_EQ(reader.rate_hz(1), 25);
  const auto all = reader.ReadAll(reader.sample_signals());
  ASSERT_TRUE(all.has_value());
  ASSERT_EQ((*all)[0].size(), 1000u);
  for (size_t i = 0; i < 1000; ++i) {
    ASSERT_NEAR((*all)[0][i], a[i], reader.header().signals[0].gain() / 2 + 3e-4);
  }
  for (size_t i = 0; i < 250; ++i) {
    ASSERT_NEAR((*all)[1][i], b[i], reader.header().signals[1].gain() / 2 + 3e-4);
  }
}

TEST(Writing, RoundsClipsAndCounts) {
  MemorySink sink;
  auto writer = Writer::Create(sink, MakeHeader(Variant::kEdf, {6}));
  ASSERT_TRUE(writer.has_value());
  const std::vector<double> values = {0, 0.04, 0.06, 5000, -5000, HUGE_VAL};
  ASSERT_TRUE(writer->WriteRecord(std::vector{std::span<const double>(values)}));
  const auto summary = writer->Finish();
  ASSERT_TRUE(summary.has_value());
  EXPECT_THAT(summary->clipped, ::testing::ElementsAre(3));
  const Reader reader = OpenBytes(sink.Take());
  std::vector<int32_t> got(6);
  ASSERT_TRUE(reader.ReadDigital(0, 0, got));
  EXPECT_THAT(got, ::testing::ElementsAre(0, 0, 1, 32767, -32768, 32767));
}

TEST(Writing, PadsTheLastRecordAndSaysSo) {
  MemorySink sink;
  auto writer = Writer::Create(sink, MakeHeader(Variant::kEdf, {4}));
  ASSERT_TRUE(writer.has_value());
  const std::vector<double> values = {1, 2, 3, 4, 5};
  ASSERT_TRUE(writer->Append(std::vector{std::span<const double>(values)}));
  const auto summary = writer->Finish();
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->padded_samples, 3u);
  EXPECT_EQ(summary->records, 2u);
  EXPECT_EQ(OpenBytes(sink.Take()).record_count(), 2u);
}

TEST(Writing, RefusesWrongShapesAndValues) {
  MemorySink sink;
  auto writer = Writer::Create(sink, MakeHeader(Variant::kEdf, {2}));
  ASSERT_TRUE(writer.has_value());
  const std::vector<double> three = {1, 2, 3};
  const std::vector<double> nan = {1, std::nan("")};
  EXPECT_EQ(writer->WriteRecord({}).error().message, "samples of 0 signals were given, expected 1");
  EXPECT_EQ(writer->WriteRecord(std::vector{std::span(three)}).error().message,
            "3 samples of \"S0\" were given, expected 2");
  EXPECT_EQ(writer->WriteRecord(std::vector{std::span(nan)}).error().message,
            "sample 1 of \"S0\" in data record 1 is not a number");
  const std::vector<int32_t> large = {0, 40000};
  EXPECT_EQ(writer->WriteDigitalRecord(std::vector{std::span(large)}).error().message,
            "a sample of \"S0\" is 40000, expected -32768 to 32767");
  EXPECT_EQ(writer->Annotate({0, {}, "x"}).error().message,
            "EDF cannot hold annotations, expected EDF+ or BDF+");
}

TEST(Writing, ToASinkThatCannotPatchLeavesTheCountUnknown) {
  std::vector<uint8_t> bytes;
  FunctionSink sink([&](std::span<const uint8_t> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return base::Result<void>();
  });
  auto writer = Writer::Create(sink, MakeHeader(Variant::kEdf, {1}));
  ASSERT_TRUE(writer.has_value());
  const std::vector<double> one = {1};
  ASSERT_TRUE(writer->WriteRecord(std::vector{std::span(one)}));
  ASSERT_TRUE(writer->Finish());
  const Reader reader = OpenBytes(bytes);
  EXPECT_EQ(reader.record_count(), 1u);
  EXPECT_EQ(reader.warnings().size(), 1u);
}

TEST(Writing, RefusesACountOtherThanAnnounced) {
  MemorySink sink;
  Header header = MakeHeader(Variant::kEdf, {1});
  header.record_count = 2;
  auto writer = Writer::Create(sink, header);
  ASSERT_TRUE(writer.has_value());
  EXPECT_EQ(writer->Finish().error().message,
            "0 data records were written, expected the 2 that the header announces");
}

TEST(Annotations, RoundTripInOnsetOrder) {
  MemorySink sink;
  auto writer =
      Writer::Create(sink, MakeHeader(Variant::kEdfPlusC, {10}), {.annotation_bytes = 60});
  ASSERT_TRUE(writer.has_value());
  const std::vector<Annotation> wanted = {{-0.5, {}, "before"},
                                          {0.25, 1.5, "Augen auf \xc3\xa4"},
                                          {2, 0.0, "point"},
                                          {86399.125, {}, "late"}};
  ASSERT_TRUE(writer->Annotate(wanted[1]));
  ASSERT_TRUE(writer->Annotate(wanted[3]));
  ASSERT_TRUE(writer->Annotate(wanted[0]));
  ASSERT_TRUE(writer->Annotate(wanted[2]));
  const std::vector<double> ten(10);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(writer->WriteRecord(std::vector{std::span(ten)}));
  ASSERT_TRUE(writer->Finish());
  const auto list = OpenBytes(sink.Take()).Annotations();
  ASSERT_TRUE(list.has_value());
  EXPECT_THAT(list->warnings, ::testing::IsEmpty());
  EXPECT_EQ(list->annotations, wanted);
}

TEST(Annotations, WithoutRoomAreAnError) {
  MemorySink sink;
  auto writer = Writer::Create(sink, MakeHeader(Variant::kEdfPlusC, {1}), {.annotation_bytes = 40});
  ASSERT_TRUE(writer.has_value());
  EXPECT_EQ(writer->Annotate({0, {}, "a text longer than that"}).error().message,
            "annotation \"a text longer than that\" takes 28 bytes, expected at most 16");
  ASSERT_TRUE(writer->Annotate({0, {}, "short"}));
  EXPECT_EQ(writer->Finish().error().code, base::ErrorCode::kTooLarge);
}

TEST(Tals, AreParsedAsTheStandardShowsThem) {
  const std::string text =
      "+0\x14\x14\0"
      "+1.5\x15"
      "2\x14one\x14two\x14\0"
      "-3\x14three\x14\0\0\0"s;
  const auto tals = ParseTals({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, true);
  EXPECT_EQ(tals.record_onset_s, 0.0);
  EXPECT_THAT(tals.problems, ::testing::IsEmpty());
  EXPECT_THAT(tals.annotations,
              ::testing::ElementsAre(Annotation{1.5, 2.0, "one"}, Annotation{1.5, 2.0, "two"},
                                     Annotation{-3, {}, "three"}));
}

TEST(Tals, ThatAreMalformedAreSkippedAndReported) {
  const std::string text =
      "12\x14no sign\x14\0+1\x15x\x14"
      "bad\x14\0+2\x14open\0+3\x14ok\x14\0+4"s;
  const auto tals = ParseTals({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, true);
  EXPECT_THAT(tals.annotations, ::testing::ElementsAre(Annotation{3, {}, "ok"}));
  std::vector<std::string> messages;
  for (const auto& [offset, message] : tals.problems) {
    messages.push_back(std::to_string(offset) + ": " + message);
  }
  EXPECT_THAT(
      messages,
      ::testing::ElementsAre(
          R"(0: annotation "12\x14no sign\x14": the onset is not a signed number of seconds)",
          R"(12: annotation "+1\x15x\x14bad\x14": the duration is not a number of seconds)",
          R"(22: annotation "+2\x14open": the text does not end with byte 0x14)",
          R"(37: annotation "+4": not closed by byte 0x00)"));
}

TEST(Discontinuous, RecordingsHaveSegmentsAndGaps) {
  MemorySink sink;
  auto writer = Writer::Create(sink, MakeHeader(Variant::kEdfPlusD, {10}));
  ASSERT_TRUE(writer.has_value());
  const std::vector<double> ten(10);
  for (const double onset : {0.5, 1.5, 7.0, 8.0, 9.0, 60.25}) {
    ASSERT_TRUE(writer->SetNextOnset(onset));
    ASSERT_TRUE(writer->WriteRecord(std::vector{std::span(ten)}));
  }
  EXPECT_EQ(writer->SetNextOnset(61).error().message,
            "the next data record starts at 61 s, expected 61.25 s or later");
  ASSERT_TRUE(writer->Finish());
  const auto segments = OpenBytes(sink.Take()).Segments();
  ASSERT_TRUE(segments.has_value()) << segments.error().message;
  ASSERT_EQ(segments->size(), 3u);
  EXPECT_EQ((*segments)[0].start_s, 0.5);
  EXPECT_EQ((*segments)[0].length_s, 2);
  EXPECT_EQ((*segments)[1].first_record, 2u);
  EXPECT_EQ((*segments)[1].record_count, 3u);
  const auto gaps = GapsBetween(*segments);
  ASSERT_EQ(gaps.size(), 2u);
  EXPECT_EQ(gaps[0].start_s, 2.5);
  EXPECT_EQ(gaps[0].length_s, 4.5);
  EXPECT_EQ(gaps[1].length_s, 50.25);
}

TEST(Discontinuous, RecordWithoutTimeIsAnError) {
  HandWritten file;
  file.reserved = "EDF+D";
  file.signals[0].label = "EDF Annotations";
  file.body =
      "+1 \x14"
      "a\x14\0"s;
  file.body.resize(8);
  const auto reader = Reader::Open(file.Source());
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  EXPECT_EQ(
      reader->Segments().error().message,
      "data record 1 at byte 512 does not begin with a time-keeping annotation (+seconds 0x14 "
      "0x14 0x00)");
}

TEST(Files, AreWrittenAndReadInPlace) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("edf_recording_test_" + std::to_string(::getpid()) + ".edf");
  {
    auto sink = FileSink::Create(path, base::Deadline::Never());
    ASSERT_TRUE(sink.has_value()) << sink.error().message;
    auto writer = Writer::Create(**sink, MakeHeader(Variant::kEdf, {3}));
    const std::vector<double> three = {1, 2, 3};
    ASSERT_TRUE(writer->WriteRecord(std::vector{std::span(three)}));
    ASSERT_TRUE(writer->Finish());
    ASSERT_TRUE((*sink)->Close());
  }
  auto source = FileSource::Open(path, base::Deadline::Never());
  ASSERT_TRUE(source.has_value());
  const auto reader = Reader::Open(std::move(*source));
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(reader->record_count(), 1u);
  std::filesystem::remove(path);
  EXPECT_EQ(FileSource::Open(path, base::Deadline::Never()).error().code,
            base::ErrorCode::kNotFound);
}

class RealFile : public ::testing::Test {
 protected:
  static std::optional<Reader> Open(const std::string& name) {
    const std::filesystem::path path = ASSAY_SOURCE_DIR "/../shared/data/edf/" + name;
    if (!std::filesystem::exists(path)) return std::nullopt;
    auto reader = Reader::Open(FileSource::Open(path, base::Deadline::Never()).value());
    EXPECT_TRUE(reader.has_value()) << (reader ? "" : reader.error().message);
    return std::move(reader).value();
  }
};

TEST_F(RealFile, ShortPsgIsTheSameInEdfAndBdf) {
  const auto edf = Open("short_psg.edf");
  const auto bdf = Open("short_psg.bdf");
  if (!edf || !bdf) GTEST_SKIP() << "public test data is not beside the checkout";
  EXPECT_EQ(edf->header().variant, Variant::kEdf);
  EXPECT_EQ(bdf->header().variant, Variant::kBdf);
  EXPECT_EQ(edf->header().start, std::chrono::local_days(std::chrono::year(1989) / 4 / 24) +
                                     std::chrono::hours(16) + std::chrono::minutes(13));
  EXPECT_EQ(edf->duration_s(), 300);
  ASSERT_EQ(edf->header().signals.size(), 7u);
  EXPECT_EQ(edf->rate_hz(0), 100);
  EXPECT_EQ(edf->rate_hz(5), 1);
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(edf->header().signals[i], bdf->header().signals[i]);
    std::vector<int32_t> a(edf->sample_count(i));
    std::vector<int32_t> b(a.size());
    ASSERT_TRUE(edf->ReadDigital(i, 0, a));
    ASSERT_TRUE(bdf->ReadDigital(i, 0, b));
    EXPECT_EQ(a, b);
    if (i == 0) EXPECT_THAT(std::span(a).first(3), ::testing::ElementsAre(53, -28, 14));
  }
  std::vector<double> temperature(1);
  ASSERT_TRUE(edf->ReadPhysical(*edf->FindSignal("Temp rectal"), 0, temperature));
  EXPECT_GT(temperature[0], 34);
  EXPECT_LT(temperature[0], 40);
}

TEST_F(RealFile, GeneratedBdfHasItsSineAndAnnotations) {
  const auto bdf = Open("generator_datarec_2.bdf");
  if (!bdf) GTEST_SKIP() << "public test data is not beside the checkout";
  EXPECT_EQ(bdf->header().variant, Variant::kBdfPlusC);
  EXPECT_EQ(bdf->duration_s(), 30);
  EXPECT_EQ(bdf->rate_hz(0), 500);
  EXPECT_EQ(bdf->rate_hz(3), 487.5);
  // The first signal is a sine of 2.5 Hz: one period is 200 samples.
  std::vector<double> sine(bdf->sample_count(0));
  ASSERT_TRUE(bdf->ReadMicrovolts(0, 0, sine));
  for (size_t i = 200; i < sine.size(); ++i) ASSERT_NEAR(sine[i], sine[i - 200], 0.01);
  const auto list = bdf->Annotations();
  ASSERT_TRUE(list.has_value());
  EXPECT_THAT(list->warnings, ::testing::IsEmpty());
}

TEST_F(RealFile, HypnogramOfSleepEdf) {
  const auto edf = Open("SC4001EC-Hypnogram.edf");
  if (!edf) GTEST_SKIP() << "public test data is not beside the checkout";
  EXPECT_EQ(edf->header().variant, Variant::kEdfPlusC);
  EXPECT_EQ(edf->header().patient.name, "Female 33yr");
  EXPECT_THAT(edf->sample_signals(), ::testing::IsEmpty());
  const auto list = edf->Annotations();
  ASSERT_TRUE(list.has_value());
  EXPECT_THAT(list->warnings, ::testing::IsEmpty());
  ASSERT_GE(list->annotations.size(), 3u);
  EXPECT_EQ(list->annotations[0], (Annotation{0, 30630.0, "Sleep stage W"}));
  EXPECT_EQ(list->annotations[1], (Annotation{30630, 120.0, "Sleep stage 1"}));
  // Stages follow each other without holes.
  for (size_t i = 1; i < list->annotations.size(); ++i) {
    const Annotation& before = list->annotations[i - 1];
    EXPECT_EQ(list->annotations[i].onset_s, before.onset_s + *before.duration_s);
  }
}

}  // namespace
}  // namespace formats::edf
