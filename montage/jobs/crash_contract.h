#pragma once
// For tests only: kill -9 at seeded moments. What was acknowledged is there, nothing is there
// twice, and nobody ever sees a completed job without its result and its metrics.

#include <algorithm>
#include <csignal>
#include <set>
#include <sstream>
#include <string>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/random.h"
#include "lib/sql/sqlite_database.h"
#include "montage/jobs/queue_fixture.h"

namespace montage::jobs {

class JobCrashContract : public storage::DatabaseTest {
 protected:
  void SetUp() override {
    storage::DatabaseTest::SetUp();
    database_.reset();  // no connection may be carried over a fork
  }

  /// Submits and completes jobs until it is killed; acknowledges each step by a line in the pipe.
  [[noreturn]] void WorkUntilKilled(int pipe_end) const {
    static const base::SystemClock clock;
    const auto database = home_->Connect();
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
  std::string RunAndKill(uint64_t lines) const {
    int ends[2] = {};
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) WorkUntilKilled(ends[1]);
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

  /// Reads until `stop` is closed, then says how much was torn and how often it looked.
  [[noreturn]] void LookUntilStopped(int stop, int pipe_end) const {
    const auto database = home_->Connect();
    int64_t seen[2] = {};
    for (pollfd ended{stop, POLLIN, 0}; poll(&ended, 1, 0) == 0; ++seen[1]) {
      seen[0] += Torn(*database);
    }
    _exit(write(pipe_end, seen, sizeof(seen)) == static_cast<ssize_t>(sizeof(seen)) ? 0 : 6);
  }

  /// Completed jobs without a row in one of the other tables, and such rows without their job.
  static int64_t Torn(sql::Database& database) {
    int64_t torn = 0;
    for (const char* table : {"analysis_results", "analysis_metrics"}) {
      torn += storage::CountRows(
          database, fmt::format("analysis_jobs j WHERE (status = 'completed') <> EXISTS (SELECT 1 "
                                "FROM {} r WHERE r.job_id = j.job_id)",
                                table));
    }
    return torn;
  }
};

TEST_P(JobCrashContract, NothingAcknowledgedIsLostAndNothingDoubled) {
  base::Random random(20);
  std::set<std::string> submitted;
  std::set<std::string> completed;
  for (int round = 0; round < 20; ++round) {
    std::istringstream lines(RunAndKill(random.Below(40)));
    for (std::string line; std::getline(lines, line);) {
      (line[0] == 's' ? submitted : completed).insert(line.substr(1));
    }
    const auto database = home_->Connect();
    if (auto* sqlite = dynamic_cast<sql::SqliteDatabase*>(database.get()))
      ASSERT_TRUE(sqlite->CheckIntegrity(kNever).has_value());
    const base::SystemClock clock;
    SqlJobQueue queue(*database, clock);
    ASSERT_TRUE(queue.Recover(true, kNever).has_value());
    EXPECT_EQ(storage::CountRows(*database, "analysis_jobs WHERE status = 'processing'"), 0);
    EXPECT_EQ(Torn(*database), 0);
    for (const std::string& id : submitted) ASSERT_TRUE(queue.Get(id, kNever).has_value());
    for (const std::string& id : completed) {
      ASSERT_EQ(queue.Get(id, kNever)->status, JobStatus::kCompleted);
    }
    // Only the step in flight at each kill may be there without an acknowledgement.
    EXPECT_LE(storage::CountRows(*database, "analysis_jobs"), std::ssize(submitted) + round + 1);
  }
  EXPECT_GT(completed.size(), 50U);
}

TEST_P(JobCrashContract, AReaderNeverSeesACompletedJobWithoutResultAndMetrics) {
  // A process of its own: one with threads could not be forked safely.
  int ends[2] = {};
  int stop[2] = {};
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(pipe(stop), 0);
  const pid_t reader = fork();
  if (reader == 0) {
    close(stop[1]);
    LookUntilStopped(stop[0], ends[1]);
  }
  close(stop[0]);
  int64_t completed = 0;
  for (int round = 0; round < 5; ++round) completed += std::ranges::count(RunAndKill(80), 'c');
  close(stop[1]);
  int64_t seen[2] = {};
  EXPECT_EQ(read(ends[0], seen, sizeof(seen)), static_cast<ssize_t>(sizeof(seen)));
  waitpid(reader, nullptr, 0);
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(seen[0], 0) << "torn";
  EXPECT_GT(seen[1], 5) << "looks";
  EXPECT_GT(completed, 100);
}

}  // namespace montage::jobs
