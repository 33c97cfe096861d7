#include "lib/net/timer.h"

#include <exception>

#include "lib/net/error_mapping.h"
#include "lib/net/pch/asio.h"
#include "lib/net/spawn.h"

namespace net {
namespace asio = boost::asio;

Task<base::Result<void>> SleepUntil(base::Deadline time) {
  if (co_await IsCancelled()) co_return base::Fail(CancelledError("sleep"));
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_at(time.time());
  const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (error) co_return base::Fail(CancelledError("sleep"));
  co_return base::Result<void>();
}

Task<base::Result<void>> Sleep(base::Duration span) {
  co_return co_await SleepUntil(base::Deadline::After(span));
}

namespace internal {
namespace {

/// Runs both, cancels the one that is still running when the other ends. True: `trigger` came
/// first.
Task<bool> Race(Task<void> task, Task<void> trigger) {
  Executor executor = co_await asio::this_coro::executor;
  auto race = asio::experimental::make_parallel_group(
      asio::co_spawn(executor, Quiet(std::move(task)), asio::deferred),
      asio::co_spawn(executor, Quiet(std::move(trigger)), asio::deferred));
  const auto [order, thrown, trigger_thrown] = co_await race.async_wait(
      asio::experimental::wait_for_one(), asio::as_tuple(asio::use_awaitable));
  if (thrown) std::rethrow_exception(thrown);
  co_return order[0] == 1;
}

Task<void> Until(base::Deadline deadline, bool* reached) {
  *reached = (co_await SleepUntil(deadline)).has_value();
}

Task<void> UntilRequested(const Cancellation& source, bool* reached) {
  *reached = (co_await source.Wait(base::Deadline::Never())).has_value();
}

}  // namespace

Task<bool> RunUntil(Task<void> task, base::Deadline deadline) {
  bool reached = false;
  const bool first = co_await Race(std::move(task), Until(deadline, &reached));
  co_return first&& reached;
}

Task<bool> RunUntil(Task<void> task, const Cancellation& source) {
  bool reached = false;
  const bool first = co_await Race(std::move(task), UntilRequested(source, &reached));
  co_return first&& reached;
}

base::Error Overdue() {
  return {.code = base::ErrorCode::kTimeout, .message = "the deadline passed"};
}

base::Error Stopped() {
  return {.code = base::ErrorCode::kCancelled, .message = "cancelled by request"};
}

}  // namespace internal
}  // namespace net
