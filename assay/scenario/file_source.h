#pragma once
// Where project files come from: the disk, or memory in tests. Paths are relative to a root, with
// `/`, and can never leave it.

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace assay::scenario {

class FileSource {
 public:
  virtual ~FileSource() = default;
  /// The whole file; kNotFound, kTooLarge over `max_bytes`, kForbidden for a path out of the root.
  virtual base::Result<std::string> Read(const std::string& path, size_t max_bytes) const = 0;
  /// All files below `folder` ("" for the root), sorted; kNotFound when there is no such folder.
  virtual base::Result<std::vector<std::string>> List(const std::string& folder) const = 0;
};

class DiskFiles final : public FileSource {
 public:
  explicit DiskFiles(std::filesystem::path root) : root_(std::move(root)) {}
  base::Result<std::string> Read(const std::string& path, size_t max_bytes) const override;
  base::Result<std::vector<std::string>> List(const std::string& folder) const override;

 private:
  std::filesystem::path root_;
};

class MemoryFiles final : public FileSource {
 public:
  explicit MemoryFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  base::Result<std::string> Read(const std::string& path, size_t max_bytes) const override;
  base::Result<std::vector<std::string>> List(const std::string& folder) const override;

 private:
  std::map<std::string, std::string> files_;
};

/// `a/./b/../c` -> `a/c`; kForbidden when it is absolute or leaves the root.
base::Result<std::string> NormalizePath(std::string_view path);

/// `path` as seen from the folder of `file`: ("suites/a/x.yaml", "cohort.csv") ->
/// "suites/a/cohort.csv".
base::Result<std::string> RelativeTo(std::string_view file, std::string_view path);

/// `*` within one path segment, `**` over any number of them, `?` one character.
bool MatchesGlob(std::string_view path, std::string_view pattern);

}  // namespace assay::scenario
