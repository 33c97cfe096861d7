#include <optional>
#include <semaphore>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/net/cancellation.h"
#include "lib/net/descriptor.h"
#include "lib/net/event.h"
#include "lib/net/gather.h"
#include "lib/net/offload.h"
#include "lib/net/runtime.h"
#include "lib/net/service/interruptible.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"

namespace net {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using namespace std::chrono_literals;

constexpr auto kSoon = 5s;  // how long a test waits for what must happen

Task<int> Answer() { co_return 42; }

Task<void> Throw() {
  throw std::runtime_error("bug");
  co_return;
}

TEST(Runtime, ReturnsWhatTheTaskReturned) {
  Runtime runtime;
  EXPECT_EQ(runtime.Run(Answer()), 42);
  EXPECT_EQ(runtime.Run(Answer()), 42);
}

TEST(Runtime, PassesOnTheExceptionOfTheMainTask) {
  Runtime runtime;
  EXPECT_THROW(runtime.Run(Throw()), std::runtime_error);
}

Task<std::thread::id> ThreadOf() { co_return std::this_thread::get_id(); }

Task<std::vector<std::thread::id>> ThreadsOf(Runtime& runtime) {
  std::vector<std::thread::id> ids;
  ids.push_back(co_await ThreadOf());
  ids.push_back(co_await RunOn(runtime.executor(1), ThreadOf()));
  ids.push_back(co_await ThreadOf());
  co_return ids;
}

TEST(Runtime, RunOnUsesTheOtherLoopAndComesBack) {
  RuntimeOptions options;
  options.loops = 2;
  Runtime runtime(options);
  const auto ids = runtime.Run(ThreadsOf(runtime));
  EXPECT_EQ(ids[0], std::this_thread::get_id());
  EXPECT_NE(ids[1], ids[0]);
  EXPECT_EQ(ids[2], ids[0]);
}

Task<Result<int>> Forever() {
  CO_TRY(co_await SleepUntil(Deadline::Never()));
  co_return 1;
}

TEST(WithDeadline, CancelsTheTaskAndReportsATimeout) {
  Runtime runtime;
  const auto result = runtime.Run(WithDeadline(Forever(), Deadline::After(1ms)));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
}

Task<Result<int>> Quick() { co_return 7; }
Task<Result<int>> Broken() { co_return base::Fail(ErrorCode::kIo, "disk gone"); }

TEST(WithDeadline, PassesOnValueAndErrorOfATaskInTime) {
  Runtime runtime;
  EXPECT_EQ(runtime.Run(WithDeadline(Quick(), Deadline::After(kSoon))).value(), 7);
  EXPECT_EQ(runtime.Run(WithDeadline(Quick(), Deadline::Never())).value(), 7);
  EXPECT_EQ(runtime.Run(WithDeadline(Broken(), Deadline::After(kSoon))).error().message,
            "disk gone");
}

TEST(WithDeadline, InnerDeadlineDoesNotSpoilTheOuter) {
  Runtime runtime;
  auto inner = WithDeadline(Forever(), Deadline::After(1ms));
  const auto result = runtime.Run(WithDeadline(std::move(inner), Deadline::After(kSoon)));
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
}

Task<Result<int>> CountCalls(int* sleeps) {
  for (int i = 0; i < 3; ++i) {
    if ((co_await SleepUntil(Deadline::Never())).has_value()) co_return 0;
    ++*sleeps;
  }
  co_return base::Fail(ErrorCode::kCancelled, "stopped");
}

TEST(Cancellation, EveryLaterCallOfACancelledTaskFailsAtOnce) {
  Runtime runtime;
  int sleeps = 0;
  const auto result = runtime.Run(WithDeadline(CountCalls(&sleeps), Deadline::After(1ms)));
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(sleeps, 3);
}

TEST(Cancellation, FromAnotherThreadEndsTheTask) {
  Runtime runtime;
  Cancellation source;
  std::jthread other([&] { source.Request(); });
  const auto result = runtime.Run(WithCancellation(Forever(), source));
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(source.requested());
}

TEST(Cancellation, FromASignalEndsTheTaskAndTheOldHandlerComesBack) {
  Runtime runtime;
  Cancellation source;
  {
    SignalBridge bridge(source, {SIGUSR1});
    ::raise(SIGUSR1);
    EXPECT_EQ(runtime.Run(WithCancellation(Forever(), source)).error().code, ErrorCode::kCancelled);
    ::raise(SIGUSR1);
    EXPECT_EQ(source.count(), 2);
  }
  struct sigaction now = {};
  ::sigaction(SIGUSR1, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

TEST(Cancellation, ATaskThatSucceedsKeepsItsValue) {
  Runtime runtime;
  Cancellation source;
  EXPECT_EQ(runtime.Run(WithCancellation(Quick(), source)).value(), 7);
}

Task<void> CleanUp(bool* cancelled_inside, bool* cancelled_after) {
  (void)co_await SleepUntil(Deadline::Never());
  auto slept = co_await Shielded(Sleep(1ms));
  *cancelled_inside = !slept.has_value();
  *cancelled_after = co_await IsCancelled();
}

Task<size_t> CancelAtOnce(Task<void> task, std::vector<std::string>* errors) {
  TaskGroup group(co_await CurrentExecutor(),
                  [errors](const base::Error& error) { errors->push_back(error.message); });
  group.Spawn(std::move(task));
  co_return co_await group.Shutdown(Deadline::After(1ms));
}

TEST(Shielded, CleanUpOfACancelledTaskRunsToItsEnd) {
  Runtime runtime;
  bool inside = true;
  bool after = false;
  std::vector<std::string> errors;
  EXPECT_EQ(runtime.Run(CancelAtOnce(CleanUp(&inside, &after), &errors)), 1U);
  EXPECT_FALSE(inside);
  EXPECT_TRUE(after);
  EXPECT_TRUE(errors.empty());
}

TEST(TaskGroup, ReportsTheExceptionOfATaskToTheSink) {
  Runtime runtime;
  std::vector<std::string> errors;
  EXPECT_EQ(runtime.Run(CancelAtOnce(Throw(), &errors)), 0U);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0], "a task threw: bug");
}

Task<void> WaitFor(Event& event, bool* orderly) {
  *orderly = (co_await event.Wait(Deadline::Never())).has_value();
}

Task<size_t> StopSoftly(bool* orderly) {
  TaskGroup group(co_await CurrentExecutor(), nullptr);
  group.Spawn(WaitFor(group.stopping(), orderly));
  co_return co_await group.Shutdown(Deadline::After(kSoon));
}

TEST(TaskGroup, TasksThatHeedStoppingAreNotCancelled) {
  Runtime runtime;
  bool orderly = false;
  EXPECT_EQ(runtime.Run(StopSoftly(&orderly)), 0U);
  EXPECT_TRUE(orderly);
}

Task<void> Hold(Semaphore& semaphore, int* holding, int* most) {
  (void)co_await semaphore.Acquire(Deadline::Never());
  *most = std::max(*most, ++*holding);
  (void)co_await Sleep(1ms);
  --*holding;
  semaphore.Release();
}

TEST(Semaphore, LimitsTheHoldersAndServesAll) {
  Runtime runtime;
  Semaphore semaphore(2);
  int holding = 0;
  int most = 0;
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 7; ++i) tasks.push_back(Hold(semaphore, &holding, &most));
  runtime.Run(WhenAll(std::move(tasks)));
  EXPECT_EQ(most, 2);
  EXPECT_EQ(holding, 0);
}

