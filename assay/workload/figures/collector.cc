#include "assay/workload/figures/collector.h"

#include <utility>

namespace assay::workload {

void Collector::Deliver(Tally& tally) {
  {
    const std::lock_guard lock(mutex_);
    interval_.Add(tally);
    total_.Add(tally);
  }
  tally.Clear();
}

bool Collector::Wanted(const FailureClass& what) const {
  if (details_ >= kMostDetails) return false;
  const auto found = classes_.find(what);
  if (found == classes_.end()) return classes_.size() < kMostClasses;
  return found->second < kDetailsOfOne;
}

bool Collector::WantsDetails(const FailureClass& what) const {
  const std::lock_guard lock(mutex_);
  return Wanted(what);
}

void Collector::Fail(Failure failure) {
  const std::lock_guard lock(mutex_);
  const bool keep = Wanted(failure.what);
  if (classes_.size() >= kMostClasses && !classes_.contains(failure.what)) {
    // So many different reasons are one: they hold something that changes every time.
    failure.what.reason = "other reasons";
    failure.what.step.clear();
  }
  ++classes_[failure.what];
  if (!keep) return;
  ++details_;
  fresh_.push_back(std::move(failure));
}

void Collector::TakeInterval(Tally& into) {
  into.Clear();
  const std::lock_guard lock(mutex_);
  std::swap(into, interval_);
}

std::vector<Failure> Collector::TakeFailures() {
  const std::lock_guard lock(mutex_);
  return std::exchange(fresh_, {});
}

Tally Collector::Total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

std::map<FailureClass, uint64_t> Collector::Failures() const {
  const std::lock_guard lock(mutex_);
  return classes_;
}

}  // namespace assay::workload
