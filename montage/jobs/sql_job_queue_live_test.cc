// The contracts on PostgreSQL.

#include "montage/jobs/crash_contract.h"
#include "montage/jobs/job_queue_contract.h"

namespace montage::jobs {
namespace {

INSTANTIATE_TEST_SUITE_P(Postgres, JobQueueContract, testing::Values(storage::NewPostgresSchema));
INSTANTIATE_TEST_SUITE_P(Postgres, JobCrashContract, testing::Values(storage::NewPostgresSchema));

}  // namespace
}  // namespace montage::jobs
