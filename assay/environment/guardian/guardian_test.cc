#include "assay/environment/guardian/guardian.h"

#include <csignal>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/environment/guardian/journal.h"
#include "assay/environment/guardian/undo.h"
#include "assay/environment/test_support.h"
#include "lib/base/random.h"

namespace assay::environment {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing_support::TempDir;

/// Runs a test that needs a guardian, and finishes it.
void WithGuardian(const std::string& run, const std::function<net::Task<void>(Guardian&)>& body) {
  const TempDir folder;
  net::Runtime runtime;
  const auto test = [&]() -> net::Task<void> {
    auto guardian = co_await Guardian::Start(OptionsIn(folder, run), Soon());
    EXPECT_TRUE(guardian.has_value()) << guardian.error().ToString();
    if (!guardian.has_value()) co_return;
    co_await body(**guardian);
    (void)co_await (*guardian)->Finish(Soon());
  };
  runtime.Run(test());
}

/// The program that stands for assay, started with `own`; says on `output` when all is running.
struct Owner {
  pid_t pid = 0;
  process::Pipe output;
};

Owner StartOwner(const TempDir& folder, const std::string& run, const std::string& token) {
  Owner owner{.pid = 0, .output = process::MakePipe().value()};
  process::Launch launch;
  launch.argv = {TEST_HOST, "own", folder.path(), run, token};
  launch.environment = process::InheritedEnvironment();
  launch.stdout_fd = owner.output.writer.get();
  launch.stderr_fd = STDERR_FILENO;
  owner.pid = process::Spawn(launch).value();
  owner.output.writer.Reset();
  return owner;
}

void Kill(const Owner& owner) {
  ::kill(owner.pid, SIGKILL);
  ::waitpid(owner.pid, nullptr, 0);
}

bool IsUndone(const std::filesystem::path& journal) {
  const auto state = ReadJournal(journal);
  return state.has_value() && state->undone;
}

TEST(Guardian, ReportsHowAProcessEnded) {
  WithGuardian("ends", [](Guardian& guardian) -> net::Task<void> {
    const auto started = co_await guardian.StartProcess(
        {.service = "task", .launch = Shell("exit 3"), .limits = {}}, Soon());
    EXPECT_TRUE(started.has_value());
    const auto exit = co_await guardian.WaitExit(started->pid, Soon());
    EXPECT_EQ(exit.value().code, 3);
    EXPECT_EQ(exit.value().signal, 0);

    const auto other = co_await guardian.StartProcess(
        {.service = "server", .launch = Shell("sleep 1000; echo"), .limits = {}}, Soon());
    EXPECT_FALSE(guardian.FindExit(other->pid));
    const auto count = co_await guardian.Signal(other->pid, SIGKILL, SignalScope::kGroup, Soon());
    EXPECT_GE(count.value(), 1);
    const auto killed = co_await guardian.WaitExit(other->pid, Soon());
    EXPECT_EQ(killed.value().signal, SIGKILL);
  });
}

TEST(Guardian, PassesOutputAndMarksTheProcess) {
  WithGuardian("marked", [](Guardian& guardian) -> net::Task<void> {
    process::Pipe pipe = process::MakePipe().value();
    process::Launch launch = Shell("echo $ASSAY_RUN_ID $ASSAY_SERVICE");
    launch.stdout_fd = pipe.writer.get();
    const auto started = co_await guardian.StartProcess(
        {.service = "api", .launch = std::move(launch), .limits = {}}, Soon());
    EXPECT_TRUE(started.has_value());
    pipe.writer.Reset();
    std::array<std::byte, 100> text{};
    const auto got = co_await net::ReadSome(pipe.reader.get(), text, Soon());
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(text.data()), got.value()), "marked api\n");
  });
}

/// Writes a line into a file.
CleanupCommand Note(const std::filesystem::path& file, const std::string& line) {
  return {.argv = {"/bin/sh", "-c", "echo " + line + " >> " + file.string()},
          .environment = CleanupEnvironment(process::InheritedEnvironment())};
}

