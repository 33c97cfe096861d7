#include <map>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/checker/checkers.h"
#include "assay/checker/linearizability.h"

namespace assay::checker {
namespace {

// Gives equal values equal numbers.
class ValueTable {
 public:
  ValueNumber NumberOf(const cel::Value& value) {
    const auto [at, added] =
        numbers_.try_emplace(Identity(value), static_cast<ValueNumber>(values_.size()));
    if (added) values_.push_back(value);
    return at->second;
  }
  std::string Text(ValueNumber number) const { return Show(values_[number]); }

 private:
  std::map<std::string, ValueNumber> numbers_;
  std::vector<cel::Value> values_;
};

struct Cell {
  cel::Value key;
  ValueTable values;
  std::vector<RegisterStep> steps;
  std::vector<const Operation*> operations;  // of `steps`
};

std::string Describe(const Operation& operation) {
  return fmt::format("{} {} ({})", operation.op, Show(operation.value), operation.path);
}

// False when the value of a cas is no pair.
bool Fill(const Operation& operation, Cell& cell, RegisterStep& step) {
  if (operation.op == "cas") {
    if (!operation.value.is_list() || operation.value.list().size() != 2) return false;
    step.kind = RegisterStep::Kind::kCas;
    step.expected = cell.values.NumberOf(operation.value.list()[0]);
    step.value = cell.values.NumberOf(operation.value.list()[1]);
    return true;
  }
  step.kind = operation.op == "write" ? RegisterStep::Kind::kWrite : RegisterStep::Kind::kRead;
  step.value = cell.values.NumberOf(operation.value);
  return true;
}

void CheckOne(Cell& cell, const RegisterOptions& options, Findings& findings) {
  const std::string subject = cell.key.is_null() ? "the register" : Show(cell.key);
  const ValueNumber initial = cell.values.NumberOf(options.initial);
  const LinearOrder order = FindLinearOrder(cell.steps, initial, options.memory_bytes);
  if (order.answer == LinearOrder::Answer::kUndecided) {
    findings.Doubt("undecided", subject,
                   fmt::format("{} has {} operations, too many at the same time to decide within "
                               "{} bytes",
                               subject, cell.steps.size(), options.memory_bytes),
                   {});
    return;
  }
  if (order.answer == LinearOrder::Answer::kExists) return;
  const Operation* stuck = cell.operations[order.stuck];
  std::vector<std::string> before;
  for (const size_t step : order.last) before.push_back(Describe(*cell.operations[step]));
  const Operation* previous = order.last.empty() ? nullptr : cell.operations[order.last.back()];
  findings.Fail("not_linearizable", subject,
                fmt::format("{}: {} fits nowhere; at best the register held {}{}{}", subject,
                            Describe(*stuck), cell.values.Text(order.held),
                            before.empty() ? "" : " after ", fmt::join(before, ", ")),
                {previous, stuck});
}

}  // namespace

CheckResult CheckRegister(std::span<const Operation> operations, const RegisterOptions& options) {
  Findings findings(options.witnesses, {"keys", "operations", "not_linearizable", "undecided"});
  std::map<std::string, Cell> cells;
  int64_t reads = 0;
  for (const Operation& operation : operations) {
    const bool read = operation.op == "read";
    const bool known = read || operation.op == "write" || operation.op == "cas";
    // A read that nobody saw tells nothing.
    if (!known || !operation.possible() || (read && !operation.acknowledged())) continue;
    Cell& cell = cells[Identity(operation.key)];
    cell.key = operation.key;
    RegisterStep step{.call = operation.attempted.seq};
    if (operation.acknowledged() && operation.completed) step.ret = operation.completed->seq;
    if (!Fill(operation, cell, step)) {
      findings.Inconclusive(fmt::format("{} gave {}, expected [expected, new]", operation.path,
                                        Show(operation.value)));
      continue;
    }
    findings.Count("operations");
    reads += read ? 1 : 0;
    cell.steps.push_back(step);
    cell.operations.push_back(&operation);
  }
  findings.Set("keys", static_cast<int64_t>(cells.size()));
  if (reads == 0) findings.Inconclusive("no acknowledged read");
  for (auto& [identity, cell] : cells) CheckOne(cell, options, findings);
  return std::move(findings).Finish();
}

}  // namespace assay::checker
