#pragma once
// The file of one object: its content and behind it a footer of 256 bytes, so that content and
// description appear and vanish in one rename.
//
//   content | "OBJECT1\n" | size u64 | modified i64 | sha256 32 bytes | type length u8 | type 128
//           | zeros | first 32 bytes' worth of SHA-256 over the footer before it
// Numbers are little-endian, `modified` in nanoseconds since the Unix epoch.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "lib/objects/object_store.h"

namespace objects {

/// An open file descriptor, closed at the end.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
  FileHandle(FileHandle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept;
  ~FileHandle();

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

/// kNotFound when it does not exist; else kIo with the system's reason.
base::Error SystemFailure(std::string_view doing, const std::filesystem::path& path);

base::Result<FileHandle> OpenFile(const std::filesystem::path& path, int flags);
/// Makes the folder and its parents; each new entry is durable when this returns.
base::Result<void> MakeFolders(const std::filesystem::path& root,
                               const std::filesystem::path& relative);
base::Result<void> SyncFolder(const std::filesystem::path& folder);

/// Writes content and footer to the open file and syncs it. `stat` needs key, type and time, and
/// gets size, sha256 and etag.
base::Result<void> WriteObjectFile(const FileHandle& file, ByteSource& content, ObjectStat& stat,
                                   base::Deadline deadline);

/// Everything but the key; kCorrupt when the footer is damaged or the size does not fit.
base::Result<ObjectStat> ReadObjectStat(const FileHandle& file);

/// The content; verified against the footer's SHA-256 when its end is reached.
base::Result<std::unique_ptr<ByteSource>> ReadObjectContent(FileHandle file);

}  // namespace objects
