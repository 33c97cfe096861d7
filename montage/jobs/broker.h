#pragma once
// Jobs over RabbitMQ. The database decides who works on what; messages only say where to look.
//
//                       exchange NAME (direct)
//   announced job --"ready"--> NAME ------------> worker: claims the job in the database,
//        |                        ^                works, then acknowledges
//        |                        | expired (dead-letter exchange)
//        +--"retry.5000ms"--> NAME.retry.5000ms    one for each delay, nobody consumes them
//        |
//        '--"dead"----------> NAME.dead            failed for the last time, or not understood
//
// The queue NAME has priorities 0 to 2 and hands out what a lost worker had not acknowledged. A
// worker that gets such a message while the lease of the lost one still holds sends it round once
// more.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/queue/connection.h"
#include "montage/jobs/job_source.h"
#include "montage/jobs/outbox.h"
#include "montage/jobs/sql_job_queue.h"

namespace montage::jobs {

struct BrokerOptions {
  queue::Target target;
  std::string name = "montage.jobs";  ///< of exchange and queue; the other queues begin with it
  /// Before the first, second, ... retry; the last one also before those that follow. Not empty.
  std::vector<std::chrono::milliseconds> retry_delays = {
      std::chrono::seconds(5), std::chrono::seconds(30), std::chrono::minutes(2)};
};

std::string ReadyQueue(const BrokerOptions& options);
std::string DeadQueue(const BrokerOptions& options);
/// `retries`: how many there were with the one that it delays; from 1.
std::string RetryQueue(const BrokerOptions& options, int64_t retries);

/// A connection that is opened, and everything in the drawing declared, when it is needed, and
/// again after it was lost. Used by one thread.
class BrokerSession {
 public:
  explicit BrokerSession(BrokerOptions options) : options_(std::move(options)) {}

  base::Result<queue::Connection*> Connect(base::Deadline deadline);
  /// The next Connect opens a new one.
  void Close() { connection_.reset(); }
  bool is_open() const { return connection_ != nullptr && connection_->IsUsable(); }
  const BrokerOptions& options() const { return options_; }

  /// Returns when the broker has confirmed all of them.
  base::Result<void> Publish(std::span<const Announcement> due, base::Deadline deadline);
  /// Messages that wait for a worker or for their delay; those that a worker has do not count.
  base::Result<uint64_t> CountWaiting(base::Deadline deadline);

 private:
  base::Result<void> Declare(queue::Connection& connection, base::Deadline deadline) const;

  const BrokerOptions options_;
  std::unique_ptr<queue::Connection> connection_;
};

/// Takes jobs whose messages it gets, one at a time. While the broker cannot be reached it asks the
/// database, so that work goes on.
class BrokerSource final : public JobSource {
 public:
  /// The queue outlives it.
  BrokerSource(SqlJobQueue& queue, BrokerOptions options)
      : queue_(queue), session_(std::move(options)) {}

  base::Result<std::optional<ClaimedJob>> Next(std::string_view worker,
                                               base::Duration lease_time) override;
  void Settle() override;

 private:
  base::Result<queue::Delivery> Receive();
  base::Result<std::optional<ClaimedJob>> ClaimFor(const queue::Delivery& delivery,
                                                   std::string_view worker,
                                                   base::Duration lease_time);
  base::Result<void> SendRound(const queue::Delivery& delivery, const std::string& job_id);

  SqlJobQueue& queue_;
  BrokerSession session_;
  base::SteadyTime connect_again_{};
  uint64_t unsettled_ = 0;  ///< delivery tag; 0: none
};

}  // namespace montage::jobs
