#include "assay/workload/pacing/schedule.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/workload/pacing/mix.h"

namespace assay::workload {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Executor Rate(double rate, base::Duration span, base::Duration unit = seconds(1)) {
  Executor executor{.kind = ExecutorKind::kConstantArrivalRate};
  executor.rate = rate;
  executor.duration = span;
  executor.time_unit = unit;
  executor.max_vus = executor.pre_allocated_vus = 1;
  return executor;
}

Executor Ramp(double start, std::vector<Stage> stages) {
  Executor executor{.kind = ExecutorKind::kRampingArrivalRate};
  executor.start_rate = start;
  executor.stages = std::move(stages);
  executor.max_vus = executor.pre_allocated_vus = 1;
  return executor;
}

Executor Users(int64_t start, std::vector<Stage> stages) {
  Executor executor{.kind = ExecutorKind::kRampingVus};
  executor.start_vus = start;
  executor.stages = std::move(stages);
  return executor;
}

// --- arrivals ----------------------------------------------------------------------------------

TEST(ArrivalScheduleTest, AConstantRateIsDueAtWholePeriods) {
  const ArrivalSchedule schedule(Rate(50, seconds(10)));
  EXPECT_EQ(schedule.count(), 500);
  EXPECT_EQ(schedule.TimeOf(0), seconds(0));
  EXPECT_EQ(schedule.TimeOf(1), milliseconds(20));
  EXPECT_EQ(schedule.TimeOf(499), milliseconds(9980));
}

TEST(ArrivalScheduleTest, TheTimeUnitScalesTheRate) {
  const ArrivalSchedule schedule(Rate(90, minutes(2), minutes(1)));
  EXPECT_EQ(schedule.count(), 180);
  EXPECT_EQ(schedule.TimeOf(3), seconds(2));
}

TEST(ArrivalScheduleTest, APeriodThatIsNoWholeNanosecondDoesNotDrift) {
  const ArrivalSchedule schedule(Rate(3, std::chrono::hours(24 * 7)));
  EXPECT_EQ(schedule.count(), 3 * 86400 * 7);
  EXPECT_EQ(schedule.TimeOf(3'000), seconds(1'000));
  EXPECT_EQ(schedule.TimeOf(3 * 86400), seconds(86400));
}

TEST(ArrivalScheduleTest, ARateThatDoesNotDivideTheSpanHasALastArrivalInside) {
  const ArrivalSchedule schedule(Rate(3, milliseconds(1500)));
  EXPECT_EQ(schedule.count(), 5);
  EXPECT_LT(schedule.TimeOf(4), milliseconds(1500));
}

TEST(ArrivalScheduleTest, ARampFromZeroArrivesAtTheRootsOfItsParabola) {
  // N(t) = 10 t^2 / 2 / 10 for 0 to 10 per second over 10 s: k is due at sqrt(2 k).
  const ArrivalSchedule schedule(Ramp(0, {{seconds(10), 10}}));
  EXPECT_EQ(schedule.count(), 50);
  for (uint64_t k = 0; k < 50; ++k) {
    EXPECT_NEAR(static_cast<double>(schedule.TimeOf(k).count()) / 1e9,
                std::sqrt(2.0 * static_cast<double>(k)), 2e-9)
        << k;
  }
}

TEST(ArrivalScheduleTest, ARampDownIsTheMirrorOfARampUp) {
  // N(t) = 10 t - t^2 / 2: k is due at 10 - sqrt(100 - 2 k).
  const ArrivalSchedule schedule(Ramp(10, {{seconds(10), 0}}));
  EXPECT_EQ(schedule.count(), 50);
  for (uint64_t k = 0; k < 50; ++k) {
    EXPECT_NEAR(static_cast<double>(schedule.TimeOf(k).count()) / 1e9,
                10 - std::sqrt(100 - 2.0 * static_cast<double>(k)), 1e-8)
        << k;
  }
}

TEST(ArrivalScheduleTest, StagesFollowOneAnother) {
  const ArrivalSchedule schedule(
      Ramp(100, {{seconds(1), 100}, {seconds(0), 200}, {seconds(2), 200}, {seconds(1), 0}}));
  EXPECT_EQ(schedule.span(), seconds(4));
  EXPECT_EQ(schedule.count(), 100 + 400 + 100);
  EXPECT_EQ(schedule.TimeOf(99), milliseconds(990));
  EXPECT_EQ(schedule.TimeOf(100), seconds(1));
  EXPECT_EQ(schedule.TimeOf(101), milliseconds(1005));
  EXPECT_EQ(schedule.TimeOf(500), seconds(3));
}

TEST(ArrivalScheduleTest, NothingArrivesInAPause) {
  const ArrivalSchedule schedule(Ramp(0, {{seconds(5), 0}, {seconds(0), 10}, {seconds(1), 10}}));
  EXPECT_EQ(schedule.count(), 10);
  EXPECT_EQ(schedule.TimeOf(0), seconds(5));
  EXPECT_EQ(schedule.TimeOf(9), milliseconds(5900));
  EXPECT_EQ(schedule.CountUntil(seconds(5)), 0);
}

TEST(ArrivalScheduleTest, CountingAndDueTimesAgreeEverywhere) {
  const ArrivalSchedule schedule(
      Ramp(7, {{milliseconds(1300), 31}, {seconds(1), 31}, {milliseconds(700), 2}}));
  for (uint64_t k = 0; k < schedule.count(); ++k) {
    EXPECT_LE(schedule.CountUntil(schedule.TimeOf(k)), k);
    EXPECT_GE(schedule.CountUntil(schedule.TimeOf(k) + std::chrono::microseconds(1)), k + 1);
    if (k > 0) EXPECT_GT(schedule.TimeOf(k), schedule.TimeOf(k - 1));
  }
}

// --- users -------------------------------------------------------------------------------------

TEST(UserScheduleTest, ConstantUsersAreThereFromBeginToEnd) {
  Executor executor{.kind = ExecutorKind::kConstantVus, .duration = seconds(10)};
  executor.vus = 3;
  const UserSchedule schedule(executor);
  EXPECT_EQ(schedule.most_users(), 3);
  EXPECT_EQ(schedule.UsersAt(seconds(0)), 3);
  EXPECT_EQ(schedule.UsersAt(seconds(10)), 0);
  EXPECT_THAT(schedule.PresenceOf(2),
              testing::ElementsAre(Presence{seconds(0), seconds(10), seconds(40)}));
  EXPECT_THAT(schedule.PresenceOf(3), testing::IsEmpty());
}

TEST(UserScheduleTest, ARampAddsItsUsersAtEvenDistances) {
  const UserSchedule schedule(Users(0, {{seconds(10), 5}, {seconds(5), 5}}));
  EXPECT_EQ(schedule.UsersAt(milliseconds(1999)), 0);
  EXPECT_EQ(schedule.UsersAt(seconds(2)), 1);
  EXPECT_EQ(schedule.UsersAt(milliseconds(9999)), 4);
  EXPECT_EQ(schedule.UsersAt(seconds(10)), 5);
  EXPECT_EQ(schedule.PresenceOf(0).front().begin, seconds(2));
  EXPECT_EQ(schedule.PresenceOf(4).front().begin, seconds(10));
}

TEST(UserScheduleTest, WhoCameLastLeavesFirstAndMayFinishWhatItBegan) {
  Executor executor = Users(3, {{seconds(6), 0}});
  executor.graceful_ramp_down = seconds(4);
  executor.graceful_stop = seconds(1);
  const UserSchedule schedule(executor);
  EXPECT_THAT(schedule.PresenceOf(2),
              testing::ElementsAre(Presence{seconds(0), seconds(2), seconds(6)}));
  // Not longer than the whole workload.
  EXPECT_THAT(schedule.PresenceOf(1),
              testing::ElementsAre(Presence{seconds(0), seconds(4), seconds(7)}));
  EXPECT_THAT(schedule.PresenceOf(0),
              testing::ElementsAre(Presence{seconds(0), seconds(6), seconds(7)}));
}

TEST(UserScheduleTest, AUserMayComeAgain) {
  const UserSchedule schedule(Users(1, {{seconds(0), 2}, {seconds(4), 0}, {seconds(4), 2}}));
  const auto second = schedule.PresenceOf(1);
  ASSERT_EQ(second.size(), 1);
  EXPECT_EQ(second.front().end, seconds(2));
  const auto first = schedule.PresenceOf(0);
  ASSERT_EQ(first.size(), 2);
  EXPECT_EQ(first[0].end, seconds(4));
  EXPECT_EQ(first[1].begin, seconds(6));
  EXPECT_EQ(first[1].end, seconds(8));
}

TEST(UserScheduleTest, PresencesAndCountsAgreeEverywhere) {
  const UserSchedule schedule(Users(
      2, {{milliseconds(1100), 13}, {seconds(1), 4}, {seconds(0), 9}, {milliseconds(700), 0}}));
  for (int i = 0; i < 2900; ++i) {
    const base::Duration time = milliseconds(i);
    int64_t there = 0;
    for (int64_t user = 0; user < schedule.most_users(); ++user) {
      for (const Presence& span : schedule.PresenceOf(user)) {
        if (span.begin <= time && time < span.end) ++there;
      }
    }
    EXPECT_EQ(there, schedule.UsersAt(time)) << i;
  }
}

// --- tasks and pauses --------------------------------------------------------------------------

TEST(MixTest, SharesAreExactAfterEveryWholeDeck) {
  auto mix = Mix::Create({3, 2, 1}, 42);
  ASSERT_TRUE(mix);
  std::vector<int> drawn(3);
  for (uint64_t i = 0; i < 600; ++i) {
    ++drawn[mix->TaskOf(i)];
    if (i % 6 == 5) EXPECT_THAT(drawn, testing::ElementsAre((i + 1) / 2, (i + 1) / 3, (i + 1) / 6));
  }
}

TEST(MixTest, AnIterationIsTheSameTaskWhoeverAsksAndWhen) {
  auto one = Mix::Create({30, 20, 10}, 7);
  auto other = Mix::Create({3, 2, 1}, 7);
  std::vector<size_t> forward;
  for (uint64_t i = 0; i < 60; ++i) forward.push_back(one->TaskOf(i));
  for (uint64_t i = 60; i-- > 0;) EXPECT_EQ(other->TaskOf(i), forward[i]) << i;
}

TEST(MixTest, AnotherSeedGivesAnotherOrder) {
  auto one = Mix::Create({1, 1, 1, 1, 1, 1, 1, 1}, 1);
  auto other = Mix::Create({1, 1, 1, 1, 1, 1, 1, 1}, 2);
  int same = 0;
  for (uint64_t i = 0; i < 80; ++i) same += one->TaskOf(i) == other->TaskOf(i) ? 1 : 0;
  EXPECT_LT(same, 40);
}

TEST(MixTest, ATaskOfNoWeightIsNeverDrawn) {
  auto mix = Mix::Create({0, 5}, 1);
  for (uint64_t i = 0; i < 20; ++i) EXPECT_EQ(mix->TaskOf(i), 1);
}

TEST(MixTest, RefusesWeightsThatSayNothing) {
  EXPECT_FALSE(Mix::Create({}, 1));
  EXPECT_FALSE(Mix::Create({0, 0}, 1));
  EXPECT_FALSE(Mix::Create({1, -1}, 1));
  EXPECT_FALSE(Mix::Create({99'999, 99'998}, 1));
}

TEST(ThinkTest, PausesLieInTheirRangeAndFollowTheSeed) {
  const Think think{seconds(1), seconds(5)};
  base::Duration sum{};
  for (uint64_t i = 0; i < 1000; ++i) {
    const base::Duration pause = think.After(i, 9);
    EXPECT_GE(pause, seconds(1));
    EXPECT_LE(pause, seconds(5));
    EXPECT_EQ(pause, think.After(i, 9));
    sum += pause;
  }
  EXPECT_NEAR(std::chrono::duration<double>(sum).count() / 1000, 3, 0.15);
}

TEST(ThinkTest, IsADurationOrARange) {
  EXPECT_TRUE(ReadThink(nullptr)->none());
  const cel::Value two = cel::Value::Duration(seconds(2));
  EXPECT_EQ(ReadThink(&two)->After(0, 0), seconds(2));
  const cel::Value range = cel::Value::Object(
      {{"min", cel::Value::Duration(seconds(2))}, {"max", cel::Value::Duration(seconds(1))}});
  EXPECT_FALSE(ReadThink(&range));
  const cel::Value number = cel::Value::Int(2);
  EXPECT_FALSE(ReadThink(&number));
}

}  // namespace
}  // namespace assay::workload
