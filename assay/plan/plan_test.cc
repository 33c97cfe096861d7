// The parts of planning that need no expression engine.

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/plan/convert.h"
#include "assay/plan/data_files.h"
#include "assay/plan/fake.h"
#include "assay/plan/order.h"
#include "assay/plan/path.h"
#include "assay/plan/requirements.h"

namespace assay::plan {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;

TEST(StepPaths, AreBuiltAndTakenApart) {
  const std::string step = StepPath(ScenarioPath("NS-1", 2), "loop");
  const std::string path = WithAttempt(StepPath(WithIteration(step, 3), "upload"), 1);
  EXPECT_EQ(path, "NS-1/2/loop[3]/upload#1");
  const PathParts parts = SplitPath(path);
  EXPECT_EQ(parts.scenario, "NS-1");
  EXPECT_EQ(parts.instance, "2");
  EXPECT_EQ(parts.step, "loop[3]/upload");
  EXPECT_EQ(parts.attempt, 1U);
}

TEST(StepPaths, OfAScenarioAloneHaveNoStep) {
  const std::string path = ScenarioPath("A", 1, 3);
  const PathParts parts = SplitPath(path);
  EXPECT_EQ(parts.scenario, "A");
  EXPECT_EQ(parts.instance, "1@3");
  EXPECT_EQ(parts.step, "");
  EXPECT_FALSE(parts.attempt);
}

TEST(Names, OfScenariosAndVariablesDiffer) {
  EXPECT_TRUE(IsScenarioId("NS-CLIN.1_b"));
  for (const char* wrong : {"", "-a", "a b", "a/b", "a#1", "a[0]"})
    EXPECT_FALSE(IsScenarioId(wrong));
  EXPECT_TRUE(IsIdentifier("_file2"));
  for (const char* wrong : {"", "2a", "a-b", "a.b"}) EXPECT_FALSE(IsIdentifier(wrong)) << wrong;
}

TEST(Fake, HasTheFormsOfRealThings) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    FakeSource fake(seed, "x");
    EXPECT_THAT(fake.Mrn(), MatchesRegex("MRN[0-9]{8}"));
    EXPECT_THAT(fake.Name(), MatchesRegex("[A-Z][a-z]+ [A-Z][a-z]+"));
    EXPECT_THAT(fake.Uuid(), MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                          "[0-9a-f]{12}"));
    EXPECT_THAT(fake.Email(), MatchesRegex("[a-z]+\\.[a-z]+\\.[0-9]+@example\\.org"));
    EXPECT_THAT(fake.DateOfBirth(), MatchesRegex("(19|20)[0-9]{2}-[01][0-9]-[0-2][0-9]"));
    EXPECT_THAT(fake.Phone(), MatchesRegex("\\+1-[0-9]{3}-555-01[0-9]{2}"));
    EXPECT_THAT(fake.Address(), MatchesRegex("[0-9]+ [A-Za-z ]+, [0-9]{5} [A-Za-z]+"));
    EXPECT_THAT(fake.Sentence(), MatchesRegex("[A-Z][a-z ]+\\."));
    EXPECT_THAT(fake.Hex(7), MatchesRegex("[0-9a-f]{7}"));
    const int64_t number = fake.Integer(-2, 2);
    EXPECT_TRUE(number >= -2 && number <= 2) << number;
  }
  EXPECT_EQ(FakeSource(1, "x").Integer(5, 5), 5);
  FakeSource(1, "x").Integer(INT64_MIN, INT64_MAX);
}

TEST(Fake, DependsOnSeedAndPlaceAndNothingElse) {
  EXPECT_EQ(FakeSource(7, "a").Uuid(), FakeSource(7, "a").Uuid());
  std::set<std::string> drawn;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    for (const char* place : {"a", "b"}) drawn.insert(FakeSource(seed, place).Uuid());
  }
  EXPECT_EQ(drawn.size(), 100U);
  // The bytes are part of the promise: another machine, another year, the same data.
  EXPECT_EQ(FakeSource(42, "S/1/register#1:params.json.name:0").Name(), "Mara Ueda");
}

TEST(Csv, FollowsRfc4180) {
  const cel::Value rows =
      ParseCsv("id,name\r\n1,\"a \"\"b\"\", c\"\r\n2,\"two\nlines\"\r\n\r\n", "x");
  ASSERT_TRUE(rows.is_list()) << rows.error().message;
  ASSERT_EQ(rows.list().size(), 2U);
  EXPECT_EQ(rows.list()[0].map().Find("name")->string(), "a \"b\", c");
  EXPECT_EQ(rows.list()[1].map().Find("name")->string(), "two\nlines");
  EXPECT_TRUE(ParseCsv("a,b\n", "x").list().empty());
}

