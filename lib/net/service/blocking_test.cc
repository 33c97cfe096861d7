#include "lib/net/service/blocking.h"

#include <cerrno>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/event.h"
#include "lib/net/runtime.h"
#include "lib/net/service/interruptible.h"
#include "lib/net/tcp.h"
#include "lib/net/timer.h"

namespace net {
namespace {

using base::Deadline;
using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

Deadline Soon() { return Deadline::After(seconds(20)); }

struct SocketPair {
  SocketPair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); }
  ~SocketPair() {
    ::close(ends[0]);
    if (ends[1] >= 0) ::close(ends[1]);
  }
  void CloseOther() {
    ::close(ends[1]);
    ends[1] = -1;
  }
  int ends[2] = {-1, -1};
};

TEST(BlockUntilReady, ReturnsWhenTheSocketIsReady) {
  SocketPair pair;
  EXPECT_TRUE(BlockUntilReady(pair.ends[0], Readiness::kWrite, Soon(), nullptr, "write"));
  ASSERT_EQ(::write(pair.ends[1], "x", 1), 1);
  EXPECT_TRUE(BlockUntilReady(pair.ends[0], Readiness::kRead, Soon(), nullptr, "read"));
}

TEST(BlockUntilReady, EndsAtTheDeadline) {
  const SocketPair pair;
  const auto waited = BlockUntilReady(pair.ends[0], Readiness::kRead,
                                      Deadline::After(milliseconds(5)), nullptr, "read from x");
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(waited.error().message, "cannot read from x: the deadline passed");
}

TEST(BlockUntilReady, EndsOnRequest) {
  const SocketPair pair;
  Cancellation stop;
  stop.Request();
  const auto waited =
      BlockUntilReady(pair.ends[0], Readiness::kRead, Deadline::Never(), &stop, "read from x");
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().code, ErrorCode::kCancelled);
}

TEST(BlockingConnect, ReachesAListener) {
  Runtime runtime;
  const TcpListener listener = Listen(runtime.executor(), "127.0.0.1", 0).value();
  const auto fd = BlockingConnect("127.0.0.1", listener.port(), Soon(), nullptr);
  ASSERT_TRUE(fd.has_value()) << fd.error().ToString();
  ::close(*fd);
}

TEST(BlockingConnect, NamesTheAddressThatRefuses) {
  const auto refused = BlockingConnect("127.0.0.1", 1, Soon(), nullptr);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(refused.error().message, "cannot connect to 127.0.0.1:1: connection refused");
}

TEST(QuietPipe, TurnsTheSignalIntoAnError) {
  SocketPair pair;
  pair.CloseOther();
  const QuietPipe quiet;
  EXPECT_EQ(::write(pair.ends[0], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
}

// Waits in a thread until it is stopped.
Task<base::Result<void>> WaitInThread(Cancellation& stop, int fd) {
  ThreadPool pool(1);
  co_return co_await OffloadInterruptibly(
      pool, [&] { return BlockUntilReady(fd, Readiness::kRead, Deadline::Never(), &stop, "wait"); },
      [&] { stop.Request(); });
}

TEST(BlockUntilReady, EndsWhenTheTaskThatAwaitsItIsCancelled) {
  const SocketPair pair;
  Runtime runtime;
  Cancellation stop;
  const auto late = runtime.Run(
      WithDeadline(WaitInThread(stop, pair.ends[0]), Deadline::After(milliseconds(20))));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
}

TEST(Post, RunsOnTheLoop) {
  Runtime runtime;
  const bool same = runtime.Run([](Executor executor) -> Task<bool> {
    Event called;
    std::thread::id where;
    std::jthread other([&] {
      Post(executor, [&] {
        where = std::this_thread::get_id();
        called.Set();
      });
    });
    EXPECT_TRUE(co_await called.Wait(Soon()));
    co_return where == std::this_thread::get_id();
  }(runtime.executor()));
  EXPECT_TRUE(same);
}

}  // namespace
}  // namespace net
