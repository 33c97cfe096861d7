// Wrong input: each case breaks one thing and names the exact message.

#include <cstring>
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/formats/edf/reader.h"
#include "lib/formats/edf/test_bytes.h"

namespace formats::edf {
namespace {

struct Broken {
  std::string name;
  std::function<void(HandWritten&)> break_it;
  std::string message;
};

std::ostream& operator<<(std::ostream& out, const Broken& broken) { return out << broken.name; }

class Malformed : public ::testing::TestWithParam<Broken> {};

TEST_P(Malformed, IsRefusedWithTheFieldTheValueAndTheExpectation) {
  HandWritten file;
  GetParam().break_it(file);
  const auto reader = Reader::Open(file.Source());
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().message, GetParam().message);
}

const Broken kBroken[] = {
    {"version", [](HandWritten& f) { f.version = "1"; },
     R"(version at byte 0 is "1", expected "0" (EDF) or "\xffBIOSEMI" (BDF))"},
    {"version_text", [](HandWritten& f) { f.version = "%PDF-1.7"; },
     R"(version at byte 0 is "%PDF-1.7", expected "0" (EDF) or "\xffBIOSEMI" (BDF))"},
    {"version_long", [](HandWritten& f) { f.version = "00"; },
     R"(version at byte 0 is "00", expected "0" (EDF) or "\xffBIOSEMI" (BDF))"},
    {"date_letters", [](HandWritten& f) { f.date = "21.Nov26"; },
     R"(start date at byte 168 is "21.Nov26", expected dd.mm.yy)"},
    {"date_day", [](HandWritten& f) { f.date = "31.02.26"; },
     R"(start date at byte 168 is "31.02.26", expected dd.mm.yy with a day that exists)"},
    {"time", [](HandWritten& f) { f.time = "24.00.00"; },
     R"(start time at byte 176 is "24.00.00", expected hh.mm.ss)"},
    {"time_digits", [](HandWritten& f) { f.time = "1.02.03"; },
     R"(start time at byte 176 is "1.02.03", expected hh.mm.ss)"},
    {"header_size", [](HandWritten& f) { f.header_size = "256"; },
     R"(header size at byte 184 is "256", expected 512, 256 for each of 1 signals and 256 before them)"},
    {"header_size_empty", [](HandWritten& f) { f.header_size = " "; },
     R"(header size at byte 184 is empty, expected 512, 256 for each of 1 signals and 256 before them)"},
    {"variant", [](HandWritten& f) { f.reserved = "EDF+X"; },
     R"(reserved field at byte 192 is "EDF+X", expected "EDF+C" or "EDF+D")"},
    {"variant_of_bdf", [](HandWritten& f) { f.reserved = "BDF+C"; },
     R"(reserved field at byte 192 is "BDF+C", expected "EDF+C" or "EDF+D", as the version is EDF)"},
    {"records_text", [](HandWritten& f) { f.records = "many"; },
     R"(number of data records at byte 236 is "many", expected an integer from -1 to 99999999)"},
    {"records_negative", [](HandWritten& f) { f.records = "-2"; },
     R"(number of data records at byte 236 is "-2", expected an integer from -1 to 99999999)"},
    {"records_empty", [](HandWritten& f) { f.records = ""; },
     R"(number of data records at byte 236 is empty, expected an integer from -1 to 99999999)"},
    {"duration_text", [](HandWritten& f) { f.duration = "1s"; },
     R"(duration of a data record at byte 244 is "1s", expected a number like -3276.8)"},
    {"duration_negative", [](HandWritten& f) { f.duration = "-1"; },
     R"(duration of a data record at byte 244 is "-1", expected seconds, not negative)"},
    {"duration_nan", [](HandWritten& f) { f.duration = "nan"; },
     R"(duration of a data record at byte 244 is "nan", expected a number like -3276.8)"},
    {"duration_zero", [](HandWritten& f) { f.duration = "0"; },
     R"(duration of a data record at byte 244 is "0", expected more than 0 seconds as there are signals with samples)"},
    {"signals_text", [](HandWritten& f) { f.signal_count = "abc"; },
     R"(number of signals at byte 252 is "abc", expected an integer from 1 to 9999)"},
    {"signals_zero", [](HandWritten& f) { f.signal_count = "0"; },
     R"(number of signals at byte 252 is "0", expected an integer from 1 to 9999)"},
    {"signals_negative", [](HandWritten& f) { f.signal_count = "-1"; },
     R"(number of signals at byte 252 is "-1", expected an integer from 1 to 9999)"},
    {"signals_hostile",
     [](HandWritten& f) {
       f.signal_count = "9999";
       f.header_size = "2560000";
     },
     R"(the file has 520 bytes, expected at least the 2560000 bytes of a header with 9999 signals)"},
    {"physical_min", [](HandWritten& f) { f.signals[0].physical_min = "low"; },
     R"(physical minimum of signal 1 "EEG Fz" at byte 360 is "low", expected a number like -3276.8)"},
    {"physical_max_empty", [](HandWritten& f) { f.signals[0].physical_max = ""; },
     R"(physical maximum of signal 1 "EEG Fz" at byte 368 is empty, expected a number like -3276.8)"},
    {"physical_equal", [](HandWritten& f) { f.signals[0].physical_max = "-100.0"; },
     R"(physical maximum of signal 1 "EEG Fz" at byte 368 is "-100.0", expected a value other than the physical minimum)"},
    {"digital_min", [](HandWritten& f) { f.signals[0].digital_min = "-32769"; },
     R"(digital minimum of signal 1 "EEG Fz" at byte 376 is "-32769", expected an integer from -32768 to 32767)"},
    {"digital_fraction", [](HandWritten& f) { f.signals[0].digital_max = "99.5"; },
     R"(digital maximum of signal 1 "EEG Fz" at byte 384 is "99.5", expected an integer from -32768 to 32767)"},
    {"digital_order", [](HandWritten& f) { f.signals[0].digital_max = "-100"; },
     R"(digital maximum of signal 1 "EEG Fz" at byte 384 is "-100", expected more than the digital minimum -100)"},
    {"samples_zero", [](HandWritten& f) { f.signals[0].samples = "0"; },
     R"(samples in a data record of signal 1 "EEG Fz" at byte 472 is "0", expected an integer from 1 to 99999999)"},
    {"samples_text", [](HandWritten& f) { f.signals[0].samples = "4 4"; },
     R"(samples in a data record of signal 1 "EEG Fz" at byte 472 is "4 4", expected an integer from 1 to 99999999)"},
    {"samples_hostile",
     [](HandWritten& f) {
       f.signals[0].samples = "99999999";
       f.records = "99999999";
     },
     "the file has 520 bytes, expected 19999999600000514: the header announces 99999999 data "
     "records "
     "of 199999998 bytes, 0 are there"},
    {"truncated", [](HandWritten& f) { f.records = "3"; },
     "the file has 520 bytes, expected 536: the header announces 3 data records of 8 bytes, 1 are "
     "there"},
    {"discontinuous_without_annotations", [](HandWritten& f) { f.reserved = "EDF+D"; },
     "a discontinuous recording (EDF+D) needs a signal \"EDF Annotations\" that says when each "
     "data "
     "record starts, found none"},
    {"control_in_number", [](HandWritten& f) { f.signals[0].samples = "\x1b[31m4"; },
     R"(samples in a data record of signal 1 "EEG Fz" at byte 472 is "\x1b[31m4", expected an integer from 1 to 99999999)"},
};

INSTANTIATE_TEST_SUITE_P(Header, Malformed, ::testing::ValuesIn(kBroken),
                         [](const auto& info) { return info.param.name; });

TEST(ShortFile, IsRefusedAtEveryLength) {
  const std::string whole = HandWritten().Text();
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto reader = Reader::Open(HandWritten::SourceOf(whole.substr(0, length)));
    ASSERT_FALSE(reader.has_value()) << length;
    EXPECT_THAT(reader.error().message, ::testing::HasSubstr(std::to_string(length) + " bytes"));
  }
}

TEST(ShortFile, CanBeReadUpToTheCutWhenAsked) {
  HandWritten file;
  file.records = "3";
  file.body += std::string("\x05\x00\x06", 3);
  const auto reader = Reader::Open(file.Source(), {.allow_truncated = true});
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(reader->record_count(), 1u);
  ASSERT_EQ(reader->warnings().size(), 1u);
  EXPECT_EQ(
      reader->warnings()[0].message,
      "the file has 523 bytes, expected 536: the header announces 3 data records of 8 bytes, 1 "
      "are there");
}

struct Tolerated {
  std::string name;
  std::function<void(HandWritten&)> change;
  std::string warning;
};

std::ostream& operator<<(std::ostream& out, const Tolerated& t) { return out << t.name; }

class Lenient : public ::testing::TestWithParam<Tolerated> {};

TEST_P(Lenient, IsReadWithAWarning) {
  HandWritten file;
  GetParam().change(file);
  const auto reader = Reader::Open(file.Source());
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  ASSERT_EQ(reader->warnings().size(), 1u);
  EXPECT_EQ(reader->warnings()[0].message, GetParam().warning);
}

const Tolerated kTolerated[] = {
    {"trailing", [](HandWritten& f) { f.body += "junk!"; },
     "5 bytes after the last of 1 data records"},
    {"unclosed", [](HandWritten& f) { f.records = "-1"; },
     "the number of data records is -1 (not closed); the file holds 1"},
    {"latin1", [](HandWritten& f) { f.patient = "M\xfcller"; },
     R"(patient identification at byte 8 is "M\xfcller", which is not US-ASCII; read as Latin-1)"},
    {"utf8", [](HandWritten& f) { f.patient = "M\xc3\xbcller"; },
     R"(patient identification at byte 8 is "M\xc3\xbcller", which is not US-ASCII; read as UTF-8)"},
    {"control", [](HandWritten& f) { f.signals[0].label = "F\x07z"; },
     R"(label of signal 1 at byte 256 is "F\x07z", which is not US-ASCII; control characters became "?")"},
    {"date_anonymised", [](HandWritten& f) { f.date = "00.00.00"; },
     R"(start date at byte 168 is "00.00.00", taken for 01.01.85 (anonymised))"},
    {"date_dashes", [](HandWritten& f) { f.date = "21-11-26"; },
     R"(start date at byte 168 is "21-11-26", expected dots between the numbers)"},
    {"comma", [](HandWritten& f) { f.signals[0].physical_min = "-99,5"; },
     R"(physical minimum of signal 1 "EEG Fz" at byte 360 is "-99,5", with a decimal comma)"},
    {"digital_decimal", [](HandWritten& f) { f.signals[0].digital_min = "-100.0"; },
     R"(digital minimum of signal 1 "EEG Fz" at byte 376 is "-100.0", an integer was expected)"},
};

INSTANTIATE_TEST_SUITE_P(Header, Lenient, ::testing::ValuesIn(kTolerated),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace formats::edf
