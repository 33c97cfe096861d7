#include "assay/run/ledger_book.h"

#include <utility>

namespace assay::run {

using checker::Ending;
using checker::Operation;

size_t LedgerBook::Add(Operation operation) {
  const size_t number = operations_.size();
  by_path_[operation.path] = number;
  by_ledger_[operation.ledger].push_back(number);
  operations_.push_back(std::move(operation));
  return number;
}

// A recorded operation says already what it was; its end may say otherwise.
void LedgerBook::Attempt(Operation operation) {
  if (!by_path_.contains(operation.path)) Add(std::move(operation));
}

void LedgerBook::Finish(std::string_view path, End end) {
  const auto found = by_path_.find(std::string(path));
  if (found == by_path_.end()) return;
  Operation& operation = operations_[found->second];
  operation.ending = end.ending;
  if (!operation.completed) operation.completed = end.moment;
  const bool lost = !end.problem.empty();
  if (lost || !end.key.is_null()) operation.key = std::move(end.key);
  if (lost || !end.value.is_null()) operation.value = std::move(end.value);
  operation.problem = std::move(end.problem);
}

std::vector<Operation> LedgerBook::Operations(std::string_view ledger, std::string_view prefix,
                                              uint64_t before) const {
  std::vector<Operation> found;
  const auto numbers = by_ledger_.find(ledger);
  if (numbers == by_ledger_.end()) return found;
  for (const size_t number : numbers->second) {
    const Operation& operation = operations_[number];
    if (operation.attempted.seq >= before || !checker::IsBelow(operation.path, prefix)) continue;
    found.push_back(operation);
    if (operation.completed && operation.completed->seq >= before) {
      found.back().completed.reset();
      found.back().ending = Ending::kIndeterminate;
    }
  }
  return found;
}

void LedgerBook::Recall(std::vector<Operation> operations,
                        std::map<std::string, uint64_t, std::less<>> checks) {
  for (Operation& operation : operations) Add(std::move(operation));
  checks_ = std::move(checks);
}

uint64_t LedgerBook::MomentOfCheck(std::string_view path) const {
  const auto found = checks_.find(path);
  return found == checks_.end() ? std::numeric_limits<uint64_t>::max() : found->second;
}

}  // namespace assay::run
