#include "lib/formats/avro/container.h"

#include <filesystem>
#include <fstream>

#include <avro.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/testing/temp_dir.h"

namespace formats::avro {
namespace {

using base::Deadline;
using base::ErrorCode;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kSchema = R"({"type": "record", "name": "Reading", "fields": [
  {"name": "id", "type": "long"}, {"name": "rate", "type": "double"},
  {"name": "device", "type": ["null", "string"]},
  {"name": "tags", "type": {"type": "array", "items": "string"}},
  {"name": "raw", "type": "bytes"},
  {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["HR", "SPO2"]}}]})";

void SetField(avro_value_t& record, const char* name, avro_value_t& field) {
  ASSERT_EQ(avro_value_get_by_name(&record, name, &field, nullptr), 0);
}

/// Written by the library of the format's authors.
std::string MakeFile(const char* codec, int count) {
  const testing_support::TempDir dir;
  const std::string path = (dir / "file.avro").string();
  avro_schema_t schema = nullptr;
  EXPECT_EQ(avro_schema_from_json_length(kSchema, std::string_view(kSchema).size(), &schema), 0);
  avro_file_writer_t writer = nullptr;
  EXPECT_EQ(avro_file_writer_create_with_codec(path.c_str(), schema, &writer, codec, 0), 0);
  avro_value_iface_t* type = avro_generic_class_from_schema(schema);
  avro_value_t record;
  avro_generic_value_new(type, &record);
  for (int i = 0; i < count; ++i) {
    avro_value_t field;
    avro_value_t inner;
    avro_value_reset(&record);
    SetField(record, "id", field);
    avro_value_set_long(&field, 100 + i);
    SetField(record, "rate", field);
    avro_value_set_double(&field, 60.5);
    SetField(record, "device", field);
    avro_value_set_branch(&field, i % 2, &inner);
    if (i % 2 == 1) avro_value_set_string(&inner, "watch");
    SetField(record, "tags", field);
    avro_value_append(&field, &inner, nullptr);
    avro_value_set_string(&inner, "a");
    SetField(record, "raw", field);
    std::string raw("\x00\xFF", 2);
    avro_value_set_bytes(&field, raw.data(), raw.size());
    SetField(record, "kind", field);
    avro_value_set_enum(&field, 1);
    EXPECT_EQ(avro_file_writer_append_value(writer, &record), 0);
  }
  avro_value_decref(&record);
  avro_value_iface_decref(type);
  avro_file_writer_close(writer);
  avro_schema_decref(schema);
  return testing_support::ReadFile(path);
}

/// A container by hand: the schema and one block.
std::string Container(const std::string& schema, int64_t count, const std::string& data,
                      const std::string& codec = "null") {
  const auto number = [](int64_t value) {
    uint64_t bits = (static_cast<uint64_t>(value) << 1U) ^ static_cast<uint64_t>(value >> 63);
    std::string out;
    while (bits >= 0x80) {
      out += static_cast<char>(bits | 0x80U);
      bits >>= 7U;
    }
    return out + static_cast<char>(bits);
  };
  const auto text = [&](const std::string& value) {
    return number(static_cast<int64_t>(value.size())) + value;
  };
  const std::string marker(16, 'm');
  return std::string("Obj\x01") + number(2) + text("avro.schema") + text(schema) +
         text("avro.codec") + text(codec) + number(0) + marker + number(count) + text(data) +
         marker;
}

base::Error Failure(const std::string& bytes, const Limits& limits = {}) {
  const auto read = Read(bytes, Deadline::Never(), limits);
  return read ? base::Error{.message = "it was read"} : read.error();
}

