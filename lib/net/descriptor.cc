#include "lib/net/descriptor.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/net/error_mapping.h"
#include "lib/net/pch/asio.h"

namespace net {
namespace asio = boost::asio;
using asio::posix::stream_descriptor;

namespace {

bool IsAlwaysReady(int fd) {
  struct stat facts = {};
  return ::fstat(fd, &facts) == 0 && (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode));
}

/// Waits for the first of readiness, deadline and cancellation. The descriptor is duplicated,
/// because epoll takes each one only once.
Task<base::Result<void>> WaitFor(int fd, stream_descriptor::wait_type type, const char* what,
                                 base::Deadline deadline) {
  if (co_await IsCancelled()) co_return base::Fail(CancelledError(what));
  if (IsAlwaysReady(fd)) co_return base::Result<void>();
  const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0) co_return base::Fail(ErrnoError(errno, what));
  Executor executor = co_await asio::this_coro::executor;
  stream_descriptor descriptor(executor);
  boost::system::error_code error;
  descriptor.assign(own, error);
  if (error) {
    ::close(own);
    co_return base::Fail(ToError(error, what));
  }
  if (deadline.is_never()) {
    std::tie(error) = co_await descriptor.async_wait(type, asio::as_tuple(asio::use_awaitable));
    if (error) co_return base::Fail(ToError(error, what));
    co_return base::Result<void>();
  }
  asio::steady_timer timer(executor);
  timer.expires_at(deadline.time());
  auto race = asio::experimental::make_parallel_group(descriptor.async_wait(type, asio::deferred),
                                                      timer.async_wait(asio::deferred));
  const auto [order, ready, late] = co_await race.async_wait(asio::experimental::wait_for_one(),
                                                             asio::as_tuple(asio::use_awaitable));
  if (!ready) co_return base::Result<void>();
  if (!late) co_return base::Fail(TimeoutError(what));
  co_return base::Fail(ToError(ready, what));
}

}  // namespace

Task<base::Result<void>> WaitReadable(int fd, base::Deadline deadline) {
  return WaitFor(fd, stream_descriptor::wait_read, "wait for input", deadline);
}

Task<base::Result<void>> WaitWritable(int fd, base::Deadline deadline) {
  return WaitFor(fd, stream_descriptor::wait_write, "wait for room to write", deadline);
}

Task<base::Result<size_t>> ReadSome(int fd, std::span<std::byte> into, base::Deadline deadline) {
  while (true) {
    CO_TRY(co_await WaitReadable(fd, deadline));
    const ssize_t got = ::read(fd, into.data(), into.size());
    if (got >= 0) co_return static_cast<size_t>(got);
    // A pseudo-terminal reports EIO when its other end is closed.
    if (errno == EIO) co_return size_t{0};
    if (errno != EAGAIN && errno != EINTR) co_return base::Fail(ErrnoError(errno, "read"));
  }
}

Task<base::Result<void>> WriteAll(int fd, std::span<const std::byte> bytes,
                                  base::Deadline deadline) {
  while (!bytes.empty()) {
    CO_TRY(co_await WaitWritable(fd, deadline));
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(put));
    } else if (errno != EAGAIN && errno != EINTR) {
      co_return base::Fail(ErrnoError(errno, "write"));
    }
  }
  co_return base::Result<void>();
}

Task<base::Result<ProcessExit>> WaitExit(pid_t child, base::Deadline deadline) {
  const std::string what = "wait for process " + std::to_string(child);
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (pidfd < 0) co_return base::Fail(ErrnoError(errno, what));
  const auto ready = co_await WaitReadable(pidfd, deadline);
  ::close(pidfd);
  if (!ready.has_value()) co_return base::Fail(ready.error());
  int status = 0;
  if (::waitpid(child, &status, WNOHANG) != child) {
    co_return base::Fail(base::ErrorCode::kNotFound,
                         "process " + std::to_string(child) + " is not a child of this process");
  }
  ProcessExit exit;
  if (WIFSIGNALED(status)) {
    exit.signal = WTERMSIG(status);
  } else {
    exit.code = WEXITSTATUS(status);
  }
  co_return exit;
}

}  // namespace net
