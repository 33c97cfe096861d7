#include "assay/action/exec_action.h"

#include <csignal>
#include <optional>

#include <gtest/gtest.h>
#include <unistd.h>

#include "assay/action/testing_context.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"
#include "lib/process/table.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;

Value Text(std::string_view text) { return Value::String(text); }

int64_t IntOf(const Outcome& outcome, std::string_view name) {
  const Value* value = outcome.value.Find(name);
  return value != nullptr && value->is_int() ? value->int_value() : -1;
}

std::string TextOf(const Outcome& outcome, std::string_view name) {
  const Value* value = outcome.value.Find(name);
  return value != nullptr && value->is_string() ? std::string(value->string()) : "<none>";
}

size_t CountRunning(const std::string& command) {
  size_t count = 0;
  for (const process::Entry& entry : process::ListAll()) {
    if (!entry.is_zombie() && process::CommandLineOf(entry.identity.pid) == command) ++count;
  }
  return count;
}

TEST(Exec, RunsATextByTheShellAndTellsItsStreamsApart) {
  TestContext context;
  const Outcome outcome = context.Run(
      ExecAction(), Value::Object({{"command", Text("echo out; echo err >&2; exit 4")}}));
  EXPECT_EQ(outcome.disposition, Disposition::kAnswered) << "the exit code is for expectations";
  EXPECT_EQ(IntOf(outcome, "exit_code"), 4);
  EXPECT_EQ(IntOf(outcome, "signal"), 0);
  EXPECT_EQ(TextOf(outcome, "stdout"), "out\n");
  EXPECT_EQ(TextOf(outcome, "stderr"), "err\n");
  EXPECT_GT(outcome.duration.count(), 0);
}

TEST(Exec, RunsAListWithoutAShell) {
  TestContext context;
  const Value command = Value::List({Text("printf"), Text("%s|"), Text("a b"), Value::Int(7)});
  const Outcome outcome = context.Run(
      ExecAction(), Value::Object({{"command", command}, {"args", Value::List({Text("$HOME")})}}));
  EXPECT_EQ(TextOf(outcome, "stdout"), "a b|7|$HOME|");
}

TEST(Exec, GivesInputEnvironmentAndDirectory) {
  TestContext context;
  context.dir().Write("folder/file", "");
  const Outcome outcome =
      context.Run(ExecAction(),
                  Value::Object({{"command", Text("cat; echo $NAME; ls; echo $ASSAY_WORK_DIR")},
                                 {"env", Value::Object({{"NAME", Text("x y")}})},
                                 {"cwd", Text("folder")},
                                 {"stdin", Value::Object({{"a", Value::List({Value::Int(1)})}})}}));
  EXPECT_EQ(TextOf(outcome, "stdout"),
            "{\"a\":[1]}x y\nfile\n" + context.dir().path().string() + "\n");
}

TEST(Exec, ReadsJsonWhenAsked) {
  TestContext context;
  const auto run = [&](std::string_view script) {
    return context.Run(ExecAction(), Value::Object({{"command", Text(script)},
                                                    {"parse_json", Value::Bool(true)}}));
  };
  const Outcome good = run("echo '{\"count\": 3}'");
  ASSERT_NE(good.value.Find("json")->Find("count"), nullptr);
  EXPECT_EQ(good.value.Find("json")->Find("count")->int_value(), 3);
  EXPECT_EQ(TextOf(good, "json_error"), "");
  const Outcome bad = run("echo oops");
  EXPECT_TRUE(bad.value.Find("json")->is_null());
  EXPECT_NE(TextOf(bad, "json_error"), "");
}

TEST(Exec, ReportsTheSignalThatKilledTheProgram) {
  TestContext context;
  const Outcome outcome =
      context.Run(ExecAction(), Value::Object({{"command", Text("kill -9 $$")}}));
  EXPECT_EQ(IntOf(outcome, "signal"), SIGKILL);
  EXPECT_EQ(IntOf(outcome, "exit_code"), 137);
}

TEST(Exec, IsAnErrorWhenTheProgramIsMissing) {
  TestContext context;
  const Outcome outcome = context.Run(
      ExecAction(), Value::Object({{"command", Value::List({Text("no-such-program")})}}));
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, base::ErrorCode::kNotFound);
  EXPECT_TRUE(outcome.error->message.contains("no-such-program"));
  EXPECT_FALSE(outcome.error->hint.empty());
  EXPECT_EQ(context.Run(ExecAction(), Value::Object({})).disposition, Disposition::kError);
}

