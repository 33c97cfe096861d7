#include "lib/formats/edf/annotations.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace formats::edf {
namespace {

using base::ErrorCode;
using base::Fail;

constexpr char kDurationMark = '\x15';
constexpr char kTextMark = '\x14';

/// `+12.5`, `-0.3`: the sign is required for an onset and refused for a duration.
std::optional<double> ParseSeconds(std::string_view text, bool onset) {
  if (text.empty()) return std::nullopt;
  const bool negative = text.front() == '-';
  if (onset) {
    if (!negative && text.front() != '+') return std::nullopt;
    text.remove_prefix(1);
  }
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos) {
    return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return onset && negative ? -value : value;
}

std::string Shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 24)) {
    const auto byte = static_cast<uint8_t>(c);
    out += byte >= 0x20 && byte < 0x7f ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return out + (text.size() > 24 ? "..." : "");
}

/// Parses one TAL without its closing NUL.
class Tal {
 public:
  Tal(std::string_view text, size_t offset, bool timekeeping, TalRecord& out)
      : text_(text), offset_(offset), timekeeping_(timekeeping), out_(out) {}

  void Parse() {
    const size_t mark = text_.find(kTextMark);
    if (mark == std::string_view::npos) return Problem("no byte 0x14 after the onset");
    std::string_view time = text_.substr(0, mark);
    Annotation annotation;
    if (const size_t split = time.find(kDurationMark); split != std::string_view::npos) {
      annotation.duration_s = ParseSeconds(time.substr(split + 1), false);
      if (!annotation.duration_s) return Problem("the duration is not a number of seconds");
      time = time.substr(0, split);
    }
    const auto onset = ParseSeconds(time, true);
    if (!onset) return Problem("the onset is not a signed number of seconds");
    annotation.onset_s = *onset;
    TakeTexts(text_.substr(mark + 1), annotation);
  }

 private:
  void TakeTexts(std::string_view rest, const Annotation& annotation) {
    bool first = true;
    while (!rest.empty()) {
      const size_t end = rest.find(kTextMark);
      if (end == std::string_view::npos) return Problem("the text does not end with byte 0x14");
      const std::string_view text = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      if (first && text.empty() && timekeeping_ && !out_.record_onset_s) {
        out_.record_onset_s = annotation.onset_s;
      } else if (!text.empty() || annotation.duration_s) {
        out_.annotations.push_back({annotation.onset_s, annotation.duration_s, std::string(text)});
      }
      first = false;
    }
  }
  void Problem(std::string_view what) {
    out_.problems.emplace_back(offset_, fmt::format("annotation \"{}\": {}", Shown(text_), what));
  }

  std::string_view text_;
  size_t offset_;
  bool timekeeping_;
  TalRecord& out_;
};

}  // namespace

TalRecord ParseTals(std::span<const uint8_t> bytes, bool timekeeping) {
  TalRecord out;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  size_t at = 0;
  bool first = true;
  while (at < text.size()) {
    if (text[at] == '\0') {
      ++at;
      continue;
    }
    const size_t end = text.find('\0', at);
    if (end == std::string_view::npos) {
      // Some writers fill the signal to its last byte without the closing NUL.
      const std::string_view rest = text.substr(at);
      if (rest.back() != kTextMark) {
        out.problems.emplace_back(
            at, fmt::format("annotation \"{}\": not closed by byte 0x00", Shown(rest)));
        break;
      }
    }
    const std::string_view one = text.substr(at, std::min(end, text.size()) - at);
    Tal(one, at, timekeeping && first, out).Parse();
    first = false;
    at += one.size() + 1;
  }
  return out;
}

std::string FormatSeconds(double seconds) {
  std::string text = fmt::format("{:.9f}", seconds);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string EncodeTimekeepingTal(double onset_s) {
  const std::string onset = FormatSeconds(onset_s);
  std::string out = onset.starts_with('-') ? onset : "+" + onset;
  out += kTextMark;
  out += kTextMark;
  out += '\0';
  return out;
}

base::Result<std::string> EncodeTal(const Annotation& annotation) {
  const double duration = annotation.duration_s.value_or(0);
  if (!std::isfinite(annotation.onset_s) || !std::isfinite(duration) || duration < 0) {
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("annotation \"{}\" has onset {} and duration {}, expected finite seconds "
                    "and a duration that is not negative",
                    annotation.text, annotation.onset_s, duration));
  }
  if (annotation.text.find_first_of(std::string_view("\x00\x14\x15", 3)) != std::string::npos) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("annotation \"{}\" contains byte 0x00, 0x14 or 0x15, which delimit "
                            "annotations",
                            Shown(annotation.text)));
  }
  const std::string onset = FormatSeconds(annotation.onset_s);
  std::string out = onset.starts_with('-') ? onset : "+" + onset;
  if (annotation.duration_s) out += kDurationMark + FormatSeconds(duration);
  out += kTextMark;
  out += annotation.text;
  out += kTextMark;
  out += '\0';
  return out;
}

}  // namespace formats::edf
