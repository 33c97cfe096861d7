#pragma once
// Data keys that were sealed anew by a newer master key, so that payloads need not be rewritten
// when a master key is retired.
//
//   bucket data-keys:  <SHA-256 of an envelope's header> -> the header as the newer key seals it
//
// The header in front of the payload stays as it is. Whoever opens it and has its master key needs
// no shelf; whoever does not have it any more finds the newer header here.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/objects/object_store.h"

namespace montage::storage {

inline constexpr std::string_view kDataKeyBucket = "data-keys";

/// Thread-safe. The store must outlive it.
class DataKeyShelf {
 public:
  explicit DataKeyShelf(objects::ObjectStore& store) : store_(store) {}

  /// Makes the bucket. Find needs none.
  base::Result<void> Open(base::Deadline deadline);
  base::Result<std::optional<std::string>> Find(std::string_view header,
                                                base::Deadline deadline) const;
  /// Replaces. Requires: Open() succeeded once.
  base::Result<void> Put(std::string_view header, std::string newer, base::Deadline deadline);
  /// What Put was given, by name.
  base::Result<std::vector<std::string>> Names(base::Deadline deadline) const;
  base::Result<void> Remove(const std::string& name, base::Deadline deadline);

  static std::string NameOf(std::string_view header);

 private:
  objects::ObjectStore& store_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::string> known_;  // by name; a listing opens many names
};

}  // namespace montage::storage
