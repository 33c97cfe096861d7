#include "assay/action/stream/hl7_value.h"

#include <algorithm>

#include <fmt/format.h>

#include "assay/cel/text.h"
#include "lib/base/utf8.h"

namespace assay::action {
namespace {

using base::ErrorCode;
using base::Result;
using cel::Value;
using formats::hl7::Delimiters;
using formats::hl7::Message;
using formats::hl7::Position;
using formats::hl7::Segment;
using formats::hl7::Split;

// Bytes of \X..\ need not be text.
Value TextValue(std::string_view encoded, const Delimiters& delimiters) {
  std::string text = formats::hl7::Unescape(encoded, delimiters);
  return Value::String(base::IsUtf8(text) ? text : encoded);
}

void AddComponents(std::string_view repetition, const std::string& place,
                   const Delimiters& delimiters, cel::MapBuilder& out) {
  size_t number = 0;
  for (const std::string_view component : Split(repetition, delimiters.component)) {
    const auto parts = Split(component, delimiters.subcomponent);
    const std::string at = fmt::format("{}.{}", place, ++number);
    if (number == 1) out.Set(place, TextValue(parts.front(), delimiters));
    out.Set(at, TextValue(parts.front(), delimiters));
    if (parts.size() == 1) continue;
    for (size_t i = 0; i < parts.size(); ++i) {
      out.Set(fmt::format("{}.{}", at, i + 1), TextValue(parts[i], delimiters));
    }
  }
}

Value SegmentValue(const Segment& segment, const Delimiters& delimiters) {
  cel::MapBuilder map;
  std::string text = segment.id();
  const bool header = segment.id() == "MSH";
  for (size_t field = 1; field <= segment.size(); ++field) {
    const std::string_view encoded = segment.field(field);
    if (!header || field > 1) (text += delimiters.field) += encoded;
    const std::string place = std::to_string(field);
    if (header && field <= 2) {
      map.Set(place, Value::String(encoded));
      continue;
    }
    size_t number = 0;
    for (const std::string_view repetition : Split(encoded, delimiters.repetition)) {
      ++number;
      AddComponents(repetition, number == 1 ? place : fmt::format("{}({})", place, number),
                    delimiters, map);
    }
  }
  map.Set("text", Value::String(text));
  return std::move(map).Build();
}

// --- building -----------------------------------------------------------------------------------

std::unexpected<base::Error> Misplaced(std::string_view where, std::string_view expected,
                                       const Value& found) {
  return base::Fail(ErrorCode::kInvalid, fmt::format("{}: expected {}, found {}", where, expected,
                                                     cel::DebugString(found)));
}

Result<size_t> PartNumber(const Value& key, std::string_view where) {
  const auto at = formats::hl7::ParsePosition(cel::ToText(key));
  if (!at || *at != Position{.field = at->field}) {
    return Misplaced(where, "the number of a part", key);
  }
  return at->field;
}

enum class Level { kField, kComponent, kSubcomponent };

Result<void> SetValue(const Value& value, Position at, Level level, const std::string& where,
                      const Delimiters& delimiters, Segment& segment) {
  if (value.is_null()) return {};
  if (value.is_list() && level == Level::kField) {
    for (size_t i = 0; i < value.list().size(); ++i) {
      at.repetition = i + 1;
      TRY(SetValue(value.list()[i], at, Level::kField, fmt::format("{}({})", where, i + 1),
                   delimiters, segment));
    }
    return {};
  }
  if (value.is_map() && level != Level::kSubcomponent) {
    for (const auto& [key, part] : value.map().entries()) {
      TRY(const size_t number, PartNumber(key, where));
      (level == Level::kField ? at.component : at.subcomponent) = number;
      TRY(SetValue(part, at, level == Level::kField ? Level::kComponent : Level::kSubcomponent,
                   fmt::format("{}.{}", where, number), delimiters, segment));
    }
    return {};
  }
  if (value.is_list() || value.is_map()) {
    return Misplaced(where, level == Level::kComponent ? "a text or subcomponents" : "a text",
                     value);
  }
  return segment.Set(at, cel::ToText(value), delimiters);
}

Level LevelOf(std::string_view place) {
  const auto dots = std::ranges::count(place, '.');
  return dots == 0 ? Level::kField : dots == 1 ? Level::kComponent : Level::kSubcomponent;
}

Result<Segment> BuildSegment(const std::string& id, const Value& fields,
                             const Delimiters& delimiters) {
  if (!fields.is_map()) return Misplaced(id, "a map of fields such as {3: text}", fields);
  Segment segment(id);
  for (const auto& [key, value] : fields.map().entries()) {
    const std::string place = cel::ToText(key);
    if (place == "text") continue;  // of a message that was received
    auto at = formats::hl7::ParsePosition(place);
    if (!at) {
      return base::Fail(std::move(at).error().While(fmt::format("building the segment {}", id)));
    }
    if (id == "MSH" && at->field <= 2) continue;
    TRY(SetValue(value, *at, LevelOf(place), fmt::format("{}-{}", id, place), delimiters, segment));
  }
  return segment;
}

Result<void> AddSegments(const std::string& id, const Value& value, Message& message) {
  if (id == "segments") return {};  // of a message that was received
  if (!formats::hl7::IsSegmentId(id)) {
    return base::Fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no segment id such as PID", id));
  }
  if (!value.is_list()) {
    TRY(Segment segment, BuildSegment(id, value, message.delimiters));
    message.segments.push_back(std::move(segment));
    return {};
  }
  for (const Value& one : value.list()) {
    TRY(Segment segment, BuildSegment(id, one, message.delimiters));
    message.segments.push_back(std::move(segment));
  }
  return {};
}

const Value* HeaderOf(const Value& value) {
  const Value* first = &value;
  if (value.is_list()) {
    if (value.list().empty()) return nullptr;
    first = &value.list().front();
  }
  const Value* header = first->Find("MSH");
  if (header != nullptr && header->is_list()) {
    header = header->list().empty() ? nullptr : &header->list().front();
  }
  return header;
}

const Value* AtPlace(const Value& fields, std::string_view place) {
  if (!fields.is_map()) return nullptr;
  for (const auto& [key, value] : fields.map().entries()) {
    if (cel::ToText(key) == place) return &value;
  }
  return nullptr;
}

// MSH-1 and MSH-2 as they are given, or the usual ones.
Result<Message> StartMessage(const Value& value) {
  const Value* header = HeaderOf(value);
  if (header == nullptr) {
    return base::Fail(ErrorCode::kInvalid, "an HL7 message begins with the segment MSH");
  }
  const Value* field = AtPlace(*header, "1");
  const Value* encoding = AtPlace(*header, "2");
  return formats::hl7::Parse(fmt::format("MSH{}{}", field == nullptr ? "|" : cel::ToText(*field),
                                         encoding == nullptr ? "^~\\&" : cel::ToText(*encoding)));
}

Result<Message> FinishMessage(Message message, const std::string& start) {
  if (message.segments.size() < 2 || message.segments[1].id() != "MSH") {
    return base::Fail(ErrorCode::kInvalid, "an HL7 message begins with the segment MSH");
  }
  Segment& header = message.segments[1];
  header.SetField(1, start.substr(3, 1));
  header.SetField(2, start.substr(4));
  message.segments.erase(message.segments.begin());
  return message;
}

}  // namespace

Value Hl7Value(const Message& message) {
  std::vector<std::pair<std::string, std::vector<Value>>> by_name;
  std::vector<Value> names;
  for (const Segment& segment : message.segments) {
    names.push_back(Value::String(segment.id()));
    auto found = std::ranges::find(by_name, segment.id(),
                                   &std::pair<std::string, std::vector<Value>>::first);
    if (found == by_name.end()) found = by_name.insert(by_name.end(), {segment.id(), {}});
    found->second.push_back(SegmentValue(segment, message.delimiters));
  }
  cel::MapBuilder map;
  for (auto& [name, segments] : by_name) map.Set(name, Value::List(std::move(segments)));
  map.Set("segments", Value::List(std::move(names)));
  return std::move(map).Build();
}

Result<Message> Hl7MessageOf(const Value& value) {
  if (!value.is_map() && !value.is_list()) {
    return formats::hl7::Parse(cel::ToText(value), {.line_ends = formats::hl7::LineEnds::kAny});
  }
  TRY(Message message, StartMessage(value));
  std::string start = formats::hl7::Encode(message);
  start.pop_back();
  const auto add = [&](const Value& map) -> Result<void> {
    if (!map.is_map()) return Misplaced("message", "a map of segments", map);
    for (const auto& [key, segments] : map.map().entries()) {
      TRY(AddSegments(cel::ToText(key), segments, message));
    }
    return {};
  };
  if (value.is_list()) {
    for (const Value& map : value.list()) TRY(add(map));
  } else {
    TRY(add(value));
  }
  return FinishMessage(std::move(message), start);
}

Result<std::string> Hl7Text(std::string_view bytes) {
  if (base::IsUtf8(bytes)) return std::string(bytes);
  const std::string_view head = bytes.substr(0, bytes.find('\r'));
  constexpr size_t kCharacterSet = 17;  // MSH-18, counted from the id
  const auto fields = head.size() > 3 ? Split(head, head[3]) : std::vector<std::string_view>{};
  const std::string_view set = fields.size() > kCharacterSet ? fields[kCharacterSet] : "";
  // It may repeat; the first one is that of the message.
  if (set.substr(0, set.find_first_of("~^")) != "8859/1") {
    return base::Fail(
        ErrorCode::kUnsupported,
        fmt::format("the message is not UTF-8, and its character set (MSH-18) is \"{}\"",
                    base::IsUtf8(set) ? set : "?"));
  }
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += {static_cast<char>(0xC0 | (byte >> 6)), static_cast<char>(0x80 | (byte & 0x3F))};
    }
  }
  return text;
}

}  // namespace assay::action
