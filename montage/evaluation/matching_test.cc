#include "montage/evaluation/matching.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/random.h"

namespace montage::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<TimedEvent> At(std::initializer_list<double> onsets, double duration_s = 0.1) {
  std::vector<TimedEvent> out;
  for (const double onset : onsets) out.push_back({"seizure", onset, duration_s});
  return out;
}

TEST(MatchOnsets, PairsWithinTheToleranceAndNoMore) {
  const Matching matching = MatchOnsets(At({1, 5, 9}), At({1.4, 5.6, 8.6, 20}), 0.5);
  EXPECT_THAT(matching.pairs, ElementsAre(Pair(0, 0), Pair(2, 2)));
  EXPECT_THAT(matching.missed, ElementsAre(1));
  EXPECT_THAT(matching.false_alarms, ElementsAre(1, 3));
}

TEST(MatchOnsets, CountsAFoundEventOnce) {
  const Matching matching = MatchOnsets(At({1, 1.2}), At({1.1}), 0.5);
  EXPECT_EQ(matching.pairs.size(), 1u);
  EXPECT_EQ(matching.missed.size(), 1u);
  EXPECT_THAT(matching.false_alarms, IsEmpty());
}

// The nearest would take 1.9 for 1.5 and leave 2.3 alone.
TEST(MatchOnsets, FindsAsManyPairsAsPossible) {
  const Matching matching = MatchOnsets(At({1.5, 2.3}), At({1.1, 1.9}), 0.5);
  EXPECT_THAT(matching.pairs, ElementsAre(Pair(0, 0), Pair(1, 1)));
}

/// The most pairs, by trying everything.
size_t MostPairs(const std::vector<TimedEvent>& truth, const std::vector<TimedEvent>& found,
                 double tolerance_s, size_t next, unsigned used) {
  if (next == truth.size()) return 0;
  size_t best = MostPairs(truth, found, tolerance_s, next + 1, used);
  for (size_t j = 0; j < found.size(); ++j) {
    const bool near = std::abs(truth[next].onset_s - found[j].onset_s) <= tolerance_s;
    if (!near || ((used >> j) & 1U) != 0) continue;
    best = std::max(best, 1 + MostPairs(truth, found, tolerance_s, next + 1, used | (1U << j)));
  }
  return best;
}

TEST(MatchOnsets, IsAsGoodAsTryingEverything) {
  base::Random random(9);
  for (int round = 0; round < 200; ++round) {
    std::vector<TimedEvent> truth(random.Below(7)), found(random.Below(7));
    for (TimedEvent& event : truth) event.onset_s = random.Uniform(0, 4);
    for (TimedEvent& event : found) event.onset_s = random.Uniform(0, 4);
    const Matching matching = MatchOnsets(truth, found, 0.5);
    EXPECT_EQ(matching.pairs.size(), MostPairs(truth, found, 0.5, 0, 0));
    EXPECT_EQ(matching.pairs.size() + matching.missed.size(), truth.size());
    EXPECT_EQ(matching.pairs.size() + matching.false_alarms.size(), found.size());
  }
}

TEST(MatchCoverage, JoinsThePiecesOfAnEvent) {
  const auto truth = At({100}, 60);
  const std::vector<TimedEvent> pieces = {{"", 95, 15}, {"", 120, 10}, {"", 300, 10}};
  const Matching matching = MatchCoverage(truth, pieces, {0.3, 0.3});
  EXPECT_THAT(matching.pairs, ElementsAre(Pair(0, 0)));  // 10 + 10 of 60 s; equal pieces: the first
  EXPECT_THAT(matching.false_alarms, ElementsAre(2));
  EXPECT_THAT(MatchCoverage(truth, pieces, {0.35, 0.3}).missed, ElementsAre(0));
}

TEST(MatchCoverage, CountsOverlappingPiecesOnce) {
  const std::vector<TimedEvent> pieces = {{"", 0, 3}, {"", 0, 3}, {"", 1, 2}};
  EXPECT_EQ(MatchCoverage(At({0}, 10), pieces, {0.31, 0.3}).pairs.size(), 0u);
}

TEST(MatchCoverage, CallsWhatReachesFarBeyondAFalseAlarm) {
  const auto everything = At({0}, 1000);
  EXPECT_THAT(MatchCoverage(At({10}, 20), everything, {0.3, 0.3}).false_alarms, ElementsAre(0));
  EXPECT_THAT(MatchCoverage(At({10}, 20), everything, {0.3, 0}).false_alarms, IsEmpty());
}

TEST(MatchCoverage, NeedsMoreThanNothing) {
  const Matching matching = MatchCoverage(At({0}), At({50}), {0, 0});
  EXPECT_THAT(matching.pairs, IsEmpty());
  EXPECT_THAT(matching.missed, ElementsAre(0));
  EXPECT_THAT(matching.false_alarms, ElementsAre(0));
}

TEST(OfKind, PicksByName) {
  const std::vector<TimedEvent> events = {{"PLED", 1, 1}, {"GPED", 2, 1}, {"PLED", 3, 1}};
  EXPECT_EQ(OfKind(events, "PLED").size(), 2u);
  EXPECT_EQ(OfKind(events, "PLED")[1].onset_s, 3);
}

}  // namespace
}  // namespace montage::evaluation
