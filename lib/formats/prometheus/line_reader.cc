#include "lib/formats/prometheus/line_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "lib/base/utf8.h"

namespace formats::prometheus {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }

/// For messages: what stands there, or that the line ends.
std::string Found(std::string_view rest) {
  if (rest.empty()) return "the end of the line";
  const std::string_view shown = rest.substr(0, 20);
  std::string text = "\"";
  for (const char c : shown) text += c >= 0x20 && c < 0x7F ? c : '?';
  return text + (shown.size() < rest.size() ? "...\"" : "\"");
}

std::optional<double> ParseFloat(std::string_view word) {
  if (word == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (word == "+Inf" || word == "Inf") return std::numeric_limits<double>::infinity();
  if (word == "-Inf") return -std::numeric_limits<double>::infinity();
  if (word.starts_with('+')) word.remove_prefix(1);
  if (word.empty() || !(IsDigit(word[0]) || word[0] == '.' || word[0] == '-')) return std::nullopt;
  if (word.size() > 1 && word[0] == '-' && !IsDigit(word[1]) && word[1] != '.') return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (end != word.data() + word.size()) return std::nullopt;
  // Beyond the range of double a number is taken for infinite or zero, as other parsers do.
  if (error == std::errc::result_out_of_range) {
    const bool small = word.find("e-") != word.npos || word.find("E-") != word.npos;
    value = small ? 0 : std::numeric_limits<double>::infinity();
    return word[0] == '-' ? -value : value;
  }
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

}  // namespace

std::nullopt_t LineReader::Wrong(size_t at, std::string message) {
  problem_ = {at, std::move(message)};
  return std::nullopt;
}

std::nullopt_t LineReader::Expected(std::string_view what) {
  return Wrong(at_, fmt::format("found {}, expected {}", Found(Rest()), what));
}

bool LineReader::SkipBlanks() {
  const size_t before = at_;
  while (at_ < line_.size() && IsBlank(line_[at_])) ++at_;
  return at_ > before;
}

bool LineReader::Take(char c) {
  if (at_ >= line_.size() || line_[at_] != c) return false;
  ++at_;
  return true;
}

std::string_view LineReader::Word() const {
  size_t end = at_;
  while (end < line_.size() && !IsBlank(line_[end])) ++end;
  return line_.substr(at_, end - at_);
}

std::optional<std::string_view> LineReader::ReadName(bool colons) {
  const auto starts = [&](char c) { return IsLetter(c) || (colons && c == ':'); };
  if (at_ >= line_.size() || !starts(line_[at_])) {
    return Expected(colons ? "a metric name (letters, digits, \"_\", \":\", no digit first)"
                           : "a label name (letters, digits, \"_\", no digit first)");
  }
  const size_t start = at_;
  while (at_ < line_.size() && (starts(line_[at_]) || IsDigit(line_[at_]))) ++at_;
  return line_.substr(start, at_ - start);
}

std::optional<std::string> LineReader::ReadQuoted() {
  if (!Take('"')) return Expected("a quoted label value");
  std::string text;
  while (at_ < line_.size()) {
    const char c = line_[at_];
    if (c == '"') {
      ++at_;
      if (!base::IsUtf8(text)) return Wrong(at_ - 1, "the label value is not UTF-8");
      return text;
    }
    if (c == '\\') {
      const char next = at_ + 1 < line_.size() ? line_[at_ + 1] : '\0';
      if (next != '\\' && next != '"' && next != 'n') {
        return Expected("one of the escapes \\\\, \\\" and \\n");
      }
      text += next == 'n' ? '\n' : next;
      at_ += 2;
      continue;
    }
    text += c;
    ++at_;
  }
  return Expected("the closing quote of the label value");
}

std::optional<std::string> LineReader::ReadHelp() {
  const std::string_view rest = Rest();
  std::string text;
  for (size_t i = 0; i < rest.size(); ++i) {
    const char next = i + 1 < rest.size() ? rest[i + 1] : '\0';
    const bool quote = syntax_ == Syntax::kOpenMetrics && next == '"';
    if (rest[i] != '\\' || (next != '\\' && next != 'n' && !quote)) {
      text += rest[i];
      continue;
    }
    text += next == 'n' ? '\n' : next;
    ++i;
  }
  if (!base::IsUtf8(text)) return Wrong(at_, "the help is not UTF-8");
  return text;
}

bool LineReader::ReadLabel(std::vector<Label>& labels) {
  const size_t start = at_;
  const auto name = ReadName(false);
  if (!name) return false;
  SkipBlanks();
  if (!Take('=')) return Expected("\"=\" behind the label name"), false;
  SkipBlanks();
  auto value = ReadQuoted();
  if (!value) return false;
  if (std::ranges::find(labels, *name, &Label::name) != labels.end()) {
    return Wrong(start, fmt::format("the label \"{}\" is there twice", *name)), false;
  }
  labels.push_back({std::string(*name), *std::move(value)});
  return true;
}

bool LineReader::ReadLabels(std::vector<Label>& labels) {
  SkipBlanks();
  while (!Take('}')) {
    if (!ReadLabel(labels)) return false;
    SkipBlanks();
    if (Take(',')) {
      SkipBlanks();
      continue;
    }
    if (at_ >= line_.size() || line_[at_] != '}') return Expected("\",\" or \"}\""), false;
  }
  return true;
}

std::optional<double> LineReader::ReadNumber() {
  const std::string_view word = Word();
  const auto number = ParseFloat(word);
  if (!number) return Expected("a number, NaN, +Inf or -Inf");
  at_ += word.size();
  return number;
}

bool LineReader::ReadTimestamp(Sample& sample) {
  const std::string_view word = Word();
  // Years 1 to 9999 around the epoch, in seconds.
  constexpr double kLeast = -62135596800.0;
  constexpr double kMost = 253402300799.0;
  double seconds = 0;
  if (syntax_ == Syntax::kOpenMetrics) {
    const auto number = ParseFloat(word);
    if (!number) return Expected("a timestamp in seconds"), false;
    seconds = *number;
  } else {
    int64_t milliseconds = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), milliseconds);
    if (error != std::errc{} || end != word.data() + word.size()) {
      return Expected("a timestamp in whole milliseconds"), false;
    }
    seconds = static_cast<double>(milliseconds) / 1000.0;
  }
  if (!(seconds >= kLeast && seconds <= kMost)) {
    return Expected("a timestamp within the years 1 to 9999"), false;
  }
  // Nanoseconds in 64 bits reach from 1677 to 2262; others are kept at these ends.
  constexpr double kReach = 9.2e9;
  const double kept = std::clamp(seconds, -kReach, kReach);
  sample.timestamp =
      base::WallTime(std::chrono::milliseconds(static_cast<int64_t>(std::llround(kept * 1000.0))));
  at_ += word.size();
  return true;
}

