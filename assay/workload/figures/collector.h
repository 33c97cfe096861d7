#pragma once
// Where the workers hand over what they counted, once a second.

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "assay/workload/figures/tally.h"

namespace assay::workload {

/// Thread-safe. Memory does not grow with the length of the load.
class Collector {
 public:
  explicit Collector(size_t tasks) : interval_(tasks), total_(tasks) {}

  /// Adds and clears `tally`.
  void Deliver(Tally& tally);
  /// Counts every failure; keeps the details of the first few of each class.
  void Fail(Failure failure);
  /// Whether the details of a failure would be kept: making them costs something.
  bool WantsDetails(const FailureClass& what) const;

  /// What was delivered since the last call goes to `into`, which has as many tasks.
  void TakeInterval(Tally& into);
  /// Details that were kept since the last call.
  std::vector<Failure> TakeFailures();
  Tally Total() const;
  std::map<FailureClass, uint64_t> Failures() const;

  static constexpr size_t kMostClasses = 100;
  static constexpr uint64_t kDetailsOfOne = 3;
  static constexpr size_t kMostDetails = 50;

 private:
  bool Wanted(const FailureClass& what) const;

  mutable std::mutex mutex_;
  Tally interval_;
  Tally total_;
  std::map<FailureClass, uint64_t> classes_;
  std::vector<Failure> fresh_;
  size_t details_ = 0;
};

}  // namespace assay::workload
