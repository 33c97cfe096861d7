#pragma once
// What a checker says: a verdict, numbers, and the operations that show why.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/checker/operation.h"
#include "assay/history/verdict.h"

namespace assay::checker {

/// One thing that was found, with the operations that show it.
struct Witness {
  std::string kind;     ///< `lost`, `duplicated`, ...: the name of a count
  std::string subject;  ///< the element, account, key or stream, as text
  std::string text;     ///< one sentence for people
  std::vector<Operation> operations;
};

struct CheckResult {
  /// kPassed, kInconclusive or kFailed; the worst that was found.
  history::Verdict verdict = history::Verdict::kPassed;
  std::string reason;                                   ///< "" when passed
  std::vector<std::pair<std::string, int64_t>> counts;  ///< every count of the checker, also zeros
  std::vector<Witness> witnesses;  ///< the worst first; at most as many as were asked for
  size_t witnesses_left_out = 0;

  /// 0 when there is no such count.
  int64_t Count(std::string_view name) const;
};

/// Collects findings. Memory is bounded by the number of witnesses that are kept.
class Findings {
 public:
  /// The names of the counts, in the order in which they are shown.
  Findings(size_t most_witnesses, std::initializer_list<std::string_view> counts);

  void Count(std::string_view name, int64_t by = 1);
  void Set(std::string_view name, int64_t value);

  using Operations = std::initializer_list<const Operation*>;
  /// Counts under `kind`; nulls among the operations are left out. The invariant does not hold.
  void Fail(std::string_view kind, std::string subject, std::string text, Operations shown);
  /// The same; the proof is missing.
  void Doubt(std::string_view kind, std::string subject, std::string text, Operations shown);
  /// The same; worth knowing, and no harm.
  void Note(std::string_view kind, std::string subject, std::string text, Operations shown);
  /// No proof at all: `why` is the reason of the verdict.
  void Inconclusive(std::string why);

  CheckResult Finish() &&;

 private:
  void Add(history::Verdict verdict, std::string_view kind, std::string subject, std::string text,
           Operations shown);
  int64_t& Slot(std::string_view name);
  std::string Reason(history::Verdict verdict) const;

  struct Grade {
    std::vector<Witness> kept;
    size_t seen = 0;
    std::vector<std::pair<std::string, int64_t>> kinds;  // in the order of their first sight
  };
  Grade& GradeOf(history::Verdict verdict);

  size_t most_;
  CheckResult result_;
  Grade failed_;
  Grade doubted_;
  Grade noted_;
  std::vector<std::string> doubts_;
};

}  // namespace assay::checker