TEST(Guardian, CleansUpAtTheEndTheLatestFirst) {
  const TempDir notes;
  WithGuardian("cleans", [&](Guardian& guardian) -> net::Task<void> {
    EXPECT_TRUE((co_await guardian.OwnCleanup(Note(notes / "n", "network"), Soon())).has_value());
    const auto gone = co_await guardian.OwnCleanup(Note(notes / "n", "image"), Soon());
    EXPECT_TRUE((co_await guardian.OwnCleanup(Note(notes / "n", "web"), Soon())).has_value());
    EXPECT_TRUE((co_await guardian.DisownCleanup(gone.value(), Soon())).has_value());
    EXPECT_FALSE(std::filesystem::exists(notes / "n"));
  });
  EXPECT_EQ(testing_support::ReadFile(notes / "n"), "web\nnetwork\n");
}

// Machine restarted, or both were killed: the journal alone knows.
TEST(Guardian, LeftoversAreCleanedUpOnce) {
  const TempDir folder;
  const auto journal = folder / "lost.journal";
  {
    Journal made = Journal::Create(journal, "lost").value();
    ASSERT_TRUE(made.AddCommand(Note(folder / "n", "gone")).has_value());
    const uint64_t entry = made.AddCommand(Note(folder / "n", "kept")).value();
    ASSERT_TRUE(made.MarkUndone(entry).has_value());
  }
  const auto reports = UndoLeftovers(folder.path()).value();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].commands, 1U);
  EXPECT_TRUE(UndoLeftovers(folder.path()).value().empty());
  EXPECT_EQ(testing_support::ReadFile(folder / "n"), "gone\n");
}

// The engine may be down now: the next run tries again.
TEST(Guardian, ACleanupThatFailsStaysInTheJournal) {
  const TempDir folder;
  {
    Journal made = Journal::Create(folder / "lost.journal", "lost").value();
    ASSERT_TRUE(made.AddCommand({.argv = {"/bin/false"}, .environment = {}}).has_value());
  }
  for (int round = 0; round < 2; ++round) {
    const auto reports = UndoLeftovers(folder.path()).value();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].errors.size(), 1U);
  }
}

TEST(Guardian, NamesAProgramThatDoesNotExist) {
  WithGuardian("missing", [](Guardian& guardian) -> net::Task<void> {
    process::Launch launch;
    launch.argv = {"/no/such/server"};
    const auto started = co_await guardian.StartProcess(
        {.service = "server", .launch = std::move(launch), .limits = {}}, Soon());
    EXPECT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, base::ErrorCode::kNotFound);
    EXPECT_TRUE(started.error().message.contains("/no/such/server"));
    EXPECT_FALSE(started.error().hint.empty());
  });
}

TEST(Guardian, SaysHowLimitsAreEnforced) {
  WithGuardian("limits", [](Guardian& guardian) -> net::Task<void> {
    process::Pipe pipe = process::MakePipe().value();
    process::Launch launch = Shell("ulimit -n");
    launch.stdout_fd = pipe.writer.get();
    StartRequest request{.service = "small", .launch = std::move(launch), .limits = {}};
    request.limits.files = 64;
    const auto started = co_await guardian.StartProcess(std::move(request), Soon());
    EXPECT_EQ(started.value().limits.files, "rlimit");
    EXPECT_EQ(started.value().limits.memory, "");
    pipe.writer.Reset();
    std::array<std::byte, 100> text{};
    const auto got = co_await net::ReadSome(pipe.reader.get(), text, Soon());
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(text.data()), got.value()), "64\n");
  });
}

TEST(Guardian, ReachesWhatLeftTheSessionOfAService) {
  const std::string token = UniqueToken();
  WithGuardian("tree" + token, [&](Guardian& guardian) -> net::Task<void> {
    const std::string nap = Nap(token);
    const auto started = co_await guardian.StartProcess(
        {.service = "server", .launch = Shell("(setsid " + nap + " &); exec " + nap), .limits = {}},
        Soon());
    const auto both = [&] { return Running(Nap(token)).size() == 2; };
    EXPECT_TRUE(co_await Eventually(both, Soon()));
    (void)co_await guardian.Signal(started->pid, SIGKILL, SignalScope::kTree, Soon());
    const auto none = [&] { return Running(Nap(token)).empty(); };
    EXPECT_TRUE(co_await Eventually(none, Soon()));
  });
}