TEST(Exec, EndsTheWholeTreeWhenTheTimeIsOver) {
  TestContext context;
  context.timeout = std::chrono::milliseconds(300);
  const std::string nap = "sleep 200000." + std::to_string(::getpid());
  const Outcome outcome = context.Run(
      ExecAction(),
      Value::Object({{"command", Text("echo begun; (setsid " + nap + " &); " + nap + " & " +
                                      "trap '' TERM; while :; do wait; done")}}));
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, base::ErrorCode::kTimeout);
  EXPECT_EQ(TextOf(outcome, "stdout"), "begun\n") << "what is known stays";
  EXPECT_EQ(CountRunning(nap), 0U) << "also the one in a session of its own, without a parent";
}

TEST(Exec, LetsAProgramIgnoreItsInput) {
  TestContext context;
  const Outcome outcome = context.Run(
      ExecAction(), Value::Object({{"command", Text("exec 0<&-; sleep 0.05; echo done")},
                                   {"stdin", Text(std::string(1 << 20, 'x'))}}));
  EXPECT_EQ(TextOf(outcome, "stdout"), "done\n");
  EXPECT_EQ(IntOf(outcome, "exit_code"), 0);
}

TEST(Exec, EndsTheProgramWhenTheStepIsCancelled) {
  TestContext context;
  const std::string nap = "sleep 300000." + std::to_string(::getpid());
  net::Runtime runtime;
  const ExecAction exec;
  net::Cancellation cancellation;
  const auto as_result = [](net::Task<Outcome> task) -> net::Task<base::Result<Outcome>> {
    co_return co_await std::move(task);
  };
  const auto cancel_when_running = [&]() -> net::Task<int> {
    while (CountRunning(nap) == 0) (void)co_await net::Sleep(std::chrono::milliseconds(10));
    cancellation.Request();
    co_return 0;
  };
  std::optional<base::Result<Outcome>> result;
  const auto both = [&]() -> net::Task<void> {
    net::TaskGroup group(runtime.executor(), [](const base::Error&) {});
    const auto watch = [&]() -> net::Task<void> { (void)co_await cancel_when_running(); };
    group.Spawn(watch());
    result = co_await net::WithCancellation(
        as_result(context.RunOn(runtime.executor(), exec,
                                Value::Object({{"command", Text("exec " + nap)}}))),
        cancellation);
    (void)co_await group.Join(base::Deadline::After(std::chrono::seconds(5)));
  };
  runtime.Run(both());
  ASSERT_TRUE(result && result->has_value());
  EXPECT_EQ((*result)->disposition, Disposition::kInterrupted);
  EXPECT_EQ((*result)->error->code, base::ErrorCode::kCancelled);
  EXPECT_EQ(CountRunning(nap), 0U);
}

TEST(Exec, DoesNotWaitForWhatTheProgramLeavesRunning) {
  TestContext context;
  const std::string nap = "sleep 400000." + std::to_string(::getpid());
  const Outcome outcome =
      context.Run(ExecAction(), Value::Object({{"command", Text(nap + " & echo done")}}));
  EXPECT_EQ(TextOf(outcome, "stdout"), "done\n");
  EXPECT_LT(outcome.duration, std::chrono::seconds(8));
  for (const process::Entry& entry : process::ListAll()) {
    if (process::CommandLineOf(entry.identity.pid) == nap) process::Signal(entry.identity, SIGKILL);
  }
}

TEST(Exec, ShowsTheBeginningOfLongOutputAndKeepsTheRestAsABlob) {
  TestContext context;
  const Outcome outcome = context.Run(
      ExecAction(), Value::Object({{"command", Text("head -c 3000000 /dev/zero | tr '\\0' x")}}));
  EXPECT_EQ(TextOf(outcome, "stdout").size(), size_t{1} << 20);
  EXPECT_TRUE(outcome.value.Find("truncated")->is_true());
  ASSERT_EQ(outcome.blobs.size(), 1U);
  EXPECT_EQ(context.blobs().Get(outcome.blobs[0]).value().size(), 3000000U);
}

TEST(Exec, ReplacesBytesThatAreNoText) {
  TestContext context;
  const Outcome outcome =
      context.Run(ExecAction(), Value::Object({{"command", Text("printf 'a\\377b'")}}));
  EXPECT_EQ(TextOf(outcome, "stdout"),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(Exec, HasAHeadOfOneLine) {
  const ExecAction exec;
  EXPECT_EQ(exec.Head(Value::Object({{"command", Text("make\ntest")}})), "make");
  EXPECT_EQ(exec.Head(Value::Object({{"command", Value::List({Text("a"), Text("b")})}})), "a b");
  EXPECT_EQ(exec.Head(Value::Object({{"command", Text(std::string(200, 'x'))}})).size(), 80U);
}

}  // namespace
}  // namespace assay::action
