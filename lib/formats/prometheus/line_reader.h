#pragma once
// One line of a page, from left to right; for .cc files.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/formats/prometheus/exposition.h"

namespace formats::prometheus {

/// What is wrong, and where in the line.
struct LineProblem {
  size_t at = 0;  ///< byte, from 0
  std::string message;
};

/// Each function returns nothing when the line does not go on as it should; problem() then says
/// why.
class LineReader {
 public:
  LineReader(std::string_view line, Syntax syntax) : line_(line), syntax_(syntax) {}

  std::optional<Sample> ReadSample();
  std::optional<std::string_view> ReadName(bool colons);
  /// The rest of a HELP line, unescaped.
  std::optional<std::string> ReadHelp();
  std::string_view Rest() const { return line_.substr(at_); }
  bool SkipBlanks();
  bool Take(char c);
  const LineProblem& problem() const { return problem_; }

 private:
  std::nullopt_t Expected(std::string_view what);
  std::nullopt_t Wrong(size_t at, std::string message);
  bool ReadLabels(std::vector<Label>& labels);
  bool ReadLabel(std::vector<Label>& labels);
  std::optional<std::string> ReadQuoted();
  std::optional<double> ReadNumber();
  bool ReadTimestamp(Sample& sample);
  bool ReadExemplar(Sample& sample);
  std::string_view Word() const;

  std::string_view line_;
  Syntax syntax_;
  size_t at_ = 0;
  LineProblem problem_;
};

}  // namespace formats::prometheus
