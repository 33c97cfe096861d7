#pragma once
// Waiting for file descriptors (pipes, eventfds, processes) that somebody else owns.

#include <cstddef>
#include <span>
#include <string>

#include <sys/types.h>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace net {

/// Several tasks may wait for one descriptor. A regular file is always ready.
Task<base::Result<void>> WaitReadable(int fd, base::Deadline deadline);
Task<base::Result<void>> WaitWritable(int fd, base::Deadline deadline);

/// At least one byte, or 0 at the end of the stream (also when the other end of a pipe is gone).
Task<base::Result<size_t>> ReadSome(int fd, std::span<std::byte> into, base::Deadline deadline);
/// All bytes. Set O_NONBLOCK on pipes that may fill up, so that one slow reader does not stop the
/// loop.
Task<base::Result<void>> WriteAll(int fd, std::span<const std::byte> bytes,
                                  base::Deadline deadline);

/// How a process ended.
struct ProcessExit {
  int code = 0;    ///< exit code; 0 when killed
  int signal = 0;  ///< signal that killed it; 0 when it exited
};

/// Waits for a child of this process and reaps it. kNotFound: no such child.
Task<base::Result<ProcessExit>> WaitExit(pid_t child, base::Deadline deadline);

}  // namespace net
