#include "assay/history/verdict.h"

#include <algorithm>
#include <array>
#include <utility>

namespace assay::history {
namespace {

constexpr std::array kVerdicts = {Verdict::kPassed, Verdict::kSkipped, Verdict::kInconclusive,
                                  Verdict::kError, Verdict::kFailed};

}  // namespace

std::string_view ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kSkipped:
      return "skipped";
    case Verdict::kInconclusive:
      return "inconclusive";
    case Verdict::kError:
      return "error";
    case Verdict::kFailed:
      return "failed";
  }
  std::unreachable();
}

std::optional<Verdict> ParseVerdict(std::string_view text) {
  const auto found = std::ranges::find(kVerdicts, text, [](Verdict v) { return ToString(v); });
  if (found == kVerdicts.end()) return std::nullopt;
  return *found;
}

Verdict Worst(std::span<const Verdict> parts) {
  if (parts.empty()) return Verdict::kSkipped;
  return std::ranges::max(parts);
}

}  // namespace assay::history
