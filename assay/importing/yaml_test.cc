// Whatever is written is read back by the loader's own parser.

#include "assay/importing/yaml.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/importing/slot.h"
#include "assay/scenario/yaml/node.h"
#include "lib/base/random.h"

namespace assay::importing {
namespace {

using scenario::yaml::NodeKind;
using scenario::yaml::NodePtr;

NodePtr Read(const std::string& text) {
  const auto document =
      scenario::yaml::Parse(std::make_shared<const base::SourceText>("written.yaml", text));
  EXPECT_TRUE(document.problems.empty()) << document.problems.front().ToString() << "\n" << text;
  return document.root;
}

const std::vector<std::string>& Hostile() {
  static const std::vector<std::string> texts = {"",
                                                 " ",
                                                 "a",
                                                 "true",
                                                 "no",
                                                 "null",
                                                 "~",
                                                 "0x10",
                                                 "1e3",
                                                 ".5",
                                                 "-",
                                                 "- a",
                                                 "a: b",
                                                 "a:",
                                                 ":",
                                                 "# no comment",
                                                 "a # b",
                                                 "\"quoted\"",
                                                 "it's",
                                                 "'",
                                                 "\"'",
                                                 "\\",
                                                 "C:\\temp\\\"x\"",
                                                 "a\nb",
                                                 "a\nb\n",
                                                 "a\n\n\nb",
                                                 "\na",
                                                 " a\nb",
                                                 "a \nb",
                                                 "a\n\n",
                                                 "tab\there",
                                                 "\tb",
                                                 "bell\a",
                                                 "\x7f",
                                                 "[a, b]",
                                                 "{a: b}",
                                                 "a, b",
                                                 "&anchor",
                                                 "*alias",
                                                 "!tag",
                                                 "%x",
                                                 "@x",
                                                 "`x`",
                                                 "| x",
                                                 "> x",
                                                 "? x",
                                                 "---",
                                                 "...",
                                                 "\u00e9",
                                                 "\xC2\x85",
                                                 "\xE2\x80\xA8",
                                                 "\xEF\xBB\xBFx",
                                                 "GET /notes/${{ vars.id }}",
                                                 "status == 201",
                                                 "body.x ? 1 : 2",
                                                 "2026-01-01",
                                                 "12:30:00",
                                                 "1_000",
                                                 "<<",
                                                 "=",
                                                 "${{",
                                                 "a\r\nb",
                                                 "\r",
                                                 "key: [1",
                                                 "-1",
                                                 "+1",
                                                 ".inf",
                                                 "0o17"};
  return texts;
}

TEST(WrittenYaml, TextsAreReadBackInEveryPlace) {
  for (const std::string& text : Hostile()) {
    Yaml tree = Yaml::Map();
    tree.Add("block", Yaml::Text(text));
    tree.Add("flow", Yaml::List({Yaml::Text(text), Yaml::Map({{"k", Yaml::Text(text)}})}));
    Yaml list = Yaml::List(
        {Yaml::Text(text), Yaml::Map({{"deep", Yaml::Text(text)}, {"other", Yaml::Text(text)}})});
    list.Tall();
    list.items()[1].Tall();
    tree.Add("list", std::move(list));
    const std::string written = tree.ToString();
    const NodePtr root = Read(written);
    ASSERT_NE(root, nullptr) << written;
    const auto expect = [&](const scenario::yaml::Node* node) {
      ASSERT_NE(node, nullptr) << written;
      EXPECT_EQ(node->kind(), NodeKind::kString) << written;
      EXPECT_EQ(node->text(), text) << written;
    };
    expect(root->Find("block"));
    expect(root->Find("flow")->items()[0].get());
    expect(root->Find("flow")->items()[1]->Find("k"));
    expect(root->Find("list")->items()[0].get());
    expect(root->Find("list")->items()[1]->Find("deep"));
  }
}

TEST(WrittenYaml, TextsOfAnyCharactersAreReadBack) {
  const std::vector<std::string> alphabet = {
      "a",   "b", " ",  "\n",     ":", "#", "-", "'", "\"", "\\", "{", "}", "[",
      "]",   ",", "\t", "\u00e9", "$", "&", "*", "!", "|",  ">",  "%", "0", "\xE2\x80\xA9",
      "\x01"};
  base::Random random(20'261'130);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const auto length = random.Below(12);
    for (uint64_t i = 0; i < length; ++i) text += alphabet[random.Below(alphabet.size())];
    Yaml tree = Yaml::Map({{"a", Yaml::Text(text)}, {"b", Yaml::Map({{"c", Yaml::Text(text)}})}});
    tree.Add("d",
             Yaml::List({Yaml::Map({{"e", Yaml::Text(text)}, {"f", Yaml::Plain("1")}})}).Tall());
    const std::string written = tree.ToString();
    const NodePtr root = Read(written);
    ASSERT_NE(root, nullptr) << written;
    EXPECT_EQ(root->Find("a")->text(), text) << written;
    EXPECT_EQ(root->Find("b")->Find("c")->text(), text) << written;
    EXPECT_EQ(root->Find("d")->items()[0]->Find("e")->text(), text) << written;
  }
}

TEST(WrittenYaml, KeysAreReadBack) {
  for (const std::string& key : Hostile()) {
    if (key == "<<") continue;  // a merge key of YAML 1.1, refused as a name
    const std::string written = Yaml::Map({{key, Yaml::Plain("1")}}).ToString();
    const NodePtr root = Read(written);
    ASSERT_NE(root, nullptr) << written;
    ASSERT_EQ(root->entries().size(), 1U) << written;
    EXPECT_EQ(root->entries()[0].key, key) << written;
  }
}

TEST(WrittenYaml, JsonKeepsItsTypes) {
  const auto json = boost::json::parse(
      R"({"i": 9007199254740993, "d": 1.0, "e": 1e300, "b": true, "n": null, "s": "5", "l": [], "m": {}})");
  const NodePtr root = Read(Yaml::FromJson(json)->ToString());
  EXPECT_EQ(root->Find("i")->as_int(), 9007199254740993);
  EXPECT_EQ(root->Find("d")->kind(), NodeKind::kDouble);
  EXPECT_EQ(root->Find("e")->as_double(), 1e300);
  EXPECT_TRUE(root->Find("b")->as_bool());
  EXPECT_TRUE(root->Find("n")->is_null());
  EXPECT_TRUE(root->Find("s")->is_string());
  EXPECT_TRUE(root->Find("l")->is_sequence());
  EXPECT_TRUE(root->Find("m")->is_map());
}

TEST(WrittenYaml, WhatTheLoaderRefusesIsRefused) {
  EXPECT_FALSE(Yaml::FromJson(boost::json::parse("18446744073709551615")));
  EXPECT_FALSE(Yaml::FromJson(boost::json::parse(R"({"${{ x }}": 1})")));
  boost::json::value deep = 1;
  for (int i = 0; i < 80; ++i) deep = boost::json::array{deep};
  EXPECT_FALSE(Yaml::FromJson(deep));
}

TEST(WrittenYaml, CommentsStayComments) {
  Yaml step = Yaml::Map({{"note", Yaml::Text("x")}});
  step.Comment("not: translated\nsecond\x85 line\r- a: b").Tall();
  const NodePtr root = Read(Yaml::Map({{"steps", Yaml::List({step}).Tall()}}).ToString());
  EXPECT_EQ(root->Find("steps")->items().size(), 1U);
}

TEST(Slots, BecomeTemplatesTitlesAndExpressions) {
  const std::string text = "/notes/" + Slot("vars.note_id") + "/${{x}}";
  EXPECT_EQ(ToTemplate(text), "/notes/${{ vars.note_id }}/$${{x}}");
  EXPECT_EQ(ToTitle(text), "/notes/{note_id}/${{x}}");
  EXPECT_EQ(ToExpression("a\"b" + Slot("vars.x")), R"("a\"b" + string(vars.x))");
  EXPECT_EQ(ToExpression(Slot("vars.x")), "vars.x");
  EXPECT_EQ(WholeSlot(Slot("vars.x")), "vars.x");
  EXPECT_EQ(WholeSlot(text), std::nullopt);
}

TEST(Slots, CannotComeFromTheInput) {
  EXPECT_EQ(CleanText("a" + Slot("vars.x") + "b"), "avars.xb");
}

TEST(Slots, NamesAreIdentifiersOfCel) {
  EXPECT_EQ(ToIdentifier("userId"), "user_id");
  EXPECT_EQ(ToIdentifier("X-Request-ID"), "x_request_id");
  EXPECT_EQ(ToIdentifier("in"), "in_value");
  EXPECT_EQ(ToIdentifier("2nd"), "v2nd");
  EXPECT_EQ(ToIdentifier("\u2026"), "value");
  EXPECT_EQ(CelMember("body", "a b"), R"(body["a b"])");
  EXPECT_EQ(CelMember("body", "in"), R"(body["in"])");
}

}  // namespace
}  // namespace assay::importing
