#pragma once
// Whether a history of one register has a linear order: the search behind the checker `register`.

#include <cstdint>
#include <span>
#include <vector>

namespace assay::checker {

/// Values are numbers of a table that the caller keeps.
using ValueNumber = uint32_t;

struct RegisterStep {
  enum class Kind { kRead, kWrite, kCas };
  Kind kind = Kind::kRead;
  ValueNumber value = 0;     ///< read: what was seen; write: what was written; cas: the new value
  ValueNumber expected = 0;  ///< cas
  uint64_t call = 0;         ///< moments of one order; all of them differ
  /// kOpen: nobody knows whether it happened, and when it did, it was after `call`.
  uint64_t ret = kOpen;
  static constexpr uint64_t kOpen = UINT64_MAX;
};

struct LinearOrder {
  enum class Answer { kExists, kNone, kUndecided };
  Answer answer = Answer::kExists;
  /// kNone: the step that no order could place, of the search that came furthest; what the register
  /// held then, and the steps placed last before it (at most eight, in their order).
  size_t stuck = 0;
  ValueNumber held = 0;
  std::vector<size_t> last;
  uint64_t states = 0;  ///< configurations that were visited
};

/// `initial`: the value before the first step. kUndecided when the memory of visited configurations
/// would exceed `memory_bytes`. Decides by the steps alone, never by time, so that it answers the
/// same again.
LinearOrder FindLinearOrder(std::span<const RegisterStep> steps, ValueNumber initial,
                            uint64_t memory_bytes);

}  // namespace assay::checker
