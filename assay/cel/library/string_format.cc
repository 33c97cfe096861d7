#include "assay/cel/library/string_format.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "assay/cel/text.h"
#include "assay/cel/type.h"
#include "lib/base/result.h"
#include "lib/base/utf8.h"

namespace assay::cel {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

/// One clause behind its percent sign.
struct Clause {
  char letter;
  int precision;
};

std::unexpected<base::Error> Unsuitable(char letter, std::string_view expected,
                                        const Value& value) {
  return Fail(ErrorCode::kInvalid,
              fmt::format("%{} formats {}, found {}", letter, expected, ToString(value.kind())));
}

Result<std::string> Shown(const Value& value);

Result<std::string> ShownList(const Value& value) {
  std::string out = "[";
  for (const Value& element : value.list()) {
    TRY(const std::string text, Shown(element));
    out.append(out.size() > 1 ? ", " : "").append(text);
  }
  return out + "]";
}

/// Entries in the order of their keys' text, so that the result does not depend on the map's order.
Result<std::string> ShownMap(const Value& value) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const Map::Entry& entry : value.map().entries()) {
    TRY(std::string key, Shown(entry.key));
    TRY(std::string text, Shown(entry.value));
    entries.emplace_back(std::move(key), std::move(text));
  }
  std::ranges::sort(entries);
  std::string out = "{";
  for (const auto& [key, text] : entries)
    out.append(out.size() > 1 ? ", " : "").append(key).append(": ").append(text);
  return out + "}";
}

Result<std::string> Shown(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return "null";
    case Kind::kList:
      return ShownList(value);
    case Kind::kMap:
      return ShownMap(value);
    case Kind::kBytes:
      if (!base::IsUtf8(value.bytes()))
        return Fail(ErrorCode::kInvalid, "%s formats bytes only if they are UTF-8");
      return std::string(value.bytes());
    case Kind::kOptional:
    case Kind::kError:
      return Unsuitable('s', "values", value);
    default:
      return ToText(value);
  }
}

Result<std::string> Decimal(const Value& value) {
  if (value.is_double() && std::isfinite(value.double_value()))
    return fmt::format("{}", value.double_value());
  if (!value.is_number()) return Unsuitable('d', "numbers", value);
  return ToText(value);
}

Result<std::string> Real(const Clause& clause, const Value& value) {
  const auto number = value.AsDouble();
  if (!number) return Unsuitable(clause.letter, "numbers", value);
  if (!std::isfinite(*number)) return FormatDouble(*number);
  const int precision = clause.precision < 0 ? 6 : clause.precision;
  return clause.letter == 'f' ? fmt::format("{:.{}f}", *number, precision)
                              : fmt::format("{:.{}e}", *number, precision);
}

Result<std::string> Whole(const Clause& clause, const Value& value) {
  const auto format = [&](auto number) {
    switch (clause.letter) {
      case 'b':
        return fmt::format("{:b}", number);
      case 'o':
        return fmt::format("{:o}", number);
      case 'x':
        return fmt::format("{:x}", number);
      default:
        return fmt::format("{:X}", number);
    }
  };
  if (value.is_int()) return format(value.int_value());
  if (value.is_uint()) return format(value.uint_value());
  if (value.is_bool() && clause.letter == 'b') return value.bool_value() ? "1" : "0";
  const bool hex = clause.letter == 'x' || clause.letter == 'X';
  if (!hex || !(value.is_string() || value.is_bytes()))
    return Unsuitable(clause.letter, hex ? "integers, strings and bytes" : "integers", value);
  std::string digits;
  for (const char c : value.string())
    digits += clause.letter == 'x' ? fmt::format("{:02x}", static_cast<unsigned char>(c))
                                   : fmt::format("{:02X}", static_cast<unsigned char>(c));
  return digits;
}

Result<std::string> Apply(const Clause& clause, const Value& value) {
  switch (clause.letter) {
    case 's':
      return Shown(value);
    case 'd':
      return Decimal(value);
    case 'f':
    case 'e':
      return Real(clause, value);
    default:
      return Whole(clause, value);
  }
}

constexpr int kMaxPrecision = 1000;

Result<Clause> TakeClause(std::string_view& rest) {
  Clause clause{0, -1};
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    clause.precision = 0;
    while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
      clause.precision = std::min(clause.precision * 10 + (rest[0] - '0'), kMaxPrecision + 1);
      rest.remove_prefix(1);
    }
    if (clause.precision > kMaxPrecision)
      return Fail(ErrorCode::kInvalid,
                  fmt::format("a precision in format() is at most {}", kMaxPrecision));
  }
  if (rest.empty() || std::string_view("sdfebxXo").find(rest[0]) == std::string_view::npos)
    return Fail(ErrorCode::kInvalid,
                fmt::format("unknown clause \"%{}\" in format(); expected one of "
                            "%s %d %f %e %b %x %X %o %%",
                            rest.substr(0, 1)));
  clause.letter = rest[0];
  rest.remove_prefix(1);
  return clause;
}

Result<std::string> Format(std::string_view rest, std::span<const Value> values,
                           CallContext& context) {
  std::string out;
  size_t next = 0;
  while (true) {
    const size_t percent = rest.find('%');
    out += rest.substr(0, percent);
    if (percent == std::string_view::npos) return out;
    rest.remove_prefix(percent + 1);
    if (rest.starts_with('%')) {
      out += '%';
      rest.remove_prefix(1);
      continue;
    }
    TRY(const Clause clause, TakeClause(rest));
    if (next >= values.size())
      return Fail(ErrorCode::kInvalid,
                  fmt::format("format() has {} values and more clauses than that", values.size()));
    TRY(const std::string text, Apply(clause, values[next++]));
    if (!context.Charge(1 + text.size() / 16)) return out;
    out += text;
  }
}

}  // namespace

Value FormatString(std::span<const Value> arguments, CallContext& context) {
  context.Charge(arguments[0].string().size() / 16);
  auto text = Format(arguments[0].string(), arguments[1].list(), context);
  return text ? Value::String(*text) : Value::Error(std::move(text).error());
}

}  // namespace assay::cel
