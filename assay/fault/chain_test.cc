#include "assay/fault/chain.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/fault/toxics/conversation.h"

namespace assay::fault {
namespace {

using namespace std::chrono_literals;
using base::SteadyTime;

/// A downstream chain with a clock of its own.
class ChainOfToxics : public testing::Test {
 protected:
  std::shared_ptr<Toxic> Add(const std::string& json, Direction stream = Direction::kDownstream) {
    auto object = boost::json::parse(json).as_object();
    object["stream"] = ToString(stream);
    auto spec = ParseToxic(object);
    EXPECT_TRUE(spec.has_value()) << spec.error().message;
    auto toxic = std::make_shared<Toxic>(Toxic{.spec = *std::move(spec), .made = now_});
    chain_.Add(toxic, now_);
    return toxic;
  }
  void Change(const std::shared_ptr<Toxic>& toxic, const std::string& json) {
    auto spec = ChangeToxic(toxic->spec, boost::json::parse(json).as_object());
    ASSERT_TRUE(spec.has_value()) << spec.error().message;
    toxic->spec = *std::move(spec);
    chain_.Change(*toxic, now_);
  }

  void Put(std::string bytes) {
    chain_.Put({.kind = ChunkKind::kBytes, .bytes = std::move(bytes), .arrived = now_}, now_);
  }
  void Put(ChunkKind kind) { chain_.Put({.kind = kind, .bytes = {}, .arrived = now_}, now_); }
  void After(base::Duration span) { now_ += span; }

  /// All that leaves now: bytes joined by `|`, `<end>`, `<close>`, `<reset>`.
  std::string Out() {
    std::string text;
    while (auto chunk = chain_.Take(now_)) {
      if (!text.empty()) text += '|';
      switch (chunk->kind) {
        case ChunkKind::kBytes:
          text += chunk->bytes;
          break;
        case ChunkKind::kEnd:
          text += "<end>";
          break;
        case ChunkKind::kClose:
          text += "<close>";
          break;
        case ChunkKind::kReset:
          text += "<reset>";
          break;
      }
    }
    return text;
  }
  /// How long until something happens by itself.
  std::optional<base::Duration> Wait() const {
    const auto due = chain_.due();
    if (!due) return std::nullopt;
    return std::max(base::Duration::zero(), *due - now_);
  }

