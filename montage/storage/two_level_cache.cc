#include "montage/storage/two_level_cache.h"

#include <utility>

namespace montage::storage {
namespace {

constexpr size_t kMaxEntryBytes = size_t{16} << 20;

}  // namespace

std::string_view ToString(CacheLevel level) { return level == CacheLevel::kL1 ? "l1" : "l2"; }

base::Result<void> TwoLevelCache::Open(base::Deadline deadline) {
  return store_.EnsureBucket(kCacheBucket, deadline);
}

base::Result<std::optional<TwoLevelCache::Hit>> TwoLevelCache::Get(std::string_view key,
                                                                   base::Deadline deadline) {
  if (auto value = fast_.Get(key)) return Hit{*std::move(value), CacheLevel::kL1};
  auto sealed = objects::GetText(store_, kCacheBucket, key, kMaxEntryBytes, deadline);
  if (!sealed) {
    if (sealed.error().code == base::ErrorCode::kNotFound) return std::nullopt;
    if (sealed.error().code != base::ErrorCode::kCorrupt) {
      return base::Fail(std::move(sealed).error());
    }
  }
  auto opened = sealed ? ring_.Open(*sealed, key) : base::Fail(std::move(sealed).error());
  if (!opened) {
    TRY(store_.Delete(kCacheBucket, key, deadline));
    return std::nullopt;
  }
  fast_.Put(key, *opened, time_to_live_);
  return Hit{*std::move(opened), CacheLevel::kL2};
}

base::Result<void> TwoLevelCache::Put(std::string_view key, std::string value,
                                      base::Deadline deadline) {
  std::string sealed = ring_.Seal(value, key);
  fast_.Put(key, std::move(value), time_to_live_);
  TRY(objects::PutText(store_, kCacheBucket, key, std::move(sealed), {}, deadline));
  return {};
}

base::Result<size_t> TwoLevelCache::ErasePrefix(std::string_view prefix, base::Deadline deadline) {
  fast_.ErasePrefix(prefix);
  size_t erased = 0;
  std::string after;
  while (true) {
    TRY(const auto page,
        store_.List(kCacheBucket, {.prefix = std::string(prefix), .after = after}, deadline));
    for (const objects::ObjectStat& object : page.objects) {
      TRY(store_.Delete(kCacheBucket, object.key, deadline));
      ++erased;
      after = object.key;
    }
    if (!page.more) break;
  }
  // A reader that found an entry of L2 meanwhile has put it back.
  fast_.ErasePrefix(prefix);
  return erased;
}

}  // namespace montage::storage
