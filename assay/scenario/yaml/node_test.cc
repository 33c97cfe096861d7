#include "assay/scenario/yaml/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::scenario::yaml {
namespace {

Document Read(std::string text, Limits limits = {}) {
  return Parse(std::make_shared<const base::SourceText>("x.yaml", std::move(text)), limits);
}

NodePtr Tree(std::string text) {
  Document document = Read(std::move(text));
  EXPECT_TRUE(document.problems.empty()) << document.problems.front().ToString();
  return document.root;
}

std::string FirstProblem(std::string text, Limits limits = {}) {
  const Document document = Read(std::move(text), limits);
  return document.problems.empty() ? "" : document.problems.front().ToString();
}

NodeKind KindOf(const std::string& scalar) { return Tree("k: " + scalar)->Find("k")->kind(); }

TEST(YamlScalars, FollowTheCoreSchema) {
  for (const char* text : {"", "~", "null", "Null"})
    EXPECT_EQ(KindOf(text), NodeKind::kNull) << text;
  for (const char* text : {"true", "False"}) EXPECT_EQ(KindOf(text), NodeKind::kBool) << text;
  for (const char* text : {"0", "-12", "+7", "0x1F", "0o17", "012"}) {
    EXPECT_EQ(KindOf(text), NodeKind::kInt) << text;
  }
  for (const char* text : {"1.5", ".5", "1.", "-2e3", ".inf", "-.INF", ".nan"}) {
    EXPECT_EQ(KindOf(text), NodeKind::kDouble) << text;
  }
}

TEST(YamlScalars, AreStringsOtherwiseAlsoInNorway) {
  for (const char* text : {"no", "NO", "yes", "on", "off", "y", "1.2.3", "1e", "0xZZ", "12:30",
                           "2026-11-21", "1_000", "'12'", "\"true\"", "."}) {
    EXPECT_EQ(KindOf(text), NodeKind::kString) << text;
  }
}

TEST(YamlScalars, HoldTheirValues) {
  const NodePtr root = Tree("{hex: 0x1F, octal: 0o17, decimal: 012, negative: -9, half: .5}");
  EXPECT_EQ(root->Find("hex")->as_int(), 31);
  EXPECT_EQ(root->Find("octal")->as_int(), 15);
  EXPECT_EQ(root->Find("decimal")->as_int(), 12);
  EXPECT_EQ(root->Find("negative")->as_int(), -9);
  EXPECT_EQ(root->Find("half")->as_double(), 0.5);
  EXPECT_EQ(root->Find("hex")->text(), "0x1F");
}

TEST(YamlScalars, OutOfRangeAreRefused) {
  EXPECT_EQ(FirstProblem("k: 9223372036854775808"),
            "x.yaml:1:4: the integer 9223372036854775808 does not fit into 64 bits");
  EXPECT_EQ(FirstProblem("k: 1e999"), "x.yaml:1:4: the number 1e999 is out of range");
  EXPECT_EQ(Tree("k: -9223372036854775808")->Find("k")->as_int(), INT64_MIN);
}

TEST(YamlMaps, KeepCaseAndOrderOfKeys) {
  const NodePtr root = Tree("Zeta: 1\nalpha: 2\nALPHA: 3\n1: x\ntrue: y\n");
  std::vector<std::string> keys;
  for (const Entry& entry : root->entries()) keys.push_back(entry.key);
  EXPECT_THAT(keys, testing::ElementsAre("Zeta", "alpha", "ALPHA", "1", "true"));
}

TEST(YamlMaps, ReportEveryDuplicateAndKeepTheFirstValue) {
  const Document document = Read("a: 1\nb: 2\na: 3\nb: 4\n");
  ASSERT_EQ(document.problems.size(), 2U);
  EXPECT_EQ(document.problems[0].ToString(), "x.yaml:3:1: found the key \"a\" twice");
  EXPECT_EQ(document.problems[1].ToString(), "x.yaml:4:1: found the key \"b\" twice");
  EXPECT_EQ(document.root->Find("a")->as_int(), 1);
}

TEST(YamlPlaces, AreThoseOfKeysAndValues) {
  const NodePtr root = Tree("top:\n  - name: 'abc'\n    text: \"a \\\" b\" # note\n");
  const Node& item = *root->Find("top")->items()[0];
  EXPECT_EQ(item.span().ToString(), "x.yaml:2:5");
  EXPECT_EQ(item.entries()[0].key_span.length, 4U);
  EXPECT_EQ(item.Find("name")->span().ToString(), "x.yaml:2:11");
  EXPECT_EQ(item.Find("name")->span().length, 5U);
  EXPECT_EQ(item.Find("text")->span().length, 8U);
}

TEST(YamlPlaces, OfAPartOfAScalarAreFoundInEveryStyle) {
  const std::string text =
      "plain: a ${{ x }} b\n"
      "quoted: 'a ${{ x }} ${{ x }}'\n"
      "block: |\n"
      "  one\n"
      "  two ${{ x }}\n"
      "anchored: &name a ${{ x }}\n";
  const NodePtr root = Tree(text);
  const auto place = [&](std::string_view key, size_t nth) {
    const Node* node = root->Find(key);
    size_t at = node->text().find("x ");
    while (nth-- > 0) at = node->text().find("x ", at + 1);
    return node->SpanOf(at, 1).ToString();
  };
  EXPECT_EQ(place("plain", 0), "x.yaml:1:14");
  EXPECT_EQ(place("quoted", 0), "x.yaml:2:16");
  EXPECT_EQ(place("quoted", 1), "x.yaml:2:25");
  EXPECT_EQ(place("block", 0), "x.yaml:5:11");
  EXPECT_EQ(place("anchored", 0), "x.yaml:6:23");
}

TEST(YamlAliases, ShareValuesAndMergeMaps) {
  const NodePtr root = Tree("base: &b {a: 1, b: 2}\nuse: {<<: *b, b: 3}\nsame: *b\n");
  EXPECT_EQ(root->Find("use")->Find("a")->as_int(), 1);
  EXPECT_EQ(root->Find("use")->Find("b")->as_int(), 3);
  EXPECT_EQ(root->Find("same"), root->Find("base"));
}

TEST(YamlAliases, CannotExplode) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += "*a" + std::to_string(i - 1) + (k < 9 ? ", " : "]\n");
  }
  EXPECT_THAT(FirstProblem(text), testing::HasSubstr("found more than 200000 values"));
}

