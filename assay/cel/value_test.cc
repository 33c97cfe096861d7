#include "assay/cel/value.h"

#include <cmath>
#include <limits>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "assay/cel/json.h"
#include "assay/cel/network.h"
#include "assay/cel/text.h"
#include "assay/cel/type.h"
#include "lib/json/canonical.h"

namespace assay::cel {
namespace {

using std::chrono::nanoseconds;

std::string Literal(const Value& value) { return DebugString(value, TextLimits::None()); }

TEST(ValueTest, IsSmallAndSharesItsHeapPart) {
  EXPECT_EQ(sizeof(Value), 16u);
  const Value text = Value::String("shared");
  const Value copy = text;
  EXPECT_EQ(copy.string().data(), text.string().data());
}

TEST(ValueTest, NumbersAreEqualAcrossKinds) {
  EXPECT_EQ(Value::Int(1), Value::Uint(1));
  EXPECT_EQ(Value::Int(1), Value::Double(1.0));
  EXPECT_FALSE(Equals(Value::Int(1), Value::Double(1.5)));
  EXPECT_FALSE(Equals(Value::Int(-1), Value::Uint(std::numeric_limits<uint64_t>::max())));
  EXPECT_FALSE(Equals(Value::Int(1), Value::String("1")));
}

TEST(ValueTest, LargeIntegersCompareExactlyWithDoubles) {
  const Value big = Value::Int((int64_t{1} << 53) + 1);
  EXPECT_FALSE(Equals(big, Value::Double(0x1p53)));
  EXPECT_EQ(Compare(big, Value::Double(0x1p53)), std::partial_ordering::greater);
  EXPECT_EQ(Compare(Value::Int(std::numeric_limits<int64_t>::max()), Value::Double(0x1p64)),
            std::partial_ordering::less);
  EXPECT_EQ(Compare(Value::Double(-0.5), Value::Uint(0)), std::partial_ordering::less);
}

TEST(ValueTest, NanDiffersFromItselfButIsIdentical) {
  const Value nan = Value::Double(std::nan(""));
  EXPECT_FALSE(Equals(nan, nan));
  EXPECT_TRUE(Identical(nan, nan));
  EXPECT_EQ(Compare(nan, Value::Int(1)), std::partial_ordering::unordered);
}

TEST(ValueTest, KindsWithoutAnOrderDoNotCompare) {
  EXPECT_EQ(Compare(Value::Int(1), Value::String("1")), std::nullopt);
  EXPECT_EQ(Compare(Value::List({}), Value::List({})), std::nullopt);
}

TEST(ValueTest, MapsKeepInsertionOrderAndIgnoreItInEquality) {
  const Value a = Value::Object({{"b", Value::Int(1)}, {"a", Value::Int(2)}});
  const Value b = Value::Object({{"a", Value::Int(2)}, {"b", Value::Int(1)}});
  EXPECT_EQ(Literal(a), R"({"b": 1, "a": 2})");
  EXPECT_EQ(a, b);
}

TEST(ValueTest, LargeMapsFindEveryKeyByNumberLine) {
  MapBuilder builder;
  for (int64_t i = 0; i < 1000; ++i) builder.Set(Value::Int(i), Value::Int(i * i));
  const Value map = std::move(builder).Build();
  ASSERT_EQ(map.map().size(), 1000u);
  for (int64_t i = 0; i < 1000; ++i) {
    const Value* found = map.map().Find(Value::Double(static_cast<double>(i)));
    ASSERT_NE(found, nullptr) << i;
    EXPECT_EQ(found->int_value(), i * i);
    EXPECT_EQ(map.map().Find(Value::Uint(static_cast<uint64_t>(i))), found);
  }
  EXPECT_EQ(map.map().Find(Value::Int(1000)), nullptr);
  EXPECT_EQ(map.map().Find(Value::Double(1.5)), nullptr);
}

TEST(ValueTest, ARepeatedKeyKeepsItsPlaceAndTakesTheLastValue) {
  MapBuilder builder;
  builder.Set("a", Value::Int(1)).Set("b", Value::Int(2)).Set("a", Value::Int(3));
  EXPECT_EQ(Literal(std::move(builder).Build()), R"({"a": 3, "b": 2})");
}

TEST(TextTest, TimestampsReadAndWriteRfc3339) {
  const auto time = ParseTimestamp("2009-02-13T23:31:30.25+01:00");
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(FormatTimestamp(*time), "2009-02-13T22:31:30.25Z");
  EXPECT_EQ(FormatTimestamp(kMinTimestamp), "0001-01-01T00:00:00Z");
  EXPECT_EQ(FormatTimestamp(kMaxTimestamp), "9999-12-31T23:59:59.999999999Z");
  for (const char* wrong : {"", "2009-02-30T00:00:00Z", "2009-02-13", "2009-02-13T23:31:30",
                            "0000-01-01T00:00:00Z", "2009-02-13T24:00:00Z", "2009-02-13T23:31:30.Z",
                            "2009-02-13T23:31:30Zx", "9999-12-31T23:59:59-01:00"})
    EXPECT_FALSE(ParseTimestamp(wrong).has_value()) << wrong;
}

TEST(TextTest, DurationsReadUnitsAndWriteSeconds) {
  EXPECT_EQ(ParseDuration("1h30m"), std::chrono::minutes(90));
  EXPECT_EQ(ParseDuration("-1.5s"), std::chrono::milliseconds(-1500));
  EXPECT_EQ(ParseDuration("100ms"), std::chrono::milliseconds(100));
  EXPECT_EQ(ParseDuration("-9223372036.854775808s"), nanoseconds::min());
  for (const char* wrong : {"", "1", "s", "1.5", "1d", "--1s", "9223372036.854775808s", "1s 2s"})
    EXPECT_FALSE(ParseDuration(wrong).has_value()) << wrong;
  EXPECT_EQ(FormatDuration(nanoseconds(-1)), "-0.000000001s");
  EXPECT_EQ(FormatDuration(nanoseconds::min()), "-9223372036.854775808s");
  EXPECT_EQ(FormatDuration(std::chrono::milliseconds(1500)), "1.5s");
}

TEST(TextTest, DebugStringIsALiteralAndRespectsLimits) {
  EXPECT_EQ(Literal(Value::List({Value::Uint(3), Value::Double(1), Value::Null()})),
            "[3u, 1.0, null]");
  EXPECT_EQ(Literal(Value::String("a\"\n\x01")), R"("a\"\n\x01")");
  EXPECT_EQ(Literal(Value::Bytes("\xff"
                                 "a")),
            R"(b"\xffa")");
  EXPECT_EQ(Literal(Value::Optional(Value::Int(1))), "optional.of(1)");
  EXPECT_EQ(DebugString(Value::List(std::vector<Value>(10, Value::Int(7))), {.elements = 2}),
            "[7, 7, ... 8 more]");
  EXPECT_EQ(DebugString(Value::String("abcdef"), {.string_bytes = 3}), "\"abc...\"");
}

TEST(TextTest, ConversionInsideLongerText) {
  EXPECT_EQ(ToText(Value::String("as is")), "as is");
  EXPECT_EQ(ToText(Value::Double(0.1)), "0.1");
  EXPECT_EQ(ToText(Value::Double(1e100)), "1e+100");
  EXPECT_EQ(ToText(Value::Null()), "");
  EXPECT_EQ(ToText(Value::List({Value::Int(1), Value::String("x")})), R"([1,"x"])");
}

TEST(JsonTest, IntegerLiteralsBecomeIntAndOtherNumbersDouble) {
  const auto value = ParseJson(R"({"a": 1, "b": 1.0, "c": 18446744073709551615, "d": [null]})");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(Literal(*value), R"({"a": 1, "b": 1.0, "c": 18446744073709551615u, "d": [null]})");
  EXPECT_FALSE(ParseJson("{\"a\":}").has_value());
}

TEST(JsonTest, PlainJsonIsForPeople) {
  const Value value = Value::Object({{"bytes", Value::Bytes("hi")},
                                     {"wait", Value::Duration(std::chrono::milliseconds(1500))},
                                     {"nan", Value::Double(std::nan(""))}});
  EXPECT_EQ(boost::json::serialize(ToJson(value)), R"({"bytes":"aGk=","wait":"1.5s","nan":"NaN"})");
}

Value OneOfEverything() {
  MapBuilder keys;
  keys.Set(Value::Int(1), Value::String("int"))
      .Set(Value::Bool(true), Value::String("bool"))
      .Set(Value::Uint(9), Value::String("uint"));
  return Value::List({Value::Null(),
                      Value::Bool(true),
                      Value::Int(-5),
                      Value::Int((int64_t{1} << 53) + 1),
                      Value::Int(std::numeric_limits<int64_t>::min()),
                      Value::Uint(7),
                      Value::Uint(std::numeric_limits<uint64_t>::max()),
                      Value::Double(1),
                      Value::Double(-0.0),
                      Value::Double(0.1),
                      Value::Double(0.1 + 0.2),
                      Value::Double(1e300),
                      Value::Double(std::nan("")),
                      Value::Double(-INFINITY),
                      Value::String("$int"),
                      Value::Bytes(std::string_view("\0\xff", 2)),
                      Value::Timestamp(kMaxTimestamp),
                      Value::Duration(nanoseconds(-1)),
                      Value::OfType(Type::Int()),
                      std::move(keys).Build(),
                      Value::Object({{"$int", Value::String("not a tag")}}),
                      Value::Object({{"plain", Value::List({})}}),
                      Value::Optional(Value::Uint(1)),
                      Value::None(),
                      Value::Error(base::ErrorCode::kTimeout, "too late"),
                      ParseIpAddress("10.0.0.1"),
                      ParseCidr("2001:db8::/32")});
}

TEST(JsonTest, TypedJsonSurvivesCanonicalisation) {
  const Value value = OneOfEverything();
  const auto text = json::Canonical(ToTypedJson(value));
  const auto back = FromTypedJson(boost::json::parse(text));
  ASSERT_TRUE(back.has_value()) << back.error().message;
  ASSERT_EQ(back->list().size(), value.list().size());
  for (size_t i = 0; i < value.list().size(); ++i)
    EXPECT_TRUE(Identical(back->list()[i], value.list()[i]))
        << i << ": " << Literal(value.list()[i]) << " became " << Literal(back->list()[i]);
}

TEST(JsonTest, TypedJsonRefusesUnknownAndMalformedTags) {
  for (const char* wrong :
       {R"({"$what":"1"})", R"({"$int":"x"})", R"({"$int":1})", R"({"$bytes":"*"})",
        R"({"$map":[[1]]})", R"({"$optional":[1,2]})", R"({"$error":{"code":"nope"}})"})
    EXPECT_FALSE(FromTypedJson(boost::json::parse(wrong)).has_value()) << wrong;
}

TEST(TypeTest, NamesAreReadable) {
  EXPECT_EQ(Type::Map(Type::String(), Type::List(Type::Int())).ToString(),
            "map(string, list(int))");
  EXPECT_EQ(Type::Object({{"status", Type::Int()}, {"body", Type::Dyn()}}).ToString(),
            "{body: dyn, status: int}");
  EXPECT_EQ(Type::Optional(Type::Timestamp()).ToString(), "optional(timestamp)");
  EXPECT_EQ(Type::List(Type::Int()), Type::List(Type::Int()));
  EXPECT_FALSE(Type::List(Type::Int()) == Type::List(Type::Uint()));
}

}  // namespace
}  // namespace assay::cel
