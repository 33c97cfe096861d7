#include <cerrno>
#include <csignal>
#include <string>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/process/descriptor.h"
#include "lib/process/spawn.h"
#include "lib/process/table.h"
#include "lib/testing/temp_dir.h"

namespace process {
namespace {

struct Finished {
  int status = 0;
  std::string output;
};

Finished RunShell(const std::string& script, Launch launch = {}) {
  launch.argv = {"/bin/sh", "-c", script};
  Pipe pipe = MakePipe().value();
  launch.stdout_fd = pipe.writer.get();
  const auto child = Spawn(launch);
  EXPECT_TRUE(child.has_value()) << child.error().ToString();
  pipe.writer.Reset();
  Finished finished;
  char piece[256];
  for (ssize_t got = 0; (got = ::read(pipe.reader.get(), piece, sizeof piece)) > 0;) {
    finished.output.append(piece, static_cast<size_t>(got));
  }
  ::waitpid(*child, &finished.status, 0);
  return finished;
}

TEST(Spawn, GivesArgumentsEnvironmentAndDirectory) {
  const testing_support::TempDir folder;
  Launch launch;
  launch.environment = {{"COLOUR", "green"}};
  launch.directory = folder.path();
  const Finished finished = RunShell("echo $COLOUR; pwd; echo $HOME", launch);
  EXPECT_EQ(finished.output, "green\n" + folder.path().string() + "\n\n");
  EXPECT_EQ(WEXITSTATUS(finished.status), 0);
}

TEST(Spawn, MakesTheProgramLeaderOfItsOwnSession) {
  const Finished finished = RunShell("read -r line < /proc/self/stat; echo \"$line $$\"");
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  ASSERT_EQ(
      std::sscanf(finished.output.c_str(), "%d (sh) %*c %d %d %d", &pid, &parent, &group, &session),
      4)
      << finished.output;
  EXPECT_EQ(group, pid);
  EXPECT_EQ(session, pid);
  EXPECT_EQ(parent, ::getpid());
}

TEST(Spawn, LeavesNoDescriptorOpenAndNoSignalIgnored) {
  const Pipe leak = MakePipe().value();
  ::dup2(leak.reader.get(), 77);
  ::signal(SIGHUP, SIG_IGN);
  const Finished finished = RunShell("ls /proc/$$/fd; grep SigIgn /proc/$$/status",
                                     {.environment = {{"PATH", "/usr/bin:/bin"}}});
  ::signal(SIGHUP, SIG_DFL);
  ::close(77);
  EXPECT_EQ(finished.output, "0\n1\n2\nSigIgn:\t0000000000000000\n");
}

TEST(Spawn, SetsResourceLimits) {
  Launch launch;
  launch.limits = {{RLIMIT_NOFILE, 33}};
  EXPECT_EQ(RunShell("ulimit -n", launch).output, "33\n");
}

TEST(Spawn, NamesAMissingProgramAndWhereItLooked) {
  const auto child =
      Spawn({.argv = {"no-such-program"}, .environment = {{"PATH", "/usr/bin:/bin"}}});
  ASSERT_FALSE(child.has_value());
  EXPECT_EQ(child.error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(child.error().message, "no program \"no-such-program\" in PATH (/usr/bin:/bin)");
  EXPECT_FALSE(child.error().hint.empty());
}

TEST(Spawn, RefusesAMissingPathAMissingDirectoryAndAFileThatIsNoProgram) {
  const testing_support::TempDir folder;
  const auto file = folder.Write("text", "hello");
  EXPECT_EQ(Spawn({.argv = {"/no/such/program"}}).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(Spawn({.argv = {file.string()}}).error().code, base::ErrorCode::kForbidden);
  EXPECT_EQ(Spawn({.argv = {}}).error().code, base::ErrorCode::kInvalid);
  const auto elsewhere = Spawn({.argv = {"/bin/true"}, .directory = "/no/such/folder"});
  EXPECT_EQ(elsewhere.error().code, base::ErrorCode::kNotFound);
  EXPECT_NE(elsewhere.error().message.find("/no/such/folder"), std::string::npos);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was not reaped";
}

TEST(Spawn, RunsNothingWhenTheRegistrationFails) {
  const testing_support::TempDir folder;
  const std::string witness = (folder / "witness").string();
  const auto child =
      Spawn({.argv = {"/bin/sh", "-c", "echo ran > " + witness}}, [](pid_t) -> base::Result<void> {
        return base::Fail(base::ErrorCode::kIo, "the journal is full");
      });
  ASSERT_FALSE(child.has_value());
  EXPECT_EQ(child.error().message, "the journal is full");
  EXPECT_FALSE(std::filesystem::exists(witness));
}

TEST(Table, TellsAProcessFromALaterOneWithTheSameNumber) {
  const auto own = Find(::getpid());
  ASSERT_TRUE(own);
  EXPECT_EQ(own->parent, ::getppid());
  EXPECT_TRUE(IsAlive(own->identity));
  const Identity earlier{own->identity.pid, own->identity.start_ticks - 1};
  EXPECT_FALSE(IsAlive(earlier));
  EXPECT_FALSE(Signal(earlier, SIGKILL));
}

TEST(Table, FindsDescendantsAcrossSessionsAndTheirEnvironment) {
  const Pipe ready = MakePipe().value();
  const Launch launch{.argv = {"/bin/sh", "-c", "setsid sleep 1000 & echo; wait"},
                      .environment = {{"PATH", "/usr/bin:/bin"}, {"MARK", "here"}},
                      .stdout_fd = ready.writer.get()};
  const pid_t child = Spawn(launch).value();
  char byte = 0;
  ASSERT_EQ(::read(ready.reader.get(), &byte, 1), 1);
  const auto descendants = DescendantsOf(::getpid(), ListAll());
  ASSERT_GE(descendants.size(), 2U);
  for (const Identity& one : descendants) {
    EXPECT_TRUE(WasStartedWith(one.pid, "MARK=here"));
    EXPECT_FALSE(WasStartedWith(one.pid, "MARK=her"));
    EXPECT_TRUE(Signal(one, SIGKILL));
  }
  ::waitpid(child, nullptr, 0);
}

TEST(Table, ReportsNothingForAProcessThatDoesNotExist) {
  constexpr pid_t kBeyondLimit = 4'194'305;
  EXPECT_FALSE(Find(kBeyondLimit));
  EXPECT_FALSE(WasStartedWith(kBeyondLimit, "A=b"));
  EXPECT_EQ(CommandLineOf(kBeyondLimit), "");
}

}  // namespace
}  // namespace process
