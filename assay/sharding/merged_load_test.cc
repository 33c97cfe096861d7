// Loads of shards added up, from events written by hand.

#include "assay/sharding/merged_load.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/workload/figures/metrics.h"
#include "lib/base/random.h"

namespace assay::sharding {
namespace {

using history::Disposition;
using history::Event;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

const std::vector<std::string> kTasks = {"get", "put"};

/// A shard whose seconds hold the values of `random`; counts all of them in `whole` too.
class MadeShard {
 public:
  MadeShard(size_t number, milliseconds begin, int64_t first_second, uint64_t seed,
            workload::Tally& whole) {
    started_.kind = history::kind::kWorkloadStarted;
    started_.path = "L/1/load";
    started_.data = {{"executor", "constant-arrival-rate"},
                     {"vus", 5},
                     {"tasks", boost::json::array{{{"name", "get"}, {"weight", 1}},
                                                  {{"name", "put"}, {"weight", 1}}}}};
    started_.elapsed = milliseconds(300);
    part_.shard = number;
    part_.begin = begin;
    base::Random random(seed);
    workload::Tally total(2);
    for (int64_t second = first_second; second < first_second + 3; ++second) {
      workload::Tally tally(2);
      for (int i = 0; i < 50; ++i) {
        const auto task = static_cast<size_t>(i % 2);
        const milliseconds took(1 + static_cast<int64_t>(random.Below(100)));
        tally.Finished({task, took, took / 2, i == 7});
        tally.Status(task, i == 7 ? 500 : 200);
      }
      tally.begun = 51;
      tally.late = 2;
      tally.tasks[1].interrupted = 1;
      tally.think.Record(static_cast<uint64_t>(second + 1) * 1000);
      tally.received_bytes = 1000;
      intervals_.push_back(Interval(tally, second));
      whole.Add(tally);
      total.Add(tally);
    }
    workload::LoadState state;
    state.tasks = kTasks;
    state.elapsed = seconds(3);
    state.scheduled = 153;
    state.most_vus = 5;
    state.failures[{0, "step", "status < 400"}] = 3;
    part_.answer.value = workload::MetricsOf(total, state);
    part_.answer.duration = seconds(3);
  }

  LoadPart part() const {
    LoadPart part = part_;
    part.started = &started_;
    part.outcome = &started_;
    for (const Event& interval : intervals_) part.intervals.push_back(&interval);
    return part;
  }
  std::vector<Event>& intervals() { return intervals_; }
  history::Outcome& answer() { return part_.answer; }

 private:
  static Event Interval(const workload::Tally& tally, int64_t second) {
    Event event;
    event.kind = history::kind::kWorkloadInterval;
    event.path = "L/1/load";
    event.elapsed = milliseconds(1350 + 1000 * second);
    event.data = workload::IntervalOf(tally, kTasks, second, 4);
    return event;
  }