  SteadyTime now_{std::chrono::hours(1000)};
  std::string answered_;
  Conversation conversation_{[this](std::string text) { answered_ = std::move(text); }};
  Chain chain_{Direction::kDownstream, 7, &conversation_};
};

TEST_F(ChainOfToxics, WithoutToxicsBytesPass) {
  EXPECT_TRUE(chain_.is_clear());
  Put("a");
  Put(ChunkKind::kEnd);
  EXPECT_EQ(Out(), "a|<end>");
  EXPECT_EQ(Wait(), std::nullopt);
}

TEST_F(ChainOfToxics, AToxicOfTheOtherDirectionDoesNothing) {
  Add(R"({"type": "timeout"})", Direction::kUpstream);
  EXPECT_TRUE(chain_.is_clear());
  Put("a");
  EXPECT_EQ(Out(), "a");
}

TEST_F(ChainOfToxics, LatencyDelaysEachChunkFromItsArrival) {
  const auto toxic = Add(R"({"type": "latency", "attributes": {"latency": 100}})");
  Put("a");
  After(60ms);
  Put("b");
  EXPECT_EQ(Out(), "");
  EXPECT_EQ(Wait(), 40ms);
  After(40ms);
  EXPECT_EQ(Out(), "a");
  Put(ChunkKind::kEnd);
  EXPECT_EQ(Out(), "") << "the end does not overtake";
  After(60ms);
  EXPECT_EQ(Out(), "b|<end>");
  EXPECT_EQ(toxic->effect.connections, 1U);
  EXPECT_EQ(toxic->effect.bytes_delayed, 2U);
  EXPECT_GE(toxic->effect.delay, 200ms);
}

TEST_F(ChainOfToxics, JitterStaysWithinItsBoundsAndKeepsTheOrder) {
  Add(R"({"type": "latency", "attributes": {"latency": 100, "jitter": 50}})");
  for (int i = 0; i < 200; ++i) {
    Put(std::to_string(i));
    const auto wait = Wait();
    ASSERT_TRUE(wait.has_value());
    EXPECT_GE(*wait, 50ms);
    EXPECT_LE(*wait, 150ms);
    After(*wait);
    EXPECT_EQ(Out(), std::to_string(i));
  }
}

TEST_F(ChainOfToxics, TheSameSeedGivesTheSameDelays) {
  const auto delays = [](uint64_t seed) {
    SteadyTime now{std::chrono::hours(1)};
    auto spec = ParseToxic(
        boost::json::parse(R"({"type": "latency", "attributes": {"latency": 9, "jitter": 9}})")
            .as_object());
    Chain chain(Direction::kDownstream, seed, nullptr);
    chain.Add(std::make_shared<Toxic>(Toxic{.spec = *spec, .made = now}), now);
    std::vector<base::Duration> out;
    for (int i = 0; i < 20; ++i) {
      chain.Put({.kind = ChunkKind::kBytes, .bytes = "x", .arrived = now}, now);
      out.push_back(*chain.due() - now);
      now += 1s;
      while (chain.Take(now)) {
      }
    }
    return out;
  };
  EXPECT_EQ(delays(1), delays(1));
  EXPECT_NE(delays(1), delays(2));
}

TEST_F(ChainOfToxics, BandwidthSpreadsBytesOverTime) {
  Add(R"({"type": "bandwidth", "attributes": {"rate": 10}})");  // 10,000 bytes a second
  Put(std::string(2000, 'x'));
  size_t out = 0;
  After(100ms);
  out += Out().size();
  EXPECT_EQ(out, 1000U);
  After(99ms);
  EXPECT_EQ(Out(), "");
  After(1ms);
  EXPECT_EQ(Out().size(), 1000U);
  After(10s);
  Put("y");
  EXPECT_EQ(Out(), "") << "idle time is not saved up";
}

TEST_F(ChainOfToxics, BandwidthZeroLetsNothingThroughUntilItIsRemoved) {
  const auto toxic = Add(R"({"type": "bandwidth", "attributes": {"rate": 0}})");
  Put("a");
  EXPECT_EQ(Wait(), std::nullopt);
  After(1h);
  EXPECT_EQ(Out(), "");
  chain_.Remove(*toxic, now_);
  EXPECT_EQ(Out(), "a");
  EXPECT_TRUE(chain_.is_clear());
}

TEST_F(ChainOfToxics, SlowCloseDelaysOnlyTheEnd) {
  Add(R"({"type": "slow_close", "attributes": {"delay": 300}})");
  Put("a");
  Put(ChunkKind::kEnd);
  EXPECT_EQ(Out(), "a");
  EXPECT_EQ(Wait(), 300ms);
  After(300ms);
  EXPECT_EQ(Out(), "<end>");
}

TEST_F(ChainOfToxics, TimeoutDropsAllAndCloses) {
  const auto toxic = Add(R"({"type": "timeout", "attributes": {"timeout": 500}})");
  EXPECT_EQ(Out(), "");
  Put("abc");
  After(499ms);
  EXPECT_EQ(Out(), "");
  After(1ms);
  EXPECT_EQ(Out(), "<close>");
  EXPECT_EQ(toxic->effect.bytes_dropped, 3U);
  EXPECT_EQ(toxic->effect.closed, 1U);
  EXPECT_EQ(toxic->effect.connections, 1U);
}

TEST_F(ChainOfToxics, TimeoutZeroIsABlackHoleThatClosesWhenItIsRemoved) {
  const auto toxic = Add(R"({"type": "timeout"})");
  Put("abc");
  After(24h);
  EXPECT_EQ(Out(), "");
  chain_.Remove(*toxic, now_);
  EXPECT_EQ(Out(), "<close>");
}

TEST_F(ChainOfToxics, ResetPeerAnswersTheFirstBytes) {
  const auto toxic = Add(R"({"type": "reset_peer", "attributes": {"timeout": 20}})");
  After(1s);
  EXPECT_EQ(Out(), "") << "nothing was sent yet";
  Put("a");
  Put("b");
  After(20ms);
  EXPECT_EQ(Out(), "<reset>");
  EXPECT_EQ(toxic->effect.reset, 1U);
  EXPECT_EQ(toxic->effect.bytes_dropped, 2U);
}

TEST_F(ChainOfToxics, SlicerKeepsTheBytesAndPausesBetweenThem) {
  Add(R"({"type": "slicer",
          "attributes": {"average_size": 10, "size_variation": 5, "delay": 1000}})");
  const std::string text(1000, 'x');
  Put(text);
  std::string joined;
  size_t pieces = 0;
  while (chain_.held_bytes() > 0) {
    const std::string piece = Out();
    EXPECT_GE(piece.size(), joined.size() + 15 > text.size() ? 1U : 5U);
    EXPECT_LE(piece.size(), 15U);
    joined += piece;
    ++pieces;
    if (const auto wait = Wait()) {
      EXPECT_EQ(*wait, 1ms);
      After(*wait);
    }
  }
  EXPECT_EQ(joined, text);
  EXPECT_GT(pieces, 70U);
}

TEST_F(ChainOfToxics, LimitDataClosesAfterTheLastByteThatPasses) {
  const auto toxic = Add(R"({"type": "limit_data", "attributes": {"bytes": 5}})");
  Put("abc");
  EXPECT_EQ(Out(), "abc");
  Put("defg");
  EXPECT_EQ(Out(), "de|<close>");
  EXPECT_EQ(toxic->effect.bytes_dropped, 2U);
}

TEST_F(ChainOfToxics, LimitDataRemembersWhatPassedWhenItsLimitChanges) {
  const auto toxic = Add(R"({"type": "limit_data", "attributes": {"bytes": 100}})");
  Put("abc");
  EXPECT_EQ(Out(), "abc");
  Change(toxic, R"({"attributes": {"bytes": 4}})");
  Put("def");
  EXPECT_EQ(Out(), "d|<close>");
}

TEST_F(ChainOfToxics, LostPacketsComeLaterAndWhole) {
  const auto toxic =
      Add(R"({"type": "packet_loss", "attributes": {"loss_rate": 0.3, "retransmit": 200}})");
  std::string sent;
  std::string got;
  int stalls = 0;
  for (int i = 0; i < 500; ++i) {
    const std::string text = std::to_string(i) + ",";
    sent += text;
    Put(text);
    const std::string at_once = Out();
    if (at_once.empty()) ++stalls;
    got += at_once;
    while (const auto wait = Wait()) {
      EXPECT_EQ(*wait % 200ms, 0ms);
      After(*wait);
      got += Out();
    }
  }
  EXPECT_EQ(got, sent);
  EXPECT_GT(stalls, 100);
  EXPECT_LT(stalls, 200);
  EXPECT_GT(toxic->effect.bytes_delayed, 0U);
  EXPECT_EQ(toxic->effect.bytes_dropped, 0U);
}

TEST_F(ChainOfToxics, CorrelatedLossesComeInRuns) {
  Add(R"({"type": "packet_loss",
          "attributes": {"loss_rate": 0.05, "correlation": 0.9, "retransmit": 0}})");
  const auto toxic =
      Add(R"({"type": "stream_gap", "name": "none", "attributes": {"loss_rate": 0}})");
  Put("a");
  EXPECT_EQ(Out(), "a") << "without a wait for the retransmission nothing is late";
}

