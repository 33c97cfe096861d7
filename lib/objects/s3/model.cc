#include "lib/objects/s3/model.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace objects::s3 {
namespace {

using base::ErrorCode;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// The decimal digits `text` is made of; nothing for anything else.
std::optional<int> Digits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool plain = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (error != std::errc{} || end != text.data() + text.size() || !plain) return std::nullopt;
  return value;
}

/// `03:19:11` on a day.
std::optional<base::WallTime> TimeOf(int year, int month, int day, std::string_view clock) {
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || clock.size() != 8 || clock[2] != ':' || clock[5] != ':') return std::nullopt;
  const auto hour = Digits(clock.substr(0, 2));
  const auto minute = Digits(clock.substr(3, 2));
  const auto second = Digits(clock.substr(6, 2));
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

struct CodeMapping {
  std::string_view s3;
  ErrorCode ours;
};

/// The codes of "Error responses" in the API Reference that our callers tell apart.
constexpr CodeMapping kCodes[] = {
    {"AccessDenied", ErrorCode::kForbidden},
    {"BadDigest", ErrorCode::kCorrupt},
    {"BucketAlreadyExists", ErrorCode::kConflict},
    {"BucketAlreadyOwnedByYou", ErrorCode::kConflict},
    {"BucketNotEmpty", ErrorCode::kConflict},
    {"EntityTooLarge", ErrorCode::kTooLarge},
    {"InvalidAccessKeyId", ErrorCode::kUnauthorized},
    {"NotImplemented", ErrorCode::kUnsupported},
    {"PreconditionFailed", ErrorCode::kConflict},
    {"QuotaExceeded", ErrorCode::kExhausted},
    {"RequestTimeTooSkewed", ErrorCode::kUnauthorized},
    {"SignatureDoesNotMatch", ErrorCode::kUnauthorized},
    {"SlowDown", ErrorCode::kUnavailable},
    {"XAmzContentSHA256Mismatch", ErrorCode::kCorrupt},
};

ErrorCode CodeOf(const Answer& answer) {
  for (const CodeMapping& mapping : kCodes) {
    if (answer.refusal->code == mapping.s3) return mapping.ours;
  }
  if (answer.status == 401) return ErrorCode::kUnauthorized;
  if (answer.status == 403) return ErrorCode::kForbidden;
  if (answer.status == 404) return ErrorCode::kNotFound;
  if (answer.status == 409 || answer.status == 412) return ErrorCode::kConflict;
  if (answer.status == 413) return ErrorCode::kTooLarge;
  if (answer.status == 501) return ErrorCode::kUnsupported;
  if (answer.status >= 500 || answer.status == 429) return ErrorCode::kUnavailable;
  return ErrorCode::kInvalid;
}

}  // namespace

std::optional<base::WallTime> ParseHttpDate(std::string_view text) {
  // Sun, 29 Nov 2026 03:19:11 GMT
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  const auto day = Digits(text.substr(5, 2));
  const auto* const month = std::ranges::find(kMonths, text.substr(8, 3));
  const auto year = Digits(text.substr(12, 4));
  if (!day || month == kMonths.end() || !year) return std::nullopt;
  return TimeOf(*year, static_cast<int>(month - kMonths.begin()) + 1, *day, text.substr(17, 8));
}

std::optional<base::WallTime> ParseIsoTime(std::string_view text) {
  if (text.size() < 20 || !text.ends_with('Z') || text[4] != '-' || text[7] != '-' ||
      text[10] != 'T') {
    return std::nullopt;
  }
  const auto year = Digits(text.substr(0, 4));
  const auto month = Digits(text.substr(5, 2));
  const auto day = Digits(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  auto time = TimeOf(*year, *month, *day, text.substr(11, 8));
  std::string_view fraction = text.substr(19, text.size() - 20);
  if (!time || fraction.empty()) return time;
  if (fraction.size() < 2 || fraction.size() > 10 || fraction[0] != '.') return std::nullopt;
  std::string nanoseconds(fraction.substr(1));
  nanoseconds.resize(9, '0');
  const auto count = Digits(nanoseconds);
  if (!count) return std::nullopt;
  return *time + std::chrono::nanoseconds(*count);
}

base::Error ToError(const Answer& answer, std::string_view doing) {
  base::Error error{.code = CodeOf(answer), .message = answer.refusal->code};
  if (!answer.refusal->message.empty()) error.message += ": " + answer.refusal->message;
  error.message += fmt::format(" (status {}", answer.status);
  if (!answer.request_id.empty()) error.message += ", request " + answer.request_id;
  error.message += ")";
  error.While(std::string(doing));
  return error;
}

}  // namespace objects::s3
