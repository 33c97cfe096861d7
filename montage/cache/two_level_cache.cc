#include "montage/cache/two_level_cache.h"

#include <utility>

#include <fmt/format.h>

namespace montage::cache {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

constexpr size_t kMaxSealedBytes = size_t{16} << 20;
/// Longer than any computation may take, so that nobody still goes by the mark.
constexpr base::Duration kMarkLifetime = std::chrono::hours(1);
constexpr base::Duration kTidyTime = std::chrono::seconds(5);
constexpr uint64_t kMostCounted = 10'000;

}  // namespace

std::string_view ToString(Level level) { return level == Level::kL1 ? "l1" : "l2"; }

TwoLevelCache::TwoLevelCache(CacheParts parts, CacheOptions options)
    : parts_(std::move(parts)), options_(options), marks_(parts_.store, kBucket) {}

Result<void> TwoLevelCache::Open(Deadline deadline) {
  return parts_.store.EnsureBucket(kBucket, deadline);
}

void TwoLevelCache::CountHit(Level level) {
  ++CountersOf(level).hits;
  parts_.metrics.CountCacheHit(ToString(level));
}

void TwoLevelCache::CountMiss(Level level) {
  ++CountersOf(level).misses;
  parts_.metrics.CountCacheMiss(ToString(level));
}

void TwoLevelCache::CountDamaged(Level level) {
  ++CountersOf(level).damaged;
  parts_.metrics.CountCacheDamaged(ToString(level));
}

void TwoLevelCache::CountFailure(Level level, const base::Error& error) {
  ++CountersOf(level).failures;
  parts_.metrics.CountCacheFailure(ToString(level));
  if (level == Level::kL1) fast_rests_until_ = parts_.clock.Steady() + options_.rest;
  parts_.error_sink(base::Error(error).While(fmt::format("using cache level {}", ToString(level))));
}

LevelCounts TwoLevelCache::counts(Level level) const {
  const Counters& counters = counters_[level == Level::kL1 ? 0 : 1];
  return {.hits = counters.hits,
          .misses = counters.misses,
          .failures = counters.failures,
          .damaged = counters.damaged};
}

Deadline TwoLevelCache::FastDeadline(Deadline deadline) const {
  return deadline.Earlier(Deadline::After(options_.patience));
}

bool TwoLevelCache::FastRests() const { return parts_.clock.Steady() < fast_rests_until_.load(); }

Result<Found> TwoLevelCache::GetOrCompute(const Request& request, Deadline deadline) {
  if (auto found = FindFast(request, deadline)) return *std::move(found);
  return flights_.Do(request.key.text(), deadline, [&] { return FindOrFill(request, deadline); });
}

std::optional<Found> TwoLevelCache::FindFast(const Request& request, Deadline deadline) {
  const CacheKey& key = request.key;
  std::optional<FastEntry> kept;
  if (!FastRests()) {
    auto answer = parts_.fast.Get(key.text(), FastDeadline(deadline));
    if (answer) {
      kept = *std::move(answer);
    } else {
      CountFailure(Level::kL1, answer.error());
    }
  }
  if (kept) {
    auto entry = OpenEntry(parts_.ring, key, kept->bytes);
    if (!entry) CountDamaged(Level::kL1);
    if (entry && IsCurrent(key, entry->mark, deadline) && request.is_usable(entry->value)) {
      CountHit(Level::kL1);
      return Found{std::move(entry->value), Level::kL1};
    }
  }
  CountMiss(Level::kL1);
  return std::nullopt;
}

/// A level that only this process sees does not notice invalidations by other processes, so its
/// entries are held against the mark. Without L2 nobody can invalidate, and the entry is good.
bool TwoLevelCache::IsCurrent(const CacheKey& key, const std::string& mark, Deadline deadline) {
  if (parts_.fast.is_shared()) return true;
  const auto current = marks_.Read(key.file_id(), deadline);
  return !current || *current == mark;
}

