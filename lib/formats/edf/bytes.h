#pragma once
// Where a codec reads from and writes to. Recordings are larger than memory, so both stream.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace formats::edf {

/// Random access to a fixed number of bytes. Reads from several threads are safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  /// Fills all of `into`; a range that ends behind size() is an error.
  virtual base::Result<void> ReadAt(uint64_t offset, std::span<uint8_t> into) const = 0;
};

/// Bytes in memory that somebody else keeps alive.
class SpanSource final : public ByteSource {
 public:
  explicit SpanSource(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  base::Result<void> ReadAt(uint64_t offset, std::span<uint8_t> into) const override;

 private:
  std::span<const uint8_t> bytes_;
};

/// Bytes in memory of its own.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}
  uint64_t size() const override { return bytes_.size(); }
  base::Result<void> ReadAt(uint64_t offset, std::span<uint8_t> into) const override;

 private:
  std::vector<uint8_t> bytes_;
};

/// A regular file, read with pread (a mapped file would raise SIGBUS when it is cut meanwhile).
/// The deadline holds for every read until the source is destroyed.
class FileSource final : public ByteSource {
 public:
  static base::Result<std::unique_ptr<FileSource>> Open(const std::filesystem::path& path,
                                                        base::Deadline deadline);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  uint64_t size() const override { return size_; }
  base::Result<void> ReadAt(uint64_t offset, std::span<uint8_t> into) const override;

 private:
  FileSource(int descriptor, uint64_t size, std::filesystem::path path, base::Deadline deadline);

  int descriptor_;
  uint64_t size_;
  std::filesystem::path path_;
  base::Deadline deadline_;
};

/// Takes bytes in order; some sinks can also correct earlier ones.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual base::Result<void> Write(std::span<const uint8_t> bytes) = 0;
  virtual bool can_patch() const { return false; }
  /// Overwrites bytes that were written before; only when can_patch().
  virtual base::Result<void> Patch(uint64_t offset, std::span<const uint8_t> bytes);
};

/// Collects everything in memory.
class MemorySink final : public ByteSink {
 public:
  base::Result<void> Write(std::span<const uint8_t> bytes) override;
  bool can_patch() const override { return true; }
  base::Result<void> Patch(uint64_t offset, std::span<const uint8_t> bytes) override;
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  std::vector<uint8_t> Take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

/// Hands every piece to a function: a hash, a socket, a counter.
class FunctionSink final : public ByteSink {
 public:
  using Function = std::function<base::Result<void>(std::span<const uint8_t>)>;
  explicit FunctionSink(Function function) : function_(std::move(function)) {}
  base::Result<void> Write(std::span<const uint8_t> bytes) override { return function_(bytes); }

 private:
  Function function_;
};

/// A file, created or emptied. Call Close() to see a late write error; the destructor only closes.
class FileSink final : public ByteSink {
 public:
  static base::Result<std::unique_ptr<FileSink>> Create(const std::filesystem::path& path,
                                                        base::Deadline deadline);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;
  base::Result<void> Write(std::span<const uint8_t> bytes) override;
  bool can_patch() const override { return true; }
  base::Result<void> Patch(uint64_t offset, std::span<const uint8_t> bytes) override;
  base::Result<void> Close();

 private:
  FileSink(int descriptor, std::filesystem::path path, base::Deadline deadline);

  int descriptor_;
  uint64_t written_ = 0;
  std::filesystem::path path_;
  base::Deadline deadline_;
};

}  // namespace formats::edf
