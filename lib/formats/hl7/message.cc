#include "lib/formats/hl7/message.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace formats::hl7 {
namespace {

using base::ErrorCode;
using base::Fail;

std::string Join(const std::vector<std::string>& parts, char delimiter) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += delimiter;
    out += parts[i];
  }
  return out;
}

std::vector<std::string> SplitOwned(std::string_view text, char delimiter) {
  std::vector<std::string> parts;
  for (const std::string_view part : Split(text, delimiter)) parts.emplace_back(part);
  return parts;
}

std::optional<std::string_view> PartAt(std::string_view text, char delimiter, size_t number) {
  for (size_t i = 1; i < number; ++i) {
    const size_t end = text.find(delimiter);
    if (end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find(delimiter));
}

// Replaces one part, adding empty ones before it.
template <typename Change>
std::string WithPart(std::string_view text, char delimiter, size_t number, const Change& change) {
  std::vector<std::string> parts = SplitOwned(text, delimiter);
  if (parts.size() < number) parts.resize(number);
  parts[number - 1] = change(parts[number - 1]);
  return Join(parts, delimiter);
}

bool IsHeader(std::string_view id) { return id == "MSH"; }

// A number at the front of `text`, which it leaves.
std::optional<size_t> TakeNumber(std::string_view& text) {
  size_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number == 0) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return number;
}

std::optional<Position> ReadPosition(std::string_view text) {
  Position at;
  auto field = TakeNumber(text);
  if (!field) return std::nullopt;
  at.field = *field;
  if (text.starts_with('(')) {
    text.remove_prefix(1);
    const auto repetition = TakeNumber(text);
    if (!repetition || !text.starts_with(')')) return std::nullopt;
    text.remove_prefix(1);
    at.repetition = *repetition;
  }
  for (size_t* const part : {&at.component, &at.subcomponent}) {
    if (text.empty()) return at;
    if (!text.starts_with('.')) return std::nullopt;
    text.remove_prefix(1);
    const auto number = TakeNumber(text);
    if (!number) return std::nullopt;
    *part = *number;
  }
  return text.empty() ? std::optional(at) : std::nullopt;
}

}  // namespace

std::vector<std::string_view> Split(std::string_view text, char delimiter) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(delimiter);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

base::Result<Position> ParsePosition(std::string_view text) {
  if (const auto at = ReadPosition(text)) return *at;
  return Fail(ErrorCode::kInvalid,
              fmt::format("\"{}\" is no place in a segment; expected a field such as 5, with "
                          "component 5.1, subcomponent 5.1.2 or repetition 5(2).1",
                          text));
}

bool IsSegmentId(std::string_view id) {
  constexpr size_t kSize = 3;
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  return id.size() == kSize && capital(id[0]) &&
         std::ranges::all_of(id, [&](char c) { return capital(c) || (c >= '0' && c <= '9'); });
}

std::string_view Segment::field(size_t number) const {
  return number == 0 || number > fields_.size() ? std::string_view() : fields_[number - 1];
}

void Segment::SetField(size_t number, std::string encoded) {
  if (fields_.size() < number) fields_.resize(number);
  fields_[number - 1] = std::move(encoded);
}

std::optional<std::string> Segment::Get(const Position& at, const Delimiters& delimiters) const {
  if (at.field == 0 || at.field > fields_.size()) return std::nullopt;
  const std::string_view whole = field(at.field);
  // MSH-1 and MSH-2 are the delimiters themselves.
  if (IsHeader(id_) && at.field <= 2) {
    return at == Position{.field = at.field} ? std::optional<std::string>(whole) : std::nullopt;
  }
  const auto repetition = PartAt(whole, delimiters.repetition, at.repetition);
  if (!repetition) return std::nullopt;
  const auto component = PartAt(*repetition, delimiters.component, at.component);
  if (!component) return std::nullopt;
  const auto subcomponent = PartAt(*component, delimiters.subcomponent, at.subcomponent);
  if (!subcomponent) return std::nullopt;
  return Unescape(*subcomponent, delimiters);
}

base::Result<void> Segment::Set(const Position& at, std::string_view text,
                                const Delimiters& delimiters) {
  if (IsHeader(id_) && at.field <= 2) {
    return Fail(ErrorCode::kInvalid, "MSH-1 and MSH-2 are the delimiters of the message");
  }
  if (at.field > kMostFields || at.repetition > kMostRepetitions ||
      at.component > kMostComponents || at.subcomponent > kMostComponents) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("{}-{}({}).{}.{} is too far out: at most field {}, repetition {}, "
                            "component and subcomponent {}",
                            id_, at.field, at.repetition, at.component, at.subcomponent,
                            kMostFields, kMostRepetitions, kMostComponents));
  }
  const auto value = [&](std::string_view) { return Escape(text, delimiters); };
  const auto component = [&](std::string_view old) {
    return WithPart(old, delimiters.subcomponent, at.subcomponent, value);
  };
  const auto repetition = [&](std::string_view old) {
    return WithPart(old, delimiters.component, at.component, component);
  };
  SetField(at.field, WithPart(field(at.field), delimiters.repetition, at.repetition, repetition));
  return {};
}

const Segment* Message::Find(std::string_view id, size_t nth) const {
  for (const Segment& segment : segments) {
    if (segment.id() == id && nth-- == 0) return &segment;
  }
  return nullptr;
}

std::string Message::Value(std::string_view id, const Position& at) const {
  const Segment* const segment = Find(id);
  return segment == nullptr ? std::string() : segment->Get(at, delimiters).value_or("");
}

std::string Encode(const Message& message) {
  std::string out;
  for (const Segment& segment : message.segments) {
    out += segment.id();
    // MSH-1 is the separator between the id and MSH-2.
    const size_t first = IsHeader(segment.id()) ? 2 : 1;
    for (size_t i = first; i <= segment.size(); ++i) {
      out += message.delimiters.field;
      out += segment.field(i);
    }
    out += '\r';
  }
  return out;
}

std::optional<Acknowledgement> AcknowledgementOf(const Message& message) {
  if (message.Find("MSA") == nullptr) return std::nullopt;
  return Acknowledgement{.code = message.Value("MSA", {.field = 1}),
                         .control_id = message.Value("MSA", {.field = 2}),
                         .text = message.Value("MSA", {.field = 3})};
}

Message MakeAcknowledgement(const Message& message, std::string_view code,
                            std::string_view control_id, std::string_view text) {
  Message out{.delimiters = message.delimiters, .segments = {}};
  Segment header("MSH");
  const Segment* const from = message.Find("MSH");
  const auto copy = [&](size_t number, size_t source) {
    header.SetField(number, from == nullptr ? std::string() : std::string(from->field(source)));
  };
  copy(1, 1);
  copy(2, 2);
  // Sending application and facility become the receiving ones, and the reverse.
  copy(3, 5);
  copy(4, 6);
  copy(5, 3);
  copy(6, 4);
  const std::string event = message.Value("MSH", {.field = 9, .component = 2});
  header.SetField(9, "ACK" + (event.empty() ? ""
                                            : message.delimiters.component +
                                                  Escape(event, message.delimiters)));
  header.SetField(10, Escape(control_id, message.delimiters));
  copy(11, 11);
  copy(12, 12);
  Segment acknowledged("MSA");
  acknowledged.SetField(1, Escape(code, message.delimiters));
  acknowledged.SetField(2, from == nullptr ? std::string() : std::string(from->field(10)));
  if (!text.empty()) acknowledged.SetField(3, Escape(text, message.delimiters));
  out.segments = {std::move(header), std::move(acknowledged)};
  return out;
}

}  // namespace formats::hl7
