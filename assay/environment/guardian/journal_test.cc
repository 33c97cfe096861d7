#include "assay/environment/guardian/journal.h"

#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/environment/guardian/limits.h"
#include "assay/environment/guardian/undo.h"
#include "assay/environment/test_support.h"

namespace assay::environment {
namespace {

using testing_support::ReadFile;
using testing_support::TempDir;

TEST(Journal, SaysWhatIsStillToBeUndone) {
  const TempDir folder;
  const auto path = folder / "r-1.journal";
  {
    auto journal = Journal::Create(path, "r-1").value();
    ASSERT_TRUE(journal.AddProcess("api", {.pid = 41, .start_ticks = 9002}).has_value());
    const auto scratch = journal.AddPath("/data/scratch");
    ASSERT_TRUE(journal.AddPath("/data/more").has_value());
    ASSERT_TRUE(journal.MarkUndone(*scratch).has_value());
    EXPECT_FALSE(LockJournal(path)) << "an open journal is locked";
  }
  EXPECT_TRUE(LockJournal(path));
  const auto state = ReadJournal(path).value();
  EXPECT_EQ(state.run, "r-1");
  EXPECT_EQ(state.boot, process::BootId());
  EXPECT_EQ(state.guardian.pid, ::getpid());
  ASSERT_EQ(state.processes.size(), 1U);
  EXPECT_EQ(state.processes[0].identity, (process::Identity{41, 9002}));
  ASSERT_EQ(state.paths.size(), 1U);
  EXPECT_EQ(state.paths[0].path, "/data/more");
  EXPECT_FALSE(state.undone);
}

TEST(Journal, BelongsToExactlyOneRun) {
  const TempDir folder;
  ASSERT_TRUE(Journal::Create(folder / "r.journal", "r").has_value());
  const auto again = Journal::Create(folder / "r.journal", "r");
  EXPECT_EQ(again.error().code, base::ErrorCode::kIo);
}

TEST(Journal, IgnoresALastLineThatACrashCut) {
  const TempDir folder;
  const auto path = folder / "r.journal";
  ASSERT_TRUE(Journal::Create(path, "r").has_value());
  std::ofstream(path, std::ios::app) << R"({"entry":2,"kind":"process","pi)";
  EXPECT_TRUE(ReadJournal(path).value().processes.empty());
  ASSERT_TRUE(CloseJournal(path).has_value());
  EXPECT_TRUE(ReadJournal(path).value().undone);
}

TEST(Journal, NamesTheLineThatIsDamaged) {
  const TempDir folder;
  const auto path = folder.Write("r.journal", "{\"entry\":1}\nnot json\n{}\n");
  const auto state = ReadJournal(path);
  EXPECT_EQ(state.error().code, base::ErrorCode::kCorrupt);
  EXPECT_TRUE(state.error().message.contains("line 2 "));
}

TEST(UndoLeftovers, NeverTouchesAProcessThatOnlyHasTheNumber) {
  const TempDir folder;
  process::Launch launch;
  launch.argv = {"/bin/sleep", "1000"};
  const pid_t stranger = process::Spawn(launch).value();
  const auto identity = process::Find(stranger)->identity;
  folder.Write("r.journal",
               fmt::format("{{\"entry\":1,\"kind\":\"run\",\"run\":\"r-{0}\",\"boot\":\"{1}\"}}\n"
                           "{{\"entry\":2,\"kind\":\"process\",\"pid\":{0},\"start\":{2}}}\n",
                           stranger, process::BootId(), identity.start_ticks - 1));
  const auto reports = UndoLeftovers(folder.path()).value();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].processes, 0U);
  EXPECT_TRUE(process::IsAlive(identity));
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

TEST(UndoLeftovers, TouchesNoProcessAfterTheMachineWasRestarted) {
  const TempDir folder;
  process::Launch launch;
  launch.argv = {"/bin/sleep", "1000"};
  const pid_t stranger = process::Spawn(launch).value();
  const auto identity = process::Find(stranger)->identity;
  folder.Write("scratch/file", "x");
  folder.Write("r.journal",
               fmt::format("{{\"entry\":1,\"kind\":\"run\",\"run\":\"r\",\"boot\":\"other\"}}\n"
                           "{{\"entry\":2,\"kind\":\"process\",\"pid\":{},\"start\":{}}}\n"
                           "{{\"entry\":3,\"kind\":\"path\",\"path\":\"{}\"}}\n",
                           stranger, identity.start_ticks, (folder / "scratch").string()));
  const auto reports = UndoLeftovers(folder.path()).value();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].paths, 1U);
  EXPECT_TRUE(process::IsAlive(identity));
  EXPECT_FALSE(std::filesystem::exists(folder / "scratch"));
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

TEST(UndoLeftovers, KeepsAndReportsADamagedJournal) {
  const TempDir folder;
  const auto path = folder.Write("r.journal", "garbage\n");
  const auto reports = UndoLeftovers(folder.path()).value();
  ASSERT_EQ(reports.size(), 1U);
  ASSERT_EQ(reports[0].errors.size(), 1U);
  EXPECT_EQ(reports[0].errors[0].code, base::ErrorCode::kCorrupt);
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(UndoLeftovers, HasNothingToDoWithoutAFolder) {
  EXPECT_TRUE(UndoLeftovers("/no/such/folder").value().empty());
}

TEST(Limits, UseAControlGroupOnlyWhereTheControllersAreDelegated) {
  const TempDir folder;
  const std::string mounts = "25 30 0:22 / /proc rw - proc proc rw\n31 30 0:27 / " +
                             folder.path().string() + " rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
  folder.Write("user/own/cgroup.subtree_control", "cpu memory\n");
  EXPECT_FALSE(FindCgroupParent(mounts, "0::/user/own\n")) << "pids is missing";
  folder.Write("user/own/cgroup.subtree_control", "cpu memory pids\n");
  const auto parent = FindCgroupParent(mounts, "9:name=systemd:/\n0::/user/own\n");
  ASSERT_TRUE(parent);
  EXPECT_FALSE(FindCgroupParent("25 30 0:22 / /proc rw - proc proc rw\n", "0::/user/own\n"));

  ServiceLimits limits;
  limits.memory_bytes = 64 << 20;
  limits.cpus = 0.5;
  limits.processes = 20;
  const auto group = MakeCgroup(*parent, "api", limits).value();
  EXPECT_EQ(ReadFile(group / "memory.max"), "67108864");
  EXPECT_EQ(ReadFile(group / "cpu.max"), "50000 100000");
  EXPECT_EQ(ReadFile(group / "pids.max"), "20");
}

TEST(Limits, SayWhatIsNotEnforced) {
  ServiceLimits limits;
  limits.memory_bytes = 1 << 30;
  limits.cpus = 1;
  const EnforcedLimits without = DescribeLimits(limits, false);
  EXPECT_EQ(without.memory, "rlimit");
  EXPECT_EQ(without.cpus, "none");
  EXPECT_EQ(without.files, "");
  EXPECT_EQ(DescribeLimits(limits, true).cpus, "cgroup");
}

}  // namespace
}  // namespace assay::environment
