// Merged runs written by hand, whole and damaged.

#include "assay/history/shards/verify_shards.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/crypto/hash.h"

namespace assay::history {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

// Appends an event to a chain.
void Chain(std::vector<Event>& log, std::string kind, std::string path, boost::json::object data) {
  Event event;
  event.seq = log.size() + 1;
  event.kind = std::move(kind);
  event.path = std::move(path);
  event.data = std::move(data);
  event.prev = log.empty() ? FirstPrev() : log.back().hash;
  event.hash = HashOf(event);
  log.push_back(std::move(event));
}

std::string TextOf(const std::vector<Event>& log) {
  std::string text;
  for (const Event& event : log) text += ToLine(event) + "\n";
  return text;
}

class VerifyShards : public testing::Test {
 protected:
  VerifyShards() {
    Chain(shard_, "run.started", "", {{"manifest", boost::json::object()}});
    Chain(shard_, "environment.ready", "local", {{"environment", "local"}});
    Chain(shard_, "note", "A/1/hint", {{"text", "hello"}});
    Chain(shard_, "run.finished", "", {{"verdict", "passed"}});
  }

  std::vector<Event> Merged() {
    const std::string name = blobs_.Put(TextOf(shard_)).value();
    std::vector<Event> merged;
    Chain(
        merged, "run.started", "",
        {{"manifest",
          boost::json::object{
              {"shards",
               boost::json::array{boost::json::object{
                   {"index", 1}, {"head", shard_.back().hash}, {"events", 4}, {"log", name}}}}}}});
    const auto origin = [](int seq) { return boost::json::object{{"shard", 1}, {"seq", seq}}; };
    Chain(merged, "environment.ready", "local [shard 1]",
          {{"environment", "local [shard 1]"}, {"origin", origin(2)}});
    Chain(merged, "note", "A/1/hint", {{"text", "hello"}, {"origin", origin(3)}});
    return merged;
  }

  std::vector<Event> shard_;
  MemoryBlobs blobs_;
};

TEST_F(VerifyShards, AnHonestMergeHasNoProblem) {
  EXPECT_THAT(FindShardProblems(Merged(), blobs_), IsEmpty());
  EXPECT_THAT(FindShardProblems(shard_, blobs_), IsEmpty()) << "it was not merged";
  EXPECT_THAT(FindShardProblems({}, blobs_), IsEmpty());
}

TEST_F(VerifyShards, AnEventThatSaysSomethingElseIsFound) {
  std::vector<Event> merged = Merged();
  merged[2].data["text"] = "hallo";
  EXPECT_THAT(
      FindShardProblems(merged, blobs_),
      ElementsAre(Field(&ShardProblem::what, HasSubstr("not what event 3 of shard 1 says"))));
  merged = Merged();
  merged[2].data["origin"].as_object()["seq"] = 9;
  EXPECT_THAT(FindShardProblems(merged, blobs_),
              ElementsAre(Field(&ShardProblem::what, HasSubstr("does not exist"))));
  merged = Merged();
  merged[2].data["origin"].as_object()["shard"] = 2;
  EXPECT_THAT(FindShardProblems(merged, blobs_),
              ElementsAre(Field(&ShardProblem::what, HasSubstr("does not exist"))));
}

TEST_F(VerifyShards, ALogThatWasChangedIsFound) {
  shard_[2].data["text"] = "hallo";
  EXPECT_THAT(FindShardProblems(Merged(), blobs_),
              ElementsAre(Field(&ShardProblem::what, HasSubstr("chain is broken at event 3"))));
  shard_.pop_back();
  shard_[2].data["text"] = "hello";
  EXPECT_THAT(FindShardProblems(Merged(), blobs_),
              ElementsAre(Field(&ShardProblem::what, HasSubstr("3 events, the manifest says 4"))));
}

TEST_F(VerifyShards, ALogThatIsGoneIsFound) {
  const std::vector<Event> merged = Merged();
  EXPECT_THAT(FindShardProblems(merged, MemoryBlobs()),
              ElementsAre(Field(&ShardProblem::what, HasSubstr("the log of shard 1"))));
}

}  // namespace
}  // namespace assay::history
