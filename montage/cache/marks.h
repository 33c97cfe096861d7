#pragma once
// When a recording was invalidated last, for all processes that use the same object store.
//
// A mark is 16 random bytes in the object `invalidated:{file_id}` of the cache's bucket, or zeros
// when there is none. Invalidation writes a new one before it removes entries. Whoever fills the
// cache reads the mark before it reads the recording, writes it into the entry, and looks again
// after it has put the entry: an entry with another mark is nobody's.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/objects/object_store.h"

namespace montage::cache {

/// Thread-safe. The store must outlive it.
class Marks {
 public:
  Marks(objects::ObjectStore& store, std::string_view bucket) : store_(store), bucket_(bucket) {}

  /// kMarkBytes bytes.
  base::Result<std::string> Read(std::string_view file_id, base::Deadline deadline) const;
  base::Result<void> Renew(std::string_view file_id, base::Deadline deadline);
  base::Result<void> Remove(std::string_view file_id, base::Deadline deadline);
  /// The recordings whose mark was written before `time`.
  base::Result<std::vector<std::string>> OlderThan(base::WallTime time,
                                                   base::Deadline deadline) const;

 private:
  objects::ObjectStore& store_;
  const std::string bucket_;
};

}  // namespace montage::cache
