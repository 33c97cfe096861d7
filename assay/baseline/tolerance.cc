#include "assay/baseline/tolerance.h"

#include <fmt/format.h>

#include "lib/base/share.h"

namespace assay::baseline {

std::optional<Rule> Tolerances::RuleFor(const Metric& metric) const {
  Rule rule{tolerance, metric.floor, metric.better};
  bool ignored = false;
  for (const MetricRule& one : rules) {
    if (!MatchesWildcard(metric.name, one.metrics)) continue;
    ignored = one.ignore;
    rule.tolerance = one.tolerance.value_or(rule.tolerance);
    rule.floor = one.floor.value_or(rule.floor);
    rule.better = one.better.value_or(rule.better);
  }
  if (ignored) return std::nullopt;
  return rule;
}

bool MatchesWildcard(std::string_view text, std::string_view pattern) {
  // After a mismatch the last `*` takes one character more: linear memory, no recursion.
  size_t at = 0;
  size_t in_pattern = 0;
  size_t star = std::string_view::npos;
  size_t taken = 0;
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      taken = at;
    } else if (in_pattern < pattern.size() &&
               (pattern[in_pattern] == '?' || pattern[in_pattern] == text[at])) {
      ++in_pattern;
      ++at;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      at = ++taken;
    } else {
      return false;
    }
  }
  while (in_pattern < pattern.size() && pattern[in_pattern] == '*') ++in_pattern;
  return in_pattern == pattern.size();
}

base::Result<MetricRule> ParseMetricTolerance(std::string_view text) {
  const size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || equals == 0) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("\"{}\" is no METRIC=TOLERANCE; expected such as *:latency.p99=15%", text));
  }
  MetricRule rule;
  rule.metrics = text.substr(0, equals);
  TRY(rule.tolerance, base::ParseShare(text.substr(equals + 1)));
  return rule;
}

}  // namespace assay::baseline
