#pragma once
// Local time in IANA time zones, read from the system's zoneinfo files (RFC 8536), because
// libstdc++ 12 has no std::chrono::time_zone.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::cel {

/// A day of the year on which daylight saving time begins or ends, after POSIX TZ.
struct ZoneRule {
  enum class Form : uint8_t { kMonthWeekDay, kJulian, kDayOfYear } form = Form::kMonthWeekDay;
  int month = 1;
  int week = 1;         ///< 5 is the last
  int day = 0;          ///< of the week, or of the year
  int64_t time = 7200;  ///< seconds after local midnight
};

/// One zone; immutable.
class TimeZone {
 public:
  /// The contents of a TZif file; nullopt when damaged.
  static std::optional<TimeZone> Parse(std::string_view file);

  /// Seconds east of UTC at a point in time (seconds since the Unix epoch).
  int64_t OffsetAt(int64_t seconds) const;

 private:
  struct Transition {
    int64_t at;
    int32_t offset;
  };
  int64_t OffsetByRules(int64_t seconds) const;
  bool ParseFooter(std::string_view footer);

  std::vector<Transition> transitions_;
  int32_t first_offset_ = 0;
  bool has_footer_ = false;
  int64_t standard_offset_ = 0;
  std::optional<int64_t> daylight_offset_;
  ZoneRule daylight_begins_;
  ZoneRule daylight_ends_;
};

/// Offset of `UTC`, `+02:00`, `02:00` or an IANA name such as `Europe/Berlin` at a point in time;
/// nullopt when there is no such zone.
std::optional<int64_t> ZoneOffset(std::string_view zone, int64_t seconds);

}  // namespace assay::cel
