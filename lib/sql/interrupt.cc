#include "lib/sql/interrupt.h"

#include <cstdint>
#include <stdexcept>

#include <sys/eventfd.h>
#include <unistd.h>

namespace sql {

Interrupt::Interrupt() : event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_fd_ < 0) throw std::runtime_error("no file descriptor left for an eventfd");
}

Interrupt::~Interrupt() { ::close(event_fd_); }

void Interrupt::Raise() noexcept {
  raised_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  // The counter is never read, so the descriptor stays readable for everybody.
  (void)!::write(event_fd_, &one, sizeof one);
}

}  // namespace sql
