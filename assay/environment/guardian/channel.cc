#include "assay/environment/guardian/channel.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

#include "lib/json/parse.h"

namespace assay::environment {

namespace {
constexpr size_t kMaxDescriptors = 8;
}  // namespace

base::Result<void> SendOn(int socket, const boost::json::object& body,
                          std::span<const int> descriptors) {
  std::string text = boost::json::serialize(body);
  iovec piece{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  const bool too_large = errno == EMSGSIZE;
  return base::Fail(too_large ? base::ErrorCode::kTooLarge : base::ErrorCode::kUnavailable,
                    fmt::format("cannot send a message of {} bytes to the guardian: {}",
                                text.size(), std::strerror(errno)));
}

base::Result<std::optional<ChannelMessage>> ReceiveFrom(int socket) {
  const ssize_t size = ::recv(socket, nullptr, 0, MSG_PEEK | MSG_TRUNC);
  if (size < 0) {
    return base::Fail(base::ErrorCode::kUnavailable,
                      fmt::format("cannot receive from the guardian: {}", std::strerror(errno)));
  }
  if (size == 0) return std::nullopt;
  std::string text(static_cast<size_t>(size), '\0');
  iovec piece{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0) return std::nullopt;
  ChannelMessage received;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      received.descriptors.emplace_back(fd);
    }
  }
  TRY(auto value, json::Parse(text));
  if (!value.is_object()) {
    return base::Fail(base::ErrorCode::kCorrupt, "a message of the guardian is not a JSON object");
  }
  received.body = std::move(value.get_object());
  return received;
}

}  // namespace assay::environment
