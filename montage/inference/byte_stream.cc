#include "montage/inference/byte_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace montage::inference {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

/// Waits until `fd` is ready for `events`; a closed stream is ready for everything.
Result<void> Await(int fd, short events, Deadline deadline) {
  const base::SystemClock clock;
  while (true) {
    int wait_ms = -1;
    if (!deadline.is_never()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.Remaining(clock));
      wait_ms = static_cast<int>(std::min<int64_t>(left.count(), 60'000));
    }
    pollfd waiting{.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&waiting, 1, wait_ms);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR)
      return base::Fail(ErrorCode::kIo, fmt::format("cannot wait: {}", std::strerror(errno)));
    if (deadline.HasPassed(clock))
      return base::Fail(ErrorCode::kTimeout, "the model process did not answer in time");
  }
}

base::Error Gone() { return {ErrorCode::kUnavailable, "the model process closed its connection"}; }

/// send(2) for sockets, so that a closed one is an error and no signal; write(2) for pipes.
ssize_t SendSome(int fd, std::span<const uint8_t> bytes) {
  const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno == ENOTSOCK) return ::write(fd, bytes.data(), bytes.size());
  return sent;
}

Result<size_t> ReceiveSome(int fd, std::span<uint8_t> into, Deadline deadline) {
  while (true) {
    TRY(Await(fd, POLLIN, deadline));
    const ssize_t got = ::read(fd, into.data(), into.size());
    if (got > 0) return static_cast<size_t>(got);
    if (got == 0 || errno == ECONNRESET) return base::Fail(Gone());
    if (errno != EINTR && errno != EAGAIN)
      return base::Fail(ErrorCode::kIo, fmt::format("cannot receive: {}", std::strerror(errno)));
  }
}

}  // namespace

Result<void> SendAll(int fd, std::span<const uint8_t> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    TRY(Await(fd, POLLOUT, deadline));
    const ssize_t sent = SendSome(fd, bytes);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(sent));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return base::Fail(Gone());
    } else if (errno != EINTR && errno != EAGAIN) {
      return base::Fail(ErrorCode::kIo, fmt::format("cannot send: {}", std::strerror(errno)));
    }
  }
  return {};
}

Result<void> ReceiveAll(int fd, std::span<uint8_t> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    TRY(const size_t got, ReceiveSome(fd, bytes, deadline));
    bytes = bytes.subspan(got);
  }
  return {};
}

Result<std::string> ReceiveLine(int fd, size_t most, Deadline deadline) {
  // One byte at a time: what follows the line is somebody else's, and it is read once a process.
  std::string line;
  while (true) {
    uint8_t byte = 0;
    TRY(ReceiveAll(fd, {&byte, 1}, deadline));
    if (byte == '\n') return line;
    if (line.size() == most) {
      return base::Fail(ErrorCode::kCorrupt,
                        fmt::format("a line of the model process is over {} bytes", most));
    }
    line.push_back(static_cast<char>(byte));
  }
}

bool IsDisturbed(int fd) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, 0) != 0;
}

}  // namespace montage::inference
