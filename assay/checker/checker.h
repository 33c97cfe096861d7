#pragma once
// The checkers by name: which operations each of them knows, and one call for all.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/checker/checkers.h"
#include "assay/checker/finding.h"
#include "assay/checker/operation.h"
#include "lib/base/result.h"

namespace assay::checker {

/// What an operation is to a checker: the words that a ledger may use for it. The first one is what
/// the checker's function expects.
struct Role {
  std::vector<std::string_view> words;
};

struct Kind {
  std::string_view name;
  std::string_view doc;  ///< the invariant, in one sentence
  std::vector<Role> roles;
  std::vector<std::string_view> options;  ///< names of the options that it has, see Options

  /// All words of all roles.
  std::vector<std::string> Words() const;
  bool Knows(std::string_view op) const;
};

/// set, set-full, total-queue, counter, unique-ids, bank, monotonic, register, samples.
const std::vector<Kind>& Kinds();
/// Null when there is none.
const Kind* FindKind(std::string_view name);

/// The options of all checkers; each one reads its own. Absent: the checker's default.
struct Options {
  std::optional<bool> duplicates_allowed;  ///< `duplicates: allowed | forbidden`
  bool linearizable = false;
  std::optional<int64_t> initial_count;  ///< `initial` of counter
  cel::Value initial;                    ///< `initial` of register
  std::optional<int64_t> total;
  bool negative_allowed = false;
  bool strict = false;
  bool per_worker = false;
  uint64_t memory_bytes = 64ULL << 20U;
  std::optional<int64_t> first;
  size_t witnesses = kDefaultWitnesses;
};

/// Operations may use any word of a role, and stand in any order. An acknowledged operation whose
/// word the checker does not know, or whose key or value could not be made, gives inconclusive at
/// best. kNotFound when there is no such checker.
base::Result<CheckResult> Check(std::string_view checker, std::vector<Operation> operations,
                                const Options& options);

}  // namespace assay::checker
