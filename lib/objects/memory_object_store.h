#pragma once
// Objects in memory, for tests and for things that need not survive.

#include <map>
#include <mutex>
#include <string>

#include "lib/objects/object_store.h"

namespace objects {

class MemoryObjectStore final : public ObjectStore {
 public:
  explicit MemoryObjectStore(const base::Clock& clock) : clock_(clock) {}

  base::Result<void> EnsureBucket(std::string_view bucket, base::Deadline deadline) override;
  base::Result<ObjectStat> Put(std::string_view bucket, std::string_view key, ByteSource& content,
                               const PutOptions& options, base::Deadline deadline) override;
  base::Result<std::unique_ptr<ByteSource>> Get(std::string_view bucket, std::string_view key,
                                                base::Deadline deadline) override;
  base::Result<ObjectStat> Head(std::string_view bucket, std::string_view key,
                                base::Deadline deadline) override;
  base::Result<ListPage> List(std::string_view bucket, const ListQuery& query,
                              base::Deadline deadline) override;
  base::Result<void> Delete(std::string_view bucket, std::string_view key,
                            base::Deadline deadline) override;

 private:
  struct Object {
    ObjectStat stat;
    std::string content;
  };
  using Bucket = std::map<std::string, Object, std::less<>>;

  base::Result<Bucket*> Find(std::string_view bucket);
  base::Result<const Object*> FindObject(std::string_view bucket, std::string_view key);

  const base::Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

}  // namespace objects