TEST_F(ChainOfToxics, GapsDamageTheStream) {
  const auto toxic = Add(R"({"type": "stream_gap", "attributes": {"loss_rate": 0.5}})");
  size_t passed = 0;
  for (int i = 0; i < 1000; ++i) {
    Put("x");
    passed += Out().size();
  }
  EXPECT_GT(passed, 400U);
  EXPECT_LT(passed, 600U);
  EXPECT_EQ(toxic->effect.bytes_dropped, 1000U - passed);
}

TEST_F(ChainOfToxics, HalfOpenHidesTheEndUntilItGoesAway) {
  const auto toxic = Add(R"({"type": "half_open"})");
  Put("abc");
  Put(ChunkKind::kEnd);
  After(24h);
  EXPECT_EQ(Out(), "");
  EXPECT_EQ(Wait(), std::nullopt);
  chain_.Remove(*toxic, now_);
  EXPECT_EQ(Out(), "<end>");
}

TEST_F(ChainOfToxics, ToxicsWorkOneAfterTheOther) {
  Add(R"({"type": "latency", "attributes": {"latency": 100}})");
  Add(R"({"type": "slow_close", "attributes": {"delay": 50}})");
  Put("a");
  Put(ChunkKind::kEnd);
  After(100ms);
  EXPECT_EQ(Out(), "a");
  EXPECT_EQ(Wait(), 50ms);
  After(50ms);
  EXPECT_EQ(Out(), "<end>");
}

TEST_F(ChainOfToxics, WhatARemovedToxicHeldPassesOnInOrder) {
  const auto first = Add(R"({"type": "latency", "attributes": {"latency": 1000}})");
  Add(R"({"type": "latency", "name": "second", "attributes": {"latency": 50}})");
  Put("a");
  After(10ms);
  Put("b");
  chain_.Remove(*first, now_);
  EXPECT_EQ(Out(), "");
  After(40ms);
  EXPECT_EQ(Out(), "a");
  Put("c");
  After(10ms);
  EXPECT_EQ(Out(), "b");
  After(50ms);
  EXPECT_EQ(Out(), "c");
}

