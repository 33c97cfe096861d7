#include "assay/action/generate_action.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/testing_context.h"
#include "assay/cel/json.h"
#include "lib/crypto/hash.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;
using testing::HasSubstr;

Value Params(std::string_view json) { return cel::ParseJson(json).value(); }

constexpr std::string_view kSmall =
    R"({"edf": {"channels": 4, "rate": 128, "duration": "4s", "seed": 1, "plant": [{"flat": {"channel": "F7"}}]}})";

TEST(GenerateAction, WritesTheRecordingAndTellsItsTruth) {
  TestContext context;
  const Outcome outcome = context.Run(GenerateAction(), Params(kSmall));
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->message;
  const std::string bytes =
      testing_support::ReadFile(std::string(outcome.value.Find("path")->string()));
  EXPECT_EQ(static_cast<int64_t>(bytes.size()), outcome.value.Find("size")->int_value());
  EXPECT_EQ(crypto::Sha256Hex(bytes), outcome.value.Find("sha256")->string());
  EXPECT_EQ(outcome.value.Find("truth")->Find("channels")->list().size(), 4u);
  EXPECT_EQ(outcome.value.Find("truth")->Find("bad_channels")->list().size(), 1u);
}

TEST(GenerateAction, TheSameSeedGivesTheSameBytesAndAnotherOneOthers) {
  const std::string unseeded = R"({"edf": {"channels": 2, "duration": "2s"}})";
  TestContext first;
  TestContext second;
  TestContext third;
  third.seed = 8;
  const auto digest = [&](TestContext& context) {
    return std::string(
        context.Run(GenerateAction(), Params(unseeded)).value.Find("sha256")->string());
  };
  const std::string one = digest(first);
  EXPECT_EQ(one, digest(second));
  EXPECT_NE(one, digest(third));
}

TEST(GenerateAction, RefusesWhatItDoesNotKnowWithASuggestion) {
  TestContext context;
  const Outcome outcome = context.Run(GenerateAction(), Params(R"({"edf": {"chanels": 4}})"));
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_THAT(outcome.error->ToString() + outcome.error->hint, HasSubstr("channels"));
}

TEST(GenerateAction, StaysInsideTheWorkingDirectory) {
  TestContext context;
  const Outcome outcome =
      context.Run(GenerateAction(),
                  Params(R"({"path": "../x.edf", "edf": {"channels": 2, "duration": "1s"}})"));
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_THAT(outcome.error->message, HasSubstr("working directory"));
}

TEST(GenerateAction, SchemaRegistersWithDocumentedParameters) {
  scenario::SchemaRegistry registry;
  EXPECT_TRUE(registry.AddAction(GenerateAction().schema()).has_value());
}

}  // namespace
}  // namespace assay::action
