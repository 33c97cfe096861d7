#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "assay/checker/checkers.h"

namespace assay::checker {
namespace {

using Order = std::partial_ordering;

struct Series {
  std::string name;
  std::vector<const Operation*> reads;  // by `attempted`
};

class Monotonic {
 public:
  explicit Monotonic(const MonotonicOptions& options)
      : options_(options), findings_(options.witnesses, {"reads", "regressed", "repeated"}) {}

  CheckResult Check(std::span<const Operation> operations) {
    std::map<std::string, Series> all;
    for (const Operation& read : operations) {
      if (read.op != "read" || !read.acknowledged() || !read.completed) continue;
      findings_.Count("reads");
      ++reads_;
      if (read.value.is_list()) {
        Inside(read);
        continue;
      }
      std::string identity = Identity(read.key);
      if (options_.per_worker) identity += "\n" + read.worker;
      Series& series = all[identity];
      series.name = read.key.is_null() ? "the value" : Show(read.key);
      series.reads.push_back(&read);
    }
    if (reads_ == 0) findings_.Inconclusive("no acknowledged read");
    for (const auto& [identity, series] : all) Between(series);
    return std::move(findings_).Finish();
  }

 private:
  // `later` must not be below `earlier`.
  void Judge(const cel::Value& earlier, const cel::Value& later, const std::string& subject,
             const Operation* first, const Operation* second) {
    const auto order = cel::Compare(earlier, later);
    if (!order || *order == Order::unordered) {
      findings_.Inconclusive(
          fmt::format("{} and {} have no order, in {}", Show(earlier), Show(later), second->path));
    } else if (*order == Order::greater) {
      findings_.Fail("regressed", subject,
                     fmt::format("{} fell from {} to {} in {}", subject, Show(earlier), Show(later),
                                 second->path),
                     {first, second});
    } else if (*order == Order::equivalent && options_.strict) {
      findings_.Fail("repeated", subject,
                     fmt::format("{} gave {} again in {}", subject, Show(later), second->path),
                     {first, second});
    }
  }

  void Inside(const Operation& read) {
    const auto items = read.value.list();
    for (size_t i = 1; i < items.size(); ++i) {
      Judge(items[i - 1], items[i], fmt::format("element {}", i), nullptr, &read);
    }
  }

  // Each read against the largest value among the reads that were over before it began.
  void Between(const Series& series) {
    std::vector<const Operation*> done = series.reads;
    std::ranges::sort(done, {}, [](const Operation* read) { return read->completed->seq; });
    const Operation* largest = nullptr;
    size_t next = 0;
    for (const Operation* read : series.reads) {
      for (; next < done.size() && done[next]->completed->seq < read->attempted.seq; ++next) {
        const bool larger =
            largest == nullptr || cel::Compare(largest->value, done[next]->value) == Order::less;
        if (larger) largest = done[next];
      }
      if (largest != nullptr) {
        Judge(largest->value, read->value, series.name, largest, read);
      } else if (!cel::Compare(read->value, read->value)) {
        findings_.Inconclusive(
            fmt::format("{} gave {}, which has no order", read->path, Show(read->value)));
      }
    }
  }

  const MonotonicOptions& options_;
  Findings findings_;
  int64_t reads_ = 0;
};

}  // namespace

CheckResult CheckMonotonic(std::span<const Operation> operations, const MonotonicOptions& options) {
  return Monotonic(options).Check(operations);
}

}  // namespace assay::checker
