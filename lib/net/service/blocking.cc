#include "lib/net/service/blocking.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/error_mapping.h"

namespace net {
namespace {

// Rounded up, so that a wait does not spin through the last millisecond.
int PollTimeout(base::Deadline deadline) {
  if (deadline.is_never()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      base::Duration(deadline.time() - std::chrono::steady_clock::now()));
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, kMost));
}

short Events(Readiness readiness) {
  switch (readiness) {
    case Readiness::kRead:
      return POLLIN;
    case Readiness::kWrite:
      return POLLOUT;
    case Readiness::kReadOrWrite:
      return POLLIN | POLLOUT;
  }
  return POLLIN;
}

base::Result<void> ConnectOne(int fd, const addrinfo& address, base::Deadline deadline,
                              const Cancellation* stop, const std::string& what) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return base::Fail(ErrnoError(errno, what));
  TRY(BlockUntilReady(fd, Readiness::kWrite, deadline, stop, what));
  int number = 0;
  socklen_t size = sizeof number;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
  if (number != 0) return base::Fail(ErrnoError(number, what));
  return {};
}

}  // namespace

base::Result<void> BlockUntilReady(int fd, Readiness readiness, base::Deadline deadline,
                                   const Cancellation* stop, const std::string& what) {
  std::array<pollfd, 2> waiting = {
      {{.fd = fd, .events = Events(readiness), .revents = 0},
       {.fd = stop == nullptr ? -1 : stop->event_fd(), .events = POLLIN, .revents = 0}}};
  while (true) {
    const int ready = ::poll(waiting.data(), waiting.size(), PollTimeout(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return base::Fail(ErrnoError(errno, what));
    if (waiting[1].revents != 0) return base::Fail(CancelledError(what));
    if (waiting[0].revents != 0) return {};
    if (!deadline.is_never() && std::chrono::steady_clock::now() >= deadline.time()) {
      return base::Fail(TimeoutError(what));
    }
  }
}

base::Result<int> BlockingConnect(const std::string& host, uint16_t port, base::Deadline deadline,
                                  const Cancellation* stop) {
  const std::string what = fmt::format("connect to {}:{}", host, port);
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int number = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
      number != 0) {
    return base::Fail(base::ErrorCode::kUnavailable,
                      fmt::format("cannot {}: {}", what, ::gai_strerror(number)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  base::Error last{base::ErrorCode::kUnavailable, fmt::format("cannot {}: no address", what)};
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int fd = ::socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return base::Fail(ErrnoError(errno, what));
    const auto connected = ConnectOne(fd, *one, deadline, stop, what);
    if (connected) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return fd;
    }
    ::close(fd);
    last = connected.error();
    if (last.code == base::ErrorCode::kCancelled || last.code == base::ErrorCode::kTimeout) break;
  }
  return base::Fail(std::move(last));
}

namespace {

sigset_t OnlyPipe() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  return set;
}

bool PipeIsPending() {
  sigset_t pending;
  ::sigpending(&pending);
  return ::sigismember(&pending, SIGPIPE) == 1;
}

}  // namespace

QuietPipe::QuietPipe() : was_pending_(PipeIsPending()) {
  const sigset_t pipe = OnlyPipe();
  ::pthread_sigmask(SIG_BLOCK, &pipe, &before_);
}

QuietPipe::~QuietPipe() {
  const sigset_t pipe = OnlyPipe();
  const timespec at_once = {};
  if (!was_pending_ && PipeIsPending()) ::sigtimedwait(&pipe, nullptr, &at_once);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace net
