#include "lib/queue/internal/cut_off.h"

#include <utility>

#include <sys/socket.h>

#include "lib/net/service/blocking.h"

namespace queue::internal {

CutOff::CutOff(int socket, base::Deadline deadline, const net::Cancellation* stop,
               std::string what) {
  if (deadline.is_never() && stop == nullptr) return;
  thread_ = std::jthread([this, socket, deadline, stop, what = std::move(what)] {
    auto watched =
        net::BlockUntilReady(done_.event_fd(), net::Readiness::kRead, deadline, stop, what);
    if (watched) return;
    cut_ = std::move(watched).error();
    ::shutdown(socket, SHUT_RDWR);
  });
}

CutOff::~CutOff() { Finish(); }

std::optional<base::Error> CutOff::Finish() {
  done_.Request();
  if (thread_.joinable()) thread_.join();
  return cut_;
}

}  // namespace queue::internal
