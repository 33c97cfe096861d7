#include "lib/net/service/background_loop.h"

#include <exception>
#include <future>
#include <thread>

#include "lib/net/cancellation.h"
#include "lib/net/pch/asio.h"
#include "lib/net/spawn.h"

namespace net {

struct BackgroundLoop::Thread {
  Runtime runtime;
  Cancellation stop;
  std::jthread thread{[this] { (void)runtime.Run(stop.Wait(base::Deadline::Never())); }};
};

BackgroundLoop::BackgroundLoop() : thread_(std::make_unique<Thread>()) {}

BackgroundLoop::~BackgroundLoop() { Stop(); }

Executor BackgroundLoop::executor() const { return thread_->runtime.executor(); }

void BackgroundLoop::RunToEnd(Task<void> task) {
  std::promise<void> ended;
  boost::asio::co_spawn(executor(), internal::Quiet(std::move(task)),
                        [&ended](std::exception_ptr thrown) {
                          if (thrown) {
                            ended.set_exception(std::move(thrown));
                          } else {
                            ended.set_value();
                          }
                        });
  ended.get_future().get();
}

void BackgroundLoop::Stop() {
  thread_->stop.Request();
  if (thread_->thread.joinable()) thread_->thread.join();
}

}  // namespace net
