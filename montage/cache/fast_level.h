#pragma once
// The first level of the cache: values that may be forgotten at any time and end after a time to
// live.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace montage::cache {

struct FastEntry {
  std::string bytes;
  base::Duration remaining{};  ///< until it ends, above zero
};

struct FastUsage {
  uint64_t entries = 0;
  uint64_t bytes = 0;  ///< of memory, as the level itself counts it
};

/// Thread-safe. Values are opaque bytes. Errors: kUnavailable when the level cannot be reached, and
/// whatever its server answers; the memory of this process never fails.
class FastLevel {
 public:
  virtual ~FastLevel() = default;

  /// `memory` or `redis`.
  virtual std::string_view kind() const = 0;
  /// Whether other processes see the same entries, so that removing one here removes it for all.
  virtual bool is_shared() const = 0;
  virtual base::Result<std::optional<FastEntry>> Get(std::string_view key,
                                                     base::Deadline deadline) = 0;
  /// Replaces; `time_to_live` is at least a millisecond. A level may decide not to keep a value.
  virtual base::Result<void> Put(std::string_view key, std::string bytes,
                                 base::Duration time_to_live, base::Deadline deadline) = 0;
  /// Whether there was such a key.
  virtual base::Result<bool> Erase(std::string_view key, base::Deadline deadline) = 0;
  /// Removes every key that begins with `prefix` and was there from begin to end; returns how many.
  virtual base::Result<size_t> ErasePrefix(std::string_view prefix, base::Deadline deadline) = 0;
  /// Of everything in it, also of what others put there.
  virtual base::Result<FastUsage> Usage(base::Deadline deadline) = 0;
};

}  // namespace montage::cache
