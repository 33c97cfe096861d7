#include "assay/environment/ports.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace assay::environment {

namespace {

// Linux takes local ports of connections from 32768 on (ip_local_port_range).
constexpr uint16_t kFirst = 18000;
constexpr uint16_t kLast = 32000;

/// A port may be reused right after its connections were closed, so a fixed one is bound with
/// SO_REUSEADDR, as servers do; a free one is taken only when it has no such connections either.
process::Descriptor Bind(uint16_t number, bool reuse) {
  process::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = reuse ? 1 : 0;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(number);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    socket.Reset();
  }
  return socket;
}

process::Descriptor Lock(uint16_t number) {
  process::Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("assay-port-{}", number);
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    socket.Reset();
  }
  return socket;
}

}  // namespace

base::Result<ReservedPort> PortPool::Take() {
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries; ++i) {
    ReservedPort port;
    port.number_ = static_cast<uint16_t>(kFirst + random_.Below(kLast - kFirst));
    port.lock_ = Lock(port.number_);
    if (!port.lock_) continue;
    port.bound_ = Bind(port.number_, false);
    if (port.bound_) return port;
  }
  return base::Fail(base::ErrorCode::kExhausted,
                    fmt::format("no free port between {} and {}", kFirst, kLast));
}

base::Result<ReservedPort> PortPool::TakeFixed(uint16_t number) {
  ReservedPort port;
  port.number_ = number;
  port.lock_ = Lock(number);
  if (port.lock_) port.bound_ = Bind(number, true);
  if (port.bound_) return port;
  return base::Fail(base::Error{.code = base::ErrorCode::kConflict,
                                .message = fmt::format("port {} is in use", number),
                                .hint = "stop what listens there, or leave the port to be chosen"});
}

}  // namespace assay::environment
