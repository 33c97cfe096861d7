#pragma once
// Why and when something must end early: the run, a scenario, a structure step, a background step.

#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/net/cancellation.h"

namespace assay::run {

struct StopCause {
  enum class Kind { kTimeout, kCancelled };
  Kind kind = Kind::kCancelled;
  std::string reason;  ///< `the scenario's time (5m) ran out`
};

/// A node in the tree of lifetimes: stopping one stops all below it. Belongs to the run's loop.
class Stopper {
 public:
  /// `parent` may be null and outlives this. `late` is the reason when the deadline comes first.
  Stopper(Stopper* parent, base::Deadline deadline, std::string late = {});
  ~Stopper();
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;

  /// The first request counts.
  void Stop(StopCause cause);
  /// The nearest cause: its own or a parent's request, then the deadlines.
  std::optional<StopCause> Cause(const base::Clock& clock) const;
  /// The earliest of its own and its parents'.
  base::Deadline deadline() const;
  /// Requested when Stop is called here or above.
  const net::Cancellation& cancellation() const { return cancellation_; }

 private:
  Stopper* parent_;
  base::Deadline deadline_;
  std::string late_;
  std::optional<StopCause> cause_;
  net::Cancellation cancellation_;
  std::vector<Stopper*> children_;
};

}  // namespace assay::run
