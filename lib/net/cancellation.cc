#include "lib/net/cancellation.h"

#include <cerrno>
#include <stdexcept>

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/net/descriptor.h"

namespace net {
namespace {

std::atomic<Cancellation*> bridge_target{nullptr};

extern "C" void OnSignal(int /*number*/) {
  const int saved = errno;
  if (Cancellation* const target = bridge_target.load()) target->Request();
  errno = saved;
}

}  // namespace

Cancellation::Cancellation() : event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_fd_ < 0) throw std::runtime_error("no file descriptor left for an eventfd");
}

Cancellation::~Cancellation() { ::close(event_fd_); }

int Cancellation::Request() noexcept {
  const int before = count_.fetch_add(1, std::memory_order_acq_rel);
  const uint64_t one = 1;
  // The counter is never read, so the descriptor stays readable for every waiter.
  if (before == 0) (void)!::write(event_fd_, &one, sizeof one);
  return before;
}

Task<base::Result<void>> Cancellation::Wait(base::Deadline deadline) const {
  return WaitReadable(event_fd_, deadline);
}

struct SignalBridge::Saved {
  int number;
  struct sigaction action;
};

SignalBridge::SignalBridge(Cancellation& target, std::initializer_list<int> signals) {
  Cancellation* none = nullptr;
  if (!bridge_target.compare_exchange_strong(none, &target)) {
    throw std::logic_error("two signal bridges at a time");
  }
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  for (const int number : signals) {
    Saved saved{number, {}};
    ::sigaction(number, &action, &saved.action);
    saved_.push_back(saved);
  }
}

SignalBridge::~SignalBridge() {
  for (const Saved& saved : saved_) ::sigaction(saved.number, &saved.action, nullptr);
  bridge_target.store(nullptr);
}

}  // namespace net
