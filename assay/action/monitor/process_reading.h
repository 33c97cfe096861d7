#pragma once
// What the kernel says of one process: proc(5).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include <sys/types.h>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::action {

/// One look at a process. What the kernel does not show to this user is absent.
struct ProcessReading {
  uint64_t start_ticks = 0;           ///< when it began: with the pid, its identity
  base::Duration cpu{};               ///< user and system time since it began
  uint64_t rss_bytes = 0;             ///< resident memory (VmRSS)
  std::optional<uint64_t> pss_bytes;  ///< resident memory, shared pages divided among their users
  uint64_t threads = 0;
  std::optional<uint64_t> fds;          ///< open descriptors
  std::optional<uint64_t> read_bytes;   ///< from storage, since it began
  std::optional<uint64_t> write_bytes;  ///< to storage
};

/// Reads /proc/<pid>. `with_pss`: walking the mappings costs the kernel about a millisecond a
/// gigabyte. kNotFound when there is no such process (a zombie counts as gone); kCorrupt when the
/// files are not as proc(5) says. `root` is `/proc` but in tests.
base::Result<ProcessReading> ReadProcess(pid_t pid, bool with_pss,
                                         const std::filesystem::path& root = "/proc");

}  // namespace assay::action
