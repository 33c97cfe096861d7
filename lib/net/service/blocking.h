#pragma once
// For clients that block a thread of their own (client libraries without an event loop): waiting
// for a socket that also ends at a deadline or on request.

#include <cstdint>
#include <string>

#include <signal.h>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/cancellation.h"

namespace net {

enum class Readiness { kRead, kWrite, kReadOrWrite };

/// Blocks until `fd` is ready (or has failed: the next call on it says how). kTimeout at the
/// deadline, kCancelled when `stop` is requested; `what` names the work for the message: "read from
/// x". `stop` may be null.
base::Result<void> BlockUntilReady(int fd, Readiness readiness, base::Deadline deadline,
                                   const Cancellation* stop, const std::string& what);

/// A connected, non-blocking TCP socket, which the caller closes. Tries the addresses of `host` in
/// order. Looking the name up is bounded by the resolver's own limits only.
base::Result<int> BlockingConnect(const std::string& host, uint16_t port, base::Deadline deadline,
                                  const Cancellation* stop);

/// While it lives, writing to a closed connection gives EPIPE to the calling thread instead of
/// SIGPIPE, which would end the program: for libraries that write without MSG_NOSIGNAL.
class QuietPipe {
 public:
  QuietPipe();
  ~QuietPipe();
  QuietPipe(const QuietPipe&) = delete;
  QuietPipe& operator=(const QuietPipe&) = delete;

 private:
  sigset_t before_;
  bool was_pending_;
};

}  // namespace net
