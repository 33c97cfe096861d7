// Jobs over a real RabbitMQ, with the truth in a real PostgreSQL.

#include <atomic>
#include <thread>

#include <fmt/format.h>

#include "lib/objects/memory_object_store.h"
#include "montage/jobs/announcer.h"
#include "montage/jobs/broker.h"
#include "montage/jobs/queue_fixture.h"
#include "montage/jobs/worker.h"

namespace montage::jobs {
namespace {

using namespace std::chrono_literals;
using base::ErrorCode;

base::Deadline Soon() { return base::Deadline::After(30s); }

/// Whether it becomes true within a minute.
bool Eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

class BrokerLive : public testing::Test {
 protected:
  void SetUp() override {
    const auto url = testing_support::LiveUrl("ASSAY_LIVE_RABBITMQ");
    home_ = storage::NewPostgresSchema();
    if (!url || !home_) {
      GTEST_SKIP() << "ASSAY_LIVE_RABBITMQ and ASSAY_LIVE_POSTGRES name no servers";
    }
    database_ = storage::ConnectMigrated(*home_);
    queue_.emplace(*database_, clock_, Announcing::kYes);
    broker_ = {.target = queue::ParseTarget(*url).value(),
               .name = fmt::format("t{:x}.{:08x}", ::getpid(), std::random_device()()),
               .retry_delays = {100ms, 200ms}};
    ASSERT_TRUE(store_.EnsureBucket(kResultsBucket, kNever));
  }
  void TearDown() override {
    if (!queue_) return;
    BrokerSession session(broker_);
    queue::Connection* const connection = session.Connect(Soon()).value();
    for (const std::string& name :
         {ReadyQueue(broker_), DeadQueue(broker_), RetryQueue(broker_, 1), RetryQueue(broker_, 2)})
      EXPECT_TRUE(connection->DeleteQueue(name, Soon()).has_value()) << name;
    EXPECT_TRUE(connection->DeleteExchange(broker_.name, Soon()).has_value());
  }

  std::string Submit(Priority priority = Priority::kNormal) {
    return queue_->Submit(Request(priority), kNever)->job_id;
  }
  /// Tells the broker everything that is due.
  void Tell() {
    BrokerSession session(broker_);
    Outbox outbox(*database_, clock_);
    const auto told = outbox.Drain(
        [&](std::span<const Announcement> due) { return session.Publish(due, Soon()); }, kNever);
    ASSERT_TRUE(told.has_value()) << told.error().ToString();
  }
  std::optional<ClaimedJob> Take(BrokerSource& source, base::Duration lease = kLease) {
    std::optional<ClaimedJob> job;
    EXPECT_TRUE(Eventually([&] {
      auto next = source.Next("w", lease);
      EXPECT_TRUE(next.has_value()) << next.error().ToString();
      if (next) job = *std::move(next);
      return job.has_value();
    }));
    return job;
  }
  bool IsOver(const std::string& id) { return IsFinal(queue_->Get(id, kNever)->status); }
  std::unique_ptr<Workers> Work(JobRunner runner, size_t threads = 2) {
    return std::make_unique<Workers>(
        *queue_, store_, clock_, std::move(runner),
        WorkerOptions{
            .threads = threads, .heartbeat_every = 100ms, .poll_every = 0ms, .sources = [this] {
              return std::make_unique<BrokerSource>(*queue_, broker_);
            }});
  }
  std::unique_ptr<Announcer> Announce(AnnouncerOptions options = {}) {
    return std::make_unique<Announcer>(*database_, clock_, broker_, std::move(options));
  }
  uint32_t Depth(const std::string& name) {
    BrokerSession session(broker_);
    return session.Connect(Soon()).value()->Depth(name, Soon())->messages;
  }

