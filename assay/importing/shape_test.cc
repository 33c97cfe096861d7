#include "assay/importing/shape.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "assay/importing/captures.h"
#include "assay/importing/secrets.h"

namespace assay::importing {
namespace {

using boost::json::parse;

boost::json::value Shape(std::string_view text) { return InferSchema(parse(text)); }

TEST(Shapes, HoldTypesAndMembersButNoValues) {
  EXPECT_EQ(
      Shape(R"({"id": 5, "price": 3, "name": "x", "ok": true})"),
      parse(
          R"({"type": "object", "required": ["id", "price", "name", "ok"], "properties": {"id": {"type": "integer"},
                      "price": {"type": "number"}, "name": {"type": "string"}, "ok": {"type": "boolean"}}})"));
}

TEST(Shapes, OfElementsAreUnited) {
  EXPECT_EQ(
      Shape(R"([{"a": 1, "b": "x"}, {"a": "y"}])"),
      parse(
          R"({"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": ["number", "string"]}, "b": {"type": "string"}}}})"));
  EXPECT_EQ(Shape("[]"), parse(R"({"type": "array"})"));
}

TEST(Shapes, OfNullSayNothing) {
  EXPECT_EQ(Shape(R"({"a": null})").at("properties").at("a"), parse("{}"));
}

TEST(Shapes, IdsAsKeysAreNotRequired) {
  const auto shape = Shape(R"({"a1b2c3d4e5": {"n": 1}, "f6a7b8c9d0": {"n": 2}})");
  EXPECT_FALSE(shape.as_object().contains("required"));
  EXPECT_EQ(shape.at("additionalProperties").at("properties").at("n"),
            parse(R"({"type": "number"})"));
}

TEST(Names, OfIdentifiersAndSecretsAreKnownByTheirWords) {
  for (const char* name : {"id", "file_id", "userId", "UUID", "nextCursor", "etag"})
    EXPECT_TRUE(IsIdentifierKey(name)) << name;
  for (const char* name : {"width", "paid", "valid", "name", "count"})
    EXPECT_FALSE(IsIdentifierKey(name)) << name;
  for (const char* name : {"password", "client_secret", "accessToken", "X-API-Key", "csrf", "pin"})
    EXPECT_TRUE(IsSensitiveName(name)) << name;
  for (const char* name : {"token_type", "max_tokens", "author", "shipping", "key"})
    EXPECT_FALSE(IsSensitiveName(name)) << name;
}

TEST(Names, WhatNobodyTypedLooksMade) {
  for (const char* text : {"3fa85f64-5717-4562-b3fc-2c963f66afa6", "ord_8f3k2l1m", "0123456789"})
    EXPECT_TRUE(LooksMade(text)) << text;
  for (const char* text : {"2026-01-01T10:00:00Z", "Ada", "password", "hello world 123", "v1"})
    EXPECT_FALSE(LooksMade(text)) << text;
}

TEST(Names, OfResourcesComeFromThePath) {
  EXPECT_EQ(ResourceOf("/api/v1/notes"), "note");
  EXPECT_EQ(ResourceOf("/api/v1/notes/17/entries"), "entry");
  EXPECT_EQ(ResourceOf("/statuses/7"), "status");
  EXPECT_EQ(ResourceOf("/"), "item");
}

}  // namespace
}  // namespace assay::importing