Result<Found> TwoLevelCache::FindOrFill(const Request& request, Deadline deadline) {
  const CacheKey& key = request.key;
  auto mark = marks_.Read(key.file_id(), deadline);
  Result<std::optional<std::string>> stored = std::nullopt;
  if (mark) stored = FindStored(request, *mark, deadline);
  const bool store_works = mark && stored;
  if (!store_works) CountFailure(Level::kL2, mark ? stored.error() : mark.error());
  if (store_works && *stored) {
    CountHit(Level::kL2);
    Entry entry{.mark = *mark, .value = **std::move(stored)};
    Keep(key, entry, false, deadline);
    return Found{std::move(entry.value), Level::kL2};
  }
  CountMiss(Level::kL2);
  TRY(std::string value, request.compute());
  if (!store_works) return Found{std::move(value), std::nullopt};
  Entry entry{.mark = *std::move(mark), .value = std::move(value)};
  Keep(key, entry, true, deadline);
  return Found{std::move(entry.value), std::nullopt};
}

/// What is sealed in L2; nothing for an object that its store finds damaged.
Result<std::optional<std::string>> TwoLevelCache::GetStored(const CacheKey& key,
                                                            Deadline deadline) {
  auto sealed = objects::GetText(parts_.store, kBucket, key.text(), kMaxSealedBytes, deadline);
  if (sealed) return *std::move(sealed);
  const ErrorCode code = sealed.error().code;
  if (code == ErrorCode::kNotFound) return std::nullopt;
  // Empty text is no envelope either, so the caller finds it damaged.
  if (code == ErrorCode::kCorrupt || code == ErrorCode::kTooLarge) return std::string();
  return base::Fail(std::move(sealed).error());
}

Result<std::optional<std::string>> TwoLevelCache::FindStored(const Request& request,
                                                             const std::string& mark,
                                                             Deadline deadline) {
  TRY(const auto sealed, GetStored(request.key, deadline));
  if (!sealed) return std::nullopt;
  auto entry = OpenEntry(parts_.ring, request.key, *sealed);
  if (!entry) CountDamaged(Level::kL2);
  if (entry && entry->mark == mark && request.is_usable(entry->value))
    return std::move(entry->value);
  return std::nullopt;
}

/// Puts the entry, and takes it away again when the recording was invalidated meanwhile. Whoever
/// invalidates later than that look removes the entry itself.
void TwoLevelCache::Keep(const CacheKey& key, const Entry& entry, bool also_in_store,
                         Deadline deadline) {
  std::string sealed = SealEntry(parts_.ring, key, entry);
  if (also_in_store) {
    const auto put = objects::PutText(parts_.store, kBucket, key.text(), sealed, {}, deadline);
    if (!put) CountFailure(Level::kL2, put.error());
  }
  PutFast(key, std::move(sealed), deadline);
  // The caller's time may be used up, and what must not stay would stay.
  const Deadline tidy = Deadline::After(kTidyTime);
  const auto current = marks_.Read(key.file_id(), tidy);
  if (current && *current == entry.mark) return;
  if (const auto gone = parts_.store.Delete(kBucket, key.text(), tidy); !gone)
    CountFailure(Level::kL2, gone.error());
  if (const auto gone = parts_.fast.Erase(key.text(), FastDeadline(tidy)); !gone)
    CountFailure(Level::kL1, gone.error());
}

void TwoLevelCache::PutFast(const CacheKey& key, std::string sealed, Deadline deadline) {
  if (FastRests()) return;
  const auto put =
      parts_.fast.Put(key.text(), std::move(sealed), options_.time_to_live, FastDeadline(deadline));
  if (!put) CountFailure(Level::kL1, put.error());
}

Result<size_t> TwoLevelCache::EraseFast(std::string_view file_id, Deadline deadline) {
  TRY(size_t erased, parts_.fast.ErasePrefix(CacheKey::FeaturesPrefix(file_id), deadline));
  for (const CacheKey& key : {CacheKey::Raw(file_id), CacheKey::Results(file_id)}) {
    TRY(const bool existed, parts_.fast.Erase(key.text(), deadline));
    erased += existed ? 1U : 0U;
  }
  return erased;
}

