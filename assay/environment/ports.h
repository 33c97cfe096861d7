#pragma once
// Free ports without a race: against other programs, against the kernel's own choice, and against
// other runs on the machine.

#include <cstdint>

#include "lib/base/random.h"
#include "lib/base/result.h"
#include "lib/process/descriptor.h"

namespace assay::environment {

/// A TCP port of the loopback address. Bound until Release, so that no other program gets it; and
/// locked against other runs (an abstract socket name) until it is destroyed.
class ReservedPort {
 public:
  uint16_t number() const { return number_; }
  /// Just before the service that binds it starts.
  void Release() { bound_.Reset(); }

 private:
  friend class PortPool;
  uint16_t number_ = 0;
  process::Descriptor bound_;
  process::Descriptor lock_;
};

/// Chooses below the range from which the kernel takes the local ports of outgoing connections,
/// which could otherwise take the port between Release and the service's bind.
class PortPool {
 public:
  explicit PortPool(uint64_t seed) : random_(seed) {}
  base::Result<ReservedPort> Take();
  /// kConflict when something listens there.
  static base::Result<ReservedPort> TakeFixed(uint16_t number);

 private:
  base::Random random_;
};

}  // namespace assay::environment
