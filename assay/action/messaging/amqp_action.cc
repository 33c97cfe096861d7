#include "assay/action/messaging/amqp_action.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "assay/action/messaging/amqp_values.h"
#include "assay/action/messaging/messaging.h"
#include "lib/queue/connection.h"

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

constexpr std::array kOperations = {"publish", "consume", "get",   "declare",
                                    "bind",    "purge",   "depth", "delete"};

/// What a step does with the messages that it took.
enum class Settlement { kAcknowledge, kReject, kRequeue, kAutomatic };

/// A consumer takes at most so many messages ahead when it is not known how many are wanted.
constexpr uint16_t kUsualPrefetch = 100;
/// Prefetch has 16 bits.
constexpr int64_t kMostPrefetch = 65535;

/// The parameters of the connection and of the one operation.
struct Request {
  queue::Target target;
  std::string operation;
  Value arguments;
};

Field QueueField(std::string_view doc, bool required) {
  return {.name = "queue", .type = Type::String(), .required = required, .doc = std::string(doc)};
}

Field AckField() {
  return {.name = "ack",
          .type = Type::Enum({"ack", "reject", "requeue", "auto"}),
          .default_text = "ack",
          .doc =
              "ack: they are done; reject: dropped, or sent to the dead-letter exchange; "
              "requeue: given back; auto: the broker forgets them when it sends them."};
}

ObjectSchema ConsumeTable() {
  ObjectSchema consume{.name = "amqp_consumer",
                       .doc = "Messages to wait for.",
                       .fields = {QueueField("Where they come from.", true)}};
  for (Field& field : messaging::CollectingFields()) consume.fields.push_back(std::move(field));
  consume.fields.push_back(AckField());
  consume.fields.push_back({.name = "prefetch",
                            .type = Type::Int(),
                            .doc = "Messages that the broker sends ahead; absent: `count`."});
  consume.fields.push_back({.name = "exclusive",
                            .type = Type::Bool(),
                            .default_text = "false",
                            .doc = "Nobody else may consume from the queue meanwhile."});
  return consume;
}

ObjectSchema DeclareTable() {
  const ObjectSchema dead_letter{
      .name = "amqp_dead_letter",
      .doc = "Where rejected and expired messages go.",
      .fields = {
          {.name = "exchange",
           .type = Type::String(),
           .doc = "Absent: the default exchange, so that routing_key names a queue."},
          {.name = "routing_key", .type = Type::String(), .doc = "Absent: the message's own."}}};
  return {.name = "amqp_declaration",
          .doc = "A queue or an exchange that must exist like this.",
          .fields = {QueueField("Name of the queue.", false),
                     {.name = "exchange", .type = Type::String(), .doc = "Name of the exchange."},
                     {.name = "type",
                      .type = Type::Enum({"direct", "fanout", "topic", "headers"}),
                      .default_text = "direct",
                      .doc = "exchange: how it routes."},
                     {.name = "durable",
                      .type = Type::Bool(),
                      .default_text = "true",
                      .doc = "Survives a restart of the broker."},
                     {.name = "auto_delete",
                      .type = Type::Bool(),
                      .default_text = "false",
                      .doc = "Goes with its last consumer or binding."},
                     {.name = "ttl",
                      .type = Type::Duration(),
                      .doc = "queue: messages are dropped after this time."},
                     {.name = "max_length", .type = Type::Int(), .doc = "queue: most messages."},
                     {.name = "max_priority",
                      .type = Type::Int(),
                      .doc = "queue: delivers by priority, up to this one."},
                     {.name = "dead_letter",
                      .type = Type::Object(dead_letter),
                      .doc = "queue: where rejected and expired messages go."},
                     {.name = "arguments",
                      .type = Type::Map(Type::Any()),
                      .doc = "Further arguments by the broker's own names."}},
          .one_of = {{.names = {"queue", "exchange"}}}};
}

