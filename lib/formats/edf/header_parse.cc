// Bytes to Header: every refusal names the field, its byte offset, what stands there and what
// would be right.

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "lib/formats/edf/field.h"
#include "lib/formats/edf/header.h"

namespace formats::edf {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using std::chrono::year_month_day;

constexpr uint64_t kFixedBytes = 256;
constexpr int64_t kMaxSignals = 9999;

/// Two decimal digits, or -1.
int TwoDigits(std::string_view text, size_t at) {
  if (text[at] < '0' || text[at] > '9' || text[at + 1] < '0' || text[at + 1] > '9') return -1;
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

/// Walks over the fields of the header in file order.
class Parser {
 public:
  explicit Parser(std::span<const uint8_t> bytes)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  Result<ParsedHeader> Parse();

 private:
  Field Take(std::string name, size_t width) {
    Field field{std::move(name), at_, text_.substr(at_, width)};
    at_ += width;
    return field;
  }
  Field TakeOf(size_t signal, std::string_view name, size_t width) {
    return Take(
        fmt::format("{} of signal {} \"{}\"", name, signal + 1, header().signals[signal].label),
        width);
  }
  Header& header() { return out_.header; }
  void Warn(uint64_t offset, std::string message) {
    out_.warnings.push_back({offset, std::move(message)});
  }

  Result<void> ParseVersion();
  Result<void> ParseStart();
  Result<year_month_day> ParseDate(const Field& field);
  Result<void> ParseTime(const Field& field, year_month_day date);
  Result<void> ParseVariant(const Field& reserved);
  Result<void> ParseCounts();
  void ParseIdentity();
  Result<void> ParseSignals();
  Result<void> ParseRanges();
  Result<void> ParseSampleCounts();

  std::string_view text_;
  uint64_t at_ = 0;
  ParsedHeader out_;
  bool bdf_ = false;
  size_t signal_count_ = 0;
};

Result<void> Parser::ParseVersion() {
  const Field version = Take("version", 8);
  if (version.bytes ==
      "\xff"
      "BIOSEMI") {
    bdf_ = true;
    return {};
  }
  if (version.bytes.front() == '0' &&
      version.bytes.find_first_not_of(" \0", 1, 2) == std::string_view::npos) {
    return {};
  }
  auto wrong = version.Wrong("\"0\" (EDF) or \"\\xffBIOSEMI\" (BDF)");
  return Fail(std::move(wrong.error()).Hint("this is not an EDF or BDF file"));
}

Result<year_month_day> Parser::ParseDate(const Field& field) {
  const std::string_view text = field.bytes;
  const int day = TwoDigits(text, 0);
  const int month = TwoDigits(text, 3);
  int year = TwoDigits(text, 6);
  const auto& startdate = header().recording.startdate;
  if (startdate && day > 0 && month > 0 && text.substr(6) == "yy") {
    return *startdate;  // EDF+: after 2084 the two digits are the letters "yy"
  }
  if (text.find_first_not_of(" 0.xX-/:") == std::string_view::npos) {
    Warn(field.offset, fmt::format("start date at byte {} is {}, taken for 01.01.85 (anonymised)",
                                   field.offset, field.Quoted()));
    return std::chrono::year(1985) / 1 / 1;
  }
  if (day < 0 || month < 0 || year < 0) return field.Wrong("dd.mm.yy");
  year += year >= 85 ? 1900 : 2000;  // EDF+ clause 2.1.3.3 item 2: clipping date 1985
  const year_month_day date(std::chrono::year(year),
                            std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return field.Wrong("dd.mm.yy with a day that exists");
  if (text[2] != '.' || text[5] != '.') {
    Warn(field.offset, fmt::format("start date at byte {} is {}, expected dots between the numbers",
                                   field.offset, field.Quoted()));
  }
  if (startdate && *startdate != date) {
    Warn(field.offset,
         fmt::format("start date at byte {} is {}, but the recording field says "
                     "{:04}-{:02}-{:02}, which is used",
                     field.offset, field.Quoted(), static_cast<int>(startdate->year()),
                     static_cast<unsigned>(startdate->month()),
                     static_cast<unsigned>(startdate->day())));
    return *startdate;
  }
  return date;
}

Result<void> Parser::ParseTime(const Field& field, year_month_day date) {
  const std::string_view text = field.bytes;
  int hour = TwoDigits(text, 0);
  int minute = TwoDigits(text, 3);
  int second = TwoDigits(text, 6);
  if (text.find_first_not_of(" .xX-:") == std::string_view::npos) {
    Warn(field.offset, fmt::format("start time at byte {} is {}, taken for 00.00.00", field.offset,
                                   field.Quoted()));
    hour = minute = second = 0;
  }
  if (hour < 0 || minute < 0 || second < 0 || hour > 23 || minute > 59 || second > 59) {
    return field.Wrong("hh.mm.ss");
  }
  if (text[2] != text[5] || std::string_view(".:- ").find(text[2]) == std::string_view::npos) {
    return field.Wrong("hh.mm.ss");
  }
  header().start = std::chrono::local_days(date) + std::chrono::hours(hour) +
                   std::chrono::minutes(minute) + std::chrono::seconds(second);
  return {};
}

Result<void> Parser::ParseVariant(const Field& reserved) {
  const std::string_view text = reserved.bytes.substr(0, 5);
  Variant& variant = header().variant;
  variant = bdf_ ? Variant::kBdf : Variant::kEdf;
  if (text == "EDF+C" || text == "BDF+C") {
    variant = bdf_ ? Variant::kBdfPlusC : Variant::kEdfPlusC;
  } else if (text == "EDF+D" || text == "BDF+D") {
    variant = bdf_ ? Variant::kBdfPlusD : Variant::kEdfPlusD;
  } else if (text.substr(0, 4) == "EDF+" || text.substr(0, 4) == "BDF+") {
    return reserved.Wrong(bdf_ ? "\"BDF+C\" or \"BDF+D\"" : "\"EDF+C\" or \"EDF+D\"");
  }
  if (IsPlus(variant) && (text[0] == 'B') != bdf_) {
    return reserved.Wrong(bdf_ ? "\"BDF+C\" or \"BDF+D\", as the version is BDF"
                               : "\"EDF+C\" or \"EDF+D\", as the version is EDF");
  }
  return {};
}

void Parser::ParseIdentity() {
  if (!IsPlus(header().variant)) return;
  std::vector<std::string> problems;
  header().patient = ParsePatient(header().patient_text, problems);
  for (const std::string& problem : problems)
    Warn(8, "patient identification at byte 8: " + problem);
  problems.clear();
  header().recording = ParseRecording(header().recording_text, problems);
  for (const std::string& problem : problems) {
    Warn(88, "recording identification at byte 88: " + problem);
  }
}

Result<void> Parser::ParseStart() {
  header().patient_text = DecodeText(Take("patient identification", 80), out_.warnings);
  header().recording_text = DecodeText(Take("recording identification", 80), out_.warnings);
  const Field date_field = Take("start date", 8);
  const Field time_field = Take("start time", 8);
  const Field size_field = Take("header size", 8);
  TRY(ParseVariant(Take("reserved field", 44)));
  ParseIdentity();
  TRY(const year_month_day date, ParseDate(date_field));
  TRY(ParseTime(time_field, date));
  TRY(ParseCounts());
  const auto expected = static_cast<int64_t>(256 * (signal_count_ + 1));
  const auto size = ParseInteger(size_field, expected, expected, out_.warnings);
  if (!size) {
    return size_field.Wrong(
        fmt::format("{}, 256 for each of {} signals and 256 before them", expected, signal_count_));
  }
  return {};
}

Result<void> Parser::ParseCounts() {
  TRY(header().record_count,
      ParseInteger(Take("number of data records", 8), -1, 99'999'999, out_.warnings));
  const Field duration = Take("duration of a data record", 8);
  TRY(header().record_duration_s, ParseNumber(duration, out_.warnings));
  if (header().record_duration_s < 0) return duration.Wrong("seconds, not negative");
  TRY(const int64_t count,
      ParseInteger(Take("number of signals", 4), 1, kMaxSignals, out_.warnings));
  signal_count_ = static_cast<size_t>(count);
  return {};
}

Result<void> Parser::ParseSignals() {
  header().signals.resize(signal_count_);
  auto& signals = header().signals;
  for (size_t i = 0; i < signal_count_; ++i) {
    signals[i].label =
        DecodeText(Take(fmt::format("label of signal {}", i + 1), 16), out_.warnings);
  }
  for (size_t i = 0; i < signal_count_; ++i) {
    signals[i].transducer = DecodeText(TakeOf(i, "transducer", 80), out_.warnings);
  }
  for (size_t i = 0; i < signal_count_; ++i) {
    signals[i].physical_dimension = DecodeText(TakeOf(i, "physical dimension", 8), out_.warnings);
  }
  TRY(ParseRanges());
  for (size_t i = 0; i < signal_count_; ++i) {
    signals[i].prefiltering = DecodeText(TakeOf(i, "prefiltering", 80), out_.warnings);
  }
  TRY(ParseSampleCounts());
  for (size_t i = 0; i < signal_count_; ++i) {
    signals[i].reserved = DecodeText(TakeOf(i, "reserved field", 32), out_.warnings);
  }
  return {};
}

Result<void> Parser::ParseRanges() {
  auto& signals = header().signals;
  const int64_t low = bdf_ ? -8388608 : -32768;
  const int64_t high = bdf_ ? 8388607 : 32767;
  for (size_t i = 0; i < signal_count_; ++i) {
    TRY(signals[i].physical_min, ParseNumber(TakeOf(i, "physical minimum", 8), out_.warnings));
  }
  for (size_t i = 0; i < signal_count_; ++i) {
    const Field field = TakeOf(i, "physical maximum", 8);
    TRY(signals[i].physical_max, ParseNumber(field, out_.warnings));
    if (signals[i].physical_max != signals[i].physical_min) continue;
    if (!signals[i].is_annotations()) return field.Wrong("a value other than the physical minimum");
    Warn(field.offset,
         fmt::format("{} at byte {} equals the physical minimum", field.name, field.offset));
  }
  for (size_t i = 0; i < signal_count_; ++i) {
    TRY(const int64_t value,
        ParseInteger(TakeOf(i, "digital minimum", 8), low, high, out_.warnings));
    signals[i].digital_min = static_cast<int32_t>(value);
  }
  for (size_t i = 0; i < signal_count_; ++i) {
    const Field field = TakeOf(i, "digital maximum", 8);
    TRY(const int64_t value, ParseInteger(field, low, high, out_.warnings));
    signals[i].digital_max = static_cast<int32_t>(value);
    if (value > signals[i].digital_min) continue;
    if (!signals[i].is_annotations()) {
      return field.Wrong(fmt::format("more than the digital minimum {}", signals[i].digital_min));
    }
    Warn(field.offset,
         fmt::format("{} at byte {} is not above the digital minimum", field.name, field.offset));
  }
  return {};
}

Result<void> Parser::ParseSampleCounts() {
  for (size_t i = 0; i < signal_count_; ++i) {
    const Field field = TakeOf(i, "samples in a data record", 8);
    TRY(const int64_t value, ParseInteger(field, 1, 99'999'999, out_.warnings));
    header().signals[i].samples_per_record = static_cast<uint32_t>(value);
  }
  const bool only_annotations =
      std::ranges::all_of(header().signals, [](const Signal& s) { return s.is_annotations(); });
  if (header().record_duration_s == 0 && !only_annotations) {
    return Fail(ErrorCode::kInvalid,
                "duration of a data record at byte 244 is \"0\", expected more than 0 seconds as "
                "there are signals with samples");
  }
  if (IsDiscontinuous(header().variant) &&
      std::ranges::none_of(header().signals, [](const Signal& s) { return s.is_annotations(); })) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("a discontinuous recording ({}) needs a signal \"{} Annotations\" that "
                            "says when each data record starts, found none",
                            ToString(header().variant), bdf_ ? "BDF" : "EDF"));
  }
  return {};
}

Result<ParsedHeader> Parser::Parse() {
  if (text_.size() < kFixedBytes) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("the file has {} bytes, expected at least the 256 bytes of a header",
                            text_.size()));
  }
  TRY(ParseVersion());
  TRY(ParseStart());
  const uint64_t needed = 256 * (uint64_t{1} + signal_count_);
  if (text_.size() < needed) {
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("the file has {} bytes, expected at least the {} bytes of a header with "
                    "{} signals",
                    text_.size(), needed, signal_count_));
  }
  TRY(ParseSignals());
  return std::move(out_);
}

}  // namespace

Result<ParsedHeader> ParseHeader(std::span<const uint8_t> bytes) { return Parser(bytes).Parse(); }

Result<ParsedHeader> ReadHeader(const ByteSource& source) {
  std::vector<uint8_t> bytes(std::min<uint64_t>(source.size(), kFixedBytes));
  TRY(source.ReadAt(0, bytes));
  if (bytes.size() == kFixedBytes) {
    // An unreadable count is left to the parser, which explains it.
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 252, 4);
    unsigned signals = 0;
    std::from_chars(text.data(), text.data() + text.size(), signals);
    bytes.resize(std::min<uint64_t>(source.size(), 256 * (uint64_t{1} + signals)));
    TRY(source.ReadAt(0, bytes));
  }
  return ParseHeader(bytes);
}

}  // namespace formats::edf
