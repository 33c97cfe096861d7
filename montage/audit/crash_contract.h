#pragma once
// For tests only: kill -9 at seeded moments. Every acknowledged entry is in the chain once, and the
// chain verifies.

#include <csignal>
#include <set>
#include <sstream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/random.h"
#include "montage/audit/audit_log.h"
#include "montage/storage/database_fixture.h"

namespace montage::audit {

using storage::kNever;

[[noreturn]] inline void AppendUntilKilled(const storage::TestDatabase& home, int round,
                                           int pipe_end) {
  static const base::SystemClock clock;
  const auto database = home.Connect();
  AuditLog log(*database, clock);
  for (int i = 0;; ++i) {
    const std::string id = std::to_string(round) + "-" + std::to_string(i);
    if (!log.Append({.actor = "system", .action = "test.append", .object = id}, kNever)) _exit(3);
    if (write(pipe_end, (id + "\n").data(), id.size() + 1) < 0) _exit(4);
  }
}

/// The acknowledged ids of a child that is killed after `lines` more lines.
inline std::string RunAndKill(const storage::TestDatabase& home, int round, uint64_t lines) {
  int ends[2] = {};
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) AppendUntilKilled(home, round, ends[1]);
  close(ends[1]);
  std::string heard;
  bool killed = false;
  for (char c = 0; read(ends[0], &c, 1) == 1;) {
    heard += c;
    if (c == '\n' && !killed && lines-- == 0) killed = kill(child, SIGKILL) == 0;
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(killed && WIFSIGNALED(status));
  return heard;
}

class AuditCrashContract : public storage::DatabaseTest {
 protected:
  void SetUp() override {
    storage::DatabaseTest::SetUp();
    database_.reset();  // no connection may be carried over a fork
  }
};

TEST_P(AuditCrashContract, NothingAcknowledgedIsLostAndNothingDoubled) {
  const base::SystemClock clock;
  base::Random random(9);
  std::set<std::string> acknowledged;
  for (int round = 0; round < 20; ++round) {
    std::istringstream lines(RunAndKill(*home_, round, random.Below(30)));
    for (std::string line; std::getline(lines, line);) acknowledged.insert(line);
    const auto database = home_->Connect();
    AuditLog log(*database, clock);
    const auto verified = log.Verify("", kNever);
    ASSERT_TRUE(verified.has_value());
    EXPECT_FALSE(verified->first_broken.has_value()) << verified->problem;
    const auto entries = log.List({.limit = 100'000}, kNever);
    ASSERT_TRUE(entries.has_value());
    std::multiset<std::string> stored;
    for (const Entry& entry : *entries) stored.insert(entry.object);
    for (const std::string& id : acknowledged) ASSERT_EQ(stored.count(id), 1U) << id;
    // Only the entry in flight at each kill may be there without an acknowledgement.
    EXPECT_LE(std::ssize(stored), std::ssize(acknowledged) + round + 1);
  }
  EXPECT_GT(acknowledged.size(), 50U);
}

}  // namespace montage::audit