std::vector<Field> ParamFields() {
  ObjectSchema publish{
      .name = "amqp_publication",
      .doc = "A message to publish.",
      .fields = messaging::PublicationFields(),
      .one_of = {{.names = {"queue", "exchange"}}, {.names = {"body", "json"}, .required = false}}};
  const ObjectSchema get{.name = "amqp_get",
                         .doc = "A message to take.",
                         .fields = {QueueField("Where it comes from.", true), AckField()}};
  const ObjectSchema bind{
      .name = "amqp_binding",
      .doc = "A way from an exchange to a queue.",
      .fields = {QueueField("Where messages go.", true),
                 {.name = "exchange", .type = Type::String(), .required = true, .doc = "From."},
                 {.name = "routing_key", .type = Type::String(), .doc = "Key or pattern."},
                 {.name = "arguments",
                  .type = Type::Map(Type::Any()),
                  .doc = "For a headers exchange: what headers must be."}}};
  const ObjectSchema remove{
      .name = "amqp_deletion",
      .doc = "A queue or exchange to delete.",
      .fields = {QueueField("Name of the queue.", false),
                 {.name = "exchange", .type = Type::String(), .doc = "Name of the exchange."}},
      .one_of = {{.names = {"queue", "exchange"}}}};
  std::vector<Field> fields = messaging::ConnectionFields("amqp:// or amqps://");
  const auto add = [&](std::string_view name, Type type, std::string_view doc) {
    fields.push_back({.name = std::string(name), .type = std::move(type), .doc = std::string(doc)});
  };
  add("publish", Type::Object(std::move(publish)),
      "Publishes a message and waits until the broker has confirmed it.");
  add("consume", Type::Object(ConsumeTable()),
      "Waits for messages; in the background the consumer is ready before the next step begins.");
  add("get", Type::AnyOf({Type::Object(get), Type::String()}),
      "Takes one message if there is one; a text names the queue.");
  add("declare", Type::Object(DeclareTable()),
      "Makes a queue or an exchange, unless it is there already.");
  add("bind", Type::Object(bind), "Lets messages of an exchange go to a queue.");
  add("purge", Type::String(), "Drops all messages of this queue.");
  add("depth", Type::String(), "Asks how many messages and consumers this queue has.");
  add("delete", Type::AnyOf({Type::Object(remove), Type::String()}),
      "Deletes a queue or an exchange; a text names the queue.");
  return fields;
}

std::vector<Field> OutcomeFields() {
  const ObjectSchema message{.name = "amqp_message",
                             .doc = "A message that was taken from a queue.",
                             .fields = messaging::DeliveryFields()};
  return {
      {.name = "confirmed",
       .type = Type::Bool(),
       .doc = "publish: the broker took responsibility for the message."},
      {.name = "returned", .type = Type::Bool(), .doc = "publish: no queue took the message."},
      {.name = "return_reason", .type = Type::String(), .doc = "publish: `312 NO_ROUTE`, or \"\"."},
      {.name = "messages",
       .type = Type::List(Type::Object(message)),
       .doc = "consume, get: what came."},
      {.name = "count",
       .type = Type::Int(),
       .doc = "consume, get: how many came; purge, delete: how many were dropped."},
      {.name = "queue", .type = Type::String(), .doc = "declare, depth: name of the queue."},
      {.name = "depth",
       .type = Type::Int(),
       .doc = "declare, depth: messages that are ready to be delivered."},
      {.name = "consumers", .type = Type::Int(), .doc = "declare, depth: consumers of the queue."},
      {.name = "duration", .type = Type::Duration(), .doc = "How long it took."}};
}

Result<Request> ReadRequest(const Value& params, const ActionContext& context) {
  Request request;
  TRY(const std::string url, messaging::FindUrl(params, context));
  TRY(request.target, queue::ParseTarget(url));
  TRY(request.target.tls, messaging::ReadTls(params, context));
  for (const char* name : kOperations) {
    const Value* arguments = params.Find(name);
    if (arguments == nullptr) continue;
    request.operation = name;
    // A text names the queue.
    request.arguments =
        arguments->is_string() ? Value::Object({{"queue", *arguments}}) : *arguments;
  }
  if (request.operation.empty()) {
    return messaging::Wrong("publish", "given, nor any other operation");
  }
  if (!request.arguments.is_map()) {
    return messaging::Wrong(request.operation, "a map, or the name of a queue");
  }
  return request;
}