TEST(Semaphore, AcquireTimesOutWithoutLosingThePermit) {
  Runtime runtime;
  Semaphore semaphore(1);
  EXPECT_TRUE(runtime.Run(semaphore.Acquire(Deadline::Never())).has_value());
  EXPECT_EQ(runtime.Run(semaphore.Acquire(Deadline::After(1ms))).error().code, ErrorCode::kTimeout);
  semaphore.Release();
  EXPECT_TRUE(runtime.Run(semaphore.Acquire(Deadline::After(1ms))).has_value());
}

Task<int> SleepThen(base::Duration span, int value, int* running, int* most) {
  *most = std::max(*most, ++*running);
  (void)co_await Sleep(span);
  --*running;
  co_return value;
}

TEST(WhenAll, OrdersResultsByInputNotByCompletion) {
  Runtime runtime;
  int running = 0;
  int most = 0;
  std::vector<Task<int>> tasks;
  tasks.push_back(SleepThen(6ms, 1, &running, &most));
  tasks.push_back(SleepThen(3ms, 2, &running, &most));
  tasks.push_back(SleepThen(0ms, 3, &running, &most));
  EXPECT_EQ(runtime.Run(WhenAll(std::move(tasks))), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(most, 3);
}

TEST(WhenAll, KeepsTheConcurrencyLimit) {
  Runtime runtime;
  int running = 0;
  int most = 0;
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 9; ++i) tasks.push_back(SleepThen(1ms, i, &running, &most));
  EXPECT_EQ(runtime.Run(WhenAll(std::move(tasks), 2)).size(), 9U);
  EXPECT_EQ(most, 2);
}

TEST(WhenAll, OfNothingIsNothing) {
  Runtime runtime;
  EXPECT_TRUE(runtime.Run(WhenAll(std::vector<Task<int>>())).empty());
}

