#include "lib/formats/xml/xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace formats::xml {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;

TEST(Xml, ReadsElementsAttributesAndText) {
  const auto root = Parse(
      "<?xml version=\"1.0\"?><!-- note -->\n<a:order id=\"7\" state=\"o&amp;k\">x<item>1</item>"
      "<![CDATA[<y>]]><item/></a:order>");
  ASSERT_TRUE(root.has_value()) << root.error().ToString();
  EXPECT_EQ(root->name, "a:order");
  EXPECT_THAT(root->attributes, ElementsAre(Pair("id", "7"), Pair("state", "o&k")));
  EXPECT_EQ(root->text, "x<y>");
  ASSERT_THAT(root->children, SizeIs(2));
  EXPECT_EQ(root->children[0].text, "1");
  EXPECT_EQ(root->children[1].text, "");
}

TEST(Xml, EntitiesOfADocumentTypeAreNotExpanded) {
  const auto root = Parse(
      "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>"
      "<x>&a;&f;</x>");
  ASSERT_TRUE(root.has_value()) << root.error().ToString();
  EXPECT_EQ(root->text, "&a;&f;");
}

TEST(Xml, WrongTextIsNamedByItsPlace) {
  const auto mismatch = Parse("<a>\n  <b>\n  </c>\n</a>");
  ASSERT_FALSE(mismatch.has_value());
  EXPECT_EQ(mismatch.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(mismatch.error().message, HasSubstr("line 3, column "));
  for (const char* wrong : {"", "plain", "<a>", "<a b=c/>", "<a/><b/>", "<!-- x -->"}) {
    const auto root = Parse(wrong);
    EXPECT_FALSE(root.has_value()) << wrong;
  }
}

TEST(Xml, HasLimits) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (int i = 0; i < 100'000; ++i) deep += "</a>";
  EXPECT_EQ(Parse(deep).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Parse("<a><b/><b/></a>", {.elements = 2}).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Parse("<a/>", {.bytes = 3}).error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(Parse("<a><b/></a>", {.depth = 2, .elements = 2}).has_value());
}

}  // namespace
}  // namespace formats::xml