  base::SystemClock clock_;
  std::unique_ptr<storage::TestDatabase> home_;
  std::unique_ptr<sql::Database> database_;
  std::optional<SqlJobQueue> queue_;
  BrokerOptions broker_;
  objects::MemoryObjectStore store_{clock_};
};

base::Result<JobOutcome> Succeed(const Job&, JobContext&) { return JobOutcome{"{}"}; }

TEST_F(BrokerLive, EveryJobIsWorkedOnOnceAndItsMessageIsGone) {
  const auto announcer = Announce();
  const auto workers = Work(Succeed, 3);
  std::vector<std::string> ids;
  for (int i = 0; i < 30; ++i) {
    ids.push_back(Submit());
    announcer->Wake();
  }
  for (const std::string& id : ids) ASSERT_TRUE(Eventually([&] { return IsOver(id); }));
  workers->Stop();
  announcer->Stop();
  EXPECT_EQ(storage::CountRows(*database_, "analysis_results"), 30);
  EXPECT_EQ(storage::CountRows(*database_, "analysis_jobs WHERE retry_count > 0"), 0);
  EXPECT_EQ(Depth(ReadyQueue(broker_)), 0U);
  EXPECT_EQ(Depth(DeadQueue(broker_)), 0U);
}

TEST_F(BrokerLive, UrgentJobsGoFirst) {
  const std::string low = Submit(Priority::kLow);
  const std::string high = Submit(Priority::kHigh);
  Tell();
  BrokerSource source(*queue_, broker_);
  EXPECT_EQ(Take(source)->job.job_id, high);
  source.Settle();
  EXPECT_EQ(Take(source)->job.job_id, low);
  source.Settle();
}

TEST_F(BrokerLive, AnAttemptThatMayPassComesBackAfterItsDelay) {
  const auto announcer = Announce({.every = 10ms});
  std::atomic<int> attempts = 0;
  const auto workers = Work([&](const Job&, JobContext&) -> base::Result<JobOutcome> {
    if (++attempts < 3) return base::Fail(ErrorCode::kUnavailable, "later");
    return JobOutcome{"{}"};
  });
  const auto start = std::chrono::steady_clock::now();
  const std::string id = Submit();
  ASSERT_TRUE(Eventually([&] { return IsOver(id); }));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 300ms) << "both delays";
  const Job job = queue_->Get(id, kNever).value();
  EXPECT_EQ(job.status, JobStatus::kCompleted);
  EXPECT_EQ(job.retry_count, 2);
}

TEST_F(BrokerLive, AJobThatFailsForGoodArrivesInTheDeadQueue) {
  const auto announcer = Announce({.every = 10ms});
  const auto workers = Work([](const Job&, JobContext&) -> base::Result<JobOutcome> {
    return base::Fail(ErrorCode::kCorrupt, "the recording is damaged");
  });
  const std::string id = Submit();
  ASSERT_TRUE(Eventually([&] { return Depth(DeadQueue(broker_)) == 1; }));
  EXPECT_EQ(queue_->Get(id, kNever)->status, JobStatus::kFailed);
  BrokerSession session(broker_);
  const auto dead = session.Connect(Soon()).value()->Get(DeadQueue(broker_), true, Soon()).value();
  ASSERT_TRUE(dead.has_value());
  EXPECT_EQ(dead->message.body, R"({"job_id":")" + id + R"("})");
  EXPECT_THAT(dead->message.properties.headers,
              testing::Contains(queue::Entry{"reason", {std::string("the recording is damaged")}}));
}

TEST_F(BrokerLive, AJobWhoseRetriesAreUsedUpArrivesInTheDeadQueueToo) {
  const auto announcer = Announce({.every = 10ms});
  const auto workers = Work([](const Job&, JobContext&) -> base::Result<JobOutcome> {
    return base::Fail(ErrorCode::kUnavailable, "never");
  });
  const std::string id = Submit();
  ASSERT_TRUE(Eventually([&] { return Depth(DeadQueue(broker_)) == 1; }));
  EXPECT_EQ(queue_->Get(id, kNever)->retry_count, kMaxRetries);
}

TEST_F(BrokerLive, WhatALostWorkerHadIsDeliveredAgainAndIsARetry) {
  const std::string id = Submit();
  Tell();
  JobLease lost;
  {
    BrokerSource source(*queue_, broker_);
    lost = Take(source, 400ms)->lease;
  }  // its connection ends without an acknowledgement, as with kill -9
  BrokerSource other(*queue_, broker_);
  const auto again = Take(other);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->job.job_id, id);
  EXPECT_EQ(again->job.retry_count, 1);
  EXPECT_EQ(queue_->Complete(lost, {"{}", "k", 1, 1}, NoObject, kNever).error().code,
            ErrorCode::kConflict);
  EXPECT_TRUE(queue_->Complete(again->lease, {"{}", "k", 1, 1}, NoObject, kNever));
  other.Settle();
}