TEST_F(ChainOfToxics, AChangePlansWhatIsHeldAnew) {
  const auto toxic = Add(R"({"type": "latency", "attributes": {"latency": 10000}})");
  Put("a");
  After(100ms);
  Change(toxic, R"({"attributes": {"latency": 150}})");
  EXPECT_EQ(Wait(), 50ms);
  After(50ms);
  EXPECT_EQ(Out(), "a");
}

TEST_F(ChainOfToxics, AToxicAddedLaterDoesNotTouchWhatIsOnItsWayAlready) {
  Put("a");
  Add(R"({"type": "timeout"})");
  EXPECT_EQ(Out(), "a");
}

TEST_F(ChainOfToxics, ToxicityChoosesConnections) {
  size_t touched = 0;
  auto spec =
      ParseToxic(boost::json::parse(R"({"type": "timeout", "toxicity": 0.25})").as_object());
  const auto toxic = std::make_shared<Toxic>(Toxic{.spec = *spec, .made = now_});
  for (uint64_t connection = 0; connection < 1000; ++connection) {
    Chain chain(Direction::kDownstream, connection, nullptr);
    chain.Add(toxic, now_);
    if (chain.is_clear()) continue;
    chain.Put({.kind = ChunkKind::kBytes, .bytes = "x", .arrived = now_}, now_);
    EXPECT_EQ(chain.Take(now_), std::nullopt);
    ++touched;
  }
  EXPECT_GT(touched, 200U);
  EXPECT_LT(touched, 300U);
  EXPECT_EQ(toxic->effect.connections, touched);
}

TEST_F(ChainOfToxics, ToxicityZeroTouchesNothing) {
  const auto toxic = Add(R"({"type": "reset_peer", "toxicity": 0})");
  EXPECT_TRUE(chain_.is_clear());
  Put("a");
  EXPECT_EQ(Out(), "a");
  EXPECT_EQ(toxic->effect.connections, 0U);
}

TEST_F(ChainOfToxics, AScheduledToxicWorksInItsWindowsOnly) {
  const auto toxic = Add(R"({"type": "bandwidth", "attributes": {"rate": 0},
                             "after": "1s", "for": "2s", "every": "10s"})");
  Put("a");
  EXPECT_EQ(Out(), "a");
  EXPECT_EQ(Wait(), 1s);
  After(1s);
  Put("b");
  EXPECT_EQ(Out(), "");
  EXPECT_EQ(Wait(), 2s) << "when the window closes, what is held leaves";
  After(2s);
  EXPECT_EQ(Out(), "b");
  EXPECT_EQ(Wait(), 8s);
  After(8s);
  Put("c");
  EXPECT_EQ(Out(), "");
  After(2s);
  EXPECT_EQ(Out(), "c");
}

TEST_F(ChainOfToxics, AWindowThatClosesEndsABlackHoleWithAClose) {
  Add(R"({"type": "timeout", "for": "1s"})");
  EXPECT_EQ(Out(), "");
  Put("a");
  After(1s);
  EXPECT_EQ(Out(), "<close>");
}

constexpr auto kRequest = "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi";

class HttpRules : public ChainOfToxics {
 protected:
  std::shared_ptr<Toxic> Rule(const std::string& attributes, Direction stream) {
    if (stream == Direction::kUpstream) {
      chain_ = Chain(Direction::kUpstream, 7, &conversation_);
    }
    return Add(R"({"type": "http", "attributes": )" + attributes + "}", stream);
  }
};

TEST_F(HttpRules, OnlyMatchingRequestsAreDelayed) {
  const auto toxic = Rule(R"({"action": "delay", "delay": 80, "method": "POST", "path": "/up*"})",
                          Direction::kUpstream);
  Put("GET /upload HTTP/1.1\r\n\r\n");
  EXPECT_NE(Out(), "");
  Put(kRequest);
  EXPECT_EQ(Out(), "");
  After(80ms);
  EXPECT_EQ(Out(), "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n|hi");
  EXPECT_EQ(toxic->effect.messages, 1U);
}

TEST_F(HttpRules, TheNthRequestIsReset) {
  Rule(R"({"action": "reset", "nth": 2})", Direction::kUpstream);
  Put(kRequest);
  EXPECT_NE(Out(), "");
  Put(kRequest);
  EXPECT_EQ(Out(), "<reset>");
}

