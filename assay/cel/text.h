#pragma once
// Values as text: for longer strings, for people, and for reports with limits.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "assay/cel/value.h"

namespace assay::cel {

/// How far DebugString goes before it writes `...`.
struct TextLimits {
  size_t string_bytes = 120;
  size_t elements = 8;
  size_t depth = 4;
  size_t total_bytes = 400;
  static TextLimits None();
};

/// What `${{ expr }}` inside longer text becomes: strings as they are, numbers, bools, timestamps
/// (RFC 3339) and durations (`1.5s`) as `string()` gives them, bytes as UTF-8 text where valid and
/// else base64, null as the empty string, lists and maps as JSON.
std::string ToText(const Value& value);

/// The value as a literal of the language: `{"id": "x", "n": 3u}`, `timestamp("2026-...")`.
std::string DebugString(const Value& value, const TextLimits& limits = {});

/// RFC 3339, UTC, with the shortest exact fraction: `2026-11-21T03:12:51.042Z`.
std::string FormatTimestamp(TimePoint time);
/// RFC 3339 with any offset; nullopt when malformed or outside the years 1 to 9999.
std::optional<TimePoint> ParseTimestamp(std::string_view text);
/// Seconds with the shortest fraction: `1.5s`, `-0.000000001s`.
std::string FormatDuration(std::chrono::nanoseconds duration);
/// `1h30m`, `-1.5s`, `100ms`: signed decimal numbers with the units h, m, s, ms, us, ns.
std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text);
/// The shortest decimal that reads back as the same double, without exponent from 1e-7 to 1e21:
/// `1`, `0.1`, `1e+100`, `NaN`, `-Infinity`.
std::string FormatDouble(double value);

}  // namespace assay::cel
