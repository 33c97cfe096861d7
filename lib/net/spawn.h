#pragma once
// What every spawned coroutine of this library is wrapped in; for .cc files.

#include "lib/net/pch/asio.h"
#include "lib/net/task.h"

namespace net::internal {

/// Makes cancellation show as kCancelled instead of as an exception, see task.h.
inline Task<void> Quiet(Task<void> task) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  co_await std::move(task);
}

}  // namespace net::internal
