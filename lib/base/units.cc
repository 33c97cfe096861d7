#include "lib/base/units.h"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace base {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};

// Longest name first where one begins with another, so that "ms" is not read as "m".
constexpr std::array<Unit, 7> kDurationUnits = {{{"ns", 1},
                                                 {"us", 1'000},
                                                 {"ms", 1'000'000},
                                                 {"s", 1'000'000'000},
                                                 {"m", 60'000'000'000},
                                                 {"h", 3'600'000'000'000},
                                                 {"d", 86'400'000'000'000}}};

constexpr std::array<Unit, 9> kSizeUnits = {{{"B", 1},
                                             {"KB", 1'000},
                                             {"MB", 1'000'000},
                                             {"GB", 1'000'000'000},
                                             {"TB", 1'000'000'000'000},
                                             {"KiB", int64_t{1} << 10},
                                             {"MiB", int64_t{1} << 20},
                                             {"GiB", int64_t{1} << 30},
                                             {"TiB", int64_t{1} << 40}}};

size_t NumberLength(std::string_view text) {
  const size_t end = text.find_first_not_of("0123456789.");
  return end == std::string_view::npos ? text.size() : end;
}

Result<double> ParseNumber(std::string_view text, std::string_view whole, std::string_view what) {
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || status != std::errc() || end != text.data() + text.size()) {
    return Fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not a {}", whole, what));
  }
  return value;
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  constexpr std::string_view kExpected = "duration such as 250ms, 30s or 1h30m";
  double total = 0;
  int64_t previous_factor = INT64_MAX;
  std::string_view rest = text;
  if (rest.empty()) return Fail(ErrorCode::kInvalid, fmt::format("\"\" is not a {}", kExpected));
  while (!rest.empty()) {
    const size_t digits = NumberLength(rest);
    TRY(const double value, ParseNumber(rest.substr(0, digits), text, kExpected));
    rest.remove_prefix(digits);
    const size_t letters = std::min(rest.find_first_of("0123456789."), rest.size());
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);
    const Unit* unit = nullptr;
    for (const Unit& candidate : kDurationUnits) {
      if (candidate.name == name) unit = &candidate;
    }
    if (unit == nullptr || unit->factor >= previous_factor) {
      return Fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not a {}", text, kExpected));
    }
    previous_factor = unit->factor;
    total += value * static_cast<double>(unit->factor);
  }
  if (total > 9.2e18) {
    return Fail(ErrorCode::kInvalid, fmt::format("\"{}\" is longer than 292 years", text));
  }
  return Duration(static_cast<int64_t>(std::llround(total)));
}

std::string FormatDuration(Duration duration) {
  int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string text = rest < 0 ? "-" : "";
  rest = std::abs(rest);
  for (auto unit = kDurationUnits.rbegin(); unit != kDurationUnits.rend(); ++unit) {
    if (const int64_t count = rest / unit->factor; count > 0) {
      text += fmt::format("{}{}", count, unit->name);
      rest -= count * unit->factor;
    }
  }
  return text;
}

std::string HumanDuration(Duration duration) {
  const double ns = static_cast<double>(duration.count());
  if (ns < 0) return "-" + HumanDuration(-duration);
  if (ns < 1e3) return fmt::format("{} ns", duration.count());
  if (ns < 1e6) return fmt::format("{:.3g} us", ns / 1e3);
  if (ns < 999.5e6) return fmt::format("{:.3g} ms", ns / 1e6);
  if (ns < 59.95e9) return fmt::format("{:.3g} s", ns / 1e9);
  const auto seconds = static_cast<int64_t>(std::llround(ns / 1e9));
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} min", seconds / 3600, seconds % 3600 / 60);
}

Result<uint64_t> ParseSize(std::string_view text) {
  constexpr std::string_view kExpected = "size such as 512, 64KiB or 10MB";
  const size_t digits = NumberLength(text);
  TRY(const double value, ParseNumber(text.substr(0, digits), text, kExpected));
  std::string_view name = text.substr(digits);
  while (name.starts_with(' ')) name.remove_prefix(1);
  if (name.empty()) name = "B";
  for (const Unit& unit : kSizeUnits) {
    if (unit.name == name) return static_cast<uint64_t>(value * static_cast<double>(unit.factor));
  }
  return Fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not a {}", text, kExpected));
}

std::string HumanSize(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  constexpr std::array<std::string_view, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t step = 0;
  while (value >= 1024 && step + 1 < kNames.size()) {
    value /= 1024;
    ++step;
  }
  return value < 10 ? fmt::format("{:.1f} {}", value, kNames[step])
                    : fmt::format("{:.0f} {}", value, kNames[step]);
}

}  // namespace base
