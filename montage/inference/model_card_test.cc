#include "montage/inference/model_card.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/inference/wire.h"

namespace montage::inference {
namespace {

using testing::HasSubstr;

ModelCard Card() {
  return {.name = "eeg-screen",
          .version = "1.2.0",
          .rate_hz = 128,
          .window_s = 4,
          .channels = {"Fp1", "Cz"},
          .output = ModelOutput::kLogit};
}

/// The card's JSON with one member replaced, or removed when the text is empty.
std::string With(std::string_view member, std::string_view text) {
  boost::json::object object = ToJson(Card());
  if (text.empty()) {
    object.erase(member);
  } else {
    object[member] = boost::json::parse(text);
  }
  return boost::json::serialize(object);
}

TEST(ModelCard, IsReadBackAsItWasWritten) {
  const auto card = ParseCard(boost::json::serialize(ToJson(Card())));
  ASSERT_TRUE(card.has_value()) << card.error().ToString();
  EXPECT_EQ(*card, Card());
  EXPECT_EQ(card->samples(), 512U);
}

TEST(ModelCard, AWindowMayBeAFractionOfASecondAsLongAsItsSamplesAreWhole) {
  EXPECT_EQ(ParseCard(With("window_s", "2.5"))->samples(), 320U);
  EXPECT_THAT(ParseCard(With("window_s", "2.3")).error().message, HasSubstr("294.4 samples"));
}

TEST(ModelCard, EachWrongMemberIsNamedWithItsValue) {
  const std::string long_list = "[" + [] {
    std::string names;
    for (int i = 0; i < 257; ++i) names += fmt::format("{}\"C{}\"", i == 0 ? "" : ",", i);
    return names;
  }() + "]";
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"name", ""},
      {"name", "\"\""},
      {"name", "\"two words\""},
      {"name", "7"},
      {"version", "\"1\\n2\""},
      {"version", "null"},
      {"rate_hz", ""},
      {"rate_hz", "0"},
      {"rate_hz", "-128"},
      {"rate_hz", "\"128\""},
      {"rate_hz", "1e9"},
      {"window_s", "0"},
      {"window_s", "1e300"},
      {"channels", ""},
      {"channels", "[]"},
      {"channels", "\"Cz\""},
      {"channels", "[\"Cz\",\"Cz\"]"},
      {"channels", "[\"C z\"]"},
      {"channels", "[1]"},
      {"channels", long_list},
      {"output", "\"score\""},
      {"output", ""},
  };
  for (const auto& [member, text] : cases) {
    const auto card = ParseCard(With(member, text));
    ASSERT_FALSE(card.has_value()) << member << " " << text;
    EXPECT_THAT(card.error().message, HasSubstr(std::string(member))) << text;
  }
  EXPECT_THAT(ParseCard(With("rate", "128")).error().message, HasSubstr("unknown member \"rate\""));
  EXPECT_FALSE(ParseCard("[]").has_value());
  EXPECT_FALSE(ParseCard("").has_value());
}

TEST(ModelCard, TheLargestWindowFitsIntoAFrame) {
  EXPECT_TRUE(
      CheckShape({.windows = 1, .channels = kMaxChannels, .samples = 1000 * 60}).has_value());
}

TEST(Hello, IsOneLineAndReadBackAsItWasWritten) {
  const std::string line =
      FormatHello({.card = Card(), .sha256 = std::string(64, 'a'), .confined = true});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto hello = ParseHello(line);
  ASSERT_TRUE(hello.has_value()) << hello.error().ToString();
  EXPECT_EQ(hello->card, Card());
  EXPECT_EQ(hello->sha256, std::string(64, 'a'));
  EXPECT_TRUE(hello->confined);
}

TEST(Hello, ARefusalIsAnErrorWithItsReason) {
  const auto refused = ParseHello(FormatRefusal("no forward\nin \xff this"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kUnavailable);
  EXPECT_EQ(refused.error().message, "no forward?in ? this");
}

TEST(Hello, AnythingElseIsDamage) {
  const std::string good = FormatHello({.card = Card(), .sha256 = std::string(64, 'a')});
  const auto without = [&](std::string_view member) {
    boost::json::object object = boost::json::parse(good).as_object();
    object.erase(member);
    return boost::json::serialize(object);
  };
  std::string upper = good;
  upper.replace(upper.find("aaaa"), 1, "A");
  for (const std::string& line :
       {std::string(), std::string("{}"), std::string("hello"), without("protocol"),
        without("sha256"), without("model"), without("confined"), upper,
        std::string(R"({"protocol":2,"error":"x"})")}) {
    const auto hello = ParseHello(line);
    ASSERT_FALSE(hello.has_value()) << line;
    EXPECT_EQ(hello.error().code, base::ErrorCode::kCorrupt) << line;
  }
}

}  // namespace
}  // namespace montage::inference
