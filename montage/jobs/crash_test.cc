// kill -9 at seeded moments: what was acknowledged is there, nothing is there twice.

#include <csignal>
#include <map>
#include <set>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/random.h"
#include "montage/jobs/queue_fixture.h"

namespace montage::jobs {
namespace {

/// Submits and completes jobs until it is killed; acknowledges each step by a line in the pipe.
[[noreturn]] void WorkUntilKilled(const std::filesystem::path& file, int pipe_end) {
  static const base::SystemClock clock;
  const auto database = sql::SqliteDatabase::Open({.path = file}, kNever).value();
  SqlJobQueue queue(*database, clock);
  const auto acknowledge = [&](char kind, const std::string& id) {
    const std::string line = kind + id + "\n";
    if (write(pipe_end, line.data(), line.size()) < 0) _exit(3);
  };
  while (true) {
    acknowledge('s', queue.Submit(Request(), kNever)->job_id);
    const auto claimed = queue.Claim("child", kLease, kNever);
    if (!claimed || !*claimed) _exit(4);
    if (!queue.Complete((*claimed)->lease, {"{}", "k", 1, 1}, NoObject, kNever)) _exit(5);
    acknowledge('c', (*claimed)->job.job_id);
  }
}

/// Reads `lines` lines from a child at work, kills it, and returns all it acknowledged.
std::string RunAndKill(const std::filesystem::path& file, uint64_t lines) {
  int ends[2] = {};
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) WorkUntilKilled(file, ends[1]);
  close(ends[1]);
  std::string heard;
  char c = 0;
  bool killed = false;
  while (read(ends[0], &c, 1) == 1) {
    heard += c;
    if (c == '\n' && !killed && lines-- == 0) {
      kill(child, SIGKILL);
      killed = true;
    }
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(killed && WIFSIGNALED(status));
  return heard;
}

TEST(JobCrash, NothingAcknowledgedIsLostAndNothingDoubled) {
  const testing_support::TempDir folder;
  const auto file = folder / "jobs.db";
  (void)OpenDatabase(file);
  base::Random random(20);
  std::set<std::string> submitted;
  std::set<std::string> completed;
  for (int round = 0; round < 20; ++round) {
    std::istringstream lines(RunAndKill(file, random.Below(40)));
    for (std::string line; std::getline(lines, line);) {
      (line[0] == 's' ? submitted : completed).insert(line.substr(1));
    }
    const auto database = OpenDatabase(file);
    const base::SystemClock clock;
    SqlJobQueue queue(*database, clock);
    ASSERT_TRUE(database->CheckIntegrity(kNever).has_value());
    ASSERT_TRUE(queue.Recover(true, kNever).has_value());
    EXPECT_EQ(CountRows(*database, "analysis_jobs WHERE status = 'processing'"), 0);
    EXPECT_EQ(CountRows(*database,
                        "analysis_jobs j WHERE (status = 'completed') <> EXISTS (SELECT 1 FROM "
                        "analysis_results r WHERE r.job_id = j.job_id)"),
              0);
    EXPECT_EQ(CountRows(*database,
                        "analysis_jobs j WHERE (status = 'completed') <> EXISTS (SELECT 1 FROM "
                        "analysis_metrics m WHERE m.job_id = j.job_id)"),
              0);
    for (const std::string& id : submitted) ASSERT_TRUE(queue.Get(id, kNever).has_value());
    for (const std::string& id : completed) {
      ASSERT_EQ(queue.Get(id, kNever)->status, JobStatus::kCompleted);
    }
    // Only the step in flight at each kill may be there without an acknowledgement.
    EXPECT_LE(CountRows(*database, "analysis_jobs"), std::ssize(submitted) + round + 1);
  }
  EXPECT_GT(completed.size(), 50U);
}

}  // namespace
}  // namespace montage::jobs
