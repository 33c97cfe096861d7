#include "lib/formats/avro/datum_reader.h"

#include <algorithm>
#include <map>

#include <avro.h>
#include <fmt/format.h>

namespace formats::avro {
namespace {

using base::ErrorCode;
using base::Result;

/// What avro-c said last, on one line.
std::string Reason() {
  std::string text = avro_strerror();
  std::ranges::replace(text, '\n', ' ');
  return text;
}

/// The least that a datum of a schema takes in the file, and the most values it has apart from the
/// items of arrays and maps.
struct Extent {
  size_t bytes = 1;
  size_t values = 1;
};

/// Values of a record, and values of an array's or map's item for each byte of it: beyond these a
/// small file could stand for more than any memory holds.
constexpr size_t kMostValues = 10'000;
constexpr size_t kMostValuesPerByte = 16;

/// Walks a schema as data are read by it.
class SchemaCheck {
 public:
  Result<Extent> Measure(avro_schema_t schema) {
    switch (avro_typeof(schema)) {
      case AVRO_NULL:
        return Extent{.bytes = 0};
      case AVRO_FLOAT:
        return Extent{.bytes = 4};
      case AVRO_DOUBLE:
        return Extent{.bytes = 8};
      case AVRO_FIXED:
        return Extent{
            .bytes = static_cast<size_t>(std::max<int64_t>(0, avro_schema_fixed_size(schema)))};
      case AVRO_RECORD:
        return MeasureRecord(schema);
      case AVRO_LINK:
        return Measure(avro_schema_link_target(schema));
      case AVRO_UNION:
        return MeasureUnion(schema);
      case AVRO_ARRAY:
        return CheckItem(avro_schema_array_items(schema), 0);
      case AVRO_MAP:
        return CheckItem(avro_schema_map_values(schema), 1);
      default:
        return Extent{};
    }
  }

 private:
  Result<Extent> MeasureRecord(avro_schema_t schema) {
    if (const auto known = known_.find(schema); known != known_.end()) return known->second;
    if (std::ranges::find(open_, schema) != open_.end()) {
      return base::Fail(
          ErrorCode::kUnsupported,
          fmt::format("the schema's record \"{}\" refers to itself", avro_schema_name(schema)));
    }
    open_.push_back(schema);
    Extent sum{.bytes = 0};
    for (size_t i = 0; i < avro_schema_record_size(schema); ++i) {
      TRY(const Extent field,
          Measure(avro_schema_record_field_get_by_index(schema, static_cast<int>(i))));
      sum.bytes = std::min(sum.bytes + field.bytes, kMostValues);
      sum.values += field.values;
      if (sum.values > kMostValues) {
        return base::Fail(ErrorCode::kUnsupported,
                          fmt::format("the schema's record \"{}\" has more than {} values",
                                      avro_schema_name(schema), kMostValues));
      }
    }
    open_.pop_back();
    known_[schema] = sum;
    return sum;
  }

  Result<Extent> MeasureUnion(avro_schema_t schema) {
    Extent most;
    for (size_t i = 0; i < avro_schema_union_size(schema); ++i) {
      TRY(const Extent branch, Measure(avro_schema_union_branch(schema, static_cast<int>(i))));
      most.values = std::max(most.values, branch.values);
    }
    return most;
  }

  /// `more`: bytes of an item besides its datum.
  Result<Extent> CheckItem(avro_schema_t item, size_t more) {
    TRY(const Extent extent, Measure(item));
    if (extent.values > kMostValuesPerByte * (extent.bytes + more)) {
      return base::Fail(ErrorCode::kUnsupported,
                        "the schema has an array or map whose items hold many values in no bytes");
    }
    return Extent{};
  }

  std::vector<avro_schema_t> open_;
  std::map<avro_schema_t, Extent> known_;
};

/// From avro-c's values to ours, as long as `left` values may be made.
class Converter {
 public:
  explicit Converter(size_t& left) : left_(left) {}

  Result<Value> Convert(avro_value_t* value) {
    if (left_ == 0) return base::Fail(ErrorCode::kTooLarge, "the file holds too many values");
    --left_;
    switch (value->iface->get_type(value->iface, value->self)) {
      case AVRO_NULL:
        return Value{};
      case AVRO_BOOLEAN: {
        int boolean = 0;
        avro_value_get_boolean(value, &boolean);
        return Value{boolean != 0};
      }
      case AVRO_INT32: {
        int32_t number = 0;
        avro_value_get_int(value, &number);
        return Value{int64_t{number}};
      }
      case AVRO_INT64: {
        int64_t number = 0;
        avro_value_get_long(value, &number);
        return Value{number};
      }
      case AVRO_FLOAT: {
        float number = 0;
        avro_value_get_float(value, &number);
        return Value{static_cast<double>(number)};
      }
      case AVRO_DOUBLE: {
        double number = 0;
        avro_value_get_double(value, &number);
        return Value{number};
      }
      case AVRO_STRING:
        return ConvertText(value);
      case AVRO_BYTES:
        return ConvertBytes(value, false);
      case AVRO_FIXED:
        return ConvertBytes(value, true);
      case AVRO_ENUM:
        return ConvertEnum(value);
      case AVRO_ARRAY:
        return ConvertArray(value);
      case AVRO_RECORD:
      case AVRO_MAP:
        return ConvertFields(value);
      case AVRO_UNION: {
        avro_value_t branch;
        if (avro_value_get_current_branch(value, &branch) != 0) {
          return base::Fail(ErrorCode::kInvalid, "a union without a branch: " + Reason());
        }
        return Convert(&branch);
      }
      case AVRO_LINK:
        break;
    }
    return base::Fail(ErrorCode::kUnsupported, "a datum of an unknown type");
  }

