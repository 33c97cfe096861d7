#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "assay/checker/checkers.h"
#include "assay/checker/numbers.h"

namespace assay::checker {
namespace {

struct Add {
  const Operation* operation;
  int64_t amount;
};

struct Counter {
  cel::Value key;
  std::vector<Add> adds;  // possible ones, by `attempted`
  std::vector<const Operation*> reads;
};

// Sums of amounts up to each moment, so that a read costs a binary search.
class Sums {
 public:
  /// `moments` rise.
  void Append(uint64_t moment, int64_t amount) {
    const WideInt before = sums_.empty() ? WideInt{0} : sums_.back();
    moments_.push_back(moment);
    sums_.push_back(before + amount);
  }
  WideInt Before(uint64_t moment) const {
    const auto at = std::ranges::lower_bound(moments_, moment);
    if (at == moments_.begin()) return 0;
    return sums_[static_cast<size_t>(at - moments_.begin()) - 1];
  }

 private:
  std::vector<uint64_t> moments_;
  std::vector<WideInt> sums_;
};

// Amounts of one sign: what is certain before a moment, and what may have been.
struct Bounds {
  Sums certain;   // acknowledged, by completion
  Sums possible;  // attempted
};

Bounds BoundsOf(const std::vector<Add>& adds, bool positive) {
  Bounds bounds;
  std::vector<Add> done;
  for (const Add& add : adds) {
    if ((add.amount > 0) != positive) continue;
    bounds.possible.Append(add.operation->attempted.seq, add.amount);
    if (add.operation->acknowledged() && add.operation->completed) done.push_back(add);
  }
  std::ranges::sort(done, {}, [](const Add& add) { return add.operation->completed->seq; });
  for (const Add& add : done) bounds.certain.Append(add.operation->completed->seq, add.amount);
  return bounds;
}

void CheckOne(const Counter& counter, const CounterOptions& options, Findings& findings) {
  const Bounds up = BoundsOf(counter.adds, true);
  const Bounds down = BoundsOf(counter.adds, false);
  for (const Operation* read : counter.reads) {
    const auto value = WholeOf(read->value);
    const std::string subject = counter.key.is_null() ? "counter" : Show(counter.key);
    if (!value) {
      findings.Inconclusive(
          fmt::format("{} gave {}, expected a whole number", read->path, Show(read->value)));
      continue;
    }
    const uint64_t begin = read->attempted.seq;
    const uint64_t end = read->completed->seq;
    const WideInt least = options.initial + up.certain.Before(begin) + down.possible.Before(end);
    const WideInt most = options.initial + up.possible.Before(end) + down.certain.Before(begin);
    if (*value >= least && *value <= most) continue;
    findings.Fail("wrong", subject,
                  fmt::format("{} read {}, expected {} to {}", read->path, *value, ShowWide(least),
                              ShowWide(most)),
                  {read});
  }
}

}  // namespace

CheckResult CheckCounter(std::span<const Operation> operations, const CounterOptions& options) {
  Findings findings(options.witnesses, {"adds", "reads", "wrong"});
  std::map<std::string, Counter> counters;
  int64_t reads = 0;
  for (const Operation& operation : operations) {
    Counter& counter = counters[Identity(operation.key)];
    counter.key = operation.key;
    if (operation.op == "add" && operation.possible()) {
      findings.Count("adds");
      const auto amount =
          operation.value.is_null() ? std::optional<int64_t>(1) : WholeOf(operation.value);
      if (!amount) {
        findings.Inconclusive(fmt::format("{} added {}, expected a whole number", operation.path,
                                          Show(operation.value)));
        continue;
      }
      counter.adds.push_back({&operation, *amount});
    }
    if (operation.op == "read" && operation.acknowledged() && operation.completed) {
      ++reads;
      counter.reads.push_back(&operation);
    }
  }
  findings.Set("reads", reads);
  if (reads == 0) findings.Inconclusive("no acknowledged read: the count is not known");
  for (const auto& [identity, counter] : counters) CheckOne(counter, options, findings);
  return std::move(findings).Finish();
}

}  // namespace assay::checker
