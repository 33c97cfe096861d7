#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cel/cel.h"
#include "assay/cel/library/time_zone.h"
#include "assay/cel/text.h"

namespace assay::cel {
namespace {

using testing::HasSubstr;

std::string ResultOf(std::string_view source, const Environment& environment = {}) {
  const auto program = Compile(environment, source);
  if (!program) return "does not compile: " + program.error().message;
  const Value value = program->Evaluate(MapActivation());
  return value.is_error() ? "error: " + value.error().message : DebugString(value);
}

TEST(StatisticsTest, TextbookValues) {
  EXPECT_EQ(ResultOf("mean([1, 2, 3, 4])"), "2.5");
  EXPECT_EQ(ResultOf("sum([1, 2u, 0.5])"), "3.5");
  EXPECT_EQ(ResultOf("sum([])"), "0.0");
  EXPECT_EQ(ResultOf("sum([1e100, 1.0, -1e100])"), "1.0");
  EXPECT_EQ(ResultOf("median([7, 1, 3])"), "3.0");
  EXPECT_EQ(ResultOf("median([1, 2, 3, 4])"), "2.5");
  EXPECT_EQ(ResultOf("close(stddev([2, 4, 4, 4, 5, 5, 7, 9]), 2.13809, 0.00001)"), "true");
  EXPECT_EQ(ResultOf("slope([1, 2, 3], [3, 5, 7])"), "2.0");
  EXPECT_EQ(ResultOf("correlation([1, 2, 3], [-1.0, -2.0, -3.0])"), "-1.0");
  EXPECT_EQ(ResultOf("mean([1e100, 1.0, -1e100]) * 3.0"), "1.0");
}

// The values of R's quantile(x, type = 7) and NumPy's percentile.
TEST(StatisticsTest, PercentileInterpolatesLinearly) {
  EXPECT_EQ(ResultOf("percentile([1, 2, 3, 4], 25)"), "1.75");
  EXPECT_EQ(ResultOf("percentile([15, 20, 35, 40, 50], 40)"), "29.0");
  EXPECT_EQ(ResultOf("percentile([3, 1, 2], 0)"), "1.0");
  EXPECT_EQ(ResultOf("percentile([3, 1, 2], 100.0)"), "3.0");
}

TEST(StatisticsTest, UnsuitableListsAreErrors) {
  EXPECT_THAT(ResultOf("mean([])"), HasSubstr("at least 1 numbers"));
  EXPECT_THAT(ResultOf("mean(['a'])"), HasSubstr("takes numbers, found string"));
  EXPECT_THAT(ResultOf("percentile([1], 101)"), HasSubstr("0 to 100"));
  EXPECT_THAT(ResultOf("slope([1, 1], [2, 3])"), HasSubstr("same x"));
  EXPECT_THAT(ResultOf("correlation([1, 2], [1])"), HasSubstr("at least 2"));
  EXPECT_EQ(ResultOf("close(1.0, 1.1, 0.05)"), "false");
  EXPECT_EQ(ResultOf("close(1, 1.1, 0.2)"), "true");
  EXPECT_THAT(ResultOf("close(1, 1, -1)"), HasSubstr("tolerance"));
}

TEST(DocumentsTest, Digests) {
  const char* empty = "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"";
  EXPECT_EQ(ResultOf("sha256('')"), empty);
  EXPECT_EQ(ResultOf("sha256('abc') == sha256(b'abc')"), "true");
}

TEST(DocumentsTest, ParsesCsv) {
  EXPECT_EQ(ResultOf("parse_csv('a,b\\n1,\"x, y\"\\n')"), "[{\"a\": \"1\", \"b\": \"x, y\"}]");
  EXPECT_THAT(ResultOf("parse_csv('a,b\\n1\\n')"), HasSubstr("line 2 has 1 fields"));
}

TEST(DocumentsTest, JsonAndXml) {
  EXPECT_EQ(ResultOf("parse_json('{\"a\":[1,2.5]}').a[1]"), "2.5");
  EXPECT_THAT(ResultOf("parse_json('{')"), HasSubstr("error"));
  const std::string xml = "'<a><b id=\"1\">x</b><b id=\"2\">y<c>z</c></b></a>'";
  EXPECT_EQ(ResultOf("xpath(" + xml + ", '/a/b')"), "[\"x\", \"yz\"]");
  EXPECT_EQ(ResultOf("xpath(" + xml + ", '//b/@id')"), "[\"1\", \"2\"]");
  EXPECT_EQ(ResultOf("xpath(" + xml + ", 'count(//b)')"), "2.0");
  EXPECT_THAT(ResultOf("xpath('<a>', '/a')"), HasSubstr("malformed XML"));
  EXPECT_THAT(ResultOf("xpath('<a/>', '/a[')"), HasSubstr("not an XPath"));
}

std::string Mismatch(const std::string& value, const std::string& schema) {
  return ResultOf("schema_mismatch(" + value + ", " + schema + ")");
}

TEST(SchemaTest, TypesAndValues) {
  EXPECT_EQ(Mismatch("3", "{'type': 'integer'}"), "\"\"");
  EXPECT_EQ(Mismatch("3.0", "{'type': 'integer'}"), "\"\"");
  EXPECT_EQ(Mismatch("3", "{'type': ['string', 'number']}"), "\"\"");
  EXPECT_EQ(Mismatch("'x'", "{'type': 'integer'}"), R"("/: expected integer, found \"x\"")");
  EXPECT_THAT(Mismatch("4", "{'enum': [1, 2]}"), HasSubstr("expected one of [1, 2]"));
  EXPECT_THAT(Mismatch("4", "{'const': 5}"), HasSubstr("expected 5"));
  EXPECT_THAT(Mismatch("5", "{'exclusiveMaximum': 5}"), HasSubstr("less than 5"));
  EXPECT_THAT(Mismatch("1.05", "{'multipleOf': 0.1}"), HasSubstr("multiple of 0.1"));
  EXPECT_EQ(Mismatch("0.3", "{'multipleOf': 0.1}"), "\"\"");
  EXPECT_THAT(Mismatch("'abc'", "{'maxLength': 2}"), HasSubstr("at most 2 characters"));
  EXPECT_THAT(Mismatch("'abc'", "{'pattern': '^x'}"), HasSubstr("expected text like"));
}

TEST(SchemaTest, ObjectsAndArraysNameThePath) {
  const std::string person =
      "{'type': 'object', 'required': ['id'], 'additionalProperties': false, 'properties': "
      "{'id': {'type': 'string'}, 'tags': {'type': 'array', 'items': {'type': 'string'}, "
      "'uniqueItems': true}}}";
  EXPECT_EQ(Mismatch("{'id': 'x', 'tags': ['a', 'b']}", person), "\"\"");
  EXPECT_EQ(Mismatch("{'tags': []}", person), R"("/: property \"id\" is missing")");
  EXPECT_EQ(Mismatch("{'id': 'x', 'tags': ['a', 1]}", person),
            "\"/tags/1: expected string, found 1\"");
  EXPECT_THAT(Mismatch("{'id': 'x', 'more': 1}", person), HasSubstr("unexpected property"));
  EXPECT_THAT(Mismatch("{'id': 'x', 'tags': ['a', 'a']}", person), HasSubstr("are equal"));
  EXPECT_THAT(Mismatch("[1, 'x']", "{'prefixItems': [{'type': 'string'}], 'items': false}"),
              HasSubstr("/0: expected string"));
}

TEST(SchemaTest, CombinationsAndReferences) {
  EXPECT_EQ(Mismatch("3", "{'oneOf': [{'minimum': 2}, {'maximum': 1}]}"), "\"\"");
  EXPECT_THAT(Mismatch("3", "{'not': {'type': 'integer'}}"), HasSubstr("forbids"));
  EXPECT_THAT(Mismatch("3", "{'if': {'minimum': 2}, 'then': {'maximum': 2}}"),
              HasSubstr("at most 2"));
  const std::string tree =
      "{'$ref': '#/$defs/node', '$defs': {'node': {'type': 'object', 'properties': {'next': "
      "{'$ref': '#/$defs/node'}}}}}";
  EXPECT_EQ(Mismatch("{'next': {'next': {}}}", tree), "\"\"");
  EXPECT_THAT(Mismatch("{'next': {'next': 1}}", tree), HasSubstr("/next/next: expected object"));
}

TEST(SchemaTest, Formats) {
  EXPECT_EQ(Mismatch("'2026-11-21T03:12:51Z'", "{'format': 'date-time'}"), "\"\"");
  EXPECT_THAT(Mismatch("'yesterday'", "{'format': 'date-time'}"), HasSubstr("date-time"));
  EXPECT_EQ(Mismatch("'123e4567-e89b-12d3-a456-426614174000'", "{'format': 'uuid'}"), "\"\"");
  EXPECT_THAT(Mismatch("'123e4567'", "{'format': 'uuid'}"), HasSubstr("uuid"));
}

TEST(SchemaTest, WhatIsNotUnderstoodIsAnErrorAndNeverAMatch) {
  EXPECT_THAT(ResultOf("matches_schema(1, {'minimun': 3})"), HasSubstr("not supported"));
  EXPECT_THAT(ResultOf("matches_schema('x', {'format': 'colour'})"), HasSubstr("not supported"));
  EXPECT_THAT(ResultOf("matches_schema(1, {'$ref': '#/nowhere'})"), HasSubstr("leads nowhere"));
  EXPECT_THAT(ResultOf("matches_schema(1, {'$ref': '#'})"), HasSubstr("endlessly"));
  EXPECT_THAT(ResultOf("matches_schema(1, {'type': 'int'})"), HasSubstr("malformed schema"));
  EXPECT_THAT(ResultOf("matches_schema(1, 'file.json')"), HasSubstr("loads none"));
}

TEST(SchemaTest, ANameIsResolvedByTheEnvironment) {
  Environment environment;
  environment.LoadSchemasWith([](std::string_view name) -> base::Result<Value> {
    if (name == "int.json") return Value::Object({{"type", Value::String("integer")}});
    return base::Fail(base::ErrorCode::kNotFound, "no such file");
  });
  EXPECT_EQ(ResultOf("matches_schema(1, 'int.json')", environment), "true");
  EXPECT_EQ(ResultOf("matches_schema('x', 'int.json')", environment), "false");
  EXPECT_EQ(ResultOf("matches_schema(1, 'other.json')", environment), "error: no such file");
}

TEST(TimeTest, ZonesFollowTheirRulesBeyondTheirTables) {
  EXPECT_EQ(ResultOf("timestamp('2060-07-01T12:00:00Z').getHours('Europe/Berlin')"), "14");
  EXPECT_EQ(ResultOf("timestamp('2060-01-01T12:00:00Z').getHours('Europe/Berlin')"), "13");
  EXPECT_EQ(ResultOf("timestamp('2060-01-01T12:00:00Z').getHours('Australia/Sydney')"), "23");
  EXPECT_EQ(ResultOf("timestamp('1900-01-01T12:00:00Z').getHours('UTC')"), "12");
  EXPECT_EQ(ZoneOffset("Asia/Kathmandu", 1'700'000'000), 20'700);
  for (const char* wrong :
       {"Mars/Olympus", "../../etc/passwd", "+25:00", "/etc/localtime", "1:2:3"})
    EXPECT_EQ(ZoneOffset(wrong, 0), std::nullopt) << wrong;
}

TEST(TimeTest, DamagedZoneFilesAreRefused) {
  EXPECT_FALSE(TimeZone::Parse("").has_value());
  EXPECT_FALSE(TimeZone::Parse("TZif2").has_value());
  EXPECT_FALSE(TimeZone::Parse(std::string("TZif2") + std::string(60, '\xff')).has_value());
}

TEST(MathTest, BitsRoundingAndExtremes) {
  EXPECT_EQ(ResultOf("math.greatest(1, 2.5, 2u)"), "2.5");
  EXPECT_EQ(ResultOf("math.least([3, -4])"), "-4");
  EXPECT_THAT(ResultOf("math.least([])"), HasSubstr("empty list"));
  EXPECT_EQ(ResultOf("math.round(-2.5)"), "-3.0");
  EXPECT_EQ(ResultOf("math.bitShiftRight(-1, 63)"), "1");
  EXPECT_EQ(ResultOf("math.bitAnd(6u, 3u)"), "2u");
  EXPECT_THAT(ResultOf("math.bitShiftLeft(1, -1)"), HasSubstr("negative"));
  EXPECT_EQ(ResultOf("math.sqrt(16)"), "4.0");
  EXPECT_THAT(ResultOf("math.abs(-9223372036854775808)"), HasSubstr("overflow"));
}

TEST(ListsTest, OrderSlicesAndSets) {
  EXPECT_EQ(ResultOf("[3, 1, 2].sort()"), "[1, 2, 3]");
  EXPECT_EQ(ResultOf("[{'n': 2}, {'n': 1}].sortBy(e, e.n)[0].n"), "1");
  EXPECT_THAT(ResultOf("[1, 'a'].sort()"), HasSubstr("cannot order"));
  EXPECT_EQ(ResultOf("[1, [2, [3]]].flatten()"), "[1, 2, [3]]");
  EXPECT_EQ(ResultOf("[1, [2, [3]]].flatten(2)"), "[1, 2, 3]");
  EXPECT_EQ(ResultOf("[1, 1.0, 2].distinct()"), "[1, 2]");
  EXPECT_EQ(ResultOf("[1, 2, 3].slice(1, 3)"), "[2, 3]");
  EXPECT_THAT(ResultOf("[1].slice(0, 2)"), HasSubstr("out of range"));
  EXPECT_EQ(ResultOf("[1, 2].last().value() + [1, 2].first().value()"), "3");
  EXPECT_EQ(ResultOf("sets.equivalent([1, 2, 1], [2, 1]) && !sets.intersects([1], [2])"), "true");
  EXPECT_EQ(ResultOf("lists.range(3).reverse()"), "[2, 1, 0]");
}

TEST(RegexTest, ExtractAndReplace) {
  EXPECT_EQ(ResultOf("regex.extract('id=42;', 'id=(\\\\d+)').value()"), "\"42\"");
  EXPECT_EQ(ResultOf("regex.extract('none', 'id=(\\\\d+)').hasValue()"), "false");
  EXPECT_EQ(ResultOf("regex.extractAll('a1b22', '[0-9]+')"), "[\"1\", \"22\"]");
  EXPECT_EQ(ResultOf("regex.replace('a1b2', '[0-9]', '#')"), "\"a#b#\"");
  EXPECT_THAT(ResultOf("regex.extract('x', '(')"), HasSubstr("not a regular expression"));
}

TEST(FormatTest, HugePrecisionIsRefused) {
  EXPECT_EQ(ResultOf("'%.2f'.format([1.005])"), "\"1.00\"");
  EXPECT_THAT(ResultOf("'%.99999999f'.format([1.0])"), HasSubstr("at most 1000"));
  EXPECT_THAT(ResultOf("'%d'.format([])"), HasSubstr("more clauses"));
}

}  // namespace
}  // namespace assay::cel
