#include "montage/storage/cache.h"

namespace montage::storage {

MemoryCache::Entries::iterator MemoryCache::Remove(Entries::iterator at) {
  bytes_ -= at->first.size() + at->second.value.size();
  recent_.erase(at->second.recency);
  return entries_.erase(at);
}

MemoryCache::Entries::iterator MemoryCache::Find(std::string_view key) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || clock_.Steady() < found->second.ends) return found;
  Remove(found);
  return entries_.end();
}

void MemoryCache::Put(std::string_view key, std::string value, base::Duration time_to_live) {
  const std::scoped_lock lock(mutex_);
  if (const auto old = entries_.find(key); old != entries_.end()) Remove(old);
  const size_t size = key.size() + value.size();
  if (size > max_bytes_) return;
  while (bytes_ + size > max_bytes_) Remove(entries_.find(recent_.back()));
  recent_.emplace_front(key);
  entries_.emplace(std::string(key),
                   Entry{std::move(value), clock_.Steady() + time_to_live, recent_.begin()});
  bytes_ += size;
}

std::optional<std::string> MemoryCache::Get(std::string_view key) {
  const std::scoped_lock lock(mutex_);
  const auto found = Find(key);
  if (found == entries_.end()) return std::nullopt;
  recent_.splice(recent_.begin(), recent_, found->second.recency);
  return found->second.value;
}

std::optional<base::Duration> MemoryCache::Remaining(std::string_view key) {
  const std::scoped_lock lock(mutex_);
  const auto found = Find(key);
  if (found == entries_.end()) return std::nullopt;
  return found->second.ends - clock_.Steady();
}

void MemoryCache::Erase(std::string_view key) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = entries_.find(key); found != entries_.end()) Remove(found);
}

size_t MemoryCache::ErasePrefix(std::string_view prefix) {
  const std::scoped_lock lock(mutex_);
  size_t erased = 0;
  auto at = entries_.lower_bound(prefix);
  while (at != entries_.end() && at->first.starts_with(prefix)) {
    at = Remove(at);
    ++erased;
  }
  return erased;
}

}  // namespace montage::storage
