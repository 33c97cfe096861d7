#include "lib/sql/dialect.h"

#include <gtest/gtest.h>

#include "lib/sql/value.h"

namespace sql {
namespace {

TEST(Placeholders, BecomeQuestionMarksForSqliteOutsideOfQuotesAndComments) {
  EXPECT_EQ(RenderPlaceholders("a = $1 AND b = $12", Dialect::kSqlite), "a = ?1 AND b = ?12");
  EXPECT_EQ(RenderPlaceholders("'$1' \"$2\" $3", Dialect::kSqlite), "'$1' \"$2\" ?3");
  EXPECT_EQ(RenderPlaceholders("'it''s $1' $2", Dialect::kSqlite), "'it''s $1' ?2");
  EXPECT_EQ(RenderPlaceholders("-- $1\n$2 /* $3 */ $4", Dialect::kSqlite), "-- $1\n?2 /* $3 */ ?4");
  EXPECT_EQ(RenderPlaceholders("cost $ 'open $1", Dialect::kSqlite), "cost $ 'open $1");
  EXPECT_EQ(RenderPlaceholders("a = $1", Dialect::kPostgres), "a = $1");
}

TEST(Schema, TypeWordsFollowTheDialect) {
  const std::string text = "CREATE TABLE t (id {identity}, n {int}, m {int}, b {blob}) {strict}";
  EXPECT_EQ(RenderSchema(text, Dialect::kSqlite),
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER, m INTEGER, b BLOB) "
            "STRICT");
  EXPECT_EQ(RenderSchema(text, Dialect::kPostgres),
            "CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n BIGINT, m "
            "BIGINT, b BYTEA) ");
}

TEST(RowReader, ReadsColumnsInOrder) {
  const Row row = {1, "two", 3.5, nullptr, Blob{"five"}, 6};
  RowReader reader(row);
  EXPECT_EQ(reader.Int(), 1);
  EXPECT_EQ(reader.Text(), "two");
  EXPECT_EQ(reader.Real(), 3.5);
  EXPECT_EQ(reader.OptionalText(), std::nullopt);
  EXPECT_EQ(reader.Bytes().bytes, "five");
  EXPECT_EQ(reader.Real(), 6.0);
  EXPECT_TRUE(reader.Finish().has_value());
}

TEST(RowReader, AMismatchIsCorruptAndNamesTheColumn) {
  const Row row = {1, "two"};
  RowReader reader(row);
  (void)reader.Int();
  (void)reader.Int();
  const auto finished = reader.Finish();
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().code, base::ErrorCode::kCorrupt);
  EXPECT_EQ(finished.error().message, "column 2 is text, expected integer");
}

TEST(RowReader, LeftOrMissingColumnsAreCorrupt) {
  const Row row = {1, 2};
  RowReader few(row);
  (void)few.Int();
  EXPECT_FALSE(few.Finish().has_value());
  RowReader many(row);
  (void)many.Int();
  (void)many.Int();
  (void)many.OptionalInt();
  EXPECT_FALSE(many.Finish().has_value());
}

}  // namespace
}  // namespace sql