/// One operation on an open connection.
struct Conversation {
  queue::Connection& connection;
  const Value& arguments;
  const messaging::Work& work;
  Answer& answer;

  std::string queue() const { return messaging::TextOf(arguments, "queue"); }
  std::string exchange() const { return messaging::TextOf(arguments, "exchange"); }
};

Result<void> Publish(Conversation& talk) {
  TRY(const queue::Message message, messaging::ReadPublication(talk.arguments));
  talk.answer.exchange.sent.push_back(
      {{{"exchange", message.exchange}, {"routing_key", message.routing_key}}, message.body});
  TRY(const auto results,
      talk.connection.Publish(std::span(&message, 1),
                              messaging::BoolOf(talk.arguments, "mandatory", true),
                              talk.work.deadline));
  const queue::PublishResult& result = results.front();
  talk.answer.values.Set("confirmed", Value::Bool(result.confirmed));
  talk.answer.values.Set("returned", Value::Bool(result.returned.has_value()));
  if (result.returned) {
    talk.answer.values.Set(
        "return_reason",
        Value::String(fmt::format("{} {}", result.returned->code, result.returned->text)));
  }
  return {};
}

Settlement ReadSettlement(const Value& arguments) {
  const std::string ack = messaging::TextOf(arguments, "ack");
  if (ack == "reject") return Settlement::kReject;
  if (ack == "requeue") return Settlement::kRequeue;
  if (ack == "auto") return Settlement::kAutomatic;
  return Settlement::kAcknowledge;
}

Result<void> Settle(Conversation& talk, Settlement settlement, uint64_t tag, bool multiple) {
  queue::Connection& connection = talk.connection;
  const base::Deadline deadline = talk.work.deadline;
  switch (settlement) {
    case Settlement::kAcknowledge:
      return connection.Acknowledge(tag, deadline, multiple);
    case Settlement::kReject:
      return connection.Reject(tag, false, deadline, multiple);
    case Settlement::kRequeue:
      return connection.Reject(tag, true, deadline, multiple);
    case Settlement::kAutomatic:
      break;
  }
  return {};
}

void ShowDeliveries(const std::vector<queue::Delivery>& deliveries, Answer& answer) {
  std::vector<Value> messages;
  for (const queue::Delivery& delivery : deliveries) {
    messages.push_back(messaging::DeliveryValue(delivery));
    answer.exchange.received.push_back({{{"exchange", delivery.message.exchange},
                                         {"routing_key", delivery.message.routing_key},
                                         {"redelivered", delivery.redelivered}},
                                        delivery.message.body});
  }
  answer.values.Set("count", Value::Int(static_cast<int64_t>(messages.size())));
  answer.values.Set("messages", Value::List(std::move(messages)));
}

Result<void> Consume(Conversation& talk) {
  TRY(const messaging::Collecting wanted, messaging::ReadCollecting(talk.arguments));
  TRY(const auto prefetch, messaging::IntOf(talk.arguments, "prefetch", 0, kMostPrefetch));
  const Settlement settlement = ReadSettlement(talk.arguments);
  const int64_t count = wanted.count.value_or(wanted.limit ? kUsualPrefetch : 1);
  queue::ConsumerSpec spec{
      .queue = talk.queue(),
      .prefetch = static_cast<uint16_t>(prefetch.value_or(std::min(count, kMostPrefetch))),
      .automatic_acknowledgement = settlement == Settlement::kAutomatic,
      .exclusive = messaging::BoolOf(talk.arguments, "exclusive", false)};
  // What is given back while the consumer listens comes again at once, so that waits for the end.
  // So does the rest when it is known how many are wanted: then not one more is taken.
  const bool for_good = settlement == Settlement::kAcknowledge || settlement == Settlement::kReject;
  const bool at_once = for_good && (prefetch.has_value() || !wanted.count);
  if (settlement == Settlement::kRequeue && !prefetch && !wanted.count && wanted.limit) {
    spec.prefetch = 0;
  }
  TRY(talk.connection.StartConsuming(spec, talk.work.deadline));
  talk.work.armed();
  std::vector<queue::Delivery> deliveries;
  const auto next = [&](base::Deadline deadline) -> Result<queue::Delivery> {
    TRY(queue::Delivery delivery, talk.connection.Next(deadline));
    if (at_once) TRY(Settle(talk, settlement, delivery.delivery_tag, false));
    return delivery;
  };
  auto heard = messaging::Collect<queue::Delivery>(wanted, talk.work.deadline, next, deliveries);
  ShowDeliveries(deliveries, talk.answer);
  TRY(heard);
  if (at_once || deliveries.empty()) return {};
  // First: for every message that is settled the broker would send another one.
  TRY(talk.connection.StopConsuming(talk.work.deadline));
  return Settle(talk, settlement, deliveries.back().delivery_tag, true);
}

