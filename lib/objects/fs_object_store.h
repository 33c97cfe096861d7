#pragma once
// Objects as files below one folder:
//
//   root/buckets/<bucket>/<path made from the key>@     fs_layout.h, fs_file.h
//   root/incoming/<one folder an open store>/<number>   being written; its `lock` is held
//
// A put writes to `incoming`, syncs, renames into place and syncs the folder. What a crash left in
// `incoming` is removed by the next store that is opened; folders of stores still open stay.

#include <atomic>
#include <filesystem>
#include <memory>

#include "lib/objects/fs_file.h"
#include "lib/objects/object_store.h"

namespace objects {

/// Several processes may have the same folder open.
class FsObjectStore final : public ObjectStore {
 public:
  /// Makes the folder when it is missing. The clock must outlive the store.
  static base::Result<std::unique_ptr<FsObjectStore>> Open(const std::filesystem::path& root,
                                                           const base::Clock& clock);
  ~FsObjectStore() override;

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
  FsObjectStore(std::filesystem::path root, const base::Clock& clock)
      : root_(std::move(root)), clock_(clock) {}
  base::Result<void> ClaimIncoming();
  base::Result<std::filesystem::path> FolderOf(std::string_view bucket) const;
  base::Result<FileHandle> OpenObject(std::string_view bucket, std::string_view key) const;
  base::Result<void> Publish(const std::filesystem::path& temporary,
                             const std::filesystem::path& bucket_folder, std::string_view key,
                             bool only_if_absent) const;

  const std::filesystem::path root_;
  const base::Clock& clock_;
  std::filesystem::path incoming_;
  FileHandle lock_;
  std::atomic<uint64_t> next_{0};
};

}  // namespace objects
