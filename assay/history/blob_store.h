#pragma once
// Content-addressed storage of large and binary values beside the log.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace assay::history {

class Redactor;

/// Keeps large or binary values; the same bytes are kept once. Returns the SHA-256 name.
class BlobSink {
 public:
  virtual ~BlobSink() = default;
  virtual base::Result<std::string> Put(std::string_view bytes) = 0;
};

class BlobSource {
 public:
  virtual ~BlobSource() = default;
  /// kNotFound when there is none; kCorrupt when the content does not match the name.
  virtual base::Result<std::string> Get(std::string_view name) const = 0;
};

struct BlobLimits {
  /// Longer values keep their beginning, followed by a line that names the whole size and digest.
  uint64_t size = 64ULL << 20U;
};

/// 64 lower-case hexadecimal digits.
bool IsBlobName(std::string_view name);

/// `root/ab/abcd...`, written to a temporary name and renamed. Not thread-safe.
class DirectoryBlobs final : public BlobSink, public BlobSource {
 public:
  /// `redactor` may be null (then nothing is replaced) and must outlive this.
  DirectoryBlobs(std::filesystem::path root, const Redactor* redactor, BlobLimits limits = {})
      : root_(std::move(root)), redactor_(redactor), limits_(limits) {}

  base::Result<std::string> Put(std::string_view bytes) override;
  base::Result<std::string> Get(std::string_view name) const override;
  std::filesystem::path PathOf(std::string_view name) const;

 private:
  std::filesystem::path root_;
  const Redactor* redactor_;
  BlobLimits limits_;
};

/// The same in memory.
class MemoryBlobs final : public BlobSink, public BlobSource {
 public:
  explicit MemoryBlobs(const Redactor* redactor = nullptr, BlobLimits limits = {})
      : redactor_(redactor), limits_(limits) {}

  base::Result<std::string> Put(std::string_view bytes) override;
  base::Result<std::string> Get(std::string_view name) const override;
  size_t size() const { return blobs_.size(); }

 private:
  std::map<std::string, std::string, std::less<>> blobs_;
  const Redactor* redactor_;
  BlobLimits limits_;
};

}  // namespace assay::history