TEST(YamlAliases, CannotDeepenTheTreeBeyondTheLimit) {
  std::string text = "a0: &a0 [[[[[x]]]]]\n";
  for (int i = 1; i < 30; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [[[[[*a" +
            std::to_string(i - 1) + "]]]]]\n";
  }
  EXPECT_THAT(FirstProblem(text), testing::HasSubstr("found more than 100 levels of nesting"));
}

TEST(YamlAliases, OfThemselvesOrOfNothingAreRefused) {
  EXPECT_THAT(FirstProblem("a: &a [*a]\n"),
              testing::HasSubstr("alias of the value that it is part"));
  EXPECT_THAT(FirstProblem("a: *b\n"), testing::HasSubstr("is not defined before it"));
}

TEST(YamlLimits, HoldForDepthAndSize) {
  EXPECT_THAT(FirstProblem(std::string(5000, '[')), testing::HasSubstr("levels of nesting"));
  EXPECT_THAT(FirstProblem("abcdef", {.bytes = 3}), testing::HasSubstr("has 6 bytes"));
}

TEST(YamlText, MustBeUtf8WithoutControlCharacters) {
  EXPECT_EQ(FirstProblem("a: \xff\n"), "x.yaml:1:4: found the byte 0xff, expected UTF-8 text");
  EXPECT_EQ(FirstProblem("a: 1\nb: \x04\n"),
            "x.yaml:2:4: found the byte 0x04, expected text without control characters");
  EXPECT_EQ(FirstProblem("a: \xed\xa0\x80\n"),
            "x.yaml:1:4: found the byte 0xed, expected UTF-8 text");
  EXPECT_EQ(Tree("a: gr\xc3\xbc\xc3\x9f\n")->Find("a")->text(), "gr\xc3\xbc\xc3\x9f");
}

TEST(YamlText, OfSeveralDocumentsOrWithTagsIsRefused) {
  EXPECT_THAT(FirstProblem("a: 1\n---\nb: 2\n"), testing::HasSubstr("second document"));
  EXPECT_THAT(FirstProblem("a: !custom 1\n"), testing::HasSubstr("tag !custom"));
  EXPECT_EQ(Tree("a: !!str 12")->Find("a")->kind(), NodeKind::kString);
}

TEST(YamlText, ThatIsEmptyIsNull) {
  EXPECT_TRUE(Tree("")->is_null());
  EXPECT_TRUE(Tree("# only a note\n")->is_null());
}

}  // namespace
}  // namespace assay::scenario::yaml
