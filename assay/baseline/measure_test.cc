// Metrics from histories written by hand.

#include "assay/baseline/measure.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/baseline/measure_parts.h"
#include "assay/cel/value.h"
#include "assay/history/outcome.h"
#include "lib/base/random.h"
#include "lib/stats/histogram_codec.h"

namespace assay::baseline {
namespace {

using history::Verdict;
using std::chrono::milliseconds;

history::StepResult Step(std::string path, std::string action, milliseconds duration) {
  history::StepResult step;
  step.path = std::move(path);
  step.action = std::move(action);
  step.verdict = Verdict::kPassed;
  step.duration = duration;
  step.finished = true;
  return step;
}

history::ScenarioResult Scenario(std::string instance) {
  history::ScenarioResult scenario;
  scenario.instance = std::move(instance);
  scenario.verdict = Verdict::kPassed;
  scenario.finished = true;
  scenario.duration = milliseconds(800);
  return scenario;
}

void Answer(history::StepResult& step, const cel::Value& value, history::MemoryBlobs& blobs) {
  std::vector<std::string> names;
  history::AttemptResult attempt;
  attempt.value = history::RecordValue(value, blobs, names).value();
  step.attempts.push_back(std::move(attempt));
}

MeasuredRun Measure(history::ScenarioResult scenario, const history::MemoryBlobs& blobs) {
  history::RunModel model;
  model.id = "run-1";
  model.complete = true;
  model.verdict = Verdict::kPassed;
  model.scenarios.push_back(std::move(scenario));
  return MeasureRun(model, blobs);
}

TEST(MeasureTest, DurationsOfWhatWorksAreMeasured) {
  history::ScenarioResult scenario = Scenario("A/1");
  scenario.steps.push_back(Step("A/1/get", "http", milliseconds(12)));
  scenario.steps.push_back(Step("A/1/pause", "wait", milliseconds(500)));
  scenario.steps.push_back(Step("A/1/listen", "websocket", milliseconds(500)));
  scenario.steps.back().background = true;
  scenario.steps.push_back(Step("A/1/bad", "http", milliseconds(7)));
  scenario.steps.back().verdict = Verdict::kSkipped;
  const MeasuredRun run = Measure(std::move(scenario), history::MemoryBlobs());
  ASSERT_EQ(run.metrics.size(), 2U);
  EXPECT_DOUBLE_EQ(run.Find("A/1:duration")->value, 0.8);
  EXPECT_DOUBLE_EQ(run.Find("A/1/get:duration")->value, 0.012);
  EXPECT_FALSE(run.Find("A/1/get:duration")->error.has_value());
  EXPECT_EQ(run.Find("A/1/get:duration")->path(), "A/1/get");
}

TEST(MeasureTest, RoundsOfALoopAreOneMetricWithAnError) {
  history::ScenarioResult scenario = Scenario("A/1");
  history::StepResult loop = Step("A/1/loop", "for_each", milliseconds(60));
  for (int i = 0; i < 6; ++i) {
    loop.children.push_back(
        Step("A/1/loop[" + std::to_string(i) + "]/get", "http", milliseconds(10 + i)));
  }
  scenario.steps.push_back(std::move(loop));
  const MeasuredRun run = Measure(std::move(scenario), history::MemoryBlobs());
  ASSERT_NE(run.Find("A/1/loop[]/get:duration"), nullptr);
  EXPECT_DOUBLE_EQ(run.Find("A/1/loop[]/get:duration")->value, 0.0125);
  EXPECT_GT(*run.Find("A/1/loop[]/get:duration")->error, 0);
  EXPECT_EQ(WithoutRounds("A/1/g#2/loop[12]/x[3]"), "A/1/g/loop[]/x[]");
}

TEST(MeasureTest, WhatDidNotPassIsNotMeasured) {
  history::ScenarioResult failed = Scenario("A/1");
  failed.verdict = Verdict::kFailed;
  EXPECT_TRUE(Measure(failed, history::MemoryBlobs()).metrics.empty());
  history::ScenarioResult retried = Scenario("B/1");
  retried.attempts = 2;
  const MeasuredRun run = Measure(retried, history::MemoryBlobs());
  EXPECT_TRUE(run.metrics.empty());
  EXPECT_EQ(run.not_passed.front().second, "passed on a retry");
}

history::Event Interval(int64_t second, const stats::Histogram& times, int64_t failed) {
  history::Event event;
  event.kind = history::kind::kWorkloadInterval;
  event.data = {{"second", second},
                {"tasks", boost::json::array{boost::json::object{
                              {"name", "get"},
                              {"finished", static_cast<int64_t>(times.count())},
                              {"failed", failed},
                              {"latency", stats::EncodeHistogram(times)},
                              {"service", stats::EncodeHistogram(times)},
                              {"status", boost::json::object()}}}},
                {"begun", 1},
                {"late", 0},
                {"vus", 1},
                {"delay", stats::EncodeHistogram(stats::Histogram())},
                {"cpu", 0.1}};
  return event;
}

// `seconds` of 200 iterations of 10 ms, exponentially distributed, slower by `drift` each second.
history::StepResult LoadStep(int seconds, double drift, history::MemoryBlobs& blobs) {
  history::StepResult step = Step("A/1/load", "workload", milliseconds(1000 * seconds));
  base::Random random(9);
  for (int second = 0; second < seconds; ++second) {
    stats::Histogram times;
    for (int i = 0; i < 200; ++i) {
      const double wait = -std::log(1 - random.Uniform());
      times.Record(static_cast<uint64_t>(10'000 * (1 + drift * second) * (0.9 + 0.1 * wait)));
    }
    step.records.push_back(Interval(second, times, second == 0 ? 1 : 0));
  }
  Answer(step,
         cel::Value::Object({{"rate", cel::Value::Double(200)},
                             {"scheduled", cel::Value::Int(200 * seconds)},
                             {"dropped", cel::Value::Int(0)},
                             {"tasks", cel::Value::Object({})}}),
         blobs);
  return step;
}

TEST(MeasureTest, LoadsGiveRatesSharesAndPercentiles) {
  history::MemoryBlobs blobs;
  history::ScenarioResult scenario = Scenario("A/1");
  scenario.steps.push_back(LoadStep(21, 0, blobs));
  const MeasuredRun run = Measure(std::move(scenario), blobs);
  EXPECT_EQ(run.Find("A/1/load:duration"), nullptr) << "the executor decides that";
  EXPECT_DOUBLE_EQ(run.Find("A/1/load:rate")->value, 200);
  EXPECT_EQ(run.Find("A/1/load:rate")->better, Better::kHigher);
  EXPECT_NEAR(run.Find("A/1/load:errors.rate")->value, 1.0 / 4200, 1e-9);
  EXPECT_NEAR(*run.Find("A/1/load:errors.rate")->error, std::sqrt(2.0) / 4200, 1e-5);
  EXPECT_DOUBLE_EQ(run.Find("A/1/load:dropped.rate")->value, 0);
  EXPECT_NEAR(run.Find("A/1/load:latency.p50")->value, 0.0097, 0.0001);
  EXPECT_NE(run.Find("A/1/load:service_time.p99"), nullptr);
  EXPECT_EQ(run.Find("A/1/load:latency.p999"), nullptr) << "4.2 iterations lie beyond it";
  // Exponential with 1 ms: the error of the mean of 4200 is 1 ms / sqrt(4200).
  EXPECT_NEAR(*run.Find("A/1/load:latency.mean")->error, 0.001 / std::sqrt(4200.0), 1e-5);
}

TEST(MeasureTest, ALoadThatDriftsIsLessCertain) {
  const auto error = [](double drift) {
    history::MemoryBlobs blobs;
    history::ScenarioResult scenario = Scenario("A/1");
    scenario.steps.push_back(LoadStep(21, drift, blobs));
    return *Measure(std::move(scenario), blobs).Find("A/1/load:latency.mean")->error;
  };
  EXPECT_GT(error(0.02), 5 * error(0));
}

TEST(MeasureTest, MonitorsGiveLevelsAndSlopes) {
  history::MemoryBlobs blobs;
  history::StepResult step = Step("A/1/watch", "monitor", milliseconds(60'000));
  step.background = true;
  std::vector<cel::Value> points;
  for (int i = 0; i < 20; ++i) {
    points.push_back(cel::Value::List({cel::Value::Double(i), cel::Value::Double(100e6 + i),
                                       cel::Value::Double(100e6), cel::Value::Double(101e6)}));
  }
  const auto series = [&](bool known) {
    return cel::Value::Object({{"unit", cel::Value::String("bytes")},
                               {"mean", cel::Value::Double(100e6)},
                               {"max", cel::Value::Double(101e6)},
                               {"slope", cel::Value::Double(50e3)},
                               {"slope_low", cel::Value::Double(40e3)},
                               {"slope_high", cel::Value::Double(60e3)},
                               {"known", cel::Value::Bool(known)},
                               {"points", cel::Value::List(points)}});
  };
  Answer(step,
         cel::Value::Object(
             {{"series",
               cel::Value::Object(
                   {{"api", cel::Value::Object({{"rss", series(true)}, {"pss", series(false)}})},
                    {"queue", cel::Value::Object({{"value", series(true)}})}})}}),
         blobs);
  history::ScenarioResult scenario = Scenario("A/1");
  scenario.steps.push_back(std::move(step));
  const MeasuredRun run = Measure(std::move(scenario), blobs);
  EXPECT_DOUBLE_EQ(run.Find("A/1/watch:api.rss.mean")->value, 100e6);
  EXPECT_GT(*run.Find("A/1/watch:api.rss.mean")->error, 0);
  EXPECT_DOUBLE_EQ(run.Find("A/1/watch:api.rss.max")->value, 101e6);
  const Metric* slope = run.Find("A/1/watch:api.rss.slope");
  ASSERT_NE(slope, nullptr);
  EXPECT_EQ(slope->unit, "bytes/s");
  EXPECT_NEAR(*slope->error, 20e3 / 3.92, 1);
  EXPECT_NEAR(slope->floor, 16'667, 1) << "1 % of 100 MB in a minute";
  EXPECT_EQ(run.Find("A/1/watch:api.pss.slope"), nullptr) << "too few points to know it";
  EXPECT_EQ(run.Find("A/1/watch:queue.value.mean")->better, Better::kNeither);
  EXPECT_EQ(run.Find("A/1/watch:queue.value.slope"), nullptr);
}

TEST(MeasureTest, DamagedHistogramsGiveNoFigures) {
  history::MemoryBlobs blobs;
  history::ScenarioResult scenario = Scenario("A/1");
  scenario.steps.push_back(LoadStep(8, 0, blobs));
  scenario.steps.back().records[3].data["tasks"].as_array()[0].as_object()["latency"] = "junk";
  const MeasuredRun run = Measure(std::move(scenario), blobs);
  EXPECT_EQ(run.Find("A/1/load:latency.p50"), nullptr);
  EXPECT_NE(run.Find("A/1:duration"), nullptr);
}

}  // namespace
}  // namespace assay::baseline
