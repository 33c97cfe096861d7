#include "lib/json/canonical.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace json {
namespace {

void AppendString(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

// ECMA-262 Number::toString: shortest digits that read back, plain from 1e-6 to below 1e21.
void AppendDouble(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  if (value == 0) {
    out += '0';
    return;
  }
  std::array<char, 32> buffer;
  const auto [end, status] = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                           std::abs(value), std::chars_format::scientific);
  std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  const size_t e = text.find('e');
  int exponent = 0;
  const char* exponent_begin = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(exponent_begin, text.data() + text.size(), exponent);
  std::string digits(1, text[0]);
  if (e > 2) digits += text.substr(2, e - 2);
  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // position of the decimal point behind the first `point` digits
  if (value < 0) out += '-';
  if (count <= point && point <= 21) {
    out += digits + std::string(static_cast<size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out += digits.substr(0, static_cast<size_t>(point)) + "." +
           digits.substr(static_cast<size_t>(point));
  } else if (-6 < point && point <= 0) {
    out += "0." + std::string(static_cast<size_t>(-point), '0') + digits;
  } else {
    out += digits[0];
    if (count > 1) out += "." + digits.substr(1);
    out += fmt::format("e{}{}", exponent < 0 ? "-" : "+", std::abs(exponent));
  }
}

// UTF-16 order differs from byte order only where surrogates meet U+E000..U+FFFF: in UTF-8 a lead
// byte 0xF0.. (supplementary plane) must sort before 0xEE and 0xEF.
bool Utf16Less(std::string_view a, std::string_view b) {
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  if (in_a == a.end() || in_b == b.end()) return in_a == a.end() && in_b != b.end();
  const auto rank = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0xF0) return byte - 0xF0 + 0xEE;
    if (byte >= 0xEE) return byte - 0xEE + 0xFE;
    return static_cast<int>(byte);
  };
  return rank(*in_a) < rank(*in_b);
}

void AppendCanonical(std::string& out, const boost::json::value& value);

void AppendObject(std::string& out, const boost::json::object& object) {
  std::vector<const boost::json::key_value_pair*> members;
  members.reserve(object.size());
  for (const auto& member : object) members.push_back(&member);
  std::ranges::sort(members,
                    [](const auto* a, const auto* b) { return Utf16Less(a->key(), b->key()); });
  out += '{';
  for (size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out += ',';
    AppendString(out, members[i]->key());
    out += ':';
    AppendCanonical(out, members[i]->value());
  }
  out += '}';
}

void AppendCanonical(std::string& out, const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      out += "null";
      break;
    case boost::json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case boost::json::kind::int64: {
      constexpr int64_t kExact = int64_t{1} << 53;
      const int64_t number = value.get_int64();
      if (number >= -kExact && number <= kExact) {
        out += fmt::format("{}", number);
      } else {
        AppendDouble(out, static_cast<double>(number));
      }
      break;
    }
    case boost::json::kind::uint64:
      AppendDouble(out, static_cast<double>(value.get_uint64()));
      break;
    case boost::json::kind::double_:
      AppendDouble(out, value.get_double());
      break;
    case boost::json::kind::string:
      AppendString(out, value.get_string());
      break;
    case boost::json::kind::array: {
      out += '[';
      bool first = true;
      for (const auto& element : value.get_array()) {
        if (!first) out += ',';
        first = false;
        AppendCanonical(out, element);
      }
      out += ']';
      break;
    }
    case boost::json::kind::object:
      AppendObject(out, value.get_object());
      break;
  }
}

void AppendPretty(std::string& out, const boost::json::value& value, size_t depth) {
  const std::string indent((depth + 1) * 2, ' ');
  const std::string closing(depth * 2, ' ');
  if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += "[\n";
    for (size_t i = 0; i < array->size(); ++i) {
      out += indent;
      AppendPretty(out, (*array)[i], depth + 1);
      out += i + 1 < array->size() ? ",\n" : "\n";
    }
    out += closing + "]";
  } else if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    size_t i = 0;
    for (const auto& member : *object) {
      out += indent;
      AppendString(out, member.key());
      out += ": ";
      AppendPretty(out, member.value(), depth + 1);
      out += ++i < object->size() ? ",\n" : "\n";
    }
    out += closing + "}";
  } else if (value.is_int64()) {
    out += fmt::format("{}", value.get_int64());
  } else if (value.is_uint64()) {
    out += fmt::format("{}", value.get_uint64());
  } else {
    AppendCanonical(out, value);
  }
}

}  // namespace

std::string Canonical(const boost::json::value& value) {
  std::string out;
  AppendCanonical(out, value);
  return out;
}

std::string Pretty(const boost::json::value& value) {
  std::string out;
  AppendPretty(out, value, 0);
  return out;
}

}  // namespace json
