#include "montage/inference/inference_client.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/inference/fake_model_testing.h"

namespace montage::inference {
namespace {

using base::Deadline;
using base::ErrorCode;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;
using namespace std::chrono_literals;

class InferenceClientTest : public testing::Test {
 protected:
  base::Result<std::unique_ptr<InferenceClient>> Start(const std::string& words) {
    return InferenceClient::Start(FakeModel(folder_, words), soon_);
  }
  std::unique_ptr<InferenceClient> Started(const std::string& words) {
    auto client = Start(words);
    EXPECT_TRUE(client.has_value()) << client.error().ToString();
    return std::move(client).value_or(nullptr);
  }
  base::Error StartError(const std::string& words) {
    auto client = Start(words);
    EXPECT_FALSE(client.has_value());
    return client ? base::Error{} : client.error();
  }
  base::Error ScoreError(InferenceClient& client, Deadline deadline) {
    const auto scores = client.AbnormalProbabilities(FakeWindows(1, 0.5F), 1, deadline);
    EXPECT_FALSE(scores.has_value());
    return scores ? base::Error{} : scores.error();
  }

  testing_support::TempDir folder_;
  const Deadline soon_ = Deadline::After(60s);
};

TEST_F(InferenceClientTest, ScoresWindowsInTheirOrder) {
  const auto client = Started("ok");
  EXPECT_EQ(client->card().name, "fake");
  std::vector<float> samples = FakeWindows(3, 0.5F);
  samples[kFakeWindow] = 0.75F;
  EXPECT_THAT(client->AbnormalProbabilities(samples, 3, soon_).value(),
              testing::ElementsAre(0.5F, 0.75F, 0.5F));
  EXPECT_EQ(client->starts(), 1U);
}

TEST_F(InferenceClientTest, ScoresMoreWindowsThanOneFrameCarries) {
  const auto client = Started("ok");
  std::vector<float> samples = FakeWindows(1000, 0.0F);
  for (size_t w = 0; w < 1000; ++w) samples[w * kFakeWindow] = static_cast<float>(w) / 1000.0F;
  const auto scores = client->AbnormalProbabilities(samples, 1000, soon_).value();
  ASSERT_THAT(scores, SizeIs(1000));
  for (size_t w = 0; w < 1000; ++w) EXPECT_EQ(scores[w], samples[w * kFakeWindow]);
}

TEST_F(InferenceClientTest, TellsHowLongAModelTook) {
  InferenceOptions options = FakeModel(folder_, "ok");
  std::vector<std::string> told;
  options.on_scored = [&](const ModelCard& card, base::Duration took) {
    EXPECT_GT(took, 0ns);
    told.push_back(card.name);
  };
  const auto client = InferenceClient::Start(options, soon_).value();
  ASSERT_TRUE(client->AbnormalProbabilities(FakeWindows(2, 0.5F), 2, soon_).has_value());
  EXPECT_THAT(told, testing::ElementsAre("fake"));
}

TEST_F(InferenceClientTest, SamplesThatAreNoWholeWindowsAreRefusedHere) {
  const auto client = Started("crash");
  EXPECT_EQ(client->AbnormalProbabilities(FakeWindows(2, 0.5F), 1, soon_).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(client->AbnormalProbabilities({}, 0, soon_).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(client->AbnormalProbabilities(std::vector<float>(7), 1, soon_).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(client->starts(), 1U);
}

TEST_F(InferenceClientTest, ManyThreadsShareOneProcess) {
  const auto client = Started("ok");
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, first = static_cast<float>(t) / 8.0F] {
      for (int i = 0; i < 20; ++i)
        EXPECT_THAT(client->AbnormalProbabilities(FakeWindows(70, first), 70, soon_).value(),
                    Each(first));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(client->starts(), 1U);
}

TEST_F(InferenceClientTest, AProcessThatEndedBetweenTwoCallsIsReplaced) {
  const auto client = Started("one-answer");
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(client->AbnormalProbabilities(FakeWindows(1, 0.5F), 1, soon_).has_value());
  EXPECT_GE(client->starts(), 3U);
}

TEST_F(InferenceClientTest, AFrameOnWhichTheProcessCrashedIsSentOnceMore) {
  const auto client = Started("crash-once " + (folder_ / "crashed").string());
  EXPECT_THAT(client->AbnormalProbabilities(FakeWindows(1, 0.5F), 1, soon_).value(), Each(0.5F));
  EXPECT_EQ(client->starts(), 2U);
}

TEST_F(InferenceClientTest, AFrameThatAlwaysCrashesFailsAndSaysHow) {
  const auto client = Started("crash");
  const base::Error error = ScoreError(*client, soon_);
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("signal 6"));
  EXPECT_EQ(client->starts(), 2U);
}

TEST_F(InferenceClientTest, AProcessThatHangsIsKilledAndReplaced) {
  InferenceOptions options = FakeModel(folder_, "hang");
  options.frame_timeout = 30ms;
  const auto client = InferenceClient::Start(options, soon_).value();
  // The time of the model is up, not that of the caller, whose other stages go on.
  const base::Error late = ScoreError(*client, soon_);
  EXPECT_EQ(late.code, ErrorCode::kUnavailable);
  EXPECT_THAT(late.message, HasSubstr("within 30 ms"));
  EXPECT_EQ(ScoreError(*client, soon_).code, ErrorCode::kUnavailable);
  EXPECT_EQ(client->starts(), 2U);
}

TEST_F(InferenceClientTest, TheDeadlineOfTheCallerIsItsOwn) {
  const auto client = Started("hang");
  EXPECT_EQ(ScoreError(*client, Deadline::After(30ms)).code, ErrorCode::kTimeout);
}

TEST_F(InferenceClientTest, ARefusedFrameIsAnErrorAndTheProcessStays) {
  const auto client = Started("refuse");
  EXPECT_EQ(ScoreError(*client, soon_).message, "the model: not?this");
  EXPECT_EQ(ScoreError(*client, soon_).code, ErrorCode::kInvalid);
  EXPECT_EQ(client->starts(), 1U);
}

TEST_F(InferenceClientTest, NonsenseIsAnErrorAndTheProcessIsReplaced) {
  for (const std::string words : {"garbage", "other-request", "bad-score", "one-less"}) {
    const auto client = Started(words);
    EXPECT_EQ(ScoreError(*client, soon_).code, ErrorCode::kCorrupt) << words;
    EXPECT_EQ(ScoreError(*client, soon_).code, ErrorCode::kCorrupt) << words;
    EXPECT_EQ(client->starts(), 2U) << words;
  }
}

TEST_F(InferenceClientTest, WhatIsSaidUnaskedIsNeverTakenForAnAnswer) {
  const auto client = Started("chatter");
  EXPECT_THAT(client->AbnormalProbabilities(FakeWindows(1, 0.25F), 1, soon_).value(), Each(0.25F));
  // Whether the chatter has arrived or not when the next frame is sent, no score comes of it.
  const auto next = client->AbnormalProbabilities(FakeWindows(1, 0.75F), 1, soon_);
  if (next) EXPECT_THAT(*next, Each(0.75F));
}

TEST_F(InferenceClientTest, AModelThatDoesNotStartSaysWhy) {
  const base::Error refused = StartError("refuse-at-start");
  EXPECT_EQ(refused.code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.message, HasSubstr("no archive"));
  EXPECT_THAT(refused.ToString(), HasSubstr("while starting the model process"));
  EXPECT_THAT(StartError("die-at-start").message, HasSubstr("exit code 9"));
  EXPECT_EQ(StartError("garbage-at-start").code, ErrorCode::kCorrupt);
  EXPECT_EQ(StartError("endless-line").code, ErrorCode::kCorrupt);
  const base::Error other = StartError("other-model");
  EXPECT_EQ(other.code, ErrorCode::kCorrupt);
  EXPECT_THAT(other.message, HasSubstr("SHA-256 0000"));
}

TEST_F(InferenceClientTest, AModelThatDoesNotGreetInTimeIsKilled) {
  InferenceOptions options = FakeModel(folder_, "hang-at-start");
  options.start_timeout = 30ms;
  EXPECT_EQ(InferenceClient::Start(options, soon_).error().code, ErrorCode::kTimeout);
}

TEST_F(InferenceClientTest, AMissingProgramIsNamed) {
  InferenceOptions options = FakeModel(folder_, "ok");
  options.process.program = (folder_ / "montage-infer").string();
  const auto client = InferenceClient::Start(options, soon_);
  EXPECT_EQ(client.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(client.error().message, HasSubstr("montage-infer"));
}

TEST_F(InferenceClientTest, AReplacementThatDescribesItselfOtherwiseIsRefused) {
  const auto client = Started("new-card " + (folder_ / "seen").string());
  EXPECT_TRUE(client->AbnormalProbabilities(FakeWindows(1, 0.5F), 1, soon_).has_value());
  folder_.Write("seen", "");
  const base::Error error = ScoreError(*client, soon_);
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_THAT(error.message, HasSubstr("otherwise than before"));
}

TEST_F(InferenceClientTest, MemoryIsLimited) {
  if (kDefaultMemoryBytes == 0) GTEST_SKIP() << "a sanitizer needs the whole address space";
  InferenceOptions options = FakeModel(folder_, "eat-memory");
  options.process.memory_bytes = uint64_t{256} << 20;
  const auto client = InferenceClient::Start(options, soon_).value();
  // Both attempts run into the limit: std::bad_alloc ends them.
  EXPECT_THAT(ScoreError(*client, soon_).message, HasSubstr("signal 6"));
}

}  // namespace
}  // namespace montage::inference
