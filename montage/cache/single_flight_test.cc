#include "montage/cache/single_flight.h"

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace montage::cache {
namespace {

using base::Deadline;
using base::ErrorCode;

/// Work that begins, waits to be released, and counts how often it was done.
class SlowWork {
 public:
  base::Result<int> operator()() {
    ++count_;
    begun_.set_value();
    released_.get_future().wait();
    return outcome_;
  }
  void WaitUntilBegun() { begun_.get_future().wait(); }
  void Release(base::Result<int> outcome) {
    outcome_ = std::move(outcome);
    released_.set_value();
  }
  int count() const { return count_; }

 private:
  std::atomic<int> count_{0};
  std::promise<void> begun_, released_;
  base::Result<int> outcome_ = 0;
};

class SingleFlightTest : public testing::Test {
 protected:
  std::future<base::Result<int>> Start(SingleFlight<int>::Work work) {
    return std::async(std::launch::async, [this, work = std::move(work)] {
      return flights_.Do("key", Deadline::Never(), work);
    });
  }
  void WaitForWaiting(size_t count) {
    while (flights_.waiting() != count) std::this_thread::yield();
  }

  SingleFlight<int> flights_;
};

TEST_F(SingleFlightTest, ManyCallersOneWork) {
  SlowWork work;
  auto first = Start([&] { return work(); });
  work.WaitUntilBegun();
  std::atomic<int> done_by_others{0};
  std::vector<std::future<base::Result<int>>> others;
  for (int i = 0; i < 8; ++i)
    others.push_back(Start([&]() -> base::Result<int> { return ++done_by_others; }));
  WaitForWaiting(8);
  work.Release(42);
  EXPECT_EQ(first.get().value(), 42);
  for (auto& other : others) EXPECT_EQ(other.get().value(), 42);
  EXPECT_EQ(work.count(), 1);
  EXPECT_EQ(done_by_others, 0);
  // It is over: the next one does it anew.
  EXPECT_EQ(flights_.Do("key", Deadline::Never(), [] { return 9; }).value(), 9);
}

TEST_F(SingleFlightTest, WaitingEndsAtTheDeadline) {
  SlowWork work;
  auto first = Start([&] { return work(); });
  work.WaitUntilBegun();
  const auto soon = Deadline::After(std::chrono::milliseconds(1));
  EXPECT_EQ(flights_.Do("key", soon, [] { return 1; }).error().code, ErrorCode::kTimeout);
  EXPECT_EQ(flights_.waiting(), 0U);
  work.Release(42);
  EXPECT_EQ(first.get().value(), 42);
}

TEST_F(SingleFlightTest, AnErrorIsSharedToo) {
  SlowWork work;
  auto first = Start([&] { return work(); });
  work.WaitUntilBegun();
  auto second = Start([] { return 7; });
  WaitForWaiting(1);
  work.Release(base::Fail(ErrorCode::kInvalid, "shared"));
  EXPECT_EQ(first.get().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(second.get().error().message, "shared");
}

TEST_F(SingleFlightTest, WhenTheFirstRunsOutOfTimeTheNextDoesTheWork) {
  SlowWork work;
  auto first = Start([&] { return work(); });
  work.WaitUntilBegun();
  auto second = Start([] { return 7; });
  WaitForWaiting(1);
  work.Release(base::Fail(ErrorCode::kTimeout, "too slow"));
  EXPECT_EQ(first.get().error().code, ErrorCode::kTimeout);
  EXPECT_EQ(second.get().value(), 7);
}

TEST_F(SingleFlightTest, AnExceptionReleasesTheKey) {
  EXPECT_THROW((void)flights_.Do("key", Deadline::Never(),
                                 []() -> base::Result<int> { throw std::runtime_error("bug"); }),
               std::runtime_error);
  EXPECT_EQ(flights_.Do("key", Deadline::Never(), [] { return 3; }).value(), 3);
}

TEST_F(SingleFlightTest, KeysDoNotWaitForEachOther) {
  SlowWork work;
  auto first = Start([&] { return work(); });
  work.WaitUntilBegun();
  EXPECT_EQ(flights_.Do("other", Deadline::Never(), [] { return 5; }).value(), 5);
  work.Release(1);
  EXPECT_EQ(first.get().value(), 1);
}

}  // namespace
}  // namespace montage::cache