 private:
  Result<Value> ConvertText(avro_value_t* value) {
    const char* text = nullptr;
    size_t size = 0;
    avro_value_get_string(value, &text, &size);
    return Value{std::string(text, size == 0 ? 0 : size - 1)};  // the size counts the final NUL
  }

  Result<Value> ConvertBytes(avro_value_t* value, bool fixed) {
    const void* bytes = nullptr;
    size_t size = 0;
    if (fixed) {
      avro_value_get_fixed(value, &bytes, &size);
    } else {
      avro_value_get_bytes(value, &bytes, &size);
    }
    return Value{Bytes{std::string(static_cast<const char*>(bytes), size)}};
  }

  Result<Value> ConvertEnum(avro_value_t* value) {
    int symbol = 0;
    avro_value_get_enum(value, &symbol);
    const char* name = avro_schema_enum_get(avro_value_get_schema(value), symbol);
    if (name == nullptr) {
      return base::Fail(ErrorCode::kInvalid, fmt::format("there is no enum symbol {}", symbol));
    }
    return Value{std::string(name)};
  }

  Result<Value> ConvertArray(avro_value_t* value) {
    size_t size = 0;
    avro_value_get_size(value, &size);
    List list;
    list.reserve(size);
    for (size_t i = 0; i < size; ++i) {
      avro_value_t item;
      avro_value_get_by_index(value, i, &item, nullptr);
      TRY(Value converted, Convert(&item));
      list.push_back(std::move(converted));
    }
    return Value{std::move(list)};
  }

  Result<Value> ConvertFields(avro_value_t* value) {
    size_t size = 0;
    avro_value_get_size(value, &size);
    Fields fields;
    fields.reserve(size);
    for (size_t i = 0; i < size; ++i) {
      avro_value_t field;
      const char* name = nullptr;
      avro_value_get_by_index(value, i, &field, &name);
      TRY(Value converted, Convert(&field));
      fields.push_back({name, std::move(converted)});
    }
    return Value{std::move(fields)};
  }

  size_t& left_;
};

}  // namespace

struct DatumReader::Handles {
  avro_schema_t schema = nullptr;
  avro_value_iface_t* type = nullptr;
  avro_value_t value = {};

  Handles() = default;
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    if (value.iface != nullptr) avro_value_decref(&value);
    if (type != nullptr) avro_value_iface_decref(type);
    if (schema != nullptr) avro_schema_decref(schema);
  }
};

DatumReader::DatumReader(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {}
DatumReader::~DatumReader() = default;
DatumReader::DatumReader(DatumReader&&) noexcept = default;
DatumReader& DatumReader::operator=(DatumReader&&) noexcept = default;

Result<DatumReader> DatumReader::Make(const std::string& schema) {
  auto handles = std::make_unique<Handles>();
  if (avro_schema_from_json_length(schema.data(), schema.size(), &handles->schema) != 0) {
    return base::Fail(ErrorCode::kInvalid, "the file's schema is none: " + Reason());
  }
  TRY(SchemaCheck().Measure(handles->schema));
  handles->type = avro_generic_class_from_schema(handles->schema);
  if (handles->type == nullptr || avro_generic_value_new(handles->type, &handles->value) != 0) {
    return base::Fail(ErrorCode::kUnsupported, "the file's schema cannot be read by: " + Reason());
  }
  return DatumReader(std::move(handles));
}

Result<void> DatumReader::ReadBlock(std::string_view data, size_t count, size_t first,
                                    size_t& values_left, std::vector<Value>& into) const {
  const std::unique_ptr<std::remove_pointer_t<avro_reader_t>, decltype(&avro_reader_free)> reader(
      avro_reader_memory(data.data(), static_cast<int64_t>(data.size())), &avro_reader_free);
  for (size_t i = 0; i < count; ++i) {
    avro_value_reset(&handles_->value);
    if (avro_value_read(reader.get(), &handles_->value) != 0) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("record {} cannot be read: {}", first + i, Reason()));
    }
    auto record = Converter(values_left).Convert(&handles_->value);
    if (!record) {
      record.error().While(fmt::format("reading record {}", first + i));
      return base::Fail(std::move(record).error());
    }
    into.push_back(*std::move(record));
  }
  char rest = 0;
  if (avro_read(reader.get(), &rest, 1) == 0) {
    return base::Fail(
        ErrorCode::kInvalid,
        fmt::format("there are bytes behind record {}, the last of its block", first + count - 1));
  }
  return {};
}

}  // namespace formats::avro
