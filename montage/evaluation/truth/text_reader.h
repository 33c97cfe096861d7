#pragma once
// Internal to the readers: lines, numbers and errors with their place.

#include <charconv>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "lib/base/result.h"

namespace montage::evaluation {

inline std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The parts between separators, trimmed; runs of spaces count as one separator when it is a space.
inline std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const size_t end = text.find(separator);
    const std::string_view part = Trim(text.substr(0, end));
    if (separator != ' ' || !part.empty()) out.push_back(part);
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

/// One line of a file.
struct TextLine {
  const std::shared_ptr<const base::SourceText>* source = nullptr;
  uint32_t number = 0;  ///< from 1
  std::string_view text;

  /// An error that points at `part` of the line, or at all of it.
  std::unexpected<base::Error> Wrong(std::string message, std::string_view part = {}) const {
    const bool inside = !part.empty() && part.data() >= text.data() &&
                        part.data() + part.size() <= text.data() + text.size();
    const auto column = inside ? static_cast<uint32_t>(part.data() - text.data()) + 1 : 1;
    const size_t length = inside ? part.size() : text.size();
    return base::Fail(base::Error{
        .code = base::ErrorCode::kInvalid,
        .message = std::move(message),
        .span = {*source, number, column, static_cast<uint32_t>(length == 0 ? 1 : length)}});
  }

  base::Result<double> Number(std::string_view part, std::string_view what) const {
    double value = 0;
    const char* const last = part.data() + part.size();
    const auto [end, error] = std::from_chars(part.data(), last, value);
    if (error != std::errc() || end != last || !std::isfinite(value))
      return Wrong(fmt::format("{} is \"{}\", expected a number", what, part), part);
    return value;
  }

  /// A stretch from two columns.
  base::Result<std::pair<double, double>> Stretch(std::string_view from,
                                                  std::string_view until) const {
    TRY(const double start, Number(from, "start"));
    TRY(const double stop, Number(until, "stop"));
    if (start < 0) return Wrong(fmt::format("start is {} s, expected not negative", start), from);
    if (stop < start)
      return Wrong(fmt::format("stop is {} s, expected not before start, {} s", stop, start),
                   until);
    return std::pair{start, stop};
  }
};

/// A named text in lines.
class TextFile {
 public:
  TextFile(std::string name, std::string text)
      : source_(std::make_shared<base::SourceText>(std::move(name), std::move(text))) {
    std::string_view rest = source_->text();
    for (uint32_t number = 1; !rest.empty(); ++number) {
      const size_t end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      lines_.push_back({&source_, number, line});
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  const std::vector<TextLine>& lines() const { return lines_; }
  /// An error about the file as a whole.
  std::unexpected<base::Error> Wrong(std::string message) const {
    return TextLine{&source_, 1, source_->Line(1)}.Wrong(std::move(message));
  }

 private:
  std::shared_ptr<const base::SourceText> source_;
  std::vector<TextLine> lines_;
};

}  // namespace montage::evaluation
