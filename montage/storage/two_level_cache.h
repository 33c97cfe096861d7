#pragma once
// A fast level that forgets (L1) over a durable one (L2, a bucket of an object store).
//
//   Get:  L1 hit ------------------------------> value
//         L1 miss -> L2 hit -> put back in L1 -> value
//                    L2 miss ------------------> nothing: the caller computes and calls Put
//
// Values are sealed in L2, because they are derived from health records.

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/objects/object_store.h"
#include "montage/storage/cache.h"
#include "montage/storage/sealed.h"

namespace montage::storage {

inline constexpr std::string_view kCacheBucket = "cache";

enum class CacheLevel { kL1, kL2 };
/// `l1` or `l2`.
std::string_view ToString(CacheLevel level);

/// Thread-safe. All references must outlive it.
class TwoLevelCache {
 public:
  struct Hit {
    std::string value;
    CacheLevel level = CacheLevel::kL1;
  };

  TwoLevelCache(MemoryCache& fast, objects::ObjectStore& store, const KeyRing& ring,
                base::Duration time_to_live)
      : fast_(fast), store_(store), ring_(ring), time_to_live_(time_to_live) {}

  /// Makes the bucket.
  base::Result<void> Open(base::Deadline deadline);

  /// Nothing on a miss. An entry of L2 that was changed or sealed by an unknown key is removed and
  /// counts as a miss. Errors of the store: the caller may go on as after a miss.
  base::Result<std::optional<Hit>> Get(std::string_view key, base::Deadline deadline);
  /// Into both levels. After an error L1 may have the value.
  base::Result<void> Put(std::string_view key, std::string value, base::Deadline deadline);
  /// Removes every key that begins with `prefix` from both levels; returns how many L2 had.
  base::Result<size_t> ErasePrefix(std::string_view prefix, base::Deadline deadline);

 private:
  MemoryCache& fast_;
  objects::ObjectStore& store_;
  const KeyRing& ring_;
  const base::Duration time_to_live_;
};

}  // namespace montage::storage
