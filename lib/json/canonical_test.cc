#include "lib/json/canonical.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "lib/json/parse.h"

namespace json {
namespace {

std::string CanonicalOf(std::string_view text) { return Canonical(Parse(text).value()); }

// RFC 8785 section 3.2.2 (the RFC's own sample) and 3.2.3 (sorting).
TEST(Canonical, MatchesTheRfcsSample) {
  EXPECT_EQ(
      CanonicalOf(
          R"({"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
                            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
                            "literals": [null, true, false]})"),
      "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
      "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

TEST(Canonical, SortsKeysByUtf16CodeUnits) {
  EXPECT_EQ(CanonicalOf("{\"\\ufb33\":1,\"\\ud83d\\ude00\":2,\"\\u20ac\":3,\"a\":4,\"\":5}"),
            "{\"\":5,\"a\":4,\"\xe2\x82\xac\":3,\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}");
}

// RFC 8785 appendix B.
TEST(Canonical, PrintsNumbersAsEcmaScript) {
  const std::pair<double, const char*> cases[] = {
      {0.0, "0"},
      {-0.0, "0"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {9007199254740992, "9007199254740992"},
      {295147905179352830000.0, "295147905179352830000"},
      {9.999999999999997e22, "9.999999999999997e+22"},
      {1e23, "1e+23"},
      {1e21, "1e+21"},
      {999999999999999900000.0, "999999999999999900000"},
      {9.999999999999997e-7, "9.999999999999997e-7"},
      {0.000001, "0.000001"},
      {333333333.33333325, "333333333.33333325"},
      {-0.0000033333333333333333, "-0.0000033333333333333333"}};
  for (const auto& [number, text] : cases) EXPECT_EQ(Canonical(boost::json::value(number)), text);
}

TEST(Pretty, IsReadBackAsTheSameValue) {
  const auto value =
      Parse(R"({"a":[1,{"b":2.5}],"c":{},"d":[],"e":"x\ny","f":9223372036854775807})").value();
  EXPECT_EQ(Parse(Pretty(value)).value(), value);
  EXPECT_EQ(Pretty(Parse(R"({"a":[1]})").value()), "{\n  \"a\": [\n    1\n  ]\n}");
}

TEST(Parse, NamesThePlaceOfAnError) {
  EXPECT_NE(Parse("{\"a\": 1,\n \"b\" 2}").error().message.find("line 2"), std::string::npos);
  EXPECT_FALSE(Parse("").has_value());
  EXPECT_FALSE(Parse("{} {}").has_value());
  EXPECT_FALSE(Parse("[1,").has_value());
}

TEST(Parse, ReadsTheNearestDouble) {
  EXPECT_EQ(Parse("333333333.33333329").value().get_double(), 333333333.33333329);
  EXPECT_EQ(Parse("[0.1, 5e-324, 1e-400, 17.0]").value().at(3).get_double(), 17.0);
  EXPECT_EQ(Parse("18446744073709551615").value().get_uint64(), UINT64_MAX);
  EXPECT_EQ(Parse("-9223372036854775808").value().get_int64(), INT64_MIN);
  EXPECT_FALSE(Parse("1e400").has_value());
}

TEST(Parse, RefusesBottomlessNesting) {
  EXPECT_FALSE(Parse(std::string(100'000, '[')).has_value());
}

}  // namespace
}  // namespace json
