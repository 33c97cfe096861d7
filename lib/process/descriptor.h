#pragma once
// A file descriptor with an owner.

#include <utility>

#include "lib/base/result.h"

namespace process {

/// Closes the descriptor when it goes away. -1: none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { Reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void Reset();
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor reader;
  Descriptor writer;
};

/// Both ends are closed by exec.
base::Result<Pipe> MakePipe();

/// Both ends of a stream of whole messages (SOCK_SEQPACKET) that can carry descriptors; closed by
/// exec.
base::Result<std::pair<Descriptor, Descriptor>> MakeMessagePair();

/// For descriptors that an event loop waits for.
void SetNonBlocking(int fd);

}  // namespace process
