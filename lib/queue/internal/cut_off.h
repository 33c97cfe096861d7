#pragma once
// Ends calls of rabbitmq-c that block without a limit of their own.

#include <optional>
#include <string>
#include <thread>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/net/cancellation.h"

namespace queue::internal {

/// While it lives, a thread waits beside the caller and shuts the socket down at the deadline, or
/// when `stop` is requested. A broker that takes no more bytes (its memory alarm) would otherwise
/// hold a publisher for ever.
class CutOff {
 public:
  CutOff(int socket, base::Deadline deadline, const net::Cancellation* stop, std::string what);
  ~CutOff();
  CutOff(const CutOff&) = delete;
  CutOff& operator=(const CutOff&) = delete;

  /// Ends the watching. Why it has cut the connection, if it has.
  std::optional<base::Error> Finish();

 private:
  net::Cancellation done_;
  std::optional<base::Error> cut_;  // written by the thread, read when it has ended
  std::jthread thread_;
};

}  // namespace queue::internal