Result<void> Get(Conversation& talk) {
  const Settlement settlement = ReadSettlement(talk.arguments);
  TRY(auto got,
      talk.connection.Get(talk.queue(), settlement == Settlement::kAutomatic, talk.work.deadline));
  std::vector<queue::Delivery> deliveries;
  if (got) deliveries.push_back(*std::move(got));
  ShowDeliveries(deliveries, talk.answer);
  if (deliveries.empty()) return {};
  return Settle(talk, settlement, deliveries.front().delivery_tag, false);
}

void ShowState(const queue::QueueState& state, Answer& answer) {
  answer.values.Set("queue", Value::String(state.name));
  answer.values.Set("depth", Value::Int(state.messages));
  answer.values.Set("consumers", Value::Int(state.consumers));
}

// The broker's arguments from the parameters with names of their own; RabbitMQ documents them.
Result<queue::Table> QueueArguments(const Value& declare) {
  queue::Table table;
  if (const Value* further = declare.Find("arguments")) {
    TRY(table, messaging::ToTable(*further, "declare.arguments"));
  }
  TRY(const auto ttl, messaging::DurationOf(declare, "ttl"));
  if (ttl) {
    table.push_back(
        {"x-message-ttl", {std::chrono::ceil<std::chrono::milliseconds>(*ttl).count()}});
  }
  TRY(const auto length, messaging::IntOf(declare, "max_length", 0, INT64_MAX));
  if (length) table.push_back({"x-max-length", {*length}});
  TRY(const auto priority, messaging::IntOf(declare, "max_priority", 1, 255));
  if (priority) table.push_back({"x-max-priority", {*priority}});
  const Value* dead = declare.Find("dead_letter");
  if (dead == nullptr || dead->is_null()) return table;
  table.push_back({"x-dead-letter-exchange", {messaging::TextOf(*dead, "exchange")}});
  if (const std::string key = messaging::TextOf(*dead, "routing_key"); !key.empty()) {
    table.push_back({"x-dead-letter-routing-key", {key}});
  }
  return table;
}

Result<void> Declare(Conversation& talk) {
  const Value& declare = talk.arguments;
  TRY(queue::Table arguments, QueueArguments(declare));
  const bool durable = messaging::BoolOf(declare, "durable", true);
  const bool auto_delete = messaging::BoolOf(declare, "auto_delete", false);
  if (!talk.exchange().empty()) {
    const std::string type = messaging::TextOf(declare, "type");
    return talk.connection.DeclareExchange({.name = talk.exchange(),
                                            .type = type.empty() ? "direct" : type,
                                            .durable = durable,
                                            .auto_delete = auto_delete,
                                            .arguments = std::move(arguments)},
                                           talk.work.deadline);
  }
  TRY(const auto state, talk.connection.DeclareQueue({.name = talk.queue(),
                                                      .durable = durable,
                                                      .auto_delete = auto_delete,
                                                      .arguments = std::move(arguments)},
                                                     talk.work.deadline));
  ShowState(state, talk.answer);
  return {};
}

Result<void> Bind(Conversation& talk) {
  queue::Binding binding{.queue = talk.queue(),
                         .exchange = talk.exchange(),
                         .routing_key = messaging::TextOf(talk.arguments, "routing_key")};
  if (const Value* arguments = talk.arguments.Find("arguments")) {
    TRY(binding.arguments, messaging::ToTable(*arguments, "bind.arguments"));
  }
  return talk.connection.Bind(binding, talk.work.deadline);
}

