#include "lib/queue/internal/table.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

namespace queue::internal {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

template <typename T>
T* Allocate(Pool& pool, size_t count) {
  void* const memory = amqp_pool_alloc(pool.get(), sizeof(T) * std::max<size_t>(1, count));
  if (memory == nullptr) throw std::bad_alloc();
  return static_cast<T*>(memory);
}

amqp_field_value_t Of(amqp_field_value_kind_t kind) {
  amqp_field_value_t field = {};
  field.kind = static_cast<uint8_t>(kind);
  return field;
}

amqp_field_value_t FieldToAmqp(const Field& field, Pool& pool);

struct ToAmqpField {
  Pool& pool;

  amqp_field_value_t operator()(std::monostate) const { return Of(AMQP_FIELD_KIND_VOID); }
  amqp_field_value_t operator()(bool value) const {
    amqp_field_value_t field = Of(AMQP_FIELD_KIND_BOOLEAN);
    field.value.boolean = value ? 1 : 0;
    return field;
  }
  amqp_field_value_t operator()(int64_t value) const {
    amqp_field_value_t field = Of(AMQP_FIELD_KIND_I64);
    field.value.i64 = value;
    return field;
  }
  amqp_field_value_t operator()(double value) const {
    amqp_field_value_t field = Of(AMQP_FIELD_KIND_F64);
    field.value.f64 = value;
    return field;
  }
  amqp_field_value_t operator()(const std::string& value) const {
    amqp_field_value_t field = Of(AMQP_FIELD_KIND_UTF8);
    field.value.bytes = Bytes(value);
    return field;
  }
  amqp_field_value_t operator()(const Octets& value) const {
    amqp_field_value_t field = Of(AMQP_FIELD_KIND_BYTES);
    field.value.bytes = Bytes(value.bytes);
    return field;
  }
  amqp_field_value_t operator()(sys_seconds value) const {
    amqp_field_value_t field = Of(AMQP_FIELD_KIND_TIMESTAMP);
    field.value.u64 = static_cast<uint64_t>(value.time_since_epoch().count());
    return field;
  }
  amqp_field_value_t operator()(const Field::List& value) const {
    amqp_field_value_t field = Of(AMQP_FIELD_KIND_ARRAY);
    auto* entries = Allocate<amqp_field_value_t>(pool, value.size());
    for (size_t i = 0; i < value.size(); ++i) entries[i] = FieldToAmqp(value[i], pool);
    field.value.array = {static_cast<int>(value.size()), entries};
    return field;
  }
  amqp_field_value_t operator()(const Table& value) const {
    amqp_field_value_t field = Of(AMQP_FIELD_KIND_TABLE);
    field.value.table = ToAmqp(value, pool);
    return field;
  }
};

amqp_field_value_t FieldToAmqp(const Field& field, Pool& pool) {
  return std::visit(ToAmqpField{pool}, field.value);
}

sys_seconds TimeOf(uint64_t value) { return sys_seconds(seconds(static_cast<int64_t>(value))); }

// The broker bounds the depth of what it passes on by the size of a frame.
Field FieldFromAmqp(const amqp_field_value_t& field) {
  const auto& value = field.value;
  switch (static_cast<amqp_field_value_kind_t>(field.kind)) {
    case AMQP_FIELD_KIND_BOOLEAN:
      return {value.boolean != 0};
    case AMQP_FIELD_KIND_I8:
      return {int64_t{value.i8}};
    case AMQP_FIELD_KIND_U8:
      return {int64_t{value.u8}};
    case AMQP_FIELD_KIND_I16:
      return {int64_t{value.i16}};
    case AMQP_FIELD_KIND_U16:
      return {int64_t{value.u16}};
    case AMQP_FIELD_KIND_I32:
      return {int64_t{value.i32}};
    case AMQP_FIELD_KIND_U32:
      return {int64_t{value.u32}};
    case AMQP_FIELD_KIND_I64:
      return {value.i64};
    case AMQP_FIELD_KIND_U64:
      return {static_cast<int64_t>(value.u64)};
    case AMQP_FIELD_KIND_F32:
      return {double{value.f32}};
    case AMQP_FIELD_KIND_F64:
      return {value.f64};
    case AMQP_FIELD_KIND_DECIMAL:
      return {static_cast<double>(value.decimal.value) / std::pow(10.0, value.decimal.decimals)};
    case AMQP_FIELD_KIND_UTF8:
      return {FromAmqp(value.bytes)};
    case AMQP_FIELD_KIND_BYTES:
      return {Octets{FromAmqp(value.bytes)}};
    case AMQP_FIELD_KIND_TIMESTAMP:
      return {TimeOf(value.u64)};
    case AMQP_FIELD_KIND_TABLE:
      return {FromAmqp(value.table)};
    case AMQP_FIELD_KIND_ARRAY: {
      Field::List list;
      for (int i = 0; i < value.array.num_entries; ++i) {
        list.push_back(FieldFromAmqp(value.array.entries[i]));
      }
      return {std::move(list)};
    }
    case AMQP_FIELD_KIND_VOID:
      break;
  }
  return {};
}

}  // namespace

