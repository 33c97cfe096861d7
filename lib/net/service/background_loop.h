#pragma once
// BackgroundLoop: an event loop on a thread of its own, for code that blocks but wants what tasks
// offer, such as many connections or the HTTP client.

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "lib/net/runtime.h"
#include "lib/net/task.h"

namespace net {

/// Thread-safe apart from Stop and the destructor.
class BackgroundLoop {
 public:
  BackgroundLoop();
  ~BackgroundLoop();
  BackgroundLoop(const BackgroundLoop&) = delete;
  BackgroundLoop& operator=(const BackgroundLoop&) = delete;

  Executor executor() const;

  /// Runs `task` on the loop and blocks until it has ended; an exception of it is passed on.
  /// Requires: the caller is not on the loop, and Stop was not called.
  template <typename T>
  T Run(Task<T> task) {
    if constexpr (std::is_void_v<T>) {
      RunToEnd(std::move(task));
    } else {
      std::optional<T> result;
      RunToEnd(internal::StoreInto(std::move(task), &result));
      return std::move(*result);
    }
  }

  /// Ends the thread; what belongs to the loop can then be destroyed. Requires: no Run is going on.
  void Stop();

 private:
  struct Thread;
  void RunToEnd(Task<void> task);

  std::unique_ptr<Thread> thread_;
};

}  // namespace net