TEST_F(HttpRules, ARequestCanBeAnsweredInsteadOfTheServer) {
  const auto toxic =
      Rule(R"({"action": "respond", "code": 507, "body": "disk is full"})", Direction::kUpstream);
  Put(kRequest);
  EXPECT_EQ(Out(), "");
  EXPECT_THAT(answered_, testing::StartsWith("HTTP/1.1 507 "));
  EXPECT_THAT(answered_, testing::EndsWith("\r\n\r\ndisk is full"));
  EXPECT_EQ(toxic->effect.answered, 1U);
  Put(kRequest);
  EXPECT_EQ(Out(), "") << "the connection is about to close";
}

TEST_F(HttpRules, ResponsesMatchByStatusAndByTheirRequest) {
  const auto toxic =
      Rule(R"({"action": "close", "status": 5, "path": "/upload"})", Direction::kDownstream);
  conversation_.Observe("GET /other HTTP/1.1\r\n\r\n");
  conversation_.Observe(kRequest);
  conversation_.Observe("HEAD /upload HTTP/1.1\r\n\r\n");
  conversation_.Observe(kRequest);
  Put("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  Put("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  Put("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n");
  EXPECT_NE(Out(), "") << "another path; another status; the answer to HEAD has no body";
  Put("HTTP/1.1 500 Oh\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(Out(), "<close>");
  EXPECT_EQ(toxic->effect.messages, 1U);
}

TEST_F(HttpRules, HeadersMatchByName) {
  Rule(R"({"action": "close", "header": "X-Client: mobile*"})", Direction::kUpstream);
  Put("GET / HTTP/1.1\r\nx-client: desktop\r\n\r\n");
  EXPECT_NE(Out(), "");
  Put("GET / HTTP/1.1\r\nx-client: mobile-7\r\n\r\n");
  EXPECT_EQ(Out(), "<close>");
}

TEST_F(HttpRules, AnIncompleteHeadLeavesWithTheRule) {
  const auto toxic = Rule(R"({"action": "close"})", Direction::kUpstream);
  Put("GET / HT");
  EXPECT_EQ(Out(), "");
  chain_.Remove(*toxic, now_);
  EXPECT_EQ(Out(), "GET / HT");
}

std::string ErrorOf(const std::string& json) {
  const auto spec = ParseToxic(boost::json::parse(json).as_object());
  return spec ? "" : spec.error().message;
}

TEST(ParseToxic, NamesWhatIsWrong) {
  EXPECT_EQ(ErrorOf(R"({"type": "latenzy"})"), "invalid toxic type");
  EXPECT_EQ(ParseToxic(boost::json::parse(R"({"type": "latenzy"})").as_object()).error().hint,
            "did you mean \"latency\"?");
  EXPECT_EQ(ErrorOf(R"({"type": "latency", "stream": "sideways"})"),
            "stream was invalid, can be either upstream or downstream");
  EXPECT_EQ(ErrorOf(R"({"type": "latency", "toxicity": 2})"),
            "bad request body: \"toxicity\" is not a number from 0 to 1: 2");
  EXPECT_EQ(ErrorOf(R"({"type": "latency", "attributes": {"latency": "soon"}})"),
            "bad request body: attribute \"latency\" is not a number: \"soon\"");
  EXPECT_EQ(ErrorOf(R"({"type": "latency", "attributes": {"latency": -1}})"),
            "bad request body: attribute \"latency\" is not an integer from 0 to 86400000: -1");
  EXPECT_EQ(ErrorOf(R"({"type": "latency", "every": "1s"})"),
            "bad request body: \"every\" needs \"for\": how long it is on");
  EXPECT_EQ(ErrorOf(R"({"type": "http", "attributes": {"action": "explode"}})"),
            "bad request body: attribute \"action\" is not one of delay, respond, close, reset: "
            "\"explode\"");
}

TEST(ParseToxic, FillsInWhatIsNotSaid) {
  const auto spec = ParseToxic(boost::json::parse(R"({"type": "packet_loss"})").as_object());
  ASSERT_TRUE(spec.has_value());
  EXPECT_EQ(boost::json::serialize(ToJson(*spec)),
            R"({"attributes":{"loss_rate":1E-1,"correlation":0E0,"retransmit":200},)"
            R"("name":"packet_loss_downstream","type":"packet_loss","stream":"downstream",)"
            R"("toxicity":1})");
}

}  // namespace
}  // namespace assay::fault
