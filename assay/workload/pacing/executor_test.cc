#include "assay/workload/pacing/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::workload {
namespace {

using cel::Value;
using std::chrono::seconds;
using testing::HasSubstr;

using Fields = std::vector<std::pair<std::string_view, Value>>;

base::Result<Executor> Read(std::string_view name, const Fields& fields) {
  cel::MapBuilder map;
  map.Set("executor", Value::String(name));
  for (const auto& [key, value] : fields) map.Set(key, value);
  return ReadExecutor(std::move(map).Build());
}

std::string Refusal(std::string_view name, const Fields& fields) {
  const auto read = Read(name, fields);
  return read ? "accepted" : read.error().message;
}

Value Seconds(int64_t n) { return Value::Duration(seconds(n)); }

Value Stages(std::initializer_list<std::pair<int64_t, int64_t>> stages) {
  std::vector<Value> list;
  for (const auto& [length, target] : stages) {
    list.push_back(Value::Object({{"duration", Seconds(length)}, {"target", Value::Int(target)}}));
  }
  return Value::List(std::move(list));
}

TEST(ExecutorTest, DefaultsAreThoseOfK6) {
  const auto shared = Read("shared-iterations", {});
  ASSERT_TRUE(shared);
  EXPECT_EQ(shared->vus, 1);
  EXPECT_EQ(shared->iterations, 1);
  EXPECT_EQ(shared->max_duration, std::chrono::minutes(10));
  EXPECT_EQ(shared->graceful_stop, seconds(30));
  const auto ramp = Read("ramping-vus", {{"stages", Stages({{10, 5}})}});
  ASSERT_TRUE(ramp);
  EXPECT_EQ(ramp->start_vus, 1);
  EXPECT_EQ(ramp->graceful_ramp_down, seconds(30));
  const auto rate = Read(
      "constant-arrival-rate",
      {{"rate", Value::Int(10)}, {"duration", Seconds(5)}, {"pre_allocated_vus", Value::Int(4)}});
  ASSERT_TRUE(rate);
  EXPECT_EQ(rate->time_unit, seconds(1));
  EXPECT_EQ(rate->max_vus, 4);
  EXPECT_TRUE(rate->is_open());
}

TEST(ExecutorTest, SaysWhatItNeeds) {
  EXPECT_THAT(Refusal("constant-vus", {}), HasSubstr("needs the parameter \"duration\""));
  EXPECT_THAT(Refusal("ramping-arrival-rate", {{"stages", Stages({{1, 1}})}}),
              HasSubstr("pre_allocated_vus"));
}

TEST(ExecutorTest, RefusesAParameterOfAnotherExecutor) {
  const std::string said =
      Refusal("constant-vus", {{"duration", Seconds(1)}, {"rate", Value::Int(5)}});
  EXPECT_THAT(said, HasSubstr("has no parameter \"rate\""));
  EXPECT_THAT(said, HasSubstr("duration, vus"));
}

TEST(ExecutorTest, NamesTheKnownExecutors) {
  EXPECT_THAT(Refusal("externally-controlled", {}), HasSubstr("ramping-arrival-rate"));
}

TEST(ExecutorTest, RefusesValuesWithoutSense) {
  EXPECT_THAT(Refusal("constant-vus", {{"duration", Seconds(0)}}), HasSubstr("over zero"));
  EXPECT_THAT(Refusal("constant-vus", {{"duration", Seconds(1)}, {"vus", Value::Int(0)}}),
              HasSubstr("\"vus\""));
  EXPECT_THAT(Refusal("ramping-vus", {{"stages", Value::List({})}}), HasSubstr("stages"));
  EXPECT_THAT(Refusal("ramping-vus", {{"stages", Stages({{0, 3}})}}), HasSubstr("no time"));
  EXPECT_THAT(Refusal("ramping-vus", {{"stages", Stages({{3, 0}})}, {"start_vus", Value::Int(0)}}),
              HasSubstr("never a user"));
  const Fields rate = {
      {"rate", Value::Int(0)}, {"duration", Seconds(1)}, {"pre_allocated_vus", Value::Int(1)}};
  EXPECT_THAT(Refusal("constant-arrival-rate", rate), HasSubstr("over zero"));
}

TEST(ExecutorTest, MaxVusCannotBeLessThanPreAllocated) {
  EXPECT_THAT(Refusal("constant-arrival-rate", {{"rate", Value::Int(1)},
                                                {"duration", Seconds(1)},
                                                {"pre_allocated_vus", Value::Int(5)},
                                                {"max_vus", Value::Int(4)}}),
              HasSubstr("max_vus (4) is less than pre_allocated_vus (5)"));
}

TEST(ExecutorTest, TheSpanIsTheSumOfTheStages) {
  const auto ramp = Read("ramping-vus", {{"stages", Stages({{10, 5}, {20, 9}, {5, 0}})}});
  ASSERT_TRUE(ramp);
  EXPECT_EQ(ramp->span(), seconds(35));
  EXPECT_EQ(ramp->most_vus(), 9);
}

}  // namespace
}  // namespace assay::workload
