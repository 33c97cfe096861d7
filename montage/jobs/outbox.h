#pragma once
// What the broker is still to be told about jobs. A job and the mark that it is due are one row,
// written together, so nothing that was acknowledged depends on the broker being there:
//
//   submit, retry, last failure --(announce = 1)--> Drain: publish, confirmed --> announce = 0
//
// A message may be sent twice (a crash between the confirmation and the commit); whoever gets one
// claims the job in the database, which gives it to one worker only.

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "lib/base/clock.h"
#include "lib/sql/database.h"
#include "montage/jobs/job_queue.h"

namespace montage::jobs {

/// A job that is pending (to be worked on) or failed (a dead letter).
struct Announcement {
  std::string job_id;
  JobStatus status = JobStatus::kPending;
  Priority priority = Priority::kNormal;
  int64_t retry_count = 0;
  std::string error;  ///< of a failed one
};

/// Thread-safe; the references outlive it.
class Outbox {
 public:
  Outbox(sql::Database& database, const base::Clock& clock) : database_(database), clock_(clock) {}

  /// Hands some of what is due, the oldest first, to `publish` and marks it as told when that
  /// succeeds. Its jobs cannot be claimed meanwhile. Returns how many; 0: nothing is due, or others
  /// are at it.
  base::Result<size_t> Drain(
      const std::function<base::Result<void>(std::span<const Announcement>)>& publish,
      base::Deadline deadline);

  /// Marks all jobs as due that were submitted at least `age` ago and are still pending: for when
  /// the broker has no message left that could be theirs. Returns how many.
  base::Result<int64_t> AnnounceAgain(base::Duration age, base::Deadline deadline);

 private:
  sql::Database& database_;
  const base::Clock& clock_;
};

}  // namespace montage::jobs
