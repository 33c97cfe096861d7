#pragma once
// A directory that lives as long as a test needs it.

#include <filesystem>
#include <string>
#include <string_view>

namespace testing_support {

/// Made below the system's temporary directory, removed with all it holds by the destructor.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  /// Makes parent directories; returns the path.
  std::filesystem::path Write(std::string_view name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

/// The whole file; "" when it cannot be read.
std::string ReadFile(const std::filesystem::path& path);

}  // namespace testing_support
