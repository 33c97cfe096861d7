#include "assay/fault/random_plan.h"

#include <algorithm>
#include <set>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace assay::fault {
namespace {

using namespace std::chrono_literals;

const std::vector<FaultChoice> kChoices = {
    {.name = "pause a", .target = "a", .weight = 3},
    {.name = "kill a", .target = "a", .weight = 1},
    {.name = "latency b", .target = "b", .weight = 2, .shortest = 1s, .longest = 2s}};

TEST(MakeFaultPlan, TheSameSeedGivesTheSamePlan) {
  const PlanShape shape{.faults = 20, .span = 300s};
  const FaultPlan plan = MakeFaultPlan(kChoices, shape, 1).value();
  EXPECT_EQ(plan, MakeFaultPlan(kChoices, shape, 1).value());
  EXPECT_NE(plan, MakeFaultPlan(kChoices, shape, 2).value());
}

TEST(MakeFaultPlan, FaultsAreInOrderInTimeAndApart) {
  const PlanShape shape{.faults = 30, .span = 120s, .calm = 500ms};
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const FaultPlan plan = MakeFaultPlan(kChoices, shape, seed).value();
    EXPECT_TRUE(std::ranges::is_sorted(plan, {}, &PlannedFault::at));
    for (const PlannedFault& one : plan) {
      EXPECT_GE(one.lasts, kChoices[one.choice].shortest);
      EXPECT_LE(one.lasts, kChoices[one.choice].longest);
      EXPECT_LE(one.at + one.lasts, shape.span);
      for (const PlannedFault& other : plan) {
        if (&one == &other || kChoices[one.choice].target != kChoices[other.choice].target)
          continue;
        EXPECT_TRUE(one.at + one.lasts + shape.calm <= other.at ||
                    other.at + other.lasts + shape.calm <= one.at);
      }
    }
  }
}

TEST(MakeFaultPlan, WeightsDecideHowOftenAFaultIsDrawn) {
  std::vector<size_t> count(kChoices.size());
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const FaultPlan plan = MakeFaultPlan(kChoices, {.faults = 1}, seed).value();
    ASSERT_EQ(plan.size(), 1U);
    ++count[plan[0].choice];
  }
  EXPECT_NEAR(static_cast<double>(count[0]) / 2000, 0.5, 0.05);
  EXPECT_NEAR(static_cast<double>(count[1]) / 2000, 1.0 / 6, 0.05);
}

TEST(MakeFaultPlan, ASpanThatIsTooShortHoldsFewerFaults) {
  EXPECT_LT(MakeFaultPlan(kChoices, {.faults = 1000, .span = 10s}, 7).value().size(), 100U);
  EXPECT_TRUE(MakeFaultPlan(kChoices, {.faults = 5, .span = 10ms}, 7).value().empty());
}

TEST(MakeFaultPlan, RefusesChoicesThatMakeNoSense) {
  EXPECT_EQ(MakeFaultPlan({}, {}, 1).error().message, "there is no fault to choose from");
  const std::vector<FaultChoice> never = {{.name = "x", .target = "x", .weight = 0}};
  EXPECT_EQ(MakeFaultPlan(never, {}, 1).error().message, "the weight of \"x\" is not above 0: 0");
  const std::vector<FaultChoice> turned = {
      {.name = "x", .target = "x", .weight = 1, .shortest = 2s, .longest = 1s}};
  EXPECT_EQ(MakeFaultPlan(turned, {}, 1).error().message,
            "the durations of \"x\" are the wrong way round: 2s to 1s");
}

FaultPlan PlanOf(size_t size) {
  FaultPlan plan;
  for (size_t i = 0; i < size; ++i) {
    plan.push_back({.choice = i, .at = std::chrono::seconds(i), .lasts = 800ms, .seed = i});
  }
  return plan;
}

bool Holds(const FaultPlan& plan, const std::set<size_t>& needed) {
  return std::ranges::all_of(needed, [&](size_t one) {
    return std::ranges::find(plan, one, &PlannedFault::choice) != plan.end();
  });
}

TEST(ShrinkFaultPlan, FindsTheFaultsThatAreNeededTogether) {
  for (const std::set<size_t>& needed :
       {std::set<size_t>{0}, {31}, {4, 17}, {0, 15, 31}, {3, 4, 5, 6}}) {
    size_t calls = 0;
    const FaultPlan small = ShrinkFaultPlan(PlanOf(32), [&](const FaultPlan& plan) {
      ++calls;
      return Holds(plan, needed);
    });
    std::set<size_t> left;
    for (const PlannedFault& one : small) left.insert(one.choice);
    EXPECT_EQ(left, needed);
    EXPECT_LT(calls, 300U);
  }
}

TEST(ShrinkFaultPlan, ShortensWhatIsLeft) {
  const FaultPlan small = ShrinkFaultPlan(PlanOf(8), [](const FaultPlan& plan) {
    return std::ranges::any_of(
        plan, [](const auto& one) { return one.choice == 3 && one.lasts >= 150ms; });
  });
  ASSERT_EQ(small.size(), 1U);
  EXPECT_EQ(small[0].lasts, 200ms);
  EXPECT_EQ(small[0].at, 3s) << "when it happens stays as it was";
}

TEST(ShrinkFaultPlan, StopsWhenItsTriesAreSpent) {
  size_t calls = 0;
  const FaultPlan left = ShrinkFaultPlan(
      PlanOf(64),
      [&](const FaultPlan& plan) {
        ++calls;
        return Holds(plan, {1, 2});
      },
      5);
  EXPECT_EQ(calls, 5U);
  EXPECT_TRUE(Holds(left, {1, 2})) << "what is left still makes it fail";
}

TEST(FaultPlanJson, ComesBackAsItWas) {
  const FaultPlan plan = MakeFaultPlan(kChoices, {.faults = 12}, 3).value();
  const boost::json::array json = PlanJson(plan, kChoices);
  EXPECT_EQ(json.at(0).at("fault").as_string(), kChoices[plan[0].choice].name);
  const auto text = boost::json::serialize(json);
  const auto again = ParseFaultPlan(boost::json::parse(text));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, plan);
}

TEST(FaultPlanJson, SaysWhichEntryIsWrong) {
  EXPECT_EQ(ParseFaultPlan(boost::json::parse("{}")).error().message,
            "a fault plan is a list of faults");
  EXPECT_EQ(ParseFaultPlan(boost::json::parse("[7]")).error().message,
            "\"choice\" of fault 1 of the plan is not a whole number from 0");
  EXPECT_EQ(ParseFaultPlan(boost::json::parse(
                               R"([{"choice": 0, "at_ns": 1, "lasts_ns": 1, "seed": 1},
                        {"choice": 0, "at_ns": 1.5, "lasts_ns": 1, "seed": 1}])"))
                .error()
                .message,
            "\"at_ns\" of fault 2 of the plan is not a whole number from 0");
}

}  // namespace
}  // namespace assay::fault
