#include "lib/formats/edf/header.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/formats/edf/test_bytes.h"

namespace formats::edf {
namespace {

using std::chrono::local_days;
using std::chrono::year;

base::Result<ParsedHeader> Parse(const std::string& text) {
  return ReadHeader(*HandWritten::SourceOf(text));
}

Header Sample() {
  Header header;
  header.start = local_days(year(2026) / 11 / 21) + std::chrono::hours(13) +
                 std::chrono::minutes(14) + std::chrono::seconds(15);
  Signal signal;
  signal.label = "EEG Fz";
  signal.physical_dimension = "uV";
  signal.samples_per_record = 256;
  header.signals = {signal};
  return header;
}

TEST(Header, IsReadFieldByField) {
  const auto parsed = Parse(HandWritten().Text());
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_THAT(parsed->warnings, ::testing::IsEmpty());
  const Header& header = parsed->header;
  EXPECT_EQ(header.variant, Variant::kEdf);
  EXPECT_EQ(header.patient_text, "X X X X");
  EXPECT_EQ(header.recording_text, "Startdate X X X X");
  EXPECT_EQ(header.start, local_days(year(2026) / 11 / 21) + std::chrono::seconds(47655));
  EXPECT_EQ(header.record_count, 1);
  EXPECT_EQ(header.record_duration_s, 1.0);
  ASSERT_EQ(header.signals.size(), 1u);
  const Signal& signal = header.signals[0];
  EXPECT_EQ(signal.label, "EEG Fz");
  EXPECT_EQ(signal.transducer, "AgAgCl");
  EXPECT_EQ(signal.physical_dimension, "uV");
  EXPECT_EQ(signal.physical_min, -100);
  EXPECT_EQ(signal.physical_max, 100);
  EXPECT_EQ(signal.digital_min, -100);
  EXPECT_EQ(signal.digital_max, 100);
  EXPECT_EQ(signal.prefiltering, "HP:0.1Hz");
  EXPECT_EQ(signal.samples_per_record, 4u);
  EXPECT_EQ(header.record_bytes(), 8u);
}

TEST(StartDate, ClipsAt1985) {
  for (const auto& [text, expected] :
       {std::pair{"01.02.85", 1985}, {"01.02.99", 1999}, {"01.02.00", 2000}, {"01.02.84", 2084}}) {
    HandWritten file;
    file.date = text;
    const auto parsed = Parse(file.Text());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->header.start,
              local_days(year(expected) / 2 / 1) + std::chrono::seconds(47655));
  }
}

TEST(StartDate, ComesFromTheRecordingFieldAfter2084) {
  HandWritten file;
  file.reserved = "EDF+C";
  file.date = "03.02.yy";
  file.recording = "Startdate 03-FEB-2091 X X X";
  const auto parsed = Parse(file.Text());
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->header.start, local_days(year(2091) / 2 / 3) + std::chrono::seconds(47655));
}

TEST(StartDate, OfTheRecordingFieldWinsWithAWarning) {
  HandWritten file;
  file.reserved = "EDF+C";
  file.recording = "Startdate 22-NOV-2026 X X X";
  const auto parsed = Parse(file.Text());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->header.start, local_days(year(2026) / 11 / 22) + std::chrono::seconds(47655));
  ASSERT_EQ(parsed->warnings.size(), 1u);
  EXPECT_EQ(
      parsed->warnings[0].message,
      "start date at byte 168 is \"21.11.26\", but the recording field says 2026-11-22, which is "
      "used");
}

TEST(EdfPlusFields, AreSplitAndUnderscoresAreSpaces) {
  HandWritten file;
  file.reserved = "EDF+C";
  file.patient = "MCH-0234567 F 02-MAY-1951 Haagse_Harry left handed";
  file.recording = "Startdate 21-NOV-2026 EMG561 BK/JOP Sony_MNC_R";
  const auto parsed = Parse(file.Text());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_THAT(parsed->warnings, ::testing::IsEmpty());
  const PatientFields patient{"MCH-0234567", "F", year(1951) / 5 / 2, "Haagse Harry",
                              "left handed"};
  EXPECT_EQ(parsed->header.patient, patient);
  const RecordingFields recording{year(2026) / 11 / 21, "EMG561", "BK/JOP", "Sony MNC R", ""};
  EXPECT_EQ(parsed->header.recording, recording);
}

TEST(EdfPlusFields, ThatAreMalformedAreReportedNotRefused) {
  HandWritten file;
  file.reserved = "EDF+C";
  file.patient = "X male 1951 X";
  const auto parsed = Parse(file.Text());
  ASSERT_TRUE(parsed.has_value());
  ASSERT_EQ(parsed->warnings.size(), 2u);
  EXPECT_EQ(parsed->warnings[0].message,
            "patient identification at byte 8: sex is \"male\", expected F, M or X");
  EXPECT_EQ(parsed->warnings[1].message,
            "patient identification at byte 8: birthdate is \"1951\", expected dd-MMM-yyyy");
}

