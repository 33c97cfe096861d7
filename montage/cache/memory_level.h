#pragma once
// The first level in the memory of this process.

#include <list>
#include <map>
#include <mutex>
#include <string>

#include "montage/cache/fast_level.h"

namespace montage::cache {

/// Keeps the most recently used values within a number of bytes.
class MemoryLevel final : public FastLevel {
 public:
  /// The clock must outlive the level.
  MemoryLevel(const base::Clock& clock, size_t max_bytes) : clock_(clock), max_bytes_(max_bytes) {}

  std::string_view kind() const override { return "memory"; }
  bool is_shared() const override { return false; }
  base::Result<std::optional<FastEntry>> Get(std::string_view key,
                                             base::Deadline deadline) override;
  /// A value larger than the whole level is not kept.
  base::Result<void> Put(std::string_view key, std::string bytes, base::Duration time_to_live,
                         base::Deadline deadline) override;
  base::Result<bool> Erase(std::string_view key, base::Deadline deadline) override;
  base::Result<size_t> ErasePrefix(std::string_view prefix, base::Deadline deadline) override;
  base::Result<FastUsage> Usage(base::Deadline deadline) override;

 private:
  struct Entry {
    std::string bytes;
    base::SteadyTime ends;
    std::list<std::string>::iterator recency;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  bool HasEnded(const Entry& entry) const { return clock_.Steady() >= entry.ends; }
  Entries::iterator Find(std::string_view key);
  Entries::iterator Remove(Entries::iterator at);

  const base::Clock& clock_;
  const size_t max_bytes_;
  std::mutex mutex_;
  Entries entries_;
  std::list<std::string> recent_;  // keys, most recently used first
  size_t bytes_ = 0;
};

}  // namespace montage::cache
