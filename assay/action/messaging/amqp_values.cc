#include "assay/action/messaging/amqp_values.h"

#include <utility>

#include <fmt/format.h>

#include "assay/cel/text.h"

namespace assay::action::messaging {
namespace {

using base::Result;
using cel::Value;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;
using std::chrono::seconds;
using std::chrono::sys_seconds;

Result<queue::Field> ToField(const Value& value, std::string_view name) {
  switch (value.kind()) {
    case cel::Kind::kNull:
      return queue::Field{};
    case cel::Kind::kBool:
      return queue::Field{value.bool_value()};
    case cel::Kind::kInt:
      return queue::Field{value.int_value()};
    case cel::Kind::kUint:
      return queue::Field{static_cast<int64_t>(value.uint_value())};
    case cel::Kind::kDouble:
      return queue::Field{value.double_value()};
    case cel::Kind::kString:
      return queue::Field{std::string(value.string())};
    case cel::Kind::kBytes:
      return queue::Field{queue::Octets{std::string(value.bytes())}};
    case cel::Kind::kTimestamp:
      return queue::Field{sys_seconds(seconds(value.timestamp().seconds))};
    case cel::Kind::kList: {
      queue::Field::List list;
      for (const Value& element : value.list()) {
        TRY(auto field, ToField(element, name));
        list.push_back(std::move(field));
      }
      return queue::Field{std::move(list)};
    }
    case cel::Kind::kMap: {
      TRY(auto table, ToTable(value, name));
      return queue::Field{std::move(table)};
    }
    default:
      return Wrong(name, fmt::format("made of values that AMQP knows: {} is none",
                                     cel::ToString(value.kind())));
  }
}

Value FromField(const queue::Field& field) {
  struct ToValue {
    Value operator()(std::monostate) const { return Value::Null(); }
    Value operator()(bool value) const { return Value::Bool(value); }
    Value operator()(int64_t value) const { return Value::Int(value); }
    Value operator()(double value) const { return Value::Double(value); }
    Value operator()(const std::string& value) const { return Value::String(value); }
    Value operator()(const queue::Octets& value) const { return Value::Bytes(value.bytes); }
    Value operator()(sys_seconds value) const {
      return Value::Timestamp(cel::TimePoint{value.time_since_epoch().count(), 0});
    }
    Value operator()(const queue::Field::List& list) const {
      std::vector<Value> values;
      for (const queue::Field& element : list) values.push_back(FromField(element));
      return Value::List(std::move(values));
    }
    Value operator()(const queue::Table& table) const { return FromTable(table); }
  };
  return std::visit(ToValue{}, field.value);
}

Value PropertiesValue(const queue::Properties& properties) {
  cel::MapBuilder map;
  const auto text = [&](std::string_view name, const std::string& value) {
    map.Set(name, Value::String(value));
  };
  text("content_type", properties.content_type);
  text("content_encoding", properties.content_encoding);
  text("correlation_id", properties.correlation_id);
  text("reply_to", properties.reply_to);
  text("expiration", properties.expiration);
  text("message_id", properties.message_id);
  text("type", properties.type);
  text("user_id", properties.user_id);
  text("app_id", properties.app_id);
  map.Set("persistent", Value::Bool(properties.persistent));
  map.Set("priority", properties.priority ? Value::Int(*properties.priority) : Value::Null());
  map.Set("timestamp", properties.timestamp
                           ? Value::Timestamp(cel::TimePoint{
                                 properties.timestamp->time_since_epoch().count(), 0})
                           : Value::Null());
  return std::move(map).Build();
}

std::vector<Field> PropertyFields() {
  const auto text = [](std::string_view name, std::string_view doc) {
    return Field{.name = std::string(name), .type = Type::String(), .doc = std::string(doc)};
  };
  return {text("content_type", "Media type of the body."),
          text("content_encoding", "Coding of the body."),
          text("correlation_id", "Ties an answer to its question."),
          text("reply_to", "Queue for the answer."),
          text("message_id", "Identifier that the sender gives."),
          text("type", "Kind of message."),
          text("app_id", "Who sends it.")};
}

}  // namespace

Result<queue::Table> ToTable(const Value& map, std::string_view name) {
  queue::Table table;
  if (map.is_null()) return table;
  if (!map.is_map()) return Wrong(name, "a map of names to values");
  for (const auto& [key, value] : map.map().entries()) {
    const std::string text = cel::ToText(key);
    TRY(auto field, ToField(value, fmt::format("{}.{}", name, text)));
    table.push_back({text, std::move(field)});
  }
  return table;
}

Value FromTable(const queue::Table& table) {
  cel::MapBuilder map;
  for (const auto& [name, field] : table) map.Set(name, FromField(field));
  return std::move(map).Build();
}

std::vector<Field> PublicationFields() {
  std::vector<Field> fields = {
      {.name = "queue",
       .type = Type::String(),
       .doc = "Sends to this queue, through the default exchange."},
      {.name = "exchange", .type = Type::String(), .doc = "Sends to this exchange."},
      {.name = "routing_key",
       .type = Type::String(),
       .doc = "exchange: what its bindings are compared with."}};
  for (Field& field : BodyFields()) fields.push_back(std::move(field));
  fields.push_back(
      {.name = "headers", .type = Type::Map(Type::Any()), .doc = "Headers of the message."});
  for (Field& field : PropertyFields()) fields.push_back(std::move(field));
  fields.push_back({.name = "persistent",
                    .type = Type::Bool(),
                    .default_text = "true",
                    .doc = "Survives a restart of the broker in a durable queue."});
  fields.push_back({.name = "priority", .type = Type::Int(), .doc = "0 to 255."});
  fields.push_back(
      {.name = "expiration", .type = Type::Duration(), .doc = "Dropped when not taken by then."});
  fields.push_back({.name = "mandatory",
                    .type = Type::Bool(),
                    .default_text = "true",
                    .doc = "A message that no queue takes is returned instead of dropped."});
  return fields;
}

Result<queue::Message> ReadPublication(const Value& publish) {
  queue::Message message;
  message.exchange = TextOf(publish, "exchange");
  message.routing_key = TextOf(publish, "routing_key");
  if (const std::string name = TextOf(publish, "queue"); !name.empty()) {
    if (!message.routing_key.empty()) {
      return Wrong("publish.routing_key", "for a queue: it belongs to an exchange");
    }
    message.routing_key = name;
  }
  TRY(message.body, ReadBody(publish));
  queue::Properties& properties = message.properties;
  properties.content_type = TextOf(publish, "content_type");
  if (properties.content_type.empty() && publish.Find("json") != nullptr) {
    properties.content_type = "application/json";
  }
  properties.content_encoding = TextOf(publish, "content_encoding");
  properties.correlation_id = TextOf(publish, "correlation_id");
  properties.reply_to = TextOf(publish, "reply_to");
  properties.message_id = TextOf(publish, "message_id");
  properties.type = TextOf(publish, "type");
  properties.app_id = TextOf(publish, "app_id");
  properties.persistent = BoolOf(publish, "persistent", true);
  if (const Value* headers = publish.Find("headers")) {
    TRY(properties.headers, ToTable(*headers, "publish.headers"));
  }
  TRY(const auto priority, IntOf(publish, "priority", 0, 255));
  if (priority) properties.priority = static_cast<uint8_t>(*priority);
  TRY(const auto expiration, DurationOf(publish, "expiration"));
  if (expiration) {
    properties.expiration =
        std::to_string(std::chrono::ceil<std::chrono::milliseconds>(*expiration).count());
  }
  return message;
}

std::vector<Field> DeliveryFields() {
  ObjectSchema properties{
      .name = "amqp_properties",
      .doc = "What the sender said about a message; texts that were not set are empty.",
      .fields = PropertyFields()};
  properties.fields.push_back(
      {.name = "expiration", .type = Type::String(), .doc = "Milliseconds as text."});
  properties.fields.push_back(
      {.name = "user_id", .type = Type::String(), .doc = "User that the broker has checked."});
  properties.fields.push_back(
      {.name = "persistent", .type = Type::Bool(), .doc = "Whether it is kept on disk."});
  properties.fields.push_back(
      {.name = "priority", .type = Type::Any(), .doc = "A number, or null."});
  properties.fields.push_back(
      {.name = "timestamp", .type = Type::Any(), .doc = "A timestamp, or null."});
  std::vector<Field> fields = ReceivedBodyFields();
  fields.push_back({.name = "properties",
                    .type = Type::Object(std::move(properties)),
                    .doc = "What the sender said about it."});
  fields.push_back({.name = "headers", .type = Type::Map(Type::Any()), .doc = "Headers."});
  fields.push_back(
      {.name = "redelivered", .type = Type::Bool(), .doc = "It was given to a consumer before."});
  fields.push_back({.name = "exchange", .type = Type::String(), .doc = "Where it was published."});
  fields.push_back({.name = "routing_key", .type = Type::String(), .doc = "And with which key."});
  fields.push_back({.name = "delivery_tag",
                    .type = Type::Int(),
                    .doc = "Number of the delivery on its connection."});
  return fields;
}

Value DeliveryValue(const queue::Delivery& delivery) {
  cel::MapBuilder map;
  SetBody(map, delivery.message.body);
  map.Set("properties", PropertiesValue(delivery.message.properties));
  map.Set("headers", FromTable(delivery.message.properties.headers));
  map.Set("redelivered", Value::Bool(delivery.redelivered));
  map.Set("exchange", Value::String(delivery.message.exchange));
  map.Set("routing_key", Value::String(delivery.message.routing_key));
  map.Set("delivery_tag", Value::Int(static_cast<int64_t>(delivery.delivery_tag)));
  return std::move(map).Build();
}

}  // namespace assay::action::messaging
