#pragma once
// A fast level that forgets (L1) over a durable one (L2, the bucket `cache` of an object store).
//
//   GetOrCompute:  L1 hit ---------------------------------------> value
//                  L1 miss -> L2 hit ---> put in L1 -------------> value
//                             L2 miss --> compute, put in L2, L1 -> value
//
// Callers with the same key that come while one of them looks in L2 or computes wait for it. What
// is kept belongs to a recording and goes with InvalidateFile; a value whose computation began
// before that is not kept (marks.h). An L1 that does not answer is passed over and counted; an L2
// that does not answer keeps nothing, and the value is computed each time.

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/objects/object_store.h"
#include "montage/cache/cache_key.h"
#include "montage/cache/entry.h"
#include "montage/cache/fast_level.h"
#include "montage/cache/marks.h"
#include "montage/cache/single_flight.h"
#include "montage/storage/sealed.h"
#include "montage/telemetry/metrics.h"

namespace montage::cache {

inline constexpr std::string_view kBucket = "cache";

enum class Level { kL1, kL2 };
/// `l1` or `l2`.
std::string_view ToString(Level level);

/// What it works with; everything outlives it.
struct CacheParts {
  FastLevel& fast;
  objects::ObjectStore& store;
  const storage::KeyRing& ring;
  telemetry::Metrics& metrics;
  const base::Clock& clock;
  /// Gets what goes wrong without failing a call; from any thread.
  std::function<void(const base::Error&)> error_sink = [](const base::Error&) {};
};

struct CacheOptions {
  base::Duration time_to_live = std::chrono::hours(1);  ///< in L1
  /// How long one look into L1 may take before L2 is asked.
  base::Duration patience = std::chrono::milliseconds(250);
  /// How long L1 is passed over after it failed.
  base::Duration rest = std::chrono::seconds(1);
};

struct Found {
  std::string value;
  std::optional<Level> level;  ///< nothing: computed for this call, or for another one meanwhile
};

struct Request {
  CacheKey key;
  /// Whether a kept value can be used; one that cannot is replaced. For changes of its form.
  std::function<bool(std::string_view value)> is_usable;
  std::function<base::Result<std::string>()> compute;
};

/// How many entries an invalidation removed.
struct Invalidated {
  size_t fast = 0;
  size_t stored = 0;
  /// L1 could not be reached: it forgets by itself when the time to live is over, or when
  /// SweepMarks comes by.
  std::optional<base::Error> fast_failure;
};

/// Since the start, in this process.
struct LevelCounts {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t failures = 0;  ///< calls that the level did not answer
  uint64_t damaged = 0;   ///< entries that did not open; each is a miss as well
};

/// What is in a level now.
struct LevelUsage {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  bool complete = true;  ///< false: there are more, which were not counted
};

/// One entry as administrators see it.
struct Kept {
  std::string value;
  std::optional<base::Duration> remaining;  ///< until L1 forgets it
};

/// Thread-safe.
class TwoLevelCache {
 public:
  explicit TwoLevelCache(CacheParts parts, CacheOptions options = {});

  /// Makes the bucket.
  base::Result<void> Open(base::Deadline deadline);

  /// Only errors of `compute`, and kTimeout when another caller's computation takes too long.
  base::Result<Found> GetOrCompute(const Request& request, base::Deadline deadline);

  /// Removes `raw:`, `results:` and every `features:` entry of the recording from both levels.
  /// Requires: IsFileId(file_id). An error of L2 may leave entries behind.
  base::Result<Invalidated> InvalidateFile(std::string_view file_id, base::Deadline deadline);
  /// Removes marks that no computation can be waiting for any more, after removing again what
  /// belongs to their recordings; returns how many.
  base::Result<size_t> SweepMarks(base::Deadline deadline);

  // For administrators. They count no hits and misses.

  /// Nothing when there is no such entry, or none that GetOrCompute would use.
  base::Result<std::optional<Kept>> Look(Level level, const CacheKey& key, base::Deadline deadline);
  base::Result<void> Plant(Level level, const CacheKey& key, std::string value,
                           base::Deadline deadline);
  /// Whether there was one.
  base::Result<bool> Erase(Level level, const CacheKey& key, base::Deadline deadline);
  base::Result<LevelUsage> Usage(Level level, base::Deadline deadline);
  LevelCounts counts(Level level) const;
  std::string_view fast_kind() const { return parts_.fast.kind(); }
  base::Duration time_to_live() const { return options_.time_to_live; }

 private:
  struct Counters {
    std::atomic<uint64_t> hits{0}, misses{0}, failures{0}, damaged{0};
  };

  Counters& CountersOf(Level level) { return counters_[level == Level::kL1 ? 0 : 1]; }
  void CountHit(Level level);
  void CountMiss(Level level);
  void CountDamaged(Level level);
  void CountFailure(Level level, const base::Error& error);
  base::Deadline FastDeadline(base::Deadline deadline) const;
  bool FastRests() const;

  std::optional<Found> FindFast(const Request& request, base::Deadline deadline);
  bool IsCurrent(const CacheKey& key, const std::string& mark, base::Deadline deadline);
  base::Result<Found> FindOrFill(const Request& request, base::Deadline deadline);
  base::Result<std::optional<std::string>> FindStored(const Request& request,
                                                      const std::string& mark,
                                                      base::Deadline deadline);
  void Keep(const CacheKey& key, const Entry& entry, bool also_in_store, base::Deadline deadline);
  void PutFast(const CacheKey& key, std::string sealed, base::Deadline deadline);
  base::Result<size_t> EraseFast(std::string_view file_id, base::Deadline deadline);
  base::Result<size_t> EraseStored(std::string_view file_id, base::Deadline deadline);
  base::Result<std::optional<std::string>> GetStored(const CacheKey& key, base::Deadline deadline);

  const CacheParts parts_;
  const CacheOptions options_;
  Marks marks_;
  SingleFlight<Found> flights_;
  std::array<Counters, 2> counters_;
  std::atomic<base::SteadyTime> fast_rests_until_{base::SteadyTime::min()};
};

}  // namespace montage::cache