TEST(Avro, ReadsRecordsOfBothCodecs) {
  for (const char* codec : {"null", "deflate"}) {
    const auto file = Read(MakeFile(codec, 3), Deadline::Never());
    ASSERT_TRUE(file.has_value()) << file.error().ToString();
    EXPECT_EQ(file->codec, codec);
    EXPECT_THAT(file->schema, HasSubstr("Reading"));
    ASSERT_THAT(file->records, SizeIs(3));
    const Value expected{Fields{{"id", Value{int64_t{101}}},
                                {"rate", Value{60.5}},
                                {"device", Value{std::string("watch")}},
                                {"tags", Value{List{Value{std::string("a")}}}},
                                {"raw", Value{Bytes{std::string("\x00\xFF", 2)}}},
                                {"kind", Value{std::string("SPO2")}}}};
    EXPECT_EQ(file->records[1], expected);
    const auto& first = std::get<Fields>(file->records[0].datum);
    EXPECT_EQ(first[2].value, Value{});
  }
}

TEST(Avro, AFileWithoutRecordsIsAFile) {
  const auto file = Read(MakeFile("null", 0), Deadline::Never());
  ASSERT_TRUE(file.has_value()) << file.error().ToString();
  EXPECT_THAT(file->records, SizeIs(0));
}

TEST(Avro, EveryTruncationIsRefusedOrEndsBetweenBlocks) {
  const std::string whole = MakeFile("null", 2);
  size_t complete = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    if (Read(whole.substr(0, size), Deadline::Never())) ++complete;
  }
  EXPECT_EQ(complete, 1U);  // behind the header, before the only block
}

TEST(Avro, DamageIsNamed) {
  EXPECT_THAT(Failure("").message, HasSubstr("no Avro container file"));
  EXPECT_THAT(Failure("Object").message, HasSubstr("no Avro container file"));
  std::string marker = MakeFile("null", 1);
  marker.back() = static_cast<char>(marker.back() + 1);
  EXPECT_THAT(Failure(marker).message, HasSubstr("does not end with the file's marker"));
  EXPECT_THAT(Failure(Container("{", 1, "x")).message, HasSubstr("schema is none"));
  EXPECT_THAT(Failure(Container("\"long\"", 2, "\x02")).message,
              HasSubstr("record 1 cannot be read"));
  EXPECT_THAT(Failure(Container("\"long\"", 1, "\x02\x02")).message,
              HasSubstr("bytes behind record 0"));
  EXPECT_THAT(Failure(Container("\"long\"", 1, "no deflate", "deflate")).message,
              HasSubstr("not deflated data"));
  EXPECT_EQ(Failure(Container("\"long\"", 1, "x", "zstandard")).code, ErrorCode::kUnsupported);
}

TEST(Avro, FilesThatStandForMoreThanMemoryAreRefused) {
  const std::string itself = R"({"type": "record", "name": "Node", "fields": [
      {"name": "next", "type": ["null", "Node"]}]})";
  EXPECT_EQ(Failure(Container(itself, 1, std::string(1, '\0'))).code, ErrorCode::kUnsupported);
  const std::string nothing = R"({"type": "array", "items": "null"})";
  EXPECT_EQ(Failure(Container(nothing, 1, std::string("\x02\x00", 2))).code,
            ErrorCode::kUnsupported);
  std::string doubling = R"({"type": "record", "name": "R0", "fields": []})";
  for (int i = 1; i < 40; ++i) {
    doubling = R"({"type": "record", "name": "R)" + std::to_string(i) +
               R"(", "fields": [{"name": "a", "type": )" + doubling +
               R"(}, {"name": "b", "type": "R)" + std::to_string(i - 1) + R"("}]})";
  }
  EXPECT_EQ(Failure(Container(doubling, 1, "")).code, ErrorCode::kUnsupported);
  EXPECT_EQ(Failure(Container("\"null\"", int64_t{1} << 40, "")).code, ErrorCode::kTooLarge);
  EXPECT_EQ(Failure(MakeFile("null", 3), {.values = 10}).code, ErrorCode::kTooLarge);
  EXPECT_EQ(Failure(MakeFile("deflate", 3), {.decoded = 10}).code, ErrorCode::kTooLarge);
  EXPECT_EQ(Failure(MakeFile("null", 3), {.records = 2}).code, ErrorCode::kTooLarge);
  EXPECT_EQ(Failure(MakeFile("null", 3), {.bytes = 20}).code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace formats::avro
