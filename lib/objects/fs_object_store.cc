#include "lib/objects/fs_object_store.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/crypto/secret.h"
#include "lib/objects/fs_layout.h"

namespace objects {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Fail;

std::string RandomName() {
  const std::string bytes = crypto::RandomBytes(16);
  std::string name;
  for (const char c : bytes) name += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return name;
}

/// Removes what stores that are no longer open left behind.
void RemoveLeftovers(const fs::path& incoming) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(incoming, ignored)) {
    const auto lock = OpenFile(entry.path() / "lock", O_RDWR);
    // A folder without a lock is one whose store died, or is being made, before it had one; its
    // owner notices and makes another.
    const bool taken = lock && flock(lock->get(), LOCK_EX | LOCK_NB) != 0;
    if (!taken) fs::remove_all(entry.path(), ignored);
  }
}

/// Gone when the scope ends, unless it was renamed away.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { unlink(path_.c_str()); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Found {
  std::string key;
  fs::path file;
};

/// Every object of the bucket that `query` is about, in byte order.
std::vector<Found> Collect(const fs::path& bucket, const ListQuery& query) {
  std::vector<Found> found;
  std::error_code error;
  const fs::path start = bucket / FolderOfPrefix(query.prefix);
  for (auto at = fs::recursive_directory_iterator(start, error);
       at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (error) break;
    const auto key = KeyOfFile(at->path().lexically_relative(bucket));
    if (key && key->starts_with(query.prefix) && *key > query.after) {
      found.push_back({*key, at->path()});
    }
  }
  std::ranges::sort(found, {}, &Found::key);
  return found;
}

}  // namespace

base::Result<std::unique_ptr<FsObjectStore>> FsObjectStore::Open(const fs::path& root,
                                                                 const base::Clock& clock) {
  std::error_code error;
  fs::create_directories(root, error);
  std::unique_ptr<FsObjectStore> store(new FsObjectStore(root, clock));
  TRY(MakeFolders(root, "buckets"));
  TRY(MakeFolders(root, "incoming"));
  RemoveLeftovers(root / "incoming");
  TRY(store->ClaimIncoming());
  return store;
}

FsObjectStore::~FsObjectStore() {
  std::error_code ignored;
  if (!incoming_.empty()) fs::remove_all(incoming_, ignored);
}

base::Result<void> FsObjectStore::ClaimIncoming() {
  constexpr int kAttempts = 20;
  for (int i = 0; i < kAttempts; ++i) {
    const fs::path folder = root_ / "incoming" / RandomName();
    TRY(MakeFolders(root_ / "incoming", folder.filename()));
    auto lock = OpenFile(folder / "lock", O_RDWR | O_CREAT);
    if (!lock || flock(lock->get(), LOCK_EX | LOCK_NB) != 0) continue;
    // Another store may have removed the folder between our steps.
    if (std::error_code ignored; !fs::exists(folder / "lock", ignored)) continue;
    lock_ = std::move(*lock);
    incoming_ = folder;
    return {};
  }
  return Fail(ErrorCode::kIo,
              fmt::format("no folder could be made in \"{}\"", (root_ / "incoming").string()));
}

base::Result<fs::path> FsObjectStore::FolderOf(std::string_view bucket) const {
  TRY(CheckBucket(bucket));
  fs::path folder = root_ / "buckets" / std::string(bucket);
  if (std::error_code ignored; !fs::is_directory(folder, ignored)) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no bucket \"{}\"", bucket));
  }
  return folder;
}

base::Result<FileHandle> FsObjectStore::OpenObject(std::string_view bucket,
                                                   std::string_view key) const {
  TRY(CheckKey(key));
  TRY(const fs::path folder, FolderOf(bucket));
  auto file = OpenFile(folder / FileOfKey(key), O_RDONLY);
  if (!file && file.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no object \"{}/{}\"", bucket, key));
  }
  return file;
}

base::Result<void> FsObjectStore::EnsureBucket(std::string_view bucket, base::Deadline) {
  TRY(CheckBucket(bucket));
  return MakeFolders(root_ / "buckets", std::string(bucket));
}

