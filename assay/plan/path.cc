#include "assay/plan/path.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace assay::plan {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string ScenarioPath(std::string_view id, size_t instance, size_t scenario_attempt) {
  if (scenario_attempt > 1) return fmt::format("{}/{}@{}", id, instance, scenario_attempt);
  return fmt::format("{}/{}", id, instance);
}

std::string StepPath(std::string_view parent, std::string_view segment) {
  return fmt::format("{}/{}", parent, segment);
}

std::string WithIteration(std::string_view path, size_t iteration) {
  return fmt::format("{}[{}]", path, iteration);
}

std::string WithAttempt(std::string_view path, size_t attempt) {
  return fmt::format("{}#{}", path, attempt);
}

PathParts SplitPath(std::string_view path) {
  PathParts parts;
  if (const size_t mark = path.rfind('#'); mark != std::string_view::npos) {
    size_t attempt = 0;
    const std::string_view digits = path.substr(mark + 1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), attempt);
    if (read.ec == std::errc{} && read.ptr == digits.data() + digits.size()) {
      parts.attempt = attempt;
      path = path.substr(0, mark);
    }
  }
  const size_t first = std::min(path.find('/'), path.size());
  parts.scenario = path.substr(0, first);
  path.remove_prefix(std::min(first + 1, path.size()));
  const size_t second = std::min(path.find('/'), path.size());
  parts.instance = path.substr(0, second);
  path.remove_prefix(std::min(second + 1, path.size()));
  parts.step = path;
  return parts;
}

bool IsScenarioId(std::string_view text) {
  return !text.empty() && (IsLetter(text[0]) || IsDigit(text[0])) &&
         std::ranges::all_of(text, [](char c) {
           return IsLetter(c) || IsDigit(c) || c == '.' || c == '_' || c == '-';
         });
}

bool IsIdentifier(std::string_view text) {
  return !text.empty() && (IsLetter(text[0]) || text[0] == '_') &&
         std::ranges::all_of(text, [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; });
}

}  // namespace assay::plan
