#include "lib/objects/memory_object_store.h"

#include <limits>

#include <fmt/format.h>

#include "lib/crypto/hash.h"

namespace objects {

using base::ErrorCode;
using base::Fail;

base::Result<MemoryObjectStore::Bucket*> MemoryObjectStore::Find(std::string_view bucket) {
  TRY(CheckBucket(bucket));
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no bucket \"{}\"", bucket));
  }
  return &found->second;
}

base::Result<const MemoryObjectStore::Object*> MemoryObjectStore::FindObject(
    std::string_view bucket, std::string_view key) {
  TRY(CheckKey(key));
  TRY(const Bucket* const objects, Find(bucket));
  const auto found = objects->find(key);
  if (found == objects->end()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no object \"{}/{}\"", bucket, key));
  }
  return &found->second;
}

base::Result<void> MemoryObjectStore::EnsureBucket(std::string_view bucket, base::Deadline) {
  TRY(CheckBucket(bucket));
  const std::scoped_lock lock(mutex_);
  buckets_.try_emplace(std::string(bucket));
  return {};
}

base::Result<ObjectStat> MemoryObjectStore::Put(std::string_view bucket, std::string_view key,
                                                ByteSource& content, const PutOptions& options,
                                                base::Deadline deadline) {
  TRY(CheckKey(key));
  TRY(CheckOptions(options));
  {
    const std::scoped_lock lock(mutex_);
    TRY(Find(bucket));
  }
  TRY(std::string text, ReadAll(content, std::numeric_limits<size_t>::max(), deadline));
  const std::string sha256 = crypto::Sha256Hex(text);
  ObjectStat stat{.key = std::string(key),
                  .size = text.size(),
                  .sha256 = sha256,
                  .etag = sha256,
                  .content_type = options.content_type,
                  .modified = clock_.Now()};
  const std::scoped_lock lock(mutex_);
  TRY(Bucket* const objects, Find(bucket));
  if (options.only_if_absent && objects->contains(key)) {
    return Fail(ErrorCode::kConflict, fmt::format("the object \"{}/{}\" exists", bucket, key));
  }
  objects->insert_or_assign(stat.key, Object{stat, std::move(text)});
  return stat;
}

base::Result<std::unique_ptr<ByteSource>> MemoryObjectStore::Get(std::string_view bucket,
                                                                 std::string_view key,
                                                                 base::Deadline) {
  const std::scoped_lock lock(mutex_);
  TRY(const Object* const object, FindObject(bucket, key));
  return std::make_unique<TextSource>(object->content);
}

base::Result<ObjectStat> MemoryObjectStore::Head(std::string_view bucket, std::string_view key,
                                                 base::Deadline) {
  const std::scoped_lock lock(mutex_);
  TRY(const Object* const object, FindObject(bucket, key));
  return object->stat;
}

base::Result<ListPage> MemoryObjectStore::List(std::string_view bucket, const ListQuery& query,
                                               base::Deadline) {
  const std::scoped_lock lock(mutex_);
  TRY(const Bucket* const objects, Find(bucket));
  ListPage page;
  auto at = query.after >= query.prefix ? objects->upper_bound(query.after)
                                        : objects->lower_bound(query.prefix);
  for (; at != objects->end() && at->first.starts_with(query.prefix); ++at) {
    if (page.objects.size() == query.limit) {
      page.more = true;
      break;
    }
    page.objects.push_back(at->second.stat);
  }
  return page;
}

base::Result<void> MemoryObjectStore::Delete(std::string_view bucket, std::string_view key,
                                             base::Deadline) {
  TRY(CheckKey(key));
  const std::scoped_lock lock(mutex_);
  TRY(Bucket* const objects, Find(bucket));
  if (const auto found = objects->find(key); found != objects->end()) objects->erase(found);
  return {};
}

}  // namespace objects
