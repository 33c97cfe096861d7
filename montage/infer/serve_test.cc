#include "montage/infer/serve.h"

#include <limits>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "lib/process/descriptor.h"
#include "montage/inference/byte_stream.h"
#include "montage/inference/fake_model_testing.h"

namespace montage::infer {
namespace {

using base::Deadline;
using base::ErrorCode;
using inference::FrameHead;
using inference::FrameKind;
using inference::Shape;
using testing::ElementsAre;
using testing::HasSubstr;

inference::ModelCard Card() {
  return {.name = "m", .version = "1", .rate_hz = 4, .window_s = 1, .channels = {"Fp1", "Cz"}};
}

/// Serve on a thread, with this side of its stream.
class Serving {
 public:
  explicit Serving(Scorer scorer = inference::FirstSamples) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    near_ = process::Descriptor(ends[0]);
    thread_ = std::thread([this, fd = ends[1], scorer = std::move(scorer)] {
      const process::Descriptor far(fd);
      result_ = Serve(fd, fd, Card(), scorer);
    });
  }
  ~Serving() { (void)End(); }

  void Send(std::span<const uint8_t> bytes) const {
    EXPECT_TRUE(inference::SendAll(near_.get(), bytes, Deadline::Never()).has_value());
  }
  /// The next answer: scores, or the text of a refusal as an error.
  base::Result<std::vector<float>> Receive(uint64_t request) const {
    uint8_t bytes[inference::kHeadBytes];
    TRY(inference::ReceiveAll(near_.get(), bytes, Deadline::Never()));
    TRY(const FrameHead head, inference::ParseHead(std::span(bytes)));
    EXPECT_EQ(head.request, request);
    std::vector<uint8_t> payload(head.payload_bytes);
    TRY(inference::ReceiveAll(near_.get(), payload, Deadline::Never()));
    if (head.kind == FrameKind::kError)
      return base::Fail(ErrorCode::kInvalid, inference::DecodeText(payload));
    return inference::DecodeFloats(payload);
  }
  base::Result<std::vector<float>> Ask(const Shape& shape,
                                       const std::vector<float>& samples) const {
    Send(inference::EncodeWindows(5, shape, samples));
    return Receive(5);
  }
  base::Result<void> End() {
    near_.Reset();
    if (thread_.joinable()) thread_.join();
    return result_;
  }

 private:
  process::Descriptor near_;
  base::Result<void> result_;
  std::thread thread_;
};

constexpr Shape kTwo{.windows = 2, .channels = 2, .samples = 4};

std::vector<float> TwoWindows(float first, float second) {
  std::vector<float> samples(16, 0.0F);
  samples[0] = first;
  samples[8] = second;
  return samples;
}

TEST(Serve, AnswersBatchAfterBatchUntilTheOtherSideCloses) {
  Serving serving;
  EXPECT_THAT(serving.Ask(kTwo, TwoWindows(0.25F, 1.0F)).value(), ElementsAre(0.25F, 1.0F));
  EXPECT_THAT(serving.Ask({1, 2, 4}, std::vector<float>(8, 0.5F)).value(), ElementsAre(0.5F));
  EXPECT_TRUE(serving.End().has_value());
}

TEST(Serve, ABatchThatDoesNotFitTheModelIsRefusedAndTheNextIsAnswered) {
  Serving serving;
  EXPECT_THAT(serving.Ask({1, 1, 4}, std::vector<float>(4)).error().message,
              HasSubstr("1 channels"));
  EXPECT_THAT(serving.Ask({1, 2, 5}, std::vector<float>(10)).error().message,
              HasSubstr("5 samples"));
  EXPECT_THAT(
      serving.Ask(kTwo, TwoWindows(0, std::numeric_limits<float>::quiet_NaN())).error().message,
      HasSubstr("not finite"));
  EXPECT_TRUE(serving.Ask(kTwo, TwoWindows(0, 0)).has_value());
}

TEST(Serve, AScoreThatIsNoProbabilityIsRefusedAndNeverSent) {
  Serving serving;
  EXPECT_THAT(serving.Ask(kTwo, TwoWindows(0.5F, 1.5F)).error().message, HasSubstr("score 1.5"));
  EXPECT_THAT(serving.Ask(kTwo, TwoWindows(-0.1F, 0)).error().message, HasSubstr("score -0.1"));
  Serving nan([](const Shape& shape, std::span<const float>) {
    return std::vector<float>(shape.windows, std::numeric_limits<float>::quiet_NaN());
  });
  EXPECT_THAT(nan.Ask(kTwo, TwoWindows(0, 0)).error().message, HasSubstr("score nan"));
  Serving few([](const Shape&, std::span<const float>) { return std::vector<float>(1); });
  EXPECT_THAT(few.Ask(kTwo, TwoWindows(0, 0)).error().message, HasSubstr("1 scores for 2 windows"));
  Serving broken([](const Shape&, std::span<const float>) {
    return base::Result<std::vector<float>>(base::Fail(ErrorCode::kInvalid, "forward failed"));
  });
  EXPECT_EQ(broken.Ask(kTwo, TwoWindows(0, 0)).error().message, "forward failed");
}

TEST(Serve, EndsAfterWhatIsNoFrame) {
  Serving nonsense;
  nonsense.Send(std::vector<uint8_t>(64, 'x'));
  EXPECT_EQ(nonsense.Receive(5).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nonsense.End().error().code, ErrorCode::kCorrupt);

  Serving answers;
  answers.Send(inference::EncodeScores(1, std::vector<float>{0.5F}));
  EXPECT_EQ(answers.Receive(5).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(answers.End().error().code, ErrorCode::kCorrupt);
}

TEST(Serve, AFrameThatIsCutOffIsNoAnswer) {
  const auto frame = inference::EncodeWindows(1, kTwo, TwoWindows(0, 0));
  for (const size_t size : {size_t{1}, inference::kHeadBytes, frame.size() - 1}) {
    Serving serving;
    serving.Send(std::span(frame).first(size));
    EXPECT_EQ(serving.End().error().code, ErrorCode::kUnavailable) << size;
  }
}

TEST(TestModel, TakesAModelThatScoresTheSameInputAlike) {
  EXPECT_TRUE(TestModel(Card(), inference::FirstSamples).has_value());
}

TEST(TestModel, RefusesAModelThatDrawsItsScores) {
  float next = 0;
  const auto tested = TestModel(Card(), [&](const Shape& shape, std::span<const float>) {
    return std::vector<float>(shape.windows, next += 0.01F);
  });
  ASSERT_FALSE(tested.has_value());
  EXPECT_THAT(tested.error().message, HasSubstr("two different scores"));
}

TEST(TestModel, RefusesAModelThatBreaksOnSilenceOrOnASignal) {
  const auto wrong_when = [](bool silent) {
    return TestModel(Card(), [silent](const Shape& shape, std::span<const float> samples) {
      const bool is_silent = samples[1] == 0.0F;
      return std::vector<float>(shape.windows, is_silent == silent ? 2.0F : 0.5F);
    });
  };
  EXPECT_THAT(wrong_when(true).error().ToString(), HasSubstr("while scoring zeros"));
  EXPECT_THAT(wrong_when(false).error().ToString(), HasSubstr("while scoring the test pattern"));
}

}  // namespace
}  // namespace montage::infer
