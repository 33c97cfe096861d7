#include "assay/environment/tool.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "assay/environment/guardian/cleanup.h"
#include "assay/environment/guardian/undo.h"
#include "assay/environment/test_support.h"

namespace assay::environment {
namespace {

using std::chrono::milliseconds;

ToolCall ShellCall(const std::string& script, const std::string& run = "tooltest") {
  return {.argv = {"/bin/sh", "-c", script},
          .environment = process::InheritedEnvironment(),
          .directory = "/",
          .run = run,
          .input = {},
          .on_output = {}};
}

TEST(Tool, GivesBothStreamsAndTheExitCode) {
  net::Runtime runtime;
  const auto output =
      runtime.Run(CallTool(ShellCall("echo out; echo err >&2; exit 3"), Soon())).value();
  EXPECT_EQ(output.out, "out\n");
  EXPECT_EQ(output.err, "err\n");
  EXPECT_EQ(output.exit.code, 3);
  EXPECT_FALSE(output.succeeded());
}

TEST(Tool, ReadsWhatItIsGiven) {
  net::Runtime runtime;
  ToolCall call = ShellCall("cat");
  call.input = "line\n";
  EXPECT_EQ(runtime.Run(CallTool(std::move(call), Soon())).value().out, "line\n");
}

TEST(Tool, AFailureShowsTheLastLines) {
  net::Runtime runtime;
  const auto failed =
      runtime.Run(CallToolOrFail(ShellCall("seq 1 20; echo no such image >&2; exit 125"), Soon()));
  ASSERT_FALSE(failed.has_value());
  EXPECT_NE(failed.error().message.find("exited with code 125"), std::string::npos);
  EXPECT_NE(failed.error().hint.find("20\nno such image"), std::string::npos);
  EXPECT_EQ(failed.error().hint.find("\n9\n"), std::string::npos) << failed.error().hint;
}

TEST(Tool, AProgramThatIsNotThereIsNamed) {
  net::Runtime runtime;
  ToolCall call = ShellCall("");
  call.argv = {"no-such-engine"};
  const auto failed = runtime.Run(CallTool(std::move(call), Soon()));
  EXPECT_EQ(failed.error().code, base::ErrorCode::kNotFound);
}

TEST(Tool, ACallThatTakesTooLongEndsWithItsChildren) {
  net::Runtime runtime;
  const std::string token = UniqueToken();
  const auto failed =
      runtime.Run(CallTool(ShellCall(Nap(token) + " & " + Nap(token)), Within(milliseconds(300))));
  EXPECT_EQ(failed.error().code, base::ErrorCode::kTimeout);
  EXPECT_TRUE(Running(Nap(token)).empty());
}

// What an engine leaves behind is in another session and is not the run's.
TEST(Tool, ChildrenOfACallAreFoundAndServicesOfTheEngineAreNot) {
  net::Runtime runtime;
  const std::string run = "toolrun" + UniqueToken();
  const std::string child = UniqueToken();
  const std::string daemon = UniqueToken();
  const auto output = runtime.Run(CallTool(
      ShellCall(Nap(child) + " >/dev/null 2>&1 & setsid " + Nap(daemon) + " >/dev/null 2>&1 &",
                run),
      Soon()));
  ASSERT_TRUE(output.has_value());
  const auto is_running = [](const std::string& token) { return Running(Nap(token)).size() == 1; };
  ASSERT_TRUE(
      runtime.Run(Eventually([&] { return is_running(child) && is_running(daemon); }, Soon())));
  EXPECT_EQ(FindMarked(run), Running(Nap(child)));
  for (const auto& token : {child, daemon}) {
    for (const auto& one : Running(Nap(token))) process::Signal(one, SIGKILL);
  }
}

CleanupCommand ShellCleanup(const std::string& script) {
  return {.argv = {"/bin/sh", "-c", script},
          .environment = CleanupEnvironment(process::InheritedEnvironment()),
          .within = std::chrono::seconds(5)};
}

TEST(Cleanup, SurvivesTheJournal) {
  CleanupCommand command = ShellCleanup("true");
  command.environment = {{"PATH", "/bin"}, {"HOME", ""}};
  const CleanupCommand read = CleanupFromJson(ToJson(command));
  EXPECT_EQ(read.argv, command.argv);
  EXPECT_EQ(read.environment, command.environment);
  EXPECT_EQ(read.within, command.within);
}

TEST(Cleanup, KeepsNoVariableThatCouldBeASecret) {
  const auto kept = CleanupEnvironment(
      {{"PATH", "/bin"}, {"API_TOKEN", "hush"}, {"DOCKER_HOST", "unix:///d.sock"}});
  EXPECT_EQ(kept, (process::EnvironmentList{{"PATH", "/bin"}, {"DOCKER_HOST", "unix:///d.sock"}}));
}

TEST(Cleanup, AFailureShowsWhatTheCommandSaid) {
  EXPECT_TRUE(RunCleanup(ShellCleanup("exit 0")).has_value());
  const auto failed = RunCleanup(ShellCleanup("echo engine is gone; exit 1"));
  ASSERT_FALSE(failed.has_value());
  EXPECT_NE(failed.error().message.find("engine is gone"), std::string::npos);
  CleanupCommand slow = ShellCleanup("sleep 100");
  slow.within = std::chrono::seconds(0);
  EXPECT_EQ(RunCleanup(slow).error().code, base::ErrorCode::kTimeout);
}

}  // namespace
}  // namespace assay::environment
