#include "lib/formats/csv/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace formats::csv {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Csv, ReadsQuotedFieldsWithDelimitersQuotesAndLineEnds) {
  const auto table = Parse("name,note\r\nAda,\"a, \"\"b\"\"\r\nc\"\r\n,\"\"\nlast,x");
  ASSERT_TRUE(table.has_value()) << table.error().ToString();
  EXPECT_THAT(table->columns, ElementsAre("name", "note"));
  EXPECT_THAT(table->rows, ElementsAre(ElementsAre("Ada", "a, \"b\"\r\nc"), ElementsAre("", ""),
                                       ElementsAre("last", "x")));
}

TEST(Csv, OtherDelimitersByteOrderMarkAndEmptyLines) {
  const auto table = Parse(
      "\xEF\xBB\xBF"
      "a;b\n\n1;2,5\n\n",
      ';');
  ASSERT_TRUE(table.has_value());
  EXPECT_THAT(table->columns, ElementsAre("a", "b"));
  EXPECT_THAT(table->rows, ElementsAre(ElementsAre("1", "2,5")));
}

TEST(Csv, AHeaderAloneIsAnEmptyTable) {
  EXPECT_THAT(Parse("a,b\n")->rows, IsEmpty());
  EXPECT_THAT(Parse("a")->rows, IsEmpty());
}

TEST(Csv, AQuoteInsideAFieldIsItsText) {
  EXPECT_THAT(Parse("size\n5\" wide\n")->rows, ElementsAre(ElementsAre("5\" wide")));
}

struct Wrong {
  const char* text;
  const char* problem;
};

TEST(Csv, WrongTextIsNamedByItsPlace) {
  for (const Wrong& wrong : {
           Wrong{"", "there is no header line"},
           Wrong{"a,b\n1\n", "line 2 has 1 fields, expected 2 as in the header"},
           Wrong{"a,b\n\"x\ny\",2\n1,2,3\n", "line 4 has 3 fields"},
           Wrong{"a,b\n1,\"x\n", "line 2, column 3: the quote is not closed"},
           Wrong{"a,b\n\"1\"2,3\n", "line 2, column 4: found '2' behind a closing quote"},
           Wrong{"a,b,a\n", "the column \"a\" is there twice"},
       }) {
    const auto table = Parse(wrong.text);
    ASSERT_FALSE(table.has_value()) << wrong.text;
    EXPECT_EQ(table.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(table.error().message, HasSubstr(wrong.problem)) << wrong.text;
  }
}

TEST(Csv, HasLimits) {
  EXPECT_EQ(Parse("a,b\n", ',', {.bytes = 2}).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Parse("a,b\n", ',', {.columns = 1}).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Parse("a\n1\n2\n", ',', {.rows = 1}).error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(Parse("a\n1\n2\n", ',', {.rows = 2})->rows, SizeIs(2));
}

}  // namespace
}  // namespace formats::csv
