#include "lib/net/event.h"

#include "lib/net/error_mapping.h"
#include "lib/net/pch/asio.h"

namespace net {
namespace asio = boost::asio;

namespace internal {

/// Lives in the frame of the task that waits.
struct Waiter {
  explicit Waiter(Executor executor) : timer(std::move(executor)) {}
  asio::steady_timer timer;
  bool woken = false;
};

Task<base::Result<void>> WaitList::Wait(base::Deadline deadline, const char* what) {
  if (co_await IsCancelled()) co_return base::Fail(CancelledError(what));
  Waiter self(co_await asio::this_coro::executor);
  self.timer.expires_at(deadline.time());
  const auto place = waiters_.insert(waiters_.end(), &self);
  const auto [error] = co_await self.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (self.woken) co_return base::Result<void>();
  waiters_.erase(place);
  co_return base::Fail(error ? CancelledError(what) : TimeoutError(what));
}

bool WaitList::WakeOne() {
  if (waiters_.empty()) return false;
  Waiter* const waiter = waiters_.front();
  waiters_.pop_front();
  waiter->woken = true;
  waiter->timer.cancel();
  return true;
}

void WaitList::WakeAll() {
  while (WakeOne()) {
  }
}

}  // namespace internal

void Event::Set() {
  set_ = true;
  waiting_.WakeAll();
}

Task<base::Result<void>> Event::Wait(base::Deadline deadline) {
  if (set_) co_return base::Result<void>();
  co_return co_await waiting_.Wait(deadline, "wait for an event");
}

Task<base::Result<void>> Semaphore::Acquire(base::Deadline deadline) {
  if (free_ > 0) {
    --free_;
    co_return base::Result<void>();
  }
  co_return co_await waiting_.Wait(deadline, "acquire a semaphore");
}

void Semaphore::Release() {
  if (!waiting_.WakeOne()) ++free_;
}

}  // namespace net
