#pragma once
// Advisory locks on files (flock), and who has one.

#include <filesystem>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace montage::app {

/// Given up by the destructor or the death of the process.
class FileLock {
 public:
  /// Makes the file when it is missing. kConflict naming the processes that have it.
  static base::Result<FileLock> Take(const std::filesystem::path& file, bool shared);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

  /// From exclusive to shared, without letting anybody in between that wants it exclusively.
  base::Result<void> Share();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

/// `montage serve (process 4711)`, one for each process of this machine that has a lock on the
/// file, as the kernel lists them (/proc/locks; proc(5)). Empty when none has, and where the kernel
/// does not tell: for processes outside of the own container.
std::vector<std::string> LockHolders(const std::filesystem::path& file);

/// `a, b and c`; "another process" for none.
std::string JoinHolders(const std::vector<std::string>& holders);

}  // namespace montage::app
