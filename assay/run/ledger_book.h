#pragma once
// The ledgers of a run while it goes on: what steps attempted and what came of it. Whatever carries
// out operations (the step machine, a workload) tells the book; the step `check` asks it.
//
// In a replay the book knows the recorded operations from the beginning. What the replay tells
// again replaces what was said, but not when: moments come from the recording, so that a checker
// sees the same order.

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "assay/checker/operation.h"

namespace assay::run {

/// Belongs to the run's loop: what worker threads have to say is handed to it first. Memory grows
/// with the number of operations, about 300 bytes each besides their keys and values.
class LedgerBook {
 public:
  /// `path` of the operation has its attempt and comes once in a run.
  void Attempt(checker::Operation operation);

  struct End {
    checker::Ending ending = checker::Ending::kIndeterminate;
    checker::Moment moment;
    cel::Value key;       ///< null: that of the attempt
    cel::Value value;     ///< null: that of the attempt
    std::string problem;  ///< see Operation
  };
  /// Requires: Attempt was called with this path.
  void Finish(std::string_view path, End end);

  /// The operations of a ledger at or below `prefix` as they stood before the moment `before`: what
  /// was attempted later is not among them, and what ended later is still going on.
  std::vector<checker::Operation> Operations(
      std::string_view ledger, std::string_view prefix,
      uint64_t before = std::numeric_limits<uint64_t>::max()) const;

  /// For replays: the recorded operations, and the moment (by path with attempt) of each recorded
  /// check. To be called before anything else.
  void Recall(std::vector<checker::Operation> operations,
              std::map<std::string, uint64_t, std::less<>> checks);
  /// The moment of the check at this path in the recording; in a live run, the end of time.
  uint64_t MomentOfCheck(std::string_view path) const;

 private:
  size_t Add(checker::Operation operation);

  std::vector<checker::Operation> operations_;
  std::unordered_map<std::string, size_t> by_path_;
  std::map<std::string, std::vector<size_t>, std::less<>> by_ledger_;
  std::map<std::string, uint64_t, std::less<>> checks_;
};

}  // namespace assay::run