amqp_bytes_t Bytes(const std::string& text) {
  // rabbitmq-c only reads it; its type has no const.
  return {text.size(), const_cast<char*>(text.data())};
}

amqp_table_t ToAmqp(const Table& table, Pool& pool) {
  auto* entries = Allocate<amqp_table_entry_t>(pool, table.size());
  for (size_t i = 0; i < table.size(); ++i) {
    entries[i] = {Bytes(table[i].name), FieldToAmqp(table[i].field, pool)};
  }
  return {static_cast<int>(table.size()), entries};
}

amqp_basic_properties_t ToAmqp(const Properties& properties, Pool& pool) {
  amqp_basic_properties_t out = {};
  const auto text = [&](const std::string& value, amqp_bytes_t& field, amqp_flags_t flag) {
    if (value.empty()) return;
    field = Bytes(value);
    out._flags |= flag;
  };
  text(properties.content_type, out.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG);
  text(properties.content_encoding, out.content_encoding, AMQP_BASIC_CONTENT_ENCODING_FLAG);
  text(properties.correlation_id, out.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG);
  text(properties.reply_to, out.reply_to, AMQP_BASIC_REPLY_TO_FLAG);
  text(properties.expiration, out.expiration, AMQP_BASIC_EXPIRATION_FLAG);
  text(properties.message_id, out.message_id, AMQP_BASIC_MESSAGE_ID_FLAG);
  text(properties.type, out.type, AMQP_BASIC_TYPE_FLAG);
  text(properties.user_id, out.user_id, AMQP_BASIC_USER_ID_FLAG);
  text(properties.app_id, out.app_id, AMQP_BASIC_APP_ID_FLAG);
  out.delivery_mode = static_cast<uint8_t>(properties.persistent ? AMQP_DELIVERY_PERSISTENT
                                                                 : AMQP_DELIVERY_NONPERSISTENT);
  out._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
  if (!properties.headers.empty()) {
    out.headers = ToAmqp(properties.headers, pool);
    out._flags |= AMQP_BASIC_HEADERS_FLAG;
  }
  if (properties.priority) {
    out.priority = *properties.priority;
    out._flags |= AMQP_BASIC_PRIORITY_FLAG;
  }
  if (properties.timestamp) {
    out.timestamp = static_cast<uint64_t>(properties.timestamp->time_since_epoch().count());
    out._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
  }
  return out;
}

std::string FromAmqp(amqp_bytes_t bytes) {
  return bytes.len == 0 ? std::string() : std::string(static_cast<char*>(bytes.bytes), bytes.len);
}

Table FromAmqp(const amqp_table_t& table) {
  Table out;
  for (int i = 0; i < table.num_entries; ++i) {
    out.push_back({FromAmqp(table.entries[i].key), FieldFromAmqp(table.entries[i].value)});
  }
  return out;
}

Properties FromAmqp(const amqp_basic_properties_t& properties) {
  const auto has = [&](amqp_flags_t flag) { return (properties._flags & flag) != 0; };
  const auto text = [&](amqp_bytes_t field, amqp_flags_t flag) {
    return has(flag) ? FromAmqp(field) : std::string();
  };
  Properties out;
  out.content_type = text(properties.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG);
  out.content_encoding = text(properties.content_encoding, AMQP_BASIC_CONTENT_ENCODING_FLAG);
  out.correlation_id = text(properties.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG);
  out.reply_to = text(properties.reply_to, AMQP_BASIC_REPLY_TO_FLAG);
  out.expiration = text(properties.expiration, AMQP_BASIC_EXPIRATION_FLAG);
  out.message_id = text(properties.message_id, AMQP_BASIC_MESSAGE_ID_FLAG);
  out.type = text(properties.type, AMQP_BASIC_TYPE_FLAG);
  out.user_id = text(properties.user_id, AMQP_BASIC_USER_ID_FLAG);
  out.app_id = text(properties.app_id, AMQP_BASIC_APP_ID_FLAG);
  out.persistent =
      has(AMQP_BASIC_DELIVERY_MODE_FLAG) && properties.delivery_mode == AMQP_DELIVERY_PERSISTENT;
  if (has(AMQP_BASIC_HEADERS_FLAG)) out.headers = FromAmqp(properties.headers);
  if (has(AMQP_BASIC_PRIORITY_FLAG)) out.priority = properties.priority;
  if (has(AMQP_BASIC_TIMESTAMP_FLAG)) out.timestamp = TimeOf(properties.timestamp);
  return out;
}

}  // namespace queue::internal