base::Result<void> FsObjectStore::Publish(const fs::path& temporary, const fs::path& bucket_folder,
                                          std::string_view key, bool only_if_absent) const {
  // A deletion beside us may remove the folder that just became empty, so both steps repeat.
  constexpr int kAttempts = 100;
  const fs::path relative = FileOfKey(key);
  const fs::path target = bucket_folder / relative;
  for (int i = 0; i < kAttempts; ++i) {
    auto made = MakeFolders(bucket_folder, relative.parent_path());
    if (!made && made.error().code == ErrorCode::kNotFound) continue;
    TRY(std::move(made));
    const unsigned flags = only_if_absent ? RENAME_NOREPLACE : 0;
    if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), flags) == 0) {
      auto synced = SyncFolder(target.parent_path());
      // Not found: somebody deleted the new object already, and its folder with it.
      if (!synced && synced.error().code != ErrorCode::kNotFound) return synced;
      return {};
    }
    if (errno == EEXIST) {
      return Fail(ErrorCode::kConflict, fmt::format("the object \"{}\" exists", key));
    }
    if (errno != ENOENT) return Fail(SystemFailure("renaming to", target));
  }
  return Fail(ErrorCode::kIo, fmt::format("the folder of \"{}\" keeps vanishing", key));
}

base::Result<ObjectStat> FsObjectStore::Put(std::string_view bucket, std::string_view key,
                                            ByteSource& content, const PutOptions& options,
                                            base::Deadline deadline) {
  TRY(CheckKey(key));
  TRY(CheckOptions(options));
  TRY(const fs::path folder, FolderOf(bucket));
  const TemporaryFile temporary(incoming_ / std::to_string(next_++));
  ObjectStat stat{
      .key = std::string(key), .content_type = options.content_type, .modified = clock_.Now()};
  {
    TRY(const FileHandle file, OpenFile(temporary.path(), O_WRONLY | O_CREAT | O_EXCL));
    TRY(WriteObjectFile(file, content, stat, deadline));
  }
  TRY(Publish(temporary.path(), folder, key, options.only_if_absent));
  return stat;
}

base::Result<std::unique_ptr<ByteSource>> FsObjectStore::Get(std::string_view bucket,
                                                             std::string_view key, base::Deadline) {
  TRY(FileHandle file, OpenObject(bucket, key));
  return ReadObjectContent(std::move(file));
}

base::Result<ObjectStat> FsObjectStore::Head(std::string_view bucket, std::string_view key,
                                             base::Deadline) {
  TRY(const FileHandle file, OpenObject(bucket, key));
  TRY(ObjectStat stat, ReadObjectStat(file));
  stat.key = key;
  return stat;
}

base::Result<ListPage> FsObjectStore::List(std::string_view bucket, const ListQuery& query,
                                           base::Deadline) {
  TRY(const fs::path folder, FolderOf(bucket));
  ListPage page;
  for (const Found& found : Collect(folder, query)) {
    if (page.objects.size() == query.limit) {
      page.more = true;
      break;
    }
    const auto file = OpenFile(found.file, O_RDONLY);
    if (!file) continue;  // deleted since
    TRY(ObjectStat stat, ReadObjectStat(*file));
    stat.key = found.key;
    page.objects.push_back(std::move(stat));
  }
  return page;
}

base::Result<void> FsObjectStore::Delete(std::string_view bucket, std::string_view key,
                                         base::Deadline) {
  TRY(CheckKey(key));
  TRY(const fs::path folder, FolderOf(bucket));
  const fs::path file = folder / FileOfKey(key);
  if (unlink(file.c_str()) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return Fail(SystemFailure("deleting", file));
  }
  auto synced = SyncFolder(file.parent_path());
  if (!synced && synced.error().code != ErrorCode::kNotFound) return synced;
  // rmdir refuses a folder that is not empty.
  for (fs::path parent = file.parent_path(); parent != folder; parent = parent.parent_path()) {
    if (rmdir(parent.c_str()) != 0) break;
  }
  return {};
}

}  // namespace objects
