#include "assay/cel/text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/cel/type.h"
#include "lib/base/utf8.h"
#include "lib/crypto/base64.h"

namespace assay::cel {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr int64_t kNanosPerSecond = 1'000'000'000;

/// Digits after the point without trailing zeros, "" for 0.
std::string Fraction(int64_t nanos) {
  if (nanos == 0) return {};
  std::string digits = fmt::format(".{:09}", nanos);
  digits.erase(digits.find_last_not_of('0') + 1);
  return digits;
}

/// Takes exactly `count` digits; -1 when there are fewer.
int TakeDigits(std::string_view& text, size_t count) {
  if (text.size() < count) return -1;
  int number = 0;
  for (size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return number;
}

bool Take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// `.123` to nanoseconds, 0 when there is no point, -1 when malformed.
int32_t TakeFraction(std::string_view& text) {
  if (!Take(text, '.')) return 0;
  int32_t nanos = 0;
  int digits = 0;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits, text.remove_prefix(1))
    if (digits < 9) nanos = nanos * 10 + (text[0] - '0');
  if (digits == 0) return -1;
  for (; digits < 9; ++digits) nanos *= 10;
  return nanos;
}

/// `Z` or `+hh:mm` in seconds east of UTC.
std::optional<int64_t> TakeOffset(std::string_view& text) {
  if (Take(text, 'Z') || Take(text, 'z')) return 0;
  const bool west = text.starts_with('-');
  if (!Take(text, '-') && !Take(text, '+')) return std::nullopt;
  const int hours = TakeDigits(text, 2);
  if (hours < 0 || hours > 23 || !Take(text, ':')) return std::nullopt;
  const int minutes = TakeDigits(text, 2);
  if (minutes < 0 || minutes > 59) return std::nullopt;
  const int64_t seconds = hours * 3600 + minutes * 60;
  return west ? -seconds : seconds;
}

std::optional<int64_t> TakeDate(std::string_view& text) {
  const int year = TakeDigits(text, 4);
  if (year < 0 || !Take(text, '-')) return std::nullopt;
  const int month = TakeDigits(text, 2);
  if (month < 0 || !Take(text, '-')) return std::nullopt;
  const int day = TakeDigits(text, 2);
  if (day < 0) return std::nullopt;
  const year_month_day date{std::chrono::year(year),
                            std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return sys_days(date).time_since_epoch().count() * int64_t{86400};
}

std::optional<int64_t> TakeTimeOfDay(std::string_view& text) {
  const int hours = TakeDigits(text, 2);
  if (hours < 0 || hours > 23 || !Take(text, ':')) return std::nullopt;
  const int minutes = TakeDigits(text, 2);
  if (minutes < 0 || minutes > 59 || !Take(text, ':')) return std::nullopt;
  const int seconds = TakeDigits(text, 2);
  if (seconds < 0 || seconds > 59) return std::nullopt;
  return hours * 3600 + minutes * 60 + seconds;
}

int64_t TakeUnit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    int64_t nanos;
  };
  // Longer names first: "ms" is not "m" followed by "s".
  constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                           {"us", 1'000},
                                           {"\xC2\xB5s", 1'000},
                                           {"\xCE\xBCs", 1'000},
                                           {"ms", 1'000'000},
                                           {"s", kNanosPerSecond},
                                           {"m", 60 * kNanosPerSecond},
                                           {"h", 3600 * kNanosPerSecond}}};
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.nanos;
  }
  return 0;
}

/// Takes `12.5h`; nullopt when malformed or too large for 64 bits.
std::optional<__int128> TakeQuantity(std::string_view& text) {
  __int128 whole = 0;
  size_t digits = 0;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits, text.remove_prefix(1)) {
    whole = whole * 10 + (text[0] - '0');
    if (whole > std::numeric_limits<int64_t>::max()) return std::nullopt;
  }
  __int128 numerator = 0;
  __int128 denominator = 1;
  if (Take(text, '.')) {
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits, text.remove_prefix(1)) {
      if (denominator >= 1'000'000'000'000'000) continue;
      numerator = numerator * 10 + (text[0] - '0');
      denominator *= 10;
    }
  }
  const int64_t unit = digits == 0 ? 0 : TakeUnit(text);
  if (unit == 0) return std::nullopt;
  return whole * unit + numerator * unit / denominator;
}

}  // namespace

