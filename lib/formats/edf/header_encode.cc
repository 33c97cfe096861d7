// Header to bytes.

#include <cmath>

#include <fmt/format.h>

#include "lib/formats/edf/field.h"
#include "lib/formats/edf/header.h"

namespace formats::edf {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

/// Appends fields and remembers the first that does not fit.
class Encoder {
 public:
  void Text(std::string_view name, std::string_view value, size_t width) {
    if (value.size() > width) {
      Refuse(fmt::format("{} \"{}\" has {} characters, expected at most {}", name, value,
                         value.size(), width));
    }
    for (const char c : value) {
      if (c >= 0x20 && c <= 0x7e) continue;
      Refuse(fmt::format("{} \"{}\" has characters outside US-ASCII", name, value),
             "spell it with ToAscii");
      break;
    }
    out_ += value.substr(0, width);
    out_.append(width - std::min(width, value.size()), ' ');
  }

  void Number(std::string_view name, double value) {
    const auto text = value == 0 ? "0" : FormatNumber(value, 8);
    if (!text) {
      Refuse(fmt::format("{} is {}, expected a number that 8 characters can hold", name, value));
    }
    Text(name, text.value_or(""), 8);
  }

  void Integer(std::string_view name, int64_t value, size_t width) {
    Text(name, std::to_string(value), width);
  }

  /// Refuses the header unless `holds`.
  void Require(bool holds, std::string message) {
    if (!holds) Refuse(std::move(message));
  }

  Result<std::string> Finish() && {
    if (error_) return Fail(std::move(*error_));
    return std::move(out_);
  }

 private:
  void Refuse(std::string message, std::string hint = "") {
    if (error_) return;
    error_ = base::Error{
        .code = ErrorCode::kInvalid, .message = std::move(message), .hint = std::move(hint)};
  }

  std::string out_;
  std::optional<base::Error> error_;
};

struct DateAndTime {
  std::string date;
  std::string time;
};

DateAndTime FormatStart(std::chrono::local_seconds start) {
  const auto day = std::chrono::floor<std::chrono::days>(start);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(start - day);
  const int year = static_cast<int>(date.year());
  // EDF+ clause 2.1.3.3 item 2: two digits cover 1985 to 2084, later years are written "yy".
  const std::string year_text =
      year >= 1985 && year <= 2084 ? fmt::format("{:02}", year % 100) : std::string("yy");
  return {fmt::format("{:02}.{:02}.{}", static_cast<unsigned>(date.day()),
                      static_cast<unsigned>(date.month()), year_text),
          fmt::format("{:02}.{:02}.{:02}", clock.hours().count(), clock.minutes().count(),
                      clock.seconds().count())};
}

void EncodeFixed(const Header& header, Encoder& out) {
  const bool plus = IsPlus(header.variant);
  RecordingFields recording = header.recording;
  const auto day = std::chrono::floor<std::chrono::days>(header.start);
  if (!recording.startdate) recording.startdate = std::chrono::year_month_day(day);
  const int year = static_cast<int>(std::chrono::year_month_day(day).year());
  out.Require(year >= 1985 && year <= (plus ? 9999 : 2084),
              fmt::format("the start year is {}, expected 1985 to {} in {}", year,
                          plus ? 9999 : 2084, ToString(header.variant)));
  out.Text("patient identification", plus ? FormatPatient(header.patient) : header.patient_text,
           80);
  out.Text("recording identification", plus ? FormatRecording(recording) : header.recording_text,
           80);
  const DateAndTime start = FormatStart(header.start);
  out.Text("start date", start.date, 8);
  out.Text("start time", start.time, 8);
  out.Integer("header size", static_cast<int64_t>(header.header_bytes()), 8);
  out.Text("reserved field",
           plus                              ? ToString(header.variant)
           : header.variant == Variant::kBdf ? "24BIT"
                                             : "",
           44);
  out.Require(header.record_count >= -1,
              fmt::format("the number of data records is {}, expected -1 "
                          "(unknown) or more",
                          header.record_count));
  out.Integer("number of data records", header.record_count, 8);
  out.Require(header.record_duration_s >= 0,
              fmt::format("the duration of a data record is {} s, expected not negative",
                          header.record_duration_s));
  out.Number("duration of a data record", header.record_duration_s);
  out.Require(!header.signals.empty(), "there is no signal, expected at least one");
  out.Integer("number of signals", static_cast<int64_t>(header.signals.size()), 4);
}

void CheckSignal(const Header& header, size_t index, Encoder& out) {
  const Signal& signal = header.signals[index];
  const std::string name = fmt::format("signal {} \"{}\"", index + 1, signal.label);
  const int32_t low = IsBdf(header.variant) ? -8388608 : -32768;
  const int32_t high = IsBdf(header.variant) ? 8388607 : 32767;
  out.Require(signal.digital_min >= low && signal.digital_max <= high,
              fmt::format("the digital range of {} is {} to {}, expected within {} to {}", name,
                          signal.digital_min, signal.digital_max, low, high));
  out.Require(signal.digital_min < signal.digital_max,
              fmt::format("the digital minimum of {} is {}, expected less than the maximum {}",
                          name, signal.digital_min, signal.digital_max));
  out.Require(FormatNumber(signal.physical_min, 8) != FormatNumber(signal.physical_max, 8),
              fmt::format("the physical minimum and maximum of {} are both {}, expected a range",
                          name, signal.physical_min));
  out.Require(signal.samples_per_record > 0,
              fmt::format("{} has 0 samples in a data record, expected at least 1", name));
  out.Require(header.record_duration_s > 0 || signal.is_annotations(),
              fmt::format("the duration of a data record is 0, but {} has samples", name));
}

}  // namespace

Result<std::string> EncodeHeader(const Header& header) {
  Encoder out;
  out.Text("version", IsBdf(header.variant) ? "" : "0", 8);
  EncodeFixed(header, out);
  const auto each = [&](auto&& put) {
    for (size_t i = 0; i < header.signals.size(); ++i) {
      put(header.signals[i], fmt::format(" of signal {} \"{}\"", i + 1, header.signals[i].label));
    }
  };
  for (size_t i = 0; i < header.signals.size(); ++i) CheckSignal(header, i, out);
  each([&](const Signal& s, const std::string& of) { out.Text("label" + of, s.label, 16); });
  each([&](const Signal& s, const std::string& of) {
    out.Text("transducer" + of, s.transducer, 80);
  });
  each([&](const Signal& s, const std::string& of) {
    out.Text("physical dimension" + of, s.physical_dimension, 8);
  });
  each([&](const Signal& s, const std::string& of) {
    out.Number("physical minimum" + of, s.physical_min);
  });
  each([&](const Signal& s, const std::string& of) {
    out.Number("physical maximum" + of, s.physical_max);
  });
  each([&](const Signal& s, const std::string& of) {
    out.Integer("digital minimum" + of, s.digital_min, 8);
  });
  each([&](const Signal& s, const std::string& of) {
    out.Integer("digital maximum" + of, s.digital_max, 8);
  });
  each([&](const Signal& s, const std::string& of) {
    out.Text("prefiltering" + of, s.prefiltering, 80);
  });
  each([&](const Signal& s, const std::string& of) {
    out.Integer("samples in a data record" + of, s.samples_per_record, 8);
  });
  each([&](const Signal& s, const std::string& of) {
    out.Text("reserved field" + of, s.reserved, 32);
  });
  TRY(std::string bytes, std::move(out).Finish());
  if (IsBdf(header.variant))
    bytes.replace(0, 8,
                  "\xff"
                  "BIOSEMI");
  return bytes;
}

}  // namespace formats::edf
