#include "assay/cel/explain.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cel/json.h"

namespace assay::cel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Explanation ExplainWith(std::string_view source, std::string_view body, int64_t status = 200) {
  Environment environment;
  environment.Variable("status", Type::Int()).Variable("body", Type::Dyn());
  const auto program = Compile(environment, source);
  EXPECT_TRUE(program.has_value()) << source;
  MapActivation activation;
  activation.Set("status", Value::Int(status)).Set("body", *ParseJson(body));
  return Explain(*program, activation);
}

TEST(ExplainTest, OnlyTheTermThatDecidedIsShown) {
  const auto explanation = ExplainWith("status == 200 && body.ok == true && size(body.items) > 2",
                                       R"({"ok":true,"items":[1]})");
  EXPECT_TRUE(explanation.value.is_false());
  ASSERT_EQ(explanation.nodes.size(), 1u);
  const ExplanationNode& node = explanation.nodes[0];
  EXPECT_EQ(node.expression, "size(body.items) > 2");
  EXPECT_EQ(node.value, "false");
  EXPECT_EQ(node.span.column, 37u);
  ASSERT_EQ(node.details.size(), 1u);
  EXPECT_EQ(node.details[0].expression, "size(body.items)");
  EXPECT_EQ(node.details[0].value, "1");
  ASSERT_EQ(node.details[0].details.size(), 1u);
  EXPECT_EQ(node.details[0].details[0].value, "[1]");
}

TEST(ExplainTest, AFalseDisjunctionShowsEveryTerm) {
  const auto explanation = ExplainWith("status == 201 || status == 202", "{}");
  ASSERT_EQ(explanation.nodes.size(), 2u);
  EXPECT_EQ(explanation.nodes[1].expression, "status == 202");
}

TEST(ExplainTest, AllShowsTheElementThatFailed) {
  const auto explanation =
      ExplainWith("body.items.all(i, i.n > 0)", R"({"items":[{"n":1},{"n":-4},{"n":-5}]})");
  ASSERT_EQ(explanation.nodes.size(), 1u);
  const ExplanationNode& node = explanation.nodes[0];
  EXPECT_EQ(node.element, "body.items[1]");
  EXPECT_EQ(node.element_value, "{\"n\": -4}");
  ASSERT_EQ(node.details.size(), 1u);
  EXPECT_EQ(node.details[0].expression, "i.n > 0");
  ASSERT_EQ(node.details[0].details.size(), 1u);
  EXPECT_EQ(node.details[0].details[0].value, "-4");
}

TEST(ExplainTest, ExistsAndExistsOneSayWhatMatched) {
  const char* items = R"({"items":[{"id":"a"},{"id":"x"},{"id":"x"}]})";
  EXPECT_EQ(ExplainWith("body.items.exists(i, i.id == 'x')", items).nodes[0].element,
            "body.items[1]");
  const auto none = ExplainWith("body.items.exists(i, i.id == 'z')", items);
  EXPECT_EQ(none.nodes[0].element, "body.items[0]");
  EXPECT_THAT(none.nodes[0].note, HasSubstr("none of 3 elements matched"));
  const auto twice = ExplainWith("body.items.exists_one(i, i.id == 'x')", items);
  EXPECT_EQ(twice.nodes[0].element, "body.items[2]");
  EXPECT_THAT(twice.nodes[0].note, HasSubstr("more than one"));
}

TEST(ExplainTest, TwoVariablesAndMapsNameTheKey) {
  const auto explanation =
      ExplainWith("body.limits.all(k, v, v < 5)", R"({"limits":{"low":1,"high":9}})");
  EXPECT_EQ(explanation.nodes[0].element, "body.limits[\"high\"]");
  EXPECT_EQ(explanation.nodes[0].element_value, "9");
}

TEST(ExplainTest, AnErrorNamesThePartThatBroke) {
  const auto explanation = ExplainWith("body.reslt.code == 1", R"({"result":{"code":1}})");
  EXPECT_TRUE(explanation.value.is_error());
  const std::string text = explanation.ToText();
  EXPECT_THAT(text, HasSubstr("no such key: \"reslt\""));
  EXPECT_THAT(text, HasSubstr("did you mean \"result\"?"));
}

TEST(ExplainTest, VacuousTruthIsFlaggedUnlessTheSizeIsBounded) {
  const char* empty = R"({"items":[]})";
  EXPECT_THAT(ExplainWith("status == 200 && body.items.all(i, i.n > 0)", empty).vacuous,
              ElementsAre("body.items.all(i, i.n > 0)"));
  EXPECT_THAT(ExplainWith("!body.items.exists(i, i.n > 0)", empty).vacuous,
              ElementsAre("body.items.exists(i, i.n > 0)"));
  EXPECT_THAT(ExplainWith("body.items.map(i, i.n).all(n, n > 0)", empty).vacuous,
              ElementsAre("body.items.map(i, i.n).all(n, n > 0)"));
  EXPECT_THAT(ExplainWith("size(body.items) >= 0 && body.items.all(i, i.n > 0)", empty).vacuous,
              IsEmpty());
  EXPECT_THAT(ExplainWith("body.items.all(i, i.n > 0)", R"({"items":[{"n":1}]})").vacuous,
              IsEmpty());
  EXPECT_THAT(ExplainWith("body.items.exists(i, i.n > 0)", empty).vacuous, IsEmpty());
}

TEST(ExplainTest, BindAndConditionalAreFollowed) {
  const auto explanation = ExplainWith(
      "cel.bind(n, size(body.items), status == 200 ? n == 3 : n == 0)", R"({"items":[1,2]})");
  ASSERT_EQ(explanation.nodes.size(), 3u);
  EXPECT_EQ(explanation.nodes[0].expression, "n = size(body.items)");
  EXPECT_EQ(explanation.nodes[2].expression, "n == 3");
  EXPECT_EQ(explanation.nodes[2].details[0].value, "2");
}

TEST(ExplainTest, PartsThatAreNeverEvaluatedAreLeftOut) {
  Environment environment;
  environment.Variable("body", Type::Dyn()).Check(false);
  MapActivation activation;
  activation.Set("body", Value::String("x"));
  for (const char* source : {"unknown(body + body, body)", "body.matches('(')",
                             "(body + 'y').matches(string('[')) || body.nope.matches(string('y'))",
                             "[unknown(body)].all(x, x) && undeclared.a.b"}) {
    const auto program = Compile(environment, source);
    ASSERT_TRUE(program.has_value()) << source;
    const auto explanation = Explain(*program, activation);
    EXPECT_TRUE(explanation.value.is_error()) << source;
    EXPECT_FALSE(explanation.ToText().empty()) << source;
  }
}

TEST(ExplainTest, JsonHasTheSameContent) {
  const auto json = ToJson(ExplainWith("body.items.all(i, i > 1)", R"({"items":[2,0]})"));
  EXPECT_EQ(json.at("value").as_string(), "false");
  EXPECT_EQ(json.at("nodes").at(0).at("element").as_string(), "body.items[1]");
  EXPECT_EQ(json.at("nodes").at(0).at("details").at(0).at("details").at(0).at("value").as_string(),
            "0");
}

}  // namespace
}  // namespace assay::cel
