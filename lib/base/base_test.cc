#include <gtest/gtest.h>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/diagnostic.h"
#include "lib/base/random.h"
#include "lib/base/result.h"
#include "lib/base/share.h"
#include "lib/base/suggest.h"
#include "lib/base/units.h"

namespace base {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Result<int> Half(int value) {
  if (value % 2 != 0) return Fail(ErrorCode::kInvalid, "odd");
  return value / 2;
}

Result<int> Quarter(int value) {
  TRY(const int half, Half(value));
  TRY(Half(half));
  return half / 2;
}

TEST(Try, PassesValuesAndErrorsOn) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(6).error().message, "odd");
}

TEST(ParseDuration, ReadsWhatPeopleWrite) {
  EXPECT_EQ(ParseDuration("250ms").value(), milliseconds(250));
  EXPECT_EQ(ParseDuration("1h30m").value(), hours(1) + minutes(30));
  EXPECT_EQ(ParseDuration("1.5s").value(), milliseconds(1500));
  EXPECT_EQ(ParseDuration("0s").value(), seconds(0));
}

TEST(ParseDuration, RefusesOtherText) {
  for (const char* text :
       {"", "5", "s", "-1s", "1s1h", "1x", "1.2.3s", "1s ", "300y", "99999999d"}) {
    EXPECT_FALSE(ParseDuration(text).has_value()) << text;
  }
}

TEST(FormatDuration, IsReadBackExactly) {
  for (const Duration duration :
       {Duration(0), Duration(1), Duration(milliseconds(90500)), Duration(hours(25))}) {
    EXPECT_EQ(ParseDuration(FormatDuration(duration)).value(), duration);
  }
}

TEST(HumanDuration, KeepsThreeDigits) {
  EXPECT_EQ(HumanDuration(milliseconds(1240)), "1.24 s");
  EXPECT_EQ(HumanDuration(seconds(125)), "2 min 05 s");
  EXPECT_EQ(HumanDuration(Duration(350)), "350 ns");
}

TEST(ParseSize, KnowsDecimalAndBinaryUnits) {
  EXPECT_EQ(ParseSize("10MB").value(), 10'000'000u);
  EXPECT_EQ(ParseSize("64KiB").value(), 65536u);
  EXPECT_EQ(ParseSize("512").value(), 512u);
  EXPECT_FALSE(ParseSize("10 parsecs").has_value());
}

TEST(Suggestion, FindsASlipButNotAStranger) {
  const std::vector<std::string> keys = {"expect", "timeout", "cleanup"};
  EXPECT_EQ(Nearest("expct", keys), "expect");
  EXPECT_EQ(Nearest("tiemout", keys), "timeout");
  EXPECT_EQ(Nearest("banana", keys), "");
  EXPECT_EQ(SuggestionFor("zzz", keys), "expected one of expect, timeout, cleanup");
}

TEST(EditDistance, CountsTranspositionAsOne) {
  EXPECT_EQ(EditDistance("ab", "ba"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
}

TEST(Random, GivesTheSameNumbersOnEveryMachine) {
  Random random(42);
  EXPECT_EQ(random.Next(), 0x15780b2e0c2ec716ULL);
  EXPECT_NE(Random::ForPart(42, "a").Next(), Random::ForPart(42, "b").Next());
}

TEST(Random, BelowStaysInRangeAndReachesEveryValue) {
  Random random(7);
  std::array<int, 5> seen = {};
  for (int i = 0; i < 1000; ++i) ++seen.at(random.Below(5));
  for (const int count : seen) EXPECT_GT(count, 120);
}

TEST(Deadline, NeverIsNeverReached) {
  ManualClock clock;
  const Deadline soon = Deadline::After(clock, seconds(5));
  EXPECT_EQ(soon.Remaining(clock), seconds(5));
  clock.Advance(seconds(6));
  EXPECT_TRUE(soon.HasPassed(clock));
  EXPECT_EQ(soon.Remaining(clock), Duration::zero());
  EXPECT_FALSE(Deadline::Never().HasPassed(clock));
}

TEST(FormatRfc3339, WritesNanoseconds) {
  EXPECT_EQ(FormatRfc3339(WallTime(Duration(1'000'000'042))), "1970-01-01T00:00:01.000000042Z");
}

TEST(Diagnostic, ShowsFileLineCaretsAndHint) {
  const auto source = std::make_shared<SourceText>("demo.yaml", "id: A\n  expct: true\n");
  const Error error = Error{ErrorCode::kInvalid, "unknown key \"expct\""}
                          .At({source, 2, 3, 5})
                          .Hint("did you mean \"expect\"?");
  EXPECT_EQ(RenderDiagnostic(error),
            "error: unknown key \"expct\"\n"
            " --> demo.yaml:2:3\n"
            "  |\n"
            "2 |   expct: true\n"
            "  |   ^^^^^\n"
            "  = hint: did you mean \"expect\"?\n");
}

TEST(Diagnostic, SurvivesASpanBeyondTheText) {
  const auto source = std::make_shared<SourceText>("demo.yaml", "x");
  const Error error = Error{ErrorCode::kInvalid, "bad"}.At({source, 9, 70, 50});
  EXPECT_NE(RenderDiagnostic(error).find("demo.yaml:9:70"), std::string::npos);
}

TEST(ShareTest, IsReadAsPercentOrFraction) {
  EXPECT_DOUBLE_EQ(*ParseShare("15%"), 0.15);
  EXPECT_DOUBLE_EQ(*ParseShare("7.5 %"), 0.075);
  EXPECT_DOUBLE_EQ(*ParseShare("0.2"), 0.2);
  EXPECT_DOUBLE_EQ(*ParseShare("0"), 0);
  for (const char* wrong : {"", "%", "-1%", "ten", "10%%", "nan", "inf", "1e999", "1 0"}) {
    EXPECT_FALSE(ParseShare(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace base
