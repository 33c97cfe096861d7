#include "lib/json/parse.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

namespace json {
namespace {

constexpr size_t kMaxDepth = 200;

// Builds a value from the events of Boost's parser, but converts numbers from their text.
struct Builder {
  // NOLINTBEGIN(readability-identifier-naming): Boost's parser asks for these names.
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = boost::json::string::max_size();
  static constexpr size_t max_string_size = boost::json::string::max_size();
  // NOLINTEND(readability-identifier-naming)

  using Error = boost::system::error_code;
  using View = boost::json::string_view;

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return true; }
  bool on_object_end(size_t count, Error&) {
    stack.push_object(count);
    return true;
  }
  bool on_array_begin(Error&) { return true; }
  bool on_array_end(size_t count, Error&) {
    stack.push_array(count);
    return true;
  }
  bool on_key_part(View part, size_t, Error&) {
    stack.push_chars(part);
    return true;
  }
  bool on_key(View rest, size_t, Error&) {
    stack.push_key(rest);
    return true;
  }
  bool on_string_part(View part, size_t, Error&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(View rest, size_t, Error&) {
    stack.push_string(rest);
    return true;
  }
  bool on_number_part(View part, Error&) {
    number.append(part.data(), part.size());
    return true;
  }
  bool on_int64(int64_t value, View, Error&) {
    number.clear();
    stack.push_int64(value);
    return true;
  }
  bool on_uint64(uint64_t value, View, Error&) {
    number.clear();
    stack.push_uint64(value);
    return true;
  }
  bool on_double(double approximate, View rest, Error& error) {
    number.append(rest.data(), rest.size());
    double exact = 0;
    const auto [end, status] = std::from_chars(number.data(), number.data() + number.size(), exact);
    number.clear();
    // Out of range means underflow, where zero is nearest, or overflow.
    if (status == std::errc::result_out_of_range && std::abs(approximate) > 1) {
      error = boost::json::error::exponent_overflow;
      return false;
    }
    stack.push_double(exact);
    return true;
  }
  bool on_bool(bool value, Error&) {
    stack.push_bool(value);
    return true;
  }
  bool on_null(Error&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(View, Error&) { return true; }
  bool on_comment(View, Error&) { return true; }

  boost::json::value_stack stack;
  std::string number;
};

base::Error AtOffset(std::string_view text, size_t offset, std::string_view what) {
  const std::string_view good = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::ranges::count(good, '\n');
  const size_t last_break = good.rfind('\n');
  const size_t column =
      good.size() - (last_break == std::string_view::npos ? 0 : last_break + 1) + 1;
  return {base::ErrorCode::kInvalid,
          fmt::format("not JSON: {} at line {} column {}", what, line, column)};
}

}  // namespace

base::Result<boost::json::value> Parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::basic_parser<Builder> parser(options);
  boost::system::error_code error;
  const size_t consumed = parser.write_some(false, text.data(), text.size(), error);
  if (error) return base::Fail(AtOffset(text, consumed, error.message()));
  if (consumed < text.size()) {
    return base::Fail(AtOffset(text, consumed, "unexpected text behind the value"));
  }
  return parser.handler().stack.release();
}

}  // namespace json
