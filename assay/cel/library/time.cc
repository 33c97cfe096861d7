// timestamp(), duration() and the parts of both.

#include <fmt/format.h>

#include "assay/cel/library/library.h"
#include "assay/cel/library/time_zone.h"
#include "assay/cel/text.h"

namespace assay::cel {
namespace {

using namespace std::chrono;

Value ToTimestamp(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  if (value.is_timestamp()) return value;
  if (value.is_int()) {
    const TimePoint time{value.int_value(), 0};
    if (time >= kMinTimestamp && time <= kMaxTimestamp) return Value::Timestamp(time);
    return InvalidArgument(
        fmt::format("{} s is outside the years 1 to 9999 of a timestamp", value.int_value()));
  }
  if (const auto time = ParseTimestamp(value.string())) return Value::Timestamp(*time);
  return InvalidArgument(
      fmt::format("{} is not a timestamp; expected RFC 3339 such as \"2026-11-21T03:12:51Z\"",
                  DebugString(value)));
}

Value ToDuration(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  if (value.is_duration()) return value;
  if (const auto duration = ParseDuration(value.string())) return Value::Duration(*duration);
  return InvalidArgument(
      fmt::format("{} is not a duration; expected a form such as \"1h30m\", \"1.5s\" or \"250ms\"",
                  DebugString(value)));
}

/// A timestamp as a calendar shows it in some zone.
struct Local {
  year_month_day date;
  sys_days day;
  int64_t second_of_day;
  int32_t nanos;
};

using Part = int64_t (*)(const Local&);

FunctionBody TimestampPart(Part part) {
  return [part](Arguments arguments, CallContext&) {
    const TimePoint time = arguments[0].timestamp();
    int64_t offset = 0;
    if (arguments.size() == 2) {
      const auto found = ZoneOffset(arguments[1].string(), time.seconds);
      if (!found)
        return InvalidArgument(
            fmt::format("unknown time zone {}; expected a form such as \"Europe/Berlin\" or "
                        "\"+02:00\"",
                        DebugString(arguments[1])));
      offset = *found;
    }
    const sys_seconds local{seconds(time.seconds + offset)};
    const sys_days day = floor<days>(local);
    return Value::Int(part({year_month_day(day), day, (local - day).count(), time.nanos}));
  };
}

int64_t DayOfYear(const Local& local) {
  return (local.day - sys_days(local.date.year() / January / 1)).count();
}

void RegisterTimestampParts(Registrar& registrar) {
  const std::pair<const char*, Part> parts[] = {
      {"getFullYear", [](const Local& l) { return int64_t{static_cast<int>(l.date.year())}; }},
      {"getMonth",
       [](const Local& l) { return int64_t{static_cast<unsigned>(l.date.month())} - 1; }},
      {"getDate", [](const Local& l) { return int64_t{static_cast<unsigned>(l.date.day())}; }},
      {"getDayOfMonth",
       [](const Local& l) { return int64_t{static_cast<unsigned>(l.date.day())} - 1; }},
      {"getDayOfWeek", [](const Local& l) { return int64_t{weekday(l.day).c_encoding()}; }},
      {"getDayOfYear", &DayOfYear},
      {"getHours", [](const Local& l) { return l.second_of_day / 3600; }},
      {"getMinutes", [](const Local& l) { return l.second_of_day / 60 % 60; }},
      {"getSeconds", [](const Local& l) { return l.second_of_day % 60; }},
      {"getMilliseconds", [](const Local& l) { return int64_t{l.nanos / 1'000'000}; }},
  };
  for (const auto& [name, part] : parts) {
    registrar.Member(name, {Type::Timestamp()}, Type::Int(), TimestampPart(part));
    registrar.Member(name, {Type::Timestamp(), Type::String()}, Type::Int(), TimestampPart(part));
  }
}

/// Hours, minutes and seconds of a duration are its whole length in that unit; milliseconds are
/// only those within the second, as the language definition says.
void RegisterDurationParts(Registrar& registrar) {
  const auto add = [&](const char* name, int64_t unit, int64_t modulus) {
    registrar.Member(name, {Type::Duration()}, Type::Int(),
                     [unit, modulus](Arguments arguments, CallContext&) {
                       const int64_t count = arguments[0].duration().count() / unit;
                       return Value::Int(modulus == 0 ? count : count % modulus);
                     });
  };
  add("getHours", 3'600'000'000'000, 0);
  add("getMinutes", 60'000'000'000, 0);
  add("getSeconds", 1'000'000'000, 0);
  add("getMilliseconds", 1'000'000, 1000);
}

}  // namespace

void RegisterTime(FunctionTable& table) {
  Registrar registrar(table);
  for (const Type& type : {Type::Timestamp(), Type::String(), Type::Int()})
    registrar.Global("timestamp", {type}, Type::Timestamp(), &ToTimestamp);
  for (const Type& type : {Type::Duration(), Type::String()})
    registrar.Global("duration", {type}, Type::Duration(), &ToDuration);
  RegisterTimestampParts(registrar);
  RegisterDurationParts(registrar);
}

}  // namespace assay::cel
