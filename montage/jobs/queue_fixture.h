#pragma once
// For tests only: requests for a job queue on a database of the test's own.

#include "montage/jobs/sql_job_queue.h"
#include "montage/storage/database_fixture.h"

namespace montage::jobs {

using storage::kNever;
inline constexpr base::Duration kLease = std::chrono::seconds(30);

inline JobRequest Request(Priority priority = Priority::kNormal) {
  return {.tenant = "site",
          .owner_id = "user",
          .file_id = "file",
          .analysis_type = "quick",
          .priority = priority};
}

inline base::Result<void> NoObject() { return {}; }

}  // namespace montage::jobs