TEST(WhenAll, PassesOnAnExceptionAfterAllHaveEnded) {
  Runtime runtime;
  int running = 0;
  int most = 0;
  std::vector<Task<void>> tasks;
  tasks.push_back(Throw());
  tasks.push_back(
      [](int* r, int* m) -> Task<void> { co_await SleepThen(2ms, 1, r, m); }(&running, &most));
  EXPECT_THROW(runtime.Run(WhenAll(std::move(tasks))), std::runtime_error);
  EXPECT_EQ(running, 0);
  EXPECT_EQ(most, 1);
}

Task<bool> OffloadChangesThread(ThreadPool& pool) {
  const auto before = std::this_thread::get_id();
  auto work = [] { return std::this_thread::get_id(); };
  const auto inside = co_await Offload(pool, work);
  co_return inside != before&& std::this_thread::get_id() == before;
}

TEST(Offload, RunsOnThePoolAndResumesOnTheLoop) {
  Runtime runtime;
  ThreadPool pool(2);
  EXPECT_TRUE(runtime.Run(OffloadChangesThread(pool)));
}

// Work that ends only when it is told to.
Task<bool> WorksUntilInterrupted(ThreadPool& pool) {
  std::binary_semaphore stop(0);
  const auto work = [&stop] { return stop.try_acquire_for(kSoon); };
  co_return co_await OffloadInterruptibly(pool, work, [&stop] { stop.release(); });
}

Task<std::optional<bool>> CancelInTheMiddle(ThreadPool& pool) {
  std::optional<bool> interrupted;
  TaskGroup group(co_await CurrentExecutor(), [](const base::Error&) {});
  group.Spawn(internal::StoreInto(WorksUntilInterrupted(pool), &interrupted));
  (void)co_await group.Join(Deadline::After(10ms));
  group.Cancel();
  (void)co_await group.Join(Deadline::After(kSoon));
  co_return interrupted;
}

TEST(OffloadInterruptibly, TellsTheWorkToStopAndWaitsForItsEnd) {
  ThreadPool pool(1);
  Runtime runtime;
  EXPECT_EQ(runtime.Run(CancelInTheMiddle(pool)), std::optional(true));
}

TEST(OffloadInterruptibly, WithoutCancellationItIsOffload) {
  ThreadPool pool(1);
  Runtime runtime;
  bool interrupted = false;
  const auto stop = [&] { interrupted = true; };
  EXPECT_EQ(runtime.Run(OffloadInterruptibly(pool, [] { return 7; }, stop)), 7);
  EXPECT_THROW(runtime.Run(OffloadInterruptibly(
                   pool, []() -> int { throw std::logic_error("no"); }, stop)),
               std::logic_error);
  EXPECT_FALSE(interrupted);
}

TEST(Offload, PassesOnTheException) {
  Runtime runtime;
  ThreadPool pool(1);
  EXPECT_THROW(runtime.Run(Offload(pool, []() -> int { throw std::logic_error("no"); })),
               std::logic_error);
}

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    ::close(ends[0]);
    if (ends[1] >= 0) ::close(ends[1]);
  }
  int ends[2] = {-1, -1};
};

TEST(Descriptor, ReadSomeTimesOutOnAnEmptyPipe) {
  Runtime runtime;
  Pipe pipe;
  std::array<std::byte, 8> buffer{};
  const auto result = runtime.Run(ReadSome(pipe.ends[0], buffer, Deadline::After(1ms)));
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
}

TEST(Descriptor, ReadSomeGetsWhatWasWrittenAndThenTheEnd) {
  Runtime runtime;
  Pipe pipe;
  std::array<std::byte, 8> buffer{};
  const std::string text = "abc";
  EXPECT_TRUE(
      runtime.Run(WriteAll(pipe.ends[1], std::as_bytes(std::span(text)), Deadline::After(kSoon)))
          .has_value());
  EXPECT_EQ(runtime.Run(ReadSome(pipe.ends[0], buffer, Deadline::After(kSoon))).value(), 3U);
  ::close(std::exchange(pipe.ends[1], -1));
  EXPECT_EQ(runtime.Run(ReadSome(pipe.ends[0], buffer, Deadline::After(kSoon))).value(), 0U);
}

TEST(Descriptor, WaitExitTellsExitCodesFromSignals) {
  Runtime runtime;
  const pid_t exits = ::fork();
  if (exits == 0) ::_exit(3);
  EXPECT_EQ(runtime.Run(WaitExit(exits, Deadline::After(kSoon))).value().code, 3);
  const pid_t hangs = ::fork();
  if (hangs == 0) {
    while (true) ::pause();
  }
  EXPECT_EQ(runtime.Run(WaitExit(hangs, Deadline::After(1ms))).error().code, ErrorCode::kTimeout);
  ::kill(hangs, SIGKILL);
  EXPECT_EQ(runtime.Run(WaitExit(hangs, Deadline::After(kSoon))).value().signal, SIGKILL);
}

}  // namespace
}  // namespace net
