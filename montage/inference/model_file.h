#pragma once
// The model's file: which bytes are expected, whether they are there, and getting them.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace montage::inference {

struct ModelFileOptions {
  std::filesystem::path model;
  /// What the file must have, 64 hexadecimal digits. "": the first word of the file
  /// `<model>.sha256`, as sha256sum(1) writes it. A model without a digest is never loaded.
  std::string sha256 = {};
  /// http:// or https:// URL, or path, of the same bytes; "": the file is never fetched.
  std::string source = {};
  uint64_t max_bytes = uint64_t{1} << 30;
};

/// Changes when the file or its digest's file does, as far as the kernel tells: device, inode,
/// size, times of modification and change of both.
struct FileStamp {
  std::array<int64_t, 14> fields{};
  /// When one of the two files last changed, in nanoseconds since the epoch.
  int64_t changed_ns = 0;
  bool exists = false;
  bool operator==(const FileStamp&) const = default;
};

/// Not thread-safe.
class ModelFile {
 public:
  explicit ModelFile(ModelFileOptions options) : options_(std::move(options)) {}

  const ModelFileOptions& options() const { return options_; }

  /// Two calls of stat(2).
  FileStamp Stamp() const;

  /// Lower-case. kInvalid: it is no digest; kNotFound: none is configured.
  base::Result<std::string> ExpectedSha256() const;

  /// Reads the whole file and returns its digest, which is the expected one. kNotFound: no file;
  /// kCorrupt: another digest; kTooLarge; kIo.
  base::Result<std::string> Verify() const;

  /// Gets the file from the source and puts it in place in one step when its digest is the expected
  /// one; otherwise nothing has changed. kUnsupported: no source; kUnavailable: the source does not
  /// deliver; kCorrupt: it delivers something else; kTooLarge, kTimeout, kIo.
  base::Result<void> Fetch(base::Deadline deadline) const;

 private:
  base::Result<void> Download(const std::filesystem::path& to, base::Deadline deadline) const;
  base::Result<void> Copy(const std::filesystem::path& to) const;
  base::Result<void> Install(const std::filesystem::path& from) const;

  ModelFileOptions options_;
};

}  // namespace montage::inference