TEST(Guardian, FinishEndsEveryProcessAndRemovesItsDirectories) {
  const TempDir folder;
  const std::string token = UniqueToken();
  const std::string run = "finish" + token;
  net::Runtime runtime;
  const auto test = [&]() -> net::Task<void> {
    auto guardian = co_await Guardian::Start(OptionsIn(folder, run), Soon());
    EXPECT_TRUE(guardian.has_value());
    EXPECT_TRUE((co_await (*guardian)->Own(folder / "scratch", Soon())).has_value());
    EXPECT_TRUE((co_await (*guardian)->Own(folder / "kept", Soon())).has_value());
    EXPECT_TRUE((co_await (*guardian)->Disown(folder / "kept", Soon())).has_value());
    folder.Write("scratch/deep/file", "x");
    folder.Write("kept/file", "x");
    (void)co_await (*guardian)->StartProcess(
        {.service = "stubborn",
         .launch = Shell("trap '' TERM; (setsid env -i " + Nap(token) +
                         " &); while :; do sleep 0.0" + token + "; done"),
         .limits = {}},
        Soon());
    const auto running = [&] { return Running(Nap(token)).size() == 1; };
    EXPECT_TRUE(co_await Eventually(running, Soon()));
    const auto killed = co_await (*guardian)->Finish(Soon());
    EXPECT_GE(killed.value(), 2);
    EXPECT_FALSE((*guardian)->is_alive());
  };
  runtime.Run(test());
  EXPECT_TRUE(Running(Nap(token)).empty());
  EXPECT_FALSE(std::filesystem::exists(folder / "scratch"));
  EXPECT_TRUE(std::filesystem::exists(folder / "kept/file"));
  EXPECT_TRUE(IsUndone(folder / (run + ".journal")));
}

TEST(Guardian, RefusesToStartWithoutAJournal) {
  const TempDir folder;
  net::Runtime runtime;
  const auto test = [&]() -> net::Task<void> {
    GuardianOptions options = OptionsIn(folder, "r");
    options.journal = folder / "no" / "such" / "r.journal";
    const auto guardian = co_await Guardian::Start(std::move(options), Soon());
    EXPECT_FALSE(guardian.has_value());
    EXPECT_EQ(guardian.error().code, base::ErrorCode::kIo);
    EXPECT_TRUE(guardian.error().message.contains("r.journal"));
  };
  runtime.Run(test());
}

TEST(Guardian, UndoesEverythingWithinFiveSecondsAfterItsOwnerWasKilled) {
  const TempDir folder;
  const std::string token = UniqueToken();
  const std::string run = "killed" + token;
  const Owner owner = StartOwner(folder, run, token);
  std::string line(8, '\0');
  ASSERT_EQ(::read(owner.output.reader.get(), line.data(), line.size()), 8);
  net::Runtime runtime;
  const auto all = [&] { return Running(Nap(token)).size() >= 3 * 5; };
  ASSERT_TRUE(runtime.Run(Eventually(all, Soon())));
  Kill(owner);
  const auto gone = [&] { return Running(Nap(token)).empty() && FindMarked(run).empty(); };
  EXPECT_TRUE(runtime.Run(Eventually(gone, Within(seconds(5)))));
  const auto undone = [&] { return IsUndone(folder / (run + ".journal")); };
  EXPECT_TRUE(runtime.Run(Eventually(undone, Within(seconds(5)))));
  EXPECT_FALSE(std::filesystem::exists(folder / "environment" / "local"));
}