TEST(Csv, NamesTheRowThatDoesNotFit) {
  EXPECT_EQ(ParseCsv("a,b\n1,2\n3\n", "x.csv").error().message,
            "the file \"x.csv\" is no CSV: line 3 has 1 fields, expected 2 as in the header");
  EXPECT_EQ(ParseCsv("a\n\"open\n", "x.csv").error().message,
            "the file \"x.csv\" is no CSV: line 2, column 1: the quote is not closed");
  EXPECT_EQ(ParseCsv("", "x.csv").error().message,
            "the file \"x.csv\" is no CSV: there is no header line");
}

TEST(DataFiles, AreReadOnceBesideTheScenario) {
  const scenario::MemoryFiles files({{"suites/a/rows.csv", "k\nv\n"},
                                     {"suites/a/x.json", "{\"n\": [1, 2]}"},
                                     {"suites/a/bad.json", "{"}});
  DataFiles data(files);
  EXPECT_EQ(data.Csv("suites/a/s.yaml", "rows.csv").list().size(), 1U);
  EXPECT_EQ(data.Json("suites/a/s.yaml", "x.json").map().Find("n")->list().size(), 2U);
  EXPECT_TRUE(data.Json("suites/a/s.yaml", "bad.json").is_error());
  EXPECT_EQ(data.Csv("suites/a/s.yaml", "../../../etc/passwd").error().code,
            base::ErrorCode::kForbidden);
  EXPECT_EQ(data.Csv("suites/b/s.yaml", "rows.csv").error().code, base::ErrorCode::kNotFound);
  std::vector<std::string> read;
  for (const auto& [path, text] : data.Read()) read.push_back(path);
  EXPECT_THAT(read, ElementsAre("suites/a/bad.json", "suites/a/rows.csv", "suites/a/x.json"));
}

TEST(Conversion, MakesValuesOfTheSchemasTypes) {
  using scenario::Type;
  EXPECT_EQ(Convert(cel::Value::String("1m30s"), Type::Duration(), "d")->duration(),
            std::chrono::seconds(90));
  EXPECT_EQ(Convert(cel::Value::String("2KiB"), Type::Size(), "s")->int_value(), 2048);
  EXPECT_EQ(Convert(cel::Value::Int(7), Type::String(), "s")->string(), "7");
  EXPECT_EQ(Convert(cel::Value::Double(4.0), Type::Int(), "i")->int_value(), 4);
  EXPECT_EQ(Convert(cel::Value::String("x"), Type::OneOrMore(Type::Int()), "n").error().message,
            "expected a list or an integer for \"n\", found \"x\"");
  EXPECT_EQ(Convert(cel::Value::Double(4.5), Type::Int(), "i").error().message,
            "expected an integer for \"i\", found 4.5");
  EXPECT_EQ(Convert(cel::Value::String("blue"), Type::Enum({"red", "green"}), "c").error().message,
            "expected one of red, green for \"c\", found \"blue\"");
  EXPECT_FALSE(Convert(cel::Value::Null(), Type::String(), "s"));
}

scenario::Scenario Named(std::string id, std::vector<std::string> after = {},
                         scenario::Priority priority = scenario::Priority::kNormal) {
  scenario::Scenario one;
  one.id.text = std::move(id);
  one.priority = priority;
  for (std::string& name : after) one.after.push_back({std::move(name), {}});
  return one;
}

std::vector<std::string> Ordered(const std::vector<scenario::Scenario>& all) {
  std::vector<size_t> chosen(all.size());
  for (size_t i = 0; i < all.size(); ++i) chosen[i] = i;
  std::vector<std::string> ids;
  for (const size_t i : InOrder(all, chosen)) ids.push_back(all[i].id.text);
  return ids;
}

TEST(Order, PutsDependenciesFirstThenPriorityThenId) {
  using P = scenario::Priority;
  EXPECT_THAT(Ordered({Named("d", {"z"}, P::kCritical), Named("b"), Named("a", {}, P::kLow),
                       Named("c", {}, P::kHigh), Named("z", {}, P::kLow)}),
              ElementsAre("c", "b", "a", "z", "d"));
}

TEST(Order, NamesEveryCycle) {
  const std::vector<scenario::Scenario> all = {Named("a", {"b"}), Named("b", {"c"}),
                                               Named("c", {"a"}), Named("d", {"d"})};
  scenario::Problems problems;
  CheckDependencies(all, problems);
  ASSERT_EQ(problems.errors().size(), 2U);
  EXPECT_EQ(problems.errors()[0].message, "the scenarios wait for each other: a -> b -> c -> a");
  EXPECT_EQ(problems.errors()[1].message, "the scenarios wait for each other: d -> d");
}

