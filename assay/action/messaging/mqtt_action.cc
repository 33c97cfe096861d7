#include "assay/action/messaging/mqtt_action.h"

#include <utility>

#include <fmt/format.h>

#include "assay/action/messaging/messaging.h"
#include "assay/cel/text.h"
#include "lib/mqtt/connection.h"

namespace assay::action {
namespace {

using base::Result;
using cel::Value;
using history::Disposition;
using history::Outcome;
using messaging::Answer;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

/// The parameters, understood.
struct Request {
  mqtt::Target target;
  bool publishes = false;
  mqtt::Message message;
  std::vector<std::string> topics;
  mqtt::Quality quality = mqtt::Quality::kAtMostOnce;
  messaging::Collecting wanted;
};

Field QosField(std::string_view doc) {
  return {.name = "qos", .type = Type::Int(), .default_text = "0", .doc = std::string(doc)};
}

std::vector<Field> ParamFields() {
  ObjectSchema publish{
      .name = "mqtt_publication",
      .doc = "A message to publish.",
      .fields = {{.name = "topic", .type = Type::String(), .required = true, .doc = "Where."}},
      .one_of = {{.names = {"body", "json"}, .required = false}}};
  for (Field& field : messaging::BodyFields()) publish.fields.push_back(std::move(field));
  publish.fields.push_back(QosField("0 at most once, 1 at least once, 2 exactly once."));
  publish.fields.push_back({.name = "retain",
                            .type = Type::Bool(),
                            .default_text = "false",
                            .doc = "The broker keeps it as the topic's last value."});
  ObjectSchema subscribe{
      .name = "mqtt_subscription",
      .doc = "Topics to listen to.",
      .fields = {{.name = "topics",
                  .type = Type::OneOrMore(Type::String()),
                  .required = true,
                  .doc = "Filters: `+` stands for one level, `#` for all further ones."},
                 QosField("Best quality in which messages are delivered.")}};
  for (Field& field : messaging::CollectingFields()) subscribe.fields.push_back(std::move(field));
  std::vector<Field> fields = messaging::ConnectionFields("mqtt:// or mqtts://");
  fields.push_back({.name = "publish",
                    .type = Type::Object(std::move(publish)),
                    .doc = "Publishes a message; with qos 1 and 2 the broker has it afterwards."});
  fields.push_back({.name = "subscribe",
                    .type = Type::Object(std::move(subscribe)),
                    .doc = "Listens to topics; in the background it is ready before the next step "
                           "begins."});
  return fields;
}

std::vector<Field> OutcomeFields() {
  ObjectSchema message{
      .name = "mqtt_message",
      .doc = "A message that came.",
      .fields = {{.name = "topic", .type = Type::String(), .doc = "Where it was published."},
                 {.name = "qos", .type = Type::Int(), .doc = "Quality of the delivery."},
                 {.name = "retain",
                  .type = Type::Bool(),
                  .doc = "It was kept by the broker from before the subscription."}}};
  for (Field& field : messaging::ReceivedBodyFields()) message.fields.push_back(std::move(field));
  return {{.name = "messages",
           .type = Type::List(Type::Object(message)),
           .doc = "subscribe: what came."},
          {.name = "count", .type = Type::Int(), .doc = "subscribe: how many came."},
          {.name = "duration", .type = Type::Duration(), .doc = "How long it took."}};
}

Result<mqtt::Quality> ReadQuality(const Value& object) {
  TRY(const auto number, messaging::IntOf(object, "qos", 0, 2));
  return static_cast<mqtt::Quality>(number.value_or(0));
}

Result<Request> ReadRequest(const Value& params, const ActionContext& context) {
  Request request;
  TRY(const std::string url, messaging::FindUrl(params, context));
  TRY(request.target, mqtt::ParseTarget(url));
  TRY(request.target.tls, messaging::ReadTls(params, context));
  if (const Value* publish = params.Find("publish")) {
    request.publishes = true;
    request.message.topic = messaging::TextOf(*publish, "topic");
    TRY(mqtt::CheckTopic(request.message.topic));
    TRY(request.message.payload, messaging::ReadBody(*publish));
    TRY(request.message.quality, ReadQuality(*publish));
    request.message.retain = messaging::BoolOf(*publish, "retain", false);
  } else if (const Value* subscribe = params.Find("subscribe")) {
    TRY(request.topics, messaging::TextsOf(*subscribe, "topics"));
    for (const std::string& topic : request.topics) TRY(mqtt::CheckFilter(topic));
    TRY(request.quality, ReadQuality(*subscribe));
    TRY(request.wanted, messaging::ReadCollecting(*subscribe));
  } else {
    return messaging::Wrong("publish", "given, nor subscribe");
  }
  return request;
}

Result<void> Talk(const Request& request, const messaging::Work& work, Answer& answer) {
  if (request.publishes) work.armed();
  TRY(const auto connection,
      mqtt::Connection::Open(request.target, {.stop = &work.stop}, work.deadline));
  if (request.publishes) {
    answer.exchange.sent.push_back({{{"topic", request.message.topic},
                                     {"qos", static_cast<int>(request.message.quality)},
                                     {"retain", request.message.retain}},
                                    request.message.payload});
    return connection->Publish(request.message, work.deadline);
  }
  TRY(connection->Subscribe(request.topics, request.quality, work.deadline));
  work.armed();
  std::vector<mqtt::Message> messages;
  const auto heard = messaging::Collect<mqtt::Message>(
      request.wanted, work.deadline,
      [&](base::Deadline deadline) { return connection->Next(deadline); }, messages);
  std::vector<Value> values;
  for (const mqtt::Message& message : messages) {
    cel::MapBuilder value;
    value.Set("topic", Value::String(message.topic));
    value.Set("qos", Value::Int(static_cast<int64_t>(message.quality)));
    value.Set("retain", Value::Bool(message.retain));
    messaging::SetBody(value, message.payload);
    values.push_back(std::move(value).Build());
    answer.exchange.received.push_back({{{"topic", message.topic}}, message.payload});
  }
  answer.values.Set("count", Value::Int(static_cast<int64_t>(values.size())));
  answer.values.Set("messages", Value::List(std::move(values)));
  return heard;
}

Answer Perform(const Request& request, const messaging::Work& work) {
  Answer answer;
  answer.exchange.kind = "mqtt";
  answer.exchange.endpoint =
      fmt::format("{}://{}", request.target.url.scheme, request.target.url.Authority());
  answer.values.Set("messages", Value::List({}));
  answer.values.Set("count", Value::Int(0));
  auto done = Talk(request, work, answer);
  if (!done) answer.error = std::move(done).error();
  return answer;
}

}  // namespace

MqttAction::MqttAction() {
  schema_ = {.name = "mqtt",
             .doc =
                 "Publishes to an MQTT broker, or listens to topics, over a connection of its "
                 "own (MQTT 3.1.1).",
             .shorthand = "endpoint",
             .shorthand_doc = "endpoint or URL"};
  schema_.params = {.name = "mqtt",
                    .doc = "Work for an MQTT broker.",
                    .fields = ParamFields(),
                    .one_of = {{.names = {"publish", "subscribe"}}}};
  schema_.outcome = OutcomeFields();
  schema_.listens = true;
  schema_.listening_params = {"subscribe"};
  schema_.limit_param = "for";
}

std::string MqttAction::Head(const Value& params) const {
  const std::string endpoint = messaging::ShownEndpoint(params);
  if (const Value* publish = params.Find("publish")) {
    return fmt::format("mqtt {}: publish {}", endpoint, messaging::TextOf(*publish, "topic"));
  }
  const Value* subscribe = params.Find("subscribe");
  return fmt::format("mqtt {}: subscribe {}", endpoint,
                     subscribe == nullptr ? "" : messaging::TextOf(*subscribe, "topics"));
}

net::Task<Outcome> MqttAction::Run(Value params, const ActionContext& context) const {
  auto request = ReadRequest(params, context);
  if (!request) {
    co_return Outcome{.disposition = Disposition::kError,
                      .value = Value::Object({}),
                      .error = std::move(request).error()};
  }
  co_return co_await messaging::RunInThread(
      context, [&](const messaging::Work& work) { return Perform(*request, work); });
}

}  // namespace assay::action
