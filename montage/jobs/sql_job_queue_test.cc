// The contracts on SQLite, and what needs no database.

#include "montage/jobs/crash_contract.h"
#include "montage/jobs/job_queue_contract.h"

namespace montage::jobs {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, JobQueueContract, testing::Values(storage::NewSqliteFile));
INSTANTIATE_TEST_SUITE_P(Sqlite, JobCrashContract, testing::Values(storage::NewSqliteFile));

TEST(JobNames, UnknownOnesAreRefusedWithASuggestion) {
  EXPECT_EQ(ParsePriority("high").value(), Priority::kHigh);
  EXPECT_EQ(ParsePriority("urgent").error().code, base::ErrorCode::kInvalid);
  EXPECT_THAT(ParseJobStatus("complted").error().hint, testing::HasSubstr("completed"));
}

}  // namespace
}  // namespace montage::jobs
