#include "montage/cache/memory_level.h"

namespace montage::cache {

MemoryLevel::Entries::iterator MemoryLevel::Remove(Entries::iterator at) {
  bytes_ -= at->first.size() + at->second.bytes.size();
  recent_.erase(at->second.recency);
  return entries_.erase(at);
}

MemoryLevel::Entries::iterator MemoryLevel::Find(std::string_view key) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || !HasEnded(found->second)) return found;
  Remove(found);
  return entries_.end();
}

base::Result<std::optional<FastEntry>> MemoryLevel::Get(std::string_view key, base::Deadline) {
  const std::scoped_lock lock(mutex_);
  const auto found = Find(key);
  if (found == entries_.end()) return std::nullopt;
  recent_.splice(recent_.begin(), recent_, found->second.recency);
  return FastEntry{found->second.bytes, found->second.ends - clock_.Steady()};
}

base::Result<void> MemoryLevel::Put(std::string_view key, std::string bytes,
                                    base::Duration time_to_live, base::Deadline) {
  const std::scoped_lock lock(mutex_);
  if (const auto old = entries_.find(key); old != entries_.end()) Remove(old);
  const size_t size = key.size() + bytes.size();
  if (size > max_bytes_) return {};
  while (bytes_ + size > max_bytes_) Remove(entries_.find(recent_.back()));
  recent_.emplace_front(key);
  entries_.emplace(std::string(key),
                   Entry{std::move(bytes), clock_.Steady() + time_to_live, recent_.begin()});
  bytes_ += size;
  return {};
}

base::Result<bool> MemoryLevel::Erase(std::string_view key, base::Deadline) {
  const std::scoped_lock lock(mutex_);
  const auto found = Find(key);
  if (found == entries_.end()) return false;
  Remove(found);
  return true;
}

base::Result<size_t> MemoryLevel::ErasePrefix(std::string_view prefix, base::Deadline) {
  const std::scoped_lock lock(mutex_);
  size_t erased = 0;
  auto at = entries_.lower_bound(prefix);
  while (at != entries_.end() && at->first.starts_with(prefix)) {
    erased += HasEnded(at->second) ? 0U : 1U;
    at = Remove(at);
  }
  return erased;
}

base::Result<FastUsage> MemoryLevel::Usage(base::Deadline) {
  const std::scoped_lock lock(mutex_);
  for (auto at = entries_.begin(); at != entries_.end();)
    at = HasEnded(at->second) ? Remove(at) : std::next(at);
  return FastUsage{.entries = entries_.size(), .bytes = bytes_};
}

}  // namespace montage::cache
