#pragma once
// Values that may be forgotten at any time and end after a time to live.

#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"

namespace montage::storage {

/// Keeps the most recently used values within a number of bytes. Thread-safe.
class MemoryCache {
 public:
  /// The clock must outlive the cache.
  MemoryCache(const base::Clock& clock, size_t max_bytes) : clock_(clock), max_bytes_(max_bytes) {}

  /// A value larger than the whole cache is not kept.
  void Put(std::string_view key, std::string value, base::Duration time_to_live);
  std::optional<std::string> Get(std::string_view key);
  /// How long the value stays; nothing when it is absent.
  std::optional<base::Duration> Remaining(std::string_view key);
  void Erase(std::string_view key);
  /// Removes every key that begins with `prefix`; returns how many.
  size_t ErasePrefix(std::string_view prefix);

 private:
  struct Entry {
    std::string value;
    base::SteadyTime ends;
    std::list<std::string>::iterator recency;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  Entries::iterator Find(std::string_view key);
  Entries::iterator Remove(Entries::iterator at);

  const base::Clock& clock_;
  const size_t max_bytes_;
  std::mutex mutex_;
  Entries entries_;
  std::list<std::string> recent_;  // keys, most recently used first
  size_t bytes_ = 0;
};

}  // namespace montage::storage