Result<void> Delete(Conversation& talk) {
  if (!talk.exchange().empty()) {
    return talk.connection.DeleteExchange(talk.exchange(), talk.work.deadline);
  }
  TRY(const uint32_t dropped, talk.connection.DeleteQueue(talk.queue(), talk.work.deadline));
  talk.answer.values.Set("count", Value::Int(dropped));
  return {};
}

Result<void> Purge(Conversation& talk) {
  TRY(const uint32_t dropped, talk.connection.Purge(talk.queue(), talk.work.deadline));
  talk.answer.values.Set("count", Value::Int(dropped));
  return {};
}

Result<void> Depth(Conversation& talk) {
  TRY(const auto state, talk.connection.Depth(talk.queue(), talk.work.deadline));
  ShowState(state, talk.answer);
  return {};
}

Result<void> Carry(const std::string& operation, Conversation talk) {
  using Operation = Result<void> (*)(Conversation&);
  constexpr std::array<std::pair<std::string_view, Operation>, kOperations.size()> kAll = {
      {{"publish", Publish},
       {"consume", Consume},
       {"get", Get},
       {"declare", Declare},
       {"bind", Bind},
       {"purge", Purge},
       {"depth", Depth},
       {"delete", Delete}}};
  for (const auto& [name, run] : kAll) {
    if (name == operation) return run(talk);
  }
  return messaging::Wrong(operation, "an operation");
}

Answer Perform(const Request& request, const messaging::Work& work) {
  Answer answer;
  answer.exchange.kind = "amqp";
  answer.exchange.endpoint = fmt::format(
      "{}://{}{}{}", request.target.url.scheme, request.target.url.Authority(),
      request.target.virtual_host.starts_with('/') ? "" : "/", request.target.virtual_host);
  for (const char* name : {"confirmed", "returned"}) answer.values.Set(name, Value::Bool(false));
  for (const char* name : {"return_reason", "queue"}) answer.values.Set(name, Value::String(""));
  for (const char* name : {"count", "depth", "consumers"}) answer.values.Set(name, Value::Int(0));
  answer.values.Set("messages", Value::List({}));
  if (request.operation != "consume") work.armed();
  auto done = [&]() -> Result<void> {
    TRY(const auto connection,
        queue::Connection::Open(request.target, {.stop = &work.stop, .name = "assay"},
                                work.deadline));
    return Carry(request.operation, {*connection, request.arguments, work, answer});
  }();
  if (!done) answer.error = std::move(done).error();
  return answer;
}

}  // namespace

AmqpAction::AmqpAction() {
  schema_ = {.name = "amqp",
             .doc =
                 "Does one operation on a broker of AMQP 0-9-1 such as RabbitMQ, over a "
                 "connection of its own.",
             .shorthand = "endpoint",
             .shorthand_doc = "endpoint or URL"};
  schema_.params = {.name = "amqp",
                    .doc = "One operation on a broker.",
                    .fields = ParamFields(),
                    .one_of = {{.names = {kOperations.begin(), kOperations.end()}}}};
  schema_.outcome = OutcomeFields();
  schema_.listens = true;
  schema_.listening_params = {"consume"};
  schema_.limit_param = "for";
}

std::string AmqpAction::Head(const Value& params) const {
  const std::string endpoint = messaging::ShownEndpoint(params);
  for (const char* name : kOperations) {
    const Value* arguments = params.Find(name);
    if (arguments == nullptr) continue;
    if (arguments->is_string()) {
      return fmt::format("amqp {}: {} {}", endpoint, name, arguments->string());
    }
    const std::string exchange = messaging::TextOf(*arguments, "exchange");
    const std::string queue = messaging::TextOf(*arguments, "queue");
    return fmt::format("amqp {}: {} {}", endpoint, name, queue.empty() ? exchange : queue);
  }
  return "amqp " + endpoint;
}

net::Task<Outcome> AmqpAction::Run(Value params, const ActionContext& context) const {
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