TextLimits TextLimits::None() {
  constexpr size_t kMax = std::numeric_limits<size_t>::max();
  return {.string_bytes = kMax, .elements = kMax, .depth = kMax, .total_bytes = kMax};
}

std::string FormatTimestamp(TimePoint time) {
  const std::chrono::sys_seconds seconds{std::chrono::seconds(time.seconds)};
  const auto day = std::chrono::floor<days>(seconds);
  const year_month_day date(day);
  const int64_t of_day = (seconds - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     of_day / 3600, of_day / 60 % 60, of_day % 60, Fraction(time.nanos));
}

std::optional<TimePoint> ParseTimestamp(std::string_view text) {
  const auto day = TakeDate(text);
  if (!day || !(Take(text, 'T') || Take(text, 't'))) return std::nullopt;
  const auto of_day = TakeTimeOfDay(text);
  if (!of_day) return std::nullopt;
  const int32_t nanos = TakeFraction(text);
  const auto offset = nanos < 0 ? std::nullopt : TakeOffset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const TimePoint time{*day + *of_day - *offset, nanos};
  if (time < kMinTimestamp || time > kMaxTimestamp) return std::nullopt;
  return time;
}

std::string FormatDuration(std::chrono::nanoseconds duration) {
  const int64_t count = duration.count();
  const int64_t seconds = count / kNanosPerSecond;
  const int64_t nanos = count % kNanosPerSecond;
  return fmt::format("{}{}{}s", count < 0 ? "-" : "", seconds < 0 ? -seconds : seconds,
                     Fraction(nanos < 0 ? -nanos : nanos));
}

std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return std::nullopt;
  __int128 total = 0;
  while (!text.empty()) {
    const auto quantity = TakeQuantity(text);
    if (!quantity) return std::nullopt;
    total += *quantity;
    // One beyond the largest, because the smallest duration has no positive counterpart.
    if (total > static_cast<__int128>(std::numeric_limits<int64_t>::max()) + 1) return std::nullopt;
  }
  if (negative) total = -total;
  if (total > std::numeric_limits<int64_t>::max()) return std::nullopt;
  return std::chrono::nanoseconds(static_cast<int64_t>(total));
}

std::string FormatDouble(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  std::array<char, 64> buffer;
  const double size = std::fabs(value);
  const bool fixed = size == 0 || (size >= 1e-7 && size < 1e21);
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr;
  return {buffer.data(), end};
}

std::string ToText(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return {};
    case Kind::kBool:
      return value.bool_value() ? "true" : "false";
    case Kind::kInt:
      return std::to_string(value.int_value());
    case Kind::kUint:
      return std::to_string(value.uint_value());
    case Kind::kDouble:
      return FormatDouble(value.double_value());
    case Kind::kTimestamp:
      return FormatTimestamp(value.timestamp());
    case Kind::kDuration:
      return FormatDuration(value.duration());
    case Kind::kString:
      return std::string(value.string());
    case Kind::kBytes:
      return base::IsUtf8(value.bytes()) ? std::string(value.bytes())
                                         : crypto::Base64(value.bytes());
    case Kind::kType:
      return std::string(value.type().name());
    case Kind::kList:
    case Kind::kMap:
      return boost::json::serialize(ToJson(value));
    case Kind::kOptional:
      return value.optional() == nullptr ? std::string() : ToText(*value.optional());
    case Kind::kOpaque:
      return value.opaque().ToText();
    case Kind::kError:
      return "error: " + value.error().message;
  }
  std::unreachable();
}

}  // namespace assay::cel