TEST_F(BrokerLive, AMessageThatComesTwiceDoesNothingTwice) {
  Submit();
  Tell();
  EXPECT_EQ(Outbox(*database_, clock_).AnnounceAgain(0s, kNever).value(), 1);
  Tell();
  EXPECT_EQ(Depth(ReadyQueue(broker_)), 2U);
  std::atomic<int> runs = 0;
  const auto workers = Work([&](const Job&, JobContext&) {
    ++runs;
    return base::Result<JobOutcome>(JobOutcome{"{}"});
  });
  ASSERT_TRUE(Eventually([&] { return Depth(ReadyQueue(broker_)) == 0; }));
  workers->Stop();
  EXPECT_EQ(runs, 1);
}

TEST_F(BrokerLive, MessagesThatNameNoJobGoToTheDeadQueue) {
  BrokerSession session(broker_);
  const std::vector<queue::Message> wrong = {
      {.exchange = broker_.name, .routing_key = "ready", .body = "not JSON"},
      {.exchange = broker_.name, .routing_key = "ready", .body = R"({"job":1})"}};
  ASSERT_TRUE(session.Connect(Soon()).value()->Publish(wrong, true, Soon()).has_value());
  BrokerSource source(*queue_, broker_);
  ASSERT_TRUE(Eventually([&] {
    EXPECT_FALSE(source.Next("w", kLease).value().has_value());
    return Depth(DeadQueue(broker_)) == 2;
  }));
}

TEST_F(BrokerLive, WithoutTheBrokerJobsAreAcceptedWorkedOnAndToldLater) {
  BrokerOptions nowhere = broker_;
  nowhere.target.url.port = testing_support::FreePort();
  std::atomic<int> changes = 0;
  const std::string id = Submit();
  {
    Announcer announcer(*database_, clock_, nowhere,
                        {.every = 10ms, .on_change = [&](const base::Error*) { ++changes; }});
    ASSERT_TRUE(Eventually([&] { return !announcer.trouble().empty(); }));
  }
  EXPECT_EQ(changes, 1) << "the same trouble is told once";
  EXPECT_EQ(storage::CountRows(*database_, "analysis_jobs WHERE announce = 1"), 1);
  {
    BrokerSource source(*queue_, nowhere);
    const auto claimed = source.Next("w", kLease);
    ASSERT_TRUE(claimed.has_value() && claimed->has_value());
    EXPECT_EQ((*claimed)->job.job_id, id);
    ASSERT_TRUE(queue_->Fail((*claimed)->lease, {ErrorCode::kUnavailable, "later"}, true, kNever));
  }
  const auto announcer = Announce({.every = 10ms});
  const auto workers = Work(Succeed);
  ASSERT_TRUE(Eventually([&] { return IsOver(id); }));
  EXPECT_EQ(queue_->Get(id, kNever)->status, JobStatus::kCompleted);
}

TEST_F(BrokerLive, AJobWhoseMessageTheBrokerLostIsAnnouncedAgain) {
  const std::string id = Submit();
  Tell();
  BrokerSession session(broker_);
  EXPECT_EQ(session.Connect(Soon()).value()->Purge(ReadyQueue(broker_), Soon()).value(), 1U);
  const auto announcer = Announce({.every = 10ms, .lost_after = 50ms});
  const auto workers = Work(Succeed);
  EXPECT_TRUE(Eventually([&] { return IsOver(id); }));
}

}  // namespace
}  // namespace montage::jobs
