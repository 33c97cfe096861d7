#pragma once
// Interrupt: a request from another thread to give up, for calls that block.

#include <atomic>

namespace sql {

/// Thread-safe. Once raised it stays raised: whatever runs or waits under it ends with kCancelled,
/// and so does everything that begins later.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  void Raise() noexcept;
  bool raised() const noexcept { return raised_.load(std::memory_order_acquire); }
  /// Readable from Raise on; for poll.
  int descriptor() const { return event_fd_; }

 private:
  std::atomic<bool> raised_{false};
  int event_fd_ = -1;
};

}  // namespace sql