bool LineReader::ReadExemplar(Sample& sample) {
  if (!SkipBlanks() || !Take('{')) return Expected("\" {\" of an exemplar's labels"), false;
  Exemplar exemplar;
  if (!ReadLabels(exemplar.labels)) return false;
  if (!SkipBlanks()) return Expected("a blank and the exemplar's value"), false;
  const auto value = ReadNumber();
  if (!value) return false;
  exemplar.value = *value;
  Sample timed;
  if (SkipBlanks() && at_ < line_.size() && !ReadTimestamp(timed)) return false;
  sample.exemplar = std::move(exemplar);
  return true;
}

std::optional<Sample> LineReader::ReadSample() {
  const auto name = ReadName(true);
  if (!name) return std::nullopt;
  Sample sample{.name = std::string(*name)};
  bool separated = SkipBlanks();
  if (Take('{')) {
    if (!ReadLabels(sample.labels)) return std::nullopt;
    separated = true;  // the brace separates as well, and most parsers want no blank behind it
    SkipBlanks();
  }
  if (!separated) return Expected("\"{\", or a blank and a value");
  const auto value = ReadNumber();
  if (!value) return std::nullopt;
  sample.value = *value;
  SkipBlanks();
  const bool exemplars = syntax_ == Syntax::kOpenMetrics;
  if (at_ < line_.size() && !(exemplars && line_[at_] == '#')) {
    if (!ReadTimestamp(sample)) return std::nullopt;
    SkipBlanks();
  }
  if (exemplars && Take('#') && !ReadExemplar(sample)) return std::nullopt;
  if (at_ < line_.size()) return Expected("the end of the line");
  return sample;
}

}  // namespace formats::prometheus
