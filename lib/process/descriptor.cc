#include "lib/process/descriptor.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace process {

void Descriptor::Reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

base::Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return base::Fail(base::ErrorCode::kExhausted,
                      std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

base::Result<std::pair<Descriptor, Descriptor>> MakeMessagePair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return base::Fail(base::ErrorCode::kExhausted,
                      std::string("cannot make a socket pair: ") + std::strerror(errno));
  }
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

void SetNonBlocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace process