Result<size_t> TwoLevelCache::EraseStored(std::string_view file_id, Deadline deadline) {
  size_t erased = 0;
  objects::ListQuery query{.prefix = CacheKey::FeaturesPrefix(file_id)};
  for (bool more = true; more;) {
    TRY(const auto page, parts_.store.List(kBucket, query, deadline));
    for (const objects::ObjectStat& object : page.objects) {
      TRY(parts_.store.Delete(kBucket, object.key, deadline));
      ++erased;
      query.after = object.key;
    }
    more = page.more;
  }
  for (const CacheKey& key : {CacheKey::Raw(file_id), CacheKey::Results(file_id)}) {
    TRY(const bool existed, Erase(Level::kL2, key, deadline));
    erased += existed ? 1U : 0U;
  }
  return erased;
}

Result<Invalidated> TwoLevelCache::InvalidateFile(std::string_view file_id, Deadline deadline) {
  TRY(marks_.Renew(file_id, deadline));
  Invalidated done;
  TRY(done.stored, EraseStored(file_id, deadline));
  // After L2, from where a reader may just have brought something back. A whole scan may take
  // longer than one look.
  auto fast = EraseFast(file_id, deadline);
  if (fast) {
    done.fast = *fast;
  } else {
    CountFailure(Level::kL1, fast.error());
    done.fast_failure = std::move(fast).error();
  }
  return done;
}

Result<size_t> TwoLevelCache::SweepMarks(Deadline deadline) {
  TRY(const auto old, marks_.OlderThan(parts_.clock.Now() - kMarkLifetime, deadline));
  for (const std::string& file_id : old) {
    // What a process left that died between putting an entry and looking at the mark.
    TRY(EraseStored(file_id, deadline));
    TRY(EraseFast(file_id, deadline));
    TRY(marks_.Remove(file_id, deadline));
  }
  return old.size();
}

Result<std::optional<Kept>> TwoLevelCache::Look(Level level, const CacheKey& key,
                                                Deadline deadline) {
  Kept kept;
  std::string sealed;
  if (level == Level::kL1) {
    TRY(auto entry, parts_.fast.Get(key.text(), deadline));
    if (!entry) return std::nullopt;
    sealed = std::move(entry->bytes);
    kept.remaining = entry->remaining;
  } else {
    TRY(auto stored, GetStored(key, deadline));
    if (!stored) return std::nullopt;
    sealed = *std::move(stored);
  }
  TRY(const std::string mark, marks_.Read(key.file_id(), deadline));
  auto entry = OpenEntry(parts_.ring, key, sealed);
  if (!entry || entry->mark != mark) return std::nullopt;
  kept.value = std::move(entry->value);
  return kept;
}

Result<void> TwoLevelCache::Plant(Level level, const CacheKey& key, std::string value,
                                  Deadline deadline) {
  TRY(std::string mark, marks_.Read(key.file_id(), deadline));
  std::string sealed =
      SealEntry(parts_.ring, key, {.mark = std::move(mark), .value = std::move(value)});
  if (level == Level::kL1)
    return parts_.fast.Put(key.text(), std::move(sealed), options_.time_to_live, deadline);
  TRY(objects::PutText(parts_.store, kBucket, key.text(), std::move(sealed), {}, deadline));
  return {};
}

Result<bool> TwoLevelCache::Erase(Level level, const CacheKey& key, Deadline deadline) {
  if (level == Level::kL1) return parts_.fast.Erase(key.text(), deadline);
  const auto stat = parts_.store.Head(kBucket, key.text(), deadline);
  const bool is_absent = !stat && stat.error().code == ErrorCode::kNotFound;
  if (is_absent) return false;
  TRY(parts_.store.Delete(kBucket, key.text(), deadline));
  return true;
}

Result<LevelUsage> TwoLevelCache::Usage(Level level, Deadline deadline) {
  LevelUsage usage;
  if (level == Level::kL1) {
    TRY(const FastUsage fast, parts_.fast.Usage(deadline));
    return LevelUsage{.entries = fast.entries, .bytes = fast.bytes};
  }
  objects::ListQuery query;
  while (true) {
    TRY(const auto page, parts_.store.List(kBucket, query, deadline));
    for (const objects::ObjectStat& object : page.objects) {
      query.after = object.key;
      if (!CacheKey::Parse(object.key)) continue;
      ++usage.entries;
      usage.bytes += object.size;
    }
    usage.complete = !page.more;
    if (usage.complete || usage.entries >= kMostCounted) return usage;
  }
}

}  // namespace montage::cache
