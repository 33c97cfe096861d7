#pragma once
// The five verdicts and how they combine.

#include <optional>
#include <span>
#include <string_view>

namespace assay::history {

/// In order of badness, so that the worst of several is the largest.
enum class Verdict {
  kPassed,        ///< everything was evaluated and held
  kSkipped,       ///< not carried out; always with a reason
  kInconclusive,  ///< carried out, but the proof is missing
  kError,         ///< could not be carried out
  kFailed,        ///< an expectation, threshold, checker or gate did not hold
};

/// `passed`, `skipped`, `inconclusive`, `error`, `failed`.
std::string_view ToString(Verdict verdict);
std::optional<Verdict> ParseVerdict(std::string_view text);

inline Verdict Worse(Verdict a, Verdict b) { return a < b ? b : a; }

/// The verdict of a whole from those of its parts: the worst one. An empty whole is skipped: an
/// empty set passes nothing.
Verdict Worst(std::span<const Verdict> parts);

}  // namespace assay::history