  Event started_;
  std::vector<Event> intervals_;
  LoadPart part_;
};

int64_t Number(const cel::Value& from, std::string_view key) { return from.Find(key)->int_value(); }

TEST(MergedLoadTest, NothingIsLostInTheSum) {
  workload::Tally whole(2);
  const MadeShard one(1, milliseconds(0), 0, 1, whole);
  const MadeShard two(2, milliseconds(200), 0, 2, whole);
  const std::vector<LoadPart> parts = {one.part(), two.part()};
  const auto merged = MergeLoad(parts);
  ASSERT_TRUE(merged.has_value()) << merged.error().ToString();
  EXPECT_EQ(merged->outcome.disposition, Disposition::kAnswered);
  const cel::Value& figures = merged->outcome.value;
  EXPECT_EQ(Number(figures, "iterations"), 300);
  EXPECT_EQ(Number(figures, "begun"), 306);
  EXPECT_EQ(Number(figures, "scheduled"), 306);
  EXPECT_EQ(Number(figures, "late"), 12);
  EXPECT_EQ(Number(figures, "interrupted"), 6);
  EXPECT_EQ(Number(figures, "vus"), 10);
  EXPECT_EQ(Number(figures, "received_bytes"), 6000);
  EXPECT_EQ(Number(*figures.Find("errors"), "count"), 6);
  EXPECT_EQ(Number(*figures.Find("status")->Find("500"), "count"), 6);
  EXPECT_EQ(Number(figures.Find("failures")->list()[0], "count"), 6);
  // What one histogram of all iterations would say.
  const stats::Histogram& all = whole.Whole().latency;
  for (const auto& [name, at] : {std::pair{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}}) {
    EXPECT_EQ(figures.Find("latency")->Find(name)->duration(),
              std::chrono::microseconds(static_cast<int64_t>(all.ValueAt(at))))
        << name;
  }
  EXPECT_EQ(Number(*figures.Find("think_time"), "count"), 6);
  EXPECT_EQ(merged->outcome.duration, milliseconds(3200)) << "from the first begin to the last end";
  EXPECT_NEAR(figures.Find("rate")->AsDouble().value(), 300 / 3.2, 1e-9);
}

TEST(MergedLoadTest, SecondsAddUpByTheClock) {
  workload::Tally whole(2);
  const MadeShard one(1, milliseconds(0), 0, 1, whole);
  const MadeShard two(2, milliseconds(900), 0, 2, whole);
  const std::vector<LoadPart> parts = {one.part(), two.part()};
  const auto merged = MergeLoad(parts);
  ASSERT_EQ(merged->events.size(), 1U + 4U) << "the second shard began a second later";
  std::vector<uint64_t> finished;
  for (size_t i = 1; i < merged->events.size(); ++i) {
    EXPECT_EQ(merged->events[i].data.at("second").to_number<size_t>(), i - 1);
    const auto tally = workload::ReadInterval(merged->events[i].data, kTasks);
    ASSERT_TRUE(tally.has_value()) << tally.error().ToString();
    finished.push_back(tally->Whole().finished());
    EXPECT_GE(merged->events[i].elapsed, merged->events[i - 1].elapsed);
  }
  EXPECT_THAT(finished, testing::ElementsAre(50, 100, 100, 50));
  EXPECT_EQ(merged->events[0].data.at("vus").to_number<int>(), 10);
}

TEST(MergedLoadTest, LoadsOneAfterTheOtherProveNothing) {
  workload::Tally whole(2);
  const MadeShard one(1, milliseconds(0), 0, 1, whole);
  const MadeShard two(2, milliseconds(1500), 0, 2, whole);
  const std::vector<LoadPart> parts = {one.part(), two.part()};
  const auto merged = MergeLoad(parts);
  EXPECT_EQ(merged->outcome.disposition, Disposition::kInconclusive);
  EXPECT_THAT(merged->outcome.error->message, HasSubstr("1.5 s after the first"));
}

TEST(MergedLoadTest, TheWorstPartDecides) {
  workload::Tally whole(2);
  const MadeShard one(1, milliseconds(0), 0, 1, whole);
  MadeShard two(2, milliseconds(0), 0, 2, whole);
  two.answer().disposition = Disposition::kInconclusive;
  two.answer().error = base::Error{base::ErrorCode::kExhausted, "the generator lagged"};
  std::vector<LoadPart> parts = {one.part(), two.part()};
  const auto merged = MergeLoad(parts);
  EXPECT_EQ(merged->outcome.disposition, Disposition::kInconclusive);
  EXPECT_EQ(merged->outcome.error->message, "shard 2: the generator lagged");
}

TEST(MergedLoadTest, DamageIsNamed) {
  workload::Tally whole(2);
  const MadeShard one(1, milliseconds(0), 0, 1, whole);
  MadeShard two(2, milliseconds(0), 0, 2, whole);
  two.intervals()[1].data["delay"] = "junk";
  std::vector<LoadPart> parts = {one.part(), two.part()};
  const auto damaged = MergeLoad(parts);
  ASSERT_FALSE(damaged.has_value());
  EXPECT_THAT(damaged.error().message, HasSubstr("of shard 2"));
}

}  // namespace
}  // namespace assay::sharding