TEST(Order, OfAChainOfThousandsNeedsNoStack) {
  std::vector<scenario::Scenario> all;
  for (int i = 0; i < 20'000; ++i) {
    all.push_back(Named("s" + std::to_string(i), {"s" + std::to_string(i + 1)}));
  }
  all.push_back(Named("s20000"));
  scenario::Problems problems;
  CheckDependencies(all, problems);
  EXPECT_TRUE(problems.ok());
  EXPECT_EQ(Ordered(all).front(), "s20000");
}

TEST(Shards, ArePartitionsThatKeepDependentsTogether) {
  std::vector<scenario::Scenario> all;
  std::vector<size_t> chosen;
  for (int i = 0; i < 100; ++i) {
    all.push_back(Named("s" + std::to_string(i), i % 10 == 0
                                                     ? std::vector<std::string>{}
                                                     : std::vector{"s" + std::to_string(i - 1)}));
    chosen.push_back(static_cast<size_t>(i));
  }
  std::set<size_t> seen;
  for (size_t index = 1; index <= 3; ++index) {
    const std::vector<size_t> part = OfShard(all, chosen, {index, 3});
    EXPECT_FALSE(part.empty());
    EXPECT_EQ(part.size() % 10, 0U);
    for (const size_t i : part) EXPECT_TRUE(seen.insert(i).second);
  }
  EXPECT_EQ(seen.size(), 100U);
}

TEST(Shards, AreBalanced) {
  std::vector<scenario::Scenario> all;
  std::vector<size_t> chosen;
  for (int i = 0; i < 23; ++i) {
    all.push_back(Named("s" + std::to_string(i), i > 0 && i < 6 ? std::vector<std::string>{"s0"}
                                                                : std::vector<std::string>{}));
    chosen.push_back(static_cast<size_t>(i));
  }
  for (const size_t count : {2U, 3U, 4U}) {
    std::vector<size_t> sizes;
    for (size_t index = 1; index <= count; ++index) {
      sizes.push_back(OfShard(all, chosen, {index, count}).size());
    }
    EXPECT_LE(*std::ranges::max_element(sizes) - *std::ranges::min_element(sizes), 1U) << count;
  }
}

scenario::Scenario Loading(std::string id, bool with_ledger) {
  scenario::Scenario one = Named(std::move(id));
  scenario::Step load;
  load.action.text = "workload";
  one.steps.push_back(load);
  if (with_ledger) one.steps.emplace_back().action.text = "check";
  return one;
}

TEST(Shards, DivideTheLoadOfScenariosThatBelongTogether) {
  const std::vector<scenario::Scenario> all = {Loading("a", false), Named("b", {"a"}),
                                               Loading("c", true), Named("d")};
  EXPECT_TRUE(DividesLoads(all, {0}));
  EXPECT_TRUE(DividesLoads(all, {0, 1}));
  EXPECT_FALSE(DividesLoads(all, {1})) << "it puts no load on anything";
  EXPECT_FALSE(DividesLoads(all, {0, 2})) << "there are scenarios to divide";
  EXPECT_FALSE(DividesLoads(all, {}));
  scenario::Problems problems;
  RefuseLedgers(all, {0, 1}, problems);
  EXPECT_TRUE(problems.ok());
  RefuseLedgers(all, {2}, problems);
  ASSERT_EQ(problems.errors().size(), 1U);
  EXPECT_THAT(problems.errors()[0].message, testing::HasSubstr("c has a ledger"));
}

TEST(Shards, AreReadFromText) {
  EXPECT_EQ(ParseShard("2/3")->index, 2U);
  for (const char* wrong : {"", "2", "0/3", "4/3", "a/b", "1/", "/3", "1/3x"}) {
    EXPECT_FALSE(ParseShard(wrong)) << wrong;
  }
}

scenario::Requirement Required(std::string text, std::string accept) {
  scenario::Requirement one;
  one.id.text = "X-1";
  one.text.text = std::move(text);
  one.accept = std::move(accept);
  return one;
}

TEST(Fingerprints, ChangeWithWordsAndNotWithLineBreaks) {
  const std::string first = Fingerprint(Required("The door\n  is open.", "100 tries"));
  EXPECT_EQ(first, Fingerprint(Required("The door is open. ", " 100\ttries")));
  EXPECT_NE(first, Fingerprint(Required("The door is closed.", "100 tries")));
  EXPECT_NE(first, Fingerprint(Required("The door is open.", "99 tries")));
  EXPECT_EQ(first.size(), 64U);
}

}  // namespace
}  // namespace assay::plan
