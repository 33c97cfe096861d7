#include "assay/cel/library/time_zone.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>

namespace assay::cel {
namespace {

constexpr int64_t kDay = 86400;

/// Big-endian numbers from the front of a text; `ok` turns false at its end.
struct Bytes {
  std::string_view rest;
  bool ok = true;

  std::string_view Take(size_t count) {
    if (rest.size() < count) {
      ok = false;
      return {};
    }
    const std::string_view taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
  }
  int64_t Number(size_t size) {
    uint64_t number = 0;
    const std::string_view taken = Take(size);
    for (const char c : taken) number = number << 8 | static_cast<unsigned char>(c);
    if (size == 4) return static_cast<int32_t>(static_cast<uint32_t>(number));
    return static_cast<int64_t>(number);
  }
};

struct Header {
  char version = 0;
  int64_t utc_flags = 0;
  int64_t standard_flags = 0;
  int64_t leaps = 0;
  int64_t times = 0;
  int64_t types = 0;
  int64_t chars = 0;
};

std::optional<Header> TakeHeader(Bytes& bytes) {
  Header header;
  if (bytes.Take(4) != "TZif") return std::nullopt;
  header.version = static_cast<char>(bytes.Number(1));
  bytes.Take(15);
  for (int64_t* count : {&header.utc_flags, &header.standard_flags, &header.leaps, &header.times,
                         &header.types, &header.chars}) {
    *count = bytes.Number(4);
    if (*count < 0 || *count > 100'000) return std::nullopt;
  }
  return bytes.ok ? std::optional(header) : std::nullopt;
}

// What follows reads the POSIX TZ string of the footer: std offset [dst [offset] , rule , rule].

bool TakeName(std::string_view& text) {
  size_t length = 0;
  if (text.starts_with('<')) {
    length = text.find('>');
    if (length == std::string_view::npos) return false;
    ++length;
  } else {
    while (length < text.size() && std::isalpha(static_cast<unsigned char>(text[length])) != 0)
      ++length;
  }
  text.remove_prefix(length);
  return length > 0;
}

bool TakeNumber(std::string_view& text, int& number) {
  size_t digits = 0;
  number = 0;
  while (digits < text.size() && digits < 4 && text[digits] >= '0' && text[digits] <= '9')
    number = number * 10 + (text[digits++] - '0');
  text.remove_prefix(digits);
  return digits > 0;
}

bool TakeChar(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// `-3:30`, in seconds.
bool TakeTime(std::string_view& text, int64_t& seconds) {
  const bool negative = TakeChar(text, '-');
  if (!negative) TakeChar(text, '+');
  seconds = 0;
  int64_t unit = 3600;
  do {
    int number = 0;
    if (!TakeNumber(text, number)) return false;
    seconds += number * unit;
    unit /= 60;
  } while (unit > 0 && TakeChar(text, ':'));
  if (negative) seconds = -seconds;
  return true;
}

bool TakeRule(std::string_view& text, ZoneRule& rule) {
  if (!TakeChar(text, ',')) return false;
  bool ok = false;
  if (TakeChar(text, 'M')) {
    rule.form = ZoneRule::Form::kMonthWeekDay;
    ok = TakeNumber(text, rule.month) && TakeChar(text, '.') && TakeNumber(text, rule.week) &&
         TakeChar(text, '.') && TakeNumber(text, rule.day) && rule.month >= 1 && rule.month <= 12;
  } else {
    rule.form = TakeChar(text, 'J') ? ZoneRule::Form::kJulian : ZoneRule::Form::kDayOfYear;
    ok = TakeNumber(text, rule.day);
  }
  return ok && (!TakeChar(text, '/') || TakeTime(text, rule.time));
}

/// Local seconds since the epoch at which a rule applies in a year.
int64_t RuleTime(const ZoneRule& rule, std::chrono::year year) {
  using namespace std::chrono;
  const auto seconds_of = [](sys_days day) { return day.time_since_epoch().count() * kDay; };
  const sys_days new_year = year / January / 1;
  if (rule.form == ZoneRule::Form::kDayOfYear)
    return seconds_of(new_year) + rule.day * kDay + rule.time;
  if (rule.form == ZoneRule::Form::kJulian) {
    // Counts from 1 and never counts 29 February.
    const int leap = year.is_leap() && rule.day >= 60 ? 1 : 0;
    return seconds_of(new_year) + (rule.day - 1 + leap) * kDay + rule.time;
  }
  const month in_month{static_cast<unsigned>(rule.month)};
  const weekday on_day{static_cast<unsigned>(rule.day)};
  const sys_days day = rule.week == 5
                           ? sys_days(year / in_month / on_day[last])
                           : sys_days(year / in_month / on_day[static_cast<unsigned>(rule.week)]);
  return seconds_of(day) + rule.time;
}

bool ValidZoneName(std::string_view name) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '+' ||
           c == '/';
  };
  return !name.empty() && name.size() < 64 && name[0] != '/' && std::ranges::all_of(name, allowed);
}

/// nullptr when there is no such zone. Files are read once.
const TimeZone* FindZone(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<const TimeZone>, std::less<>> zones;
  const std::lock_guard lock(mutex);
  if (const auto known = zones.find(name); known != zones.end()) return known->second.get();
  if (!ValidZoneName(name)) return nullptr;
  std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
  const std::string contents{std::istreambuf_iterator<char>(file), {}};
  auto zone = TimeZone::Parse(contents);
  if (!zone) return nullptr;
  return (zones[std::string(name)] = std::make_unique<const TimeZone>(*std::move(zone))).get();
}

/// `+02:00`, `-09:30`, `02:00`.
std::optional<int64_t> FixedOffset(std::string_view text) {
  const bool negative = TakeChar(text, '-');
  if (!negative) TakeChar(text, '+');
  int hours = 0;
  int minutes = 0;
  if (!TakeNumber(text, hours) || !TakeChar(text, ':') || !TakeNumber(text, minutes) ||
      !text.empty() || hours > 23 || minutes > 59)
    return std::nullopt;
  const int64_t seconds = hours * 3600 + minutes * 60;
  return negative ? -seconds : seconds;
}

}  // namespace

std::optional<TimeZone> TimeZone::Parse(std::string_view file) {
  Bytes bytes{file};
  auto header = TakeHeader(bytes);
  if (!header || header->version < '2') return std::nullopt;
  // The first block has 32-bit times; skip it for the second one.
  bytes.Take(static_cast<size_t>(header->times * 5 + header->types * 6 + header->chars +
                                 header->leaps * 8 + header->standard_flags + header->utc_flags));
  header = TakeHeader(bytes);
  if (!header || header->types == 0) return std::nullopt;
  TimeZone zone;
  std::vector<int64_t> times;
  for (int64_t i = 0; i < header->times; ++i) times.push_back(bytes.Number(8));
  const std::string_view indices = bytes.Take(static_cast<size_t>(header->times));
  std::vector<int32_t> offsets;
  for (int64_t i = 0; i < header->types; ++i) {
    offsets.push_back(static_cast<int32_t>(bytes.Number(4)));
    bytes.Take(2);
  }
  bytes.Take(static_cast<size_t>(header->chars + header->leaps * 12 + header->standard_flags +
                                 header->utc_flags));
  if (!bytes.ok) return std::nullopt;
  zone.first_offset_ = offsets[0];
  for (size_t i = 0; i < times.size(); ++i) {
    const auto index = static_cast<unsigned char>(indices[i]);
    if (index >= offsets.size()) return std::nullopt;
    zone.transitions_.push_back({times[i], offsets[index]});
  }
  std::string_view footer = bytes.rest;
  if (TakeChar(footer, '\n')) footer = footer.substr(0, footer.find('\n'));
  zone.has_footer_ = zone.ParseFooter(footer);
  return zone;
}

bool TimeZone::ParseFooter(std::string_view footer) {
  if (!TakeName(footer) || !TakeTime(footer, standard_offset_)) return false;
  standard_offset_ = -standard_offset_;  // POSIX counts west of Greenwich
  if (footer.empty()) return true;
  if (!TakeName(footer)) return false;
  int64_t daylight = standard_offset_ + 3600;
  if (!footer.starts_with(',')) {
    if (!TakeTime(footer, daylight)) return false;
    daylight = -daylight;
  }
  if (!TakeRule(footer, daylight_begins_) || !TakeRule(footer, daylight_ends_)) return false;
  daylight_offset_ = daylight;
  return true;
}

int64_t TimeZone::OffsetAt(int64_t seconds) const {
  const auto after = std::ranges::upper_bound(transitions_, seconds, {}, &Transition::at);
  if (after == transitions_.end() && has_footer_) return OffsetByRules(seconds);
  return after == transitions_.begin() ? first_offset_ : std::prev(after)->offset;
}

int64_t TimeZone::OffsetByRules(int64_t seconds) const {
  if (!daylight_offset_) return standard_offset_;
  const std::chrono::sys_seconds local{std::chrono::seconds(seconds + standard_offset_)};
  const auto year =
      std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(local)).year();
  const int64_t begins = RuleTime(daylight_begins_, year) - standard_offset_;
  const int64_t ends = RuleTime(daylight_ends_, year) - *daylight_offset_;
  const bool daylight =
      begins < ends ? seconds >= begins && seconds < ends : seconds >= begins || seconds < ends;
  return daylight ? *daylight_offset_ : standard_offset_;
}

std::optional<int64_t> ZoneOffset(std::string_view zone, int64_t seconds) {
  if (zone.empty() || zone == "UTC" || zone == "Z") return 0;
  if (const auto fixed = FixedOffset(zone)) return fixed;
  const TimeZone* found = FindZone(zone);
  return found == nullptr ? std::nullopt : std::optional(found->OffsetAt(seconds));
}

}  // namespace assay::cel
