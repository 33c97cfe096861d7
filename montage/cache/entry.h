#pragma once
// How a value lies in either level: sealed, because it is derived from a health record, and inside
// the seal
//
//   "MCE1" | mark, 16 bytes | SHA-256 of the value, 32 bytes | value
//
// The mark is that of the recording when the value was computed (marks.h). The context of the seal
// is the key, so that no entry can stand in for another.

#include <string>
#include <string_view>

#include "montage/cache/cache_key.h"
#include "montage/storage/sealed.h"

namespace montage::cache {

inline constexpr size_t kMarkBytes = 16;

struct Entry {
  std::string mark;  ///< kMarkBytes bytes
  std::string value;
};

/// Requires: entry.mark.size() == kMarkBytes.
std::string SealEntry(const storage::KeyRing& ring, const CacheKey& key, const Entry& entry);
/// kCorrupt for whatever SealEntry did not make for this key, kNotFound when the key that sealed it
/// is not in the ring any more.
base::Result<Entry> OpenEntry(const storage::KeyRing& ring, const CacheKey& key,
                              std::string_view sealed);

}  // namespace montage::cache
