// The strings extension. Positions count code points.

#include <algorithm>

#include <fmt/format.h>

#include "assay/cel/library/library.h"
#include "assay/cel/library/string_format.h"
#include "assay/cel/utf8.h"

namespace assay::cel {
namespace {

Value OutOfRange(int64_t index, std::string_view text) {
  return InvalidArgument(fmt::format("index {} is out of range: the string has {} characters",
                                     index, CountCodePoints(text)));
}

/// Byte offset of a position in 0..length; nullopt when outside.
std::optional<size_t> Offset(std::string_view text, int64_t index) {
  if (index < 0) return std::nullopt;
  const size_t offset = OffsetOfCodePoint(text, static_cast<size_t>(index));
  return offset == std::string_view::npos ? std::nullopt : std::optional(offset);
}

Value CharAt(Arguments arguments, CallContext&) {
  const std::string_view text = arguments[0].string();
  const auto offset = Offset(text, arguments[1].int_value());
  if (!offset) return OutOfRange(arguments[1].int_value(), text);
  std::string_view rest = text.substr(*offset);
  const size_t size = rest.size();
  if (!rest.empty()) TakeCodePoint(rest);
  return Value::String(text.substr(*offset, size - rest.size()));
}

Value Position(std::string_view text, size_t offset) {
  if (offset == std::string_view::npos) return Value::Int(-1);
  return Value::Int(static_cast<int64_t>(CountCodePoints(text.substr(0, offset))));
}

Value IndexOf(Arguments arguments, CallContext& context) {
  const std::string_view text = arguments[0].string();
  context.Charge(text.size() / 16);
  size_t from = 0;
  if (arguments.size() == 3) {
    const auto offset = Offset(text, arguments[2].int_value());
    if (!offset) return OutOfRange(arguments[2].int_value(), text);
    from = *offset;
  }
  return Position(text, text.find(arguments[1].string(), from));
}

Value LastIndexOf(Arguments arguments, CallContext& context) {
  const std::string_view text = arguments[0].string();
  context.Charge(text.size() / 16);
  size_t from = std::string_view::npos;
  if (arguments.size() == 3) {
    const auto offset = Offset(text, arguments[2].int_value());
    if (!offset) return OutOfRange(arguments[2].int_value(), text);
    from = *offset;
  }
  return Position(text, text.rfind(arguments[1].string(), from));
}

Value Join(Arguments arguments, CallContext& context) {
  const std::string_view separator =
      arguments.size() == 2 ? arguments[1].string() : std::string_view();
  std::string joined;
  for (const Value& element : arguments[0].list()) {
    if (!element.is_string())
      return InvalidArgument(
          fmt::format("join() takes a list of strings, found {}", ToString(element.kind())));
    if (!context.Charge(1 + (element.string().size() + separator.size()) / 16)) return {};
    if (&element != arguments[0].list().data()) joined += separator;
    joined += element.string();
  }
  return Value::String(joined);
}

FunctionBody MapAscii(char first, char last, int shift) {
  return [=](Arguments arguments, CallContext& context) {
    context.Charge(arguments[0].string().size() / 16);
    std::string text(arguments[0].string());
    for (char& c : text)
      if (c >= first && c <= last) c = static_cast<char>(c + shift);
    return Value::String(text);
  };
}

/// Length of what to replace or split at in `rest`: its offset, or npos.
size_t FindPiece(std::string_view rest, std::string_view piece) {
  if (!piece.empty()) return rest.find(piece);
  if (rest.empty()) return std::string_view::npos;
  const size_t size = rest.size();
  TakeCodePoint(rest);
  return size - rest.size();
}

Value Replace(Arguments arguments, CallContext& context) {
  std::string_view rest = arguments[0].string();
  const std::string_view old = arguments[1].string();
  const std::string_view replacement = arguments[2].string();
  int64_t left = arguments.size() == 4 ? arguments[3].int_value() : -1;
  std::string out;
  const auto put = [&] {
    out += replacement;
    --left;
    return context.Charge(1 + replacement.size() / 16);
  };
  context.Charge(rest.size() / 16);
  // The empty string is found before every character and at the end.
  if (old.empty() && left != 0 && !put()) return {};
  while (left != 0) {
    const size_t offset = FindPiece(rest, old);
    if (offset == std::string_view::npos) break;
    out += rest.substr(0, offset);
    rest.remove_prefix(offset + old.size());
    if (!put()) return {};
  }
  return Value::String(out.append(rest));
}

Value Split(Arguments arguments, CallContext& context) {
  std::string_view rest = arguments[0].string();
  const std::string_view separator = arguments[1].string();
  const int64_t limit = arguments.size() == 3 ? arguments[2].int_value() : -1;
  std::vector<Value> pieces;
  if (limit == 0 || (separator.empty() && rest.empty())) return Value::List({});
  while (limit < 0 || static_cast<int64_t>(pieces.size()) + 1 < limit) {
    const size_t offset = FindPiece(rest, separator);
    if (offset == std::string_view::npos) break;
    if (separator.empty() && offset == rest.size()) break;
    if (!context.Charge(2 + offset / 16)) return {};
    pieces.push_back(Value::String(rest.substr(0, offset)));
    rest.remove_prefix(offset + separator.size());
  }
  pieces.push_back(Value::String(rest));
  return Value::List(std::move(pieces));
}

Value Substring(Arguments arguments, CallContext&) {
  const std::string_view text = arguments[0].string();
  const auto begin = Offset(text, arguments[1].int_value());
  if (!begin) return OutOfRange(arguments[1].int_value(), text);
  if (arguments.size() == 2) return Value::String(text.substr(*begin));
  const auto end = Offset(text, arguments[2].int_value());
  if (!end) return OutOfRange(arguments[2].int_value(), text);
  if (*end < *begin)
    return InvalidArgument(fmt::format("substring({}, {}) ends before it begins",
                                       arguments[1].int_value(), arguments[2].int_value()));
  return Value::String(text.substr(*begin, *end - *begin));
}

/// The property White_Space of Unicode 15.
bool IsSpace(char32_t point) {
  return (point >= 0x9 && point <= 0xD) || point == 0x20 || point == 0x85 || point == 0xA0 ||
         point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 ||
         point == 0x2029 || point == 0x202F || point == 0x205F || point == 0x3000;
}

Value Trim(Arguments arguments, CallContext& context) {
  std::string_view rest = arguments[0].string();
  context.Charge(rest.size() / 16);
  const char* begin = nullptr;
  const char* end = nullptr;
  while (!rest.empty()) {
    const char* here = rest.data();
    if (IsSpace(TakeCodePoint(rest))) continue;
    if (begin == nullptr) begin = here;
    end = rest.data();
  }
  if (begin == nullptr) return Value::String("");
  return Value::String({begin, static_cast<size_t>(end - begin)});
}

Value ReverseText(Arguments arguments, CallContext& context) {
  std::string_view rest = arguments[0].string();
  context.Charge(rest.size() / 16);
  std::string reversed;
  while (!rest.empty()) {
    const std::string_view before = rest;
    TakeCodePoint(rest);
    reversed.insert(0, before.substr(0, before.size() - rest.size()));
    if (!context.Charge(1 + reversed.size() / 256)) return {};
  }
  return Value::String(reversed);
}

Value Quote(Arguments arguments, CallContext& context) {
  constexpr std::string_view kSpecial = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view kNames = "abfnrtv\\\"";
  std::string_view rest = arguments[0].string();
  context.Charge(rest.size() / 16);
  std::string quoted = "\"";
  while (!rest.empty()) {
    const char32_t point = TakeCodePoint(rest);
    const size_t which =
        point < 0x80 ? kSpecial.find(static_cast<char>(point)) : std::string_view::npos;
    if (which == std::string_view::npos)
      AppendCodePoint(quoted, point);
    else
      quoted.append("\\").append(1, kNames[which]);
  }
  return Value::String(quoted + "\"");
}

}  // namespace

void RegisterStrings(FunctionTable& table) {
  Registrar registrar(table);
  const Type text = Type::String();
  const Type number = Type::Int();
  const Type texts = Type::List(text);
  registrar.Member("charAt", {text, number}, text, &CharAt)
      .Member("indexOf", {text, text}, number, &IndexOf)
      .Member("indexOf", {text, text, number}, number, &IndexOf)
      .Member("lastIndexOf", {text, text}, number, &LastIndexOf)
      .Member("lastIndexOf", {text, text, number}, number, &LastIndexOf)
      .Member("join", {texts}, text, &Join)
      .Member("join", {texts, text}, text, &Join)
      .Member("lowerAscii", {text}, text, MapAscii('A', 'Z', 'a' - 'A'))
      .Member("upperAscii", {text}, text, MapAscii('a', 'z', 'A' - 'a'))
      .Member("replace", {text, text, text}, text, &Replace)
      .Member("replace", {text, text, text, number}, text, &Replace)
      .Member("split", {text, text}, texts, &Split)
      .Member("split", {text, text, number}, texts, &Split)
      .Member("substring", {text, number}, text, &Substring)
      .Member("substring", {text, number, number}, text, &Substring)
      .Member("trim", {text}, text, &Trim)
      .Member("reverse", {text}, text, &ReverseText)
      .Member("format", {text, Type::List(Type::Dyn())}, text, &FormatString)
      .Global("strings.quote", {text}, text, &Quote);
}

}  // namespace assay::cel