TEST(Text, OutsideAsciiBecomesUtf8) {
  HandWritten file;
  file.signals[0].dimension = "\xb5V";  // Latin-1 micro sign
  const auto parsed = Parse(file.Text());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->header.signals[0].physical_dimension, "\xc2\xb5V");
  EXPECT_EQ(parsed->header.signals[0].microvolts_per_unit(), 1.0);
}

TEST(PhysicalDimension, IsConvertedToMicrovolts) {
  Signal signal;
  for (const auto& [unit, factor] :
       {std::pair{"uV", 1.0}, {"mV", 1e3}, {"V", 1e6}, {"nV", 1e-3}, {"\xce\xbcV", 1.0}}) {
    signal.physical_dimension = unit;
    EXPECT_EQ(signal.microvolts_per_unit(), factor) << unit;
  }
  signal.physical_dimension = "DegC";
  EXPECT_EQ(signal.microvolts_per_unit(), std::nullopt);
}

TEST(Encoding, IsReadBackUnchanged) {
  Header header = Sample();
  header.record_count = 12;
  header.record_duration_s = 0.25;
  header.patient = {"P 1", "M", year(1970) / 1 / 31, "Jane Doe", "more text"};
  header.recording = {year(2026) / 11 / 21, "A1", "", "Amp 3", ""};
  for (const Variant variant : {Variant::kEdfPlusC, Variant::kBdfPlusC}) {
    header.variant = variant;
    const auto bytes = EncodeHeader(header);
    ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
    EXPECT_EQ(bytes->size(), header.header_bytes());
    auto parsed = Parse(*bytes);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_THAT(parsed->warnings, ::testing::IsEmpty());
    header.patient_text = parsed->header.patient_text;
    header.recording_text = parsed->header.recording_text;
    EXPECT_EQ(parsed->header, header);
  }
}

TEST(Encoding, HasTheBytesOfTheStandard) {
  Header header = Sample();
  header.variant = Variant::kEdf;
  header.patient_text = "X X X X";
  header.recording_text = "Startdate X X X X";
  header.record_count = 1;
  Signal& signal = header.signals[0];
  signal = {"EEG Fz", "AgAgCl", "uV", -100, 100, -100, 100, "HP:0.1Hz", 4, ""};
  EXPECT_EQ(EncodeHeader(header).value(), HandWritten().Text().substr(0, 512));
}

TEST(Encoding, RoundsNumbersToEightCharacters) {
  Header header = Sample();
  header.signals[0].physical_min = -1234.56789;
  header.signals[0].physical_max = 1.0 / 3;
  const auto parsed = Parse(EncodeHeader(header).value());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->header.signals[0].physical_min, -1234.57);
  EXPECT_EQ(parsed->header.signals[0].physical_max, 0.333333);
}

TEST(Encoding, RefusesWhatDoesNotFit) {
  const auto message = [](auto&& change) {
    Header header = Sample();
    change(header);
    const auto bytes = EncodeHeader(header);
    return bytes ? std::string("accepted") : bytes.error().message;
  };
  EXPECT_EQ(
      message([](Header& h) { h.signals[0].label = "a label that is long"; }),
      "label of signal 1 \"a label that is long\" \"a label that is long\" has 20 characters, "
      "expected at most 16");
  EXPECT_EQ(message([](Header& h) { h.patient.name = "M\xc3\xbcller"; }),
            "patient identification \"X X X M\xc3\xbcller\" has characters outside US-ASCII");
  EXPECT_EQ(
      message([](Header& h) { h.signals[0].physical_max = 123456789; }),
      "physical maximum of signal 1 \"EEG Fz\" is 123456789, expected a number that 8 characters "
      "can hold");
  EXPECT_EQ(message([](Header& h) { h.signals[0].samples_per_record = 0; }),
            "signal 1 \"EEG Fz\" has 0 samples in a data record, expected at least 1");
  EXPECT_EQ(message([](Header& h) { h.signals[0].digital_max = -32768; }),
            "the digital minimum of signal 1 \"EEG Fz\" is -32768, expected less than the maximum "
            "-32768");
  EXPECT_EQ(
      message([](Header& h) { h.signals[0].digital_max = 40000; }),
      "the digital range of signal 1 \"EEG Fz\" is -32768 to 40000, expected within -32768 to "
      "32767");
  EXPECT_EQ(message([](Header& h) { h.signals.clear(); }),
            "there is no signal, expected at least one");
  EXPECT_EQ(message([](Header& h) { h.start = local_days(year(1950) / 1 / 1); }),
            "the start year is 1950, expected 1985 to 9999 in EDF+C");
}

TEST(ToAscii, SpellsNamesAsPassportsDo) {
  EXPECT_EQ(ToAscii("M\xc3\xbcller"), "Mueller");
  EXPECT_EQ(ToAscii("Dvo\xc5\x99\xc3\xa1k"), "Dvorak");
  EXPECT_EQ(ToAscii("\xc3\x98sterg\xc3\xa5rd"), "Oestergaard");
  EXPECT_EQ(ToAscii("\xc2\xb5V"), "uV");
  EXPECT_EQ(ToAscii("\xe6\x9d\x8e\x01\xc3"), "???");
}

}  // namespace
}  // namespace formats::edf
