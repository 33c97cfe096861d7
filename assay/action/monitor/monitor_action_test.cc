#include "assay/action/monitor/monitor_action.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "assay/action/monitor/process_reading.h"
#include "assay/action/testing_context.h"
#include "assay/cel/json.h"
#include "lib/net/timer.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;
using testing::HasSubstr;
using testing::IsEmpty;

Value Millis(int64_t count) { return Value::Duration(std::chrono::milliseconds(count)); }

Value Watch(int64_t pid, std::initializer_list<std::pair<std::string_view, Value>> more) {
  cel::MapBuilder map;
  map.Set("processes", Value::Object({{"me", Value::Int(pid)}}));
  for (const auto& [name, value] : more) map.Set(name, value);
  return std::move(map).Build();
}

double At(const Outcome& outcome, std::string_view name, std::string_view quantity,
          std::string_view field) {
  const Value* series = outcome.value.Find("series");
  const Value* one = series == nullptr ? nullptr : series->Find(name);
  const Value* measured = one == nullptr ? nullptr : one->Find(quantity);
  const Value* value = measured == nullptr ? nullptr : measured->Find(field);
  return value == nullptr ? -1 : value->AsDouble().value_or(-1);
}

class MonitorTest : public testing::Test {
 protected:
  TestContext context_;
  MonitorAction action_;
};

TEST_F(MonitorTest, MeasuresAProcess) {
  const Outcome outcome =
      context_.Run(action_, Watch(getpid(), {{"every", Millis(10)}, {"for", Millis(120)}}));
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->message;
  EXPECT_GE(outcome.value.Find("samples")->int_value(), 2);
  EXPECT_GT(At(outcome, "me", "rss", "min"), 1e6);
  EXPECT_GE(At(outcome, "me", "threads", "last"), 1);
  EXPECT_GE(At(outcome, "me", "fds", "last"), 3);
  EXPECT_GT(At(outcome, "me", "pss", "last"), 1e5);
  EXPECT_GE(At(outcome, "me", "cpu", "mean"), 0);
  EXPECT_THAT(outcome.value.Find("problems")->list(), IsEmpty());
  EXPECT_EQ(action_.Head(Watch(1, {})), "monitor me");
}

TEST_F(MonitorTest, AnswersWithWhatItHasWhenItIsCancelled) {
  net::Runtime runtime;
  net::Cancellation joined;
  const auto session = [&]() -> net::Task<base::Result<Outcome>> {
    const auto run = [&]() -> net::Task<base::Result<Outcome>> {
      co_return co_await context_.RunOn(runtime.executor(), action_,
                                        Watch(getpid(), {{"every", Millis(5)}}));
    };
    joined.Request();
    co_return co_await net::WithCancellation(run(), joined);
  };
  const auto outcome = runtime.Run(session());
  ASSERT_TRUE(outcome) << outcome.error().ToString();
  EXPECT_EQ(outcome->disposition, Disposition::kAnswered);
  EXPECT_GE(outcome->value.Find("samples")->int_value(), 1);
}

TEST_F(MonitorTest, ProvesNothingOfAProcessThatIsNotThere) {
  const Outcome outcome = context_.Run(action_, Watch(999'999'999, {{"for", Millis(1)}}));
  EXPECT_EQ(outcome.disposition, Disposition::kInconclusive);
  EXPECT_THAT(outcome.error->message, HasSubstr("process 999999999 ended"));
}

TEST_F(MonitorTest, AsksADatabase) {
  const std::filesystem::path file = context_.dir().path() / "x.db";
  std::ofstream(file).close();
  context_.endpoints["db"] = "sqlite:" + file.string();
  const Value params =
      cel::ParseJson(R"({"sql": {"answer": {"endpoint": "db", "query": "SELECT 42 AS n"}}})")
          .value();
  cel::MapBuilder map;
  for (const auto& [key, value] : params.map().entries()) map.Set(key, value);
  map.Set("every", Millis(10));
  map.Set("for", Millis(25));
  const Outcome outcome = context_.Run(action_, std::move(map).Build());
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->message;
  EXPECT_EQ(At(outcome, "answer", "value", "mean"), 42);
  EXPECT_EQ(context_.blobs().size(), 0U) << "looks leave no transcripts";
}

TEST_F(MonitorTest, RefusesWhatItCannotWatch) {
  const Outcome nothing = context_.Run(action_, Value::Object({}));
  EXPECT_EQ(nothing.disposition, Disposition::kError);
  EXPECT_THAT(nothing.error->message, HasSubstr("nothing to monitor"));
  const Outcome pid = context_.Run(action_, Watch(0, {}));
  EXPECT_THAT(pid.error->message, HasSubstr("processes.me"));
  const Outcome interval = context_.Run(action_, Watch(1, {{"every", Value::Int(1)}}));
  EXPECT_THAT(interval.error->message, HasSubstr("\"every\" is not a duration"));
}

class ProcFiles : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(root_.path() / "7" / "fd");
    std::ofstream(root_.path() / "7" / name) << text;
  }
  base::Result<ProcessReading> Read() { return ReadProcess(7, true, root_.path()); }

  testing_support::TempDir root_;
};

constexpr const char* kStat =
    "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 12345 1000 200";

TEST_F(ProcFiles, AreReadWhateverTheNameOfTheProcess) {
  Write("stat", kStat);
  Write("status", "Name:\ta\nVmRSS:\t  2048 kB\nThreads:\t3\n");
  Write("smaps_rollup", "0-1 ---p\nRss: 2048 kB\nPss:  1024 kB\nPss_Dirty: 1 kB\n");
  Write("io", "rchar: 9\nread_bytes: 4096\nwrite_bytes: 8192\n");
  const auto reading = Read();
  ASSERT_TRUE(reading) << reading.error().ToString();
  EXPECT_EQ(reading->cpu, std::chrono::seconds(300) / sysconf(_SC_CLK_TCK));
  EXPECT_EQ(reading->threads, 3U);
  EXPECT_EQ(reading->start_ticks, 12345U);
  EXPECT_EQ(reading->rss_bytes, 2048U * 1024);
  EXPECT_EQ(reading->pss_bytes, 1024U * 1024);
  EXPECT_EQ(reading->read_bytes, 4096U);
  EXPECT_EQ(reading->write_bytes, 8192U);
  EXPECT_EQ(reading->fds, 0U);
}

TEST_F(ProcFiles, OfAZombieAreGone) {
  Write("stat", "7 (x) Z 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 12345 1000 200");
  Write("status", "Name:\tx\n");
  EXPECT_EQ(Read().error().code, base::ErrorCode::kNotFound);
}

TEST_F(ProcFiles, ThatAreCutOffAreRefused) {
  Write("stat", "7 (x) S 1 2");
  Write("status", "Name:\tx\n");
  EXPECT_EQ(Read().error().code, base::ErrorCode::kCorrupt);
}

TEST_F(ProcFiles, ThatTheKernelDoesNotShowAreAbsent) {
  Write("stat", kStat);
  Write("status", "Name:\ta\nVmRSS:\t1 kB\n");
  EXPECT_FALSE(Read()->pss_bytes);
  EXPECT_FALSE(Read()->read_bytes);
}

}  // namespace
}  // namespace assay::action
