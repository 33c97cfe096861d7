#include "lib/http/internal/curl_loop.h"

#include <mutex>

namespace http::internal {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

void InitialiseCurl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_ALL); });
}

}  // namespace

/// A socket of libcurl's; it is never closed here.
struct CurlLoop::Watch {
  explicit Watch(const net::Executor& executor) : descriptor(executor) {}
  asio::posix::stream_descriptor descriptor;
  curl_socket_t fd = CURL_SOCKET_BAD;
  int wanted = CURL_POLL_NONE;
  bool reading = false;
  bool writing = false;
  bool open = true;
};

CurlLoop::CurlLoop(net::Executor executor, long max_connections, long max_idle)
    : executor_(std::move(executor)), timer_(executor_) {
  InitialiseCurl();
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw std::bad_alloc();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, max_connections);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, max_idle);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
}

CurlLoop::~CurlLoop() {
  curl_multi_cleanup(multi_);
  for (auto& [fd, watch] : watches_) {
    watch->open = false;
    watch->descriptor.release();
  }
}

void CurlLoop::Add(CURL* easy, CurlOutcome* outcome) {
  outcomes_[easy] = outcome;
  curl_multi_add_handle(multi_, easy);
}

void CurlLoop::Remove(CURL* easy) {
  outcomes_.erase(easy);
  curl_multi_remove_handle(multi_, easy);
}

int CurlLoop::OnSocket(CURL* /*easy*/, curl_socket_t fd, int what, void* self, void* /*watch*/) {
  static_cast<CurlLoop*>(self)->Update(fd, what);
  return 0;
}

void CurlLoop::Update(curl_socket_t fd, int what) {
  const auto known = watches_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (known == watches_.end()) return;
    known->second->open = false;
    known->second->descriptor.release();
    watches_.erase(known);
    return;
  }
  WatchPtr watch = known == watches_.end() ? nullptr : known->second;
  if (!watch) {
    watch = std::make_shared<Watch>(executor_);
    error_code error;
    watch->descriptor.assign(fd, error);
    // Out of memory in epoll; the transfer then ends by its deadline.
    if (error) return;
    watch->fd = fd;
    watches_[fd] = watch;
  }
  watch->wanted = what;
  Arm(watch, true);
  Arm(watch, false);
}

void CurlLoop::Arm(const WatchPtr& watch, bool read) {
  bool& armed = read ? watch->reading : watch->writing;
  const int flag = read ? CURL_POLL_IN : CURL_POLL_OUT;
  if (!watch->open || armed || (watch->wanted & flag) == 0) return;
  armed = true;
  const auto type =
      read ? asio::posix::stream_descriptor::wait_read : asio::posix::stream_descriptor::wait_write;
  watch->descriptor.async_wait(type, [weak = weak_from_this(), watch, read](error_code error) {
    (read ? watch->reading : watch->writing) = false;
    const auto self = weak.lock();
    if (!self || !watch->open || error == asio::error::operation_aborted) return;
    // libcurl may have lost interest since it was asked.
    const int wanted = read ? CURL_POLL_IN : CURL_POLL_OUT;
    if ((watch->wanted & wanted) == 0) return;
    const int ready = read ? CURL_CSELECT_IN : CURL_CSELECT_OUT;
    self->Act(watch->fd, error ? ready | CURL_CSELECT_ERR : ready);
    self->Arm(watch, read);
  });
}

int CurlLoop::OnTimer(CURLM* /*multi*/, long milliseconds, void* self) {
  auto& loop = *static_cast<CurlLoop*>(self);
  if (milliseconds < 0) {
    loop.timer_.cancel();
    return 0;
  }
  // Not called from here even for 0: libcurl must not be entered twice.
  loop.timer_.expires_after(std::chrono::milliseconds(milliseconds));
  loop.timer_.async_wait([weak = loop.weak_from_this()](error_code error) {
    const auto running = weak.lock();
    if (running && !error) running->Act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

void CurlLoop::Act(curl_socket_t fd, int ready) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, ready, &running);
  int left = 0;
  while (CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const auto found = outcomes_.find(message->easy_handle);
    if (found == outcomes_.end()) continue;
    found->second->code = message->data.result;
    found->second->done.Set();
  }
}

}  // namespace http::internal
