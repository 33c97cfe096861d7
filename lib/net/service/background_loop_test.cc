#include "lib/net/service/background_loop.h"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "lib/net/timer.h"

namespace net {
namespace {

using namespace std::chrono_literals;

Task<std::thread::id> Where() { co_return std::this_thread::get_id(); }

TEST(BackgroundLoop, RunsTasksOnItsOwnThread) {
  BackgroundLoop loop;
  const auto there = loop.Run(Where());
  EXPECT_NE(there, std::this_thread::get_id());
  EXPECT_EQ(loop.Run(Where()), there);
}

TEST(BackgroundLoop, ManyThreadsMayWaitAtOnce) {
  BackgroundLoop loop;
  std::atomic<int> sum{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i <= 8; ++i) {
      threads.emplace_back([&loop, &sum, i] {
        sum += loop.Run([](int value) -> Task<int> {
          (void)co_await Sleep(1ms);
          co_return value;
        }(i));
      });
    }
  }
  EXPECT_EQ(sum.load(), 36);
}

TEST(BackgroundLoop, PassesOnWhatATaskThrows) {
  BackgroundLoop loop;
  const auto throws = []() -> Task<void> {
    throw std::runtime_error("a bug");
    co_return;
  };
  EXPECT_THROW(loop.Run(throws()), std::runtime_error);
  EXPECT_NE(loop.Run(Where()), std::this_thread::get_id());
}

TEST(BackgroundLoop, MayBeStoppedTwiceAndWithoutWork) {
  BackgroundLoop loop;
  loop.Stop();
  loop.Stop();
}

}  // namespace
}  // namespace net
