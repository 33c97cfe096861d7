#pragma once
// The output of a service: kept in a file of bounded size, searched line by line as it comes.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace assay::environment {

/// How many lines matched since it was made (or since Restart).
class LogWatch {
 public:
  explicit LogWatch(std::shared_ptr<const re2::RE2> pattern) : pattern_(std::move(pattern)) {}
  int64_t count() const { return count_; }
  void Restart() { count_ = 0; }

 private:
  friend class LogCapture;
  std::shared_ptr<const re2::RE2> pattern_;
  int64_t count_ = 0;
};

/// When the file has half the limit it becomes `<file>.1`, replacing the one before; what is then
/// lost is named in the first line of the new file. Belongs to one loop.
class LogCapture {
 public:
  static base::Result<std::unique_ptr<LogCapture>> Create(std::filesystem::path file,
                                                          uint64_t limit_bytes);

  base::Result<void> Append(std::string_view bytes);
  /// kInvalid: not an RE2 expression. Watches lines from now on.
  base::Result<std::shared_ptr<LogWatch>> Watch(const std::string& pattern);
  /// Counts the complete lines that are there already, for watches made after them.
  void SearchAgain();
  /// The last lines, without line ends, including an unfinished one.
  std::vector<std::string> Tail(size_t lines) const;
  /// Everything that is kept.
  std::string Contents() const;
  uint64_t dropped_bytes() const { return dropped_; }
  const std::filesystem::path& file() const { return file_; }

 private:
  LogCapture(std::filesystem::path file, uint64_t limit_bytes);
  base::Result<void> Rotate();
  void Search(std::string_view line);

  std::filesystem::path file_;
  uint64_t half_limit_;
  std::ofstream stream_;
  uint64_t written_ = 0;   ///< to the current file
  uint64_t previous_ = 0;  ///< bytes of `<file>.1`
  uint64_t dropped_ = 0;
  std::string line_;  ///< the unfinished one
  std::vector<std::shared_ptr<LogWatch>> watches_;
};

}  // namespace assay::environment