TEST(Guardian, SurvivesWhatATerminalSends) {
  const TempDir folder;
  const std::string token = UniqueToken();
  const std::string run = "terminal" + token;
  const Owner owner = StartOwner(folder, run, token);
  std::string line(8, '\0');
  ASSERT_EQ(::read(owner.output.reader.get(), line.data(), line.size()), 8);
  const auto guardian = ReadJournal(folder / (run + ".journal")).value().guardian;
  for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGQUIT}) ::kill(guardian.pid, number);
  EXPECT_NE(process::Find(guardian.pid)->session, process::Find(owner.pid)->session);
  EXPECT_TRUE(process::IsAlive(guardian));
  EXPECT_FALSE(Running(Nap(token)).empty());
  Kill(owner);
  net::Runtime runtime;
  const auto gone = [&] { return Running(Nap(token)).empty(); };
  EXPECT_TRUE(runtime.Run(Eventually(gone, Within(seconds(5)))));
}

TEST(Guardian, LeavesNothingWhereverItsOwnerIsKilledDuringTheStart) {
  constexpr int kMoments = 20;
  constexpr uint64_t kSeed = 20261121;
  base::Random random(kSeed);
  net::Runtime runtime;
  for (int i = 0; i < kMoments; ++i) {
    const TempDir folder;
    const std::string token = UniqueToken();
    const std::string run = "moment" + token;
    const Owner owner = StartOwner(folder, run, token);
    const auto moment = std::chrono::microseconds(random.Below(120'000));
    (void)runtime.Run(net::Sleep(moment));
    Kill(owner);
    const auto gone = [&] { return Running(Nap(token)).empty() && FindMarked(run).empty(); };
    EXPECT_TRUE(runtime.Run(Eventually(gone, Within(seconds(5)))))
        << "killed " << moment.count() << " us after the start";
    const auto undone = [&] {
      const auto journal = folder / (run + ".journal");
      return !std::filesystem::exists(journal) || IsUndone(journal);
    };
    EXPECT_TRUE(runtime.Run(Eventually(undone, Within(seconds(5)))));
  }
}

TEST(UndoLeftovers, EndsWhatARunLeftWhenItsGuardianWasKilledToo) {
  const TempDir folder;
  const std::string token = UniqueToken();
  const std::string run = "both" + token;
  const Owner owner = StartOwner(folder, run, token);
  std::string line(8, '\0');
  ASSERT_EQ(::read(owner.output.reader.get(), line.data(), line.size()), 8);
  const auto journal = folder / (run + ".journal");
  EXPECT_TRUE(UndoLeftovers(folder.path()).value().empty()) << "its guardian lives";
  ::kill(ReadJournal(journal).value().guardian.pid, SIGKILL);
  Kill(owner);
  net::Runtime runtime;
  const auto unlocked = [&] { return static_cast<bool>(LockJournal(journal)); };
  ASSERT_TRUE(runtime.Run(Eventually(unlocked, Soon())));
  const auto reports = UndoLeftovers(folder.path()).value();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].run, run);
  EXPECT_GE(reports[0].processes, 1U);
  EXPECT_EQ(reports[0].paths, 1U);
  EXPECT_TRUE(FindMarked(run).empty());
  EXPECT_FALSE(std::filesystem::exists(journal));
  // The one that dropped the marker and lost its guardian cannot be told from a stranger.
  for (const auto& stray : Running(Nap(token))) process::Signal(stray, SIGKILL);
}

TEST(Guardian, ItsDeathIsReportedToEveryCaller) {
  WithGuardian("dies", [](Guardian& guardian) -> net::Task<void> {
    const auto started = co_await guardian.StartProcess(
        {.service = "server", .launch = Shell("sleep 1000"), .limits = {}}, Soon());
    const auto identity = process::Find(started->pid)->identity;
    ::kill(guardian.pid(), SIGKILL);
    const auto exit = co_await guardian.WaitExit(started->pid, Soon());
    EXPECT_EQ(exit.error().code, base::ErrorCode::kUnavailable);
    EXPECT_TRUE(co_await Eventually([&] { return !process::IsAlive(identity); }, Soon()));
    const auto again = co_await guardian.StartProcess(
        {.service = "server", .launch = Shell("true"), .limits = {}}, Soon());
    EXPECT_EQ(again.error().code, base::ErrorCode::kUnavailable);
    EXPECT_FALSE(again.error().hint.empty());
  });
}

}  // namespace
}  // namespace assay::environment
