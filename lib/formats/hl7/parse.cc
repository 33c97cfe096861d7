#include <algorithm>
#include <cctype>
#include <set>

#include <fmt/format.h>

#include "lib/formats/hl7/message.h"

namespace formats::hl7 {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr size_t kIdSize = 3;
// Component, repetition, escape, subcomponent; since v2.7 also truncation.
constexpr size_t kEncodingCharacters = 4;

std::string Show(std::string_view text) {
  constexpr size_t kMost = 20;
  std::string out;
  for (const char c : text.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte >= 0x20 && byte < 0x7F ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return out + (text.size() > kMost ? "..." : "");
}

bool IsDelimiter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7F && std::isalnum(byte) == 0;
}

Result<Delimiters> ReadDelimiters(std::string_view header) {
  if (!header.starts_with("MSH")) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("a message begins with MSH, found \"{}\"", Show(header)));
  }
  if (header.size() <= kIdSize || !IsDelimiter(header[kIdSize])) {
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("MSH is followed by the field separator (MSH-1, usually |), found \"{}\"",
                    Show(header.substr(kIdSize))));
  }
  const char field = header[kIdSize];
  std::string_view encoding = header.substr(kIdSize + 1);
  encoding = encoding.substr(0, encoding.find(field));
  const bool sized =
      encoding.size() == kEncodingCharacters || encoding.size() == kEncodingCharacters + 1;
  std::set<char> different(encoding.begin(), encoding.end());
  different.insert(field);
  if (!sized || different.size() != encoding.size() + 1 ||
      !std::ranges::all_of(encoding, IsDelimiter)) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("MSH-2 is four different encoding characters, usually ^~\\&, found "
                            "\"{}\"",
                            Show(encoding)));
  }
  return Delimiters{.field = field,
                    .component = encoding[0],
                    .repetition = encoding[1],
                    .escape = encoding[2],
                    .subcomponent = encoding[3]};
}

Result<Segment> ReadSegment(std::string_view line, size_t number, const Delimiters& delimiters) {
  const std::string_view id = line.substr(0, kIdSize);
  if (!IsSegmentId(id)) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("segment {}: \"{}\" begins with no segment id such as PID", number,
                            Show(line)));
  }
  Segment segment{std::string(id)};
  line.remove_prefix(kIdSize);
  if (line.empty()) return segment;
  if (line.front() != delimiters.field) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("segment {}: {} is followed by the field separator {}, found \"{}\"",
                            number, id, delimiters.field, Show(line)));
  }
  line.remove_prefix(1);
  size_t field = 1;
  if (id == "MSH") {
    if (number > 1) {
      return Fail(ErrorCode::kInvalid,
                  fmt::format("segment {}: a second MSH; one message has one header", number));
    }
    segment.SetField(field++, std::string(1, delimiters.field));
  }
  for (const std::string_view part : Split(line, delimiters.field)) {
    segment.SetField(field++, std::string(part));
  }
  return segment;
}

Result<std::string_view> TakeLine(std::string_view& text, size_t number, LineEnds ends) {
  const size_t end = text.find_first_of(ends == LineEnds::kAny ? "\r\n" : "\r");
  const std::string_view line = text.substr(0, end);
  const bool crlf = end != std::string_view::npos && text.substr(end).starts_with("\r\n") &&
                    ends == LineEnds::kAny;
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + (crlf ? 2 : 1));
  if (line.contains('\n')) {
    return Fail(
        base::Error{ErrorCode::kInvalid,
                    fmt::format("segment {}: a line feed (0x0A) inside \"{}\"", number, Show(line))}
            .Hint("segments end with CR (0x0D) alone"));
  }
  if (line.contains('\0')) {
    return Fail(ErrorCode::kInvalid, fmt::format("segment {}: a zero byte in it", number));
  }
  return line;
}

}  // namespace

Result<Message> Parse(std::string_view text, const ParseOptions& options) {
  Message message;
  TRY(message.delimiters, ReadDelimiters(text));
  size_t number = 0;
  while (!text.empty()) {
    TRY(const std::string_view line, TakeLine(text, ++number, options.line_ends));
    if (line.empty()) {
      // Editors leave empty lines; on the wire they are none of the standard's.
      if (options.line_ends == LineEnds::kAny) continue;
      return Fail(ErrorCode::kInvalid, fmt::format("segment {} is empty", number));
    }
    if (message.segments.size() >= options.max_segments) {
      return Fail(ErrorCode::kTooLarge,
                  fmt::format("a message of more than {} segments", options.max_segments));
    }
    TRY(Segment segment, ReadSegment(line, number, message.delimiters));
    message.segments.push_back(std::move(segment));
  }
  return message;
}

}  // namespace formats::hl7
