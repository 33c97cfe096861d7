#include "assay/action/messaging/redis_action.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/action/messaging/messaging.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/base/utf8.h"
#include "lib/redis/connection.h"
#include "lib/redis/subscription.h"

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

/// Commands with secrets among their words.
constexpr std::array<std::string_view, 4> kSecretive = {"AUTH", "HELLO", "ACL", "CONFIG"};

/// The parameters, understood.
struct Request {
  redis::Target target;
  std::vector<redis::Command> commands;
  bool single = false;  ///< `command`, not `commands`
  bool multi = false;
  redis::Topics topics;
  messaging::Collecting wanted;
};

std::vector<Field> ParamFields() {
  const Type words = Type::List(Type::Any());
  ObjectSchema subscribe{
      .name = "redis_subscription",
      .doc = "Channels to listen to.",
      .fields = {
          {.name = "channels", .type = Type::OneOrMore(Type::String()), .doc = "Channels by name."},
          {.name = "patterns",
           .type = Type::OneOrMore(Type::String()),
           .doc = "Channels by glob: `news.*`."}}};
  for (Field& field : messaging::CollectingFields()) subscribe.fields.push_back(std::move(field));
  std::vector<Field> fields = messaging::ConnectionFields("redis:// or rediss://");
  fields.push_back({.name = "command",
                    .type = words,
                    .doc = "One command: `[SET, key, value, EX, 60]`; bytes stay bytes, lists and "
                           "maps are sent as JSON."});
  fields.push_back({.name = "commands",
                    .type = Type::List(words),
                    .doc = "Several commands, sent together (a pipeline)."});
  fields.push_back({.name = "multi",
                    .type = Type::Bool(),
                    .default_text = "false",
                    .doc = "commands: as one transaction (MULTI, EXEC)."});
  fields.push_back({.name = "subscribe",
                    .type = Type::Object(std::move(subscribe)),
                    .doc = "Listens to channels; in the background it is ready before the next "
                           "step begins."});
  return fields;
}

std::vector<Field> OutcomeFields() {
  ObjectSchema message{
      .name = "redis_message",
      .doc = "A published message.",
      .fields = {{.name = "channel", .type = Type::String(), .doc = "Where it was published."},
                 {.name = "pattern",
                  .type = Type::String(),
                  .doc = "The pattern that matched; empty when the channel was named."}}};
  for (Field& field : messaging::ReceivedBodyFields()) message.fields.push_back(std::move(field));
  return {{.name = "reply",
           .type = Type::Any(),
           .doc = "command: the reply as int, string, bytes (when it is not UTF-8), list or null."},
          {.name = "replies",
           .type = Type::List(Type::Any()),
           .doc = "One reply a command; a refusal is {error: text}."},
          {.name = "errors",
           .type = Type::List(Type::String()),
           .doc = "Refusals; with one the step has the variable `error` too."},
          {.name = "messages",
           .type = Type::List(Type::Object(message)),
           .doc = "subscribe: what came."},
          {.name = "count", .type = Type::Int(), .doc = "subscribe: how many came."},
          {.name = "duration", .type = Type::Duration(), .doc = "How long it took."}};
}

Result<redis::Command> ReadCommand(const Value& words, std::string_view name) {
  if (!words.is_list() || words.list().empty()) {
    return messaging::Wrong(name, "a list of words such as [GET, key]");
  }
  redis::Command command;
  for (const Value& word : words.list()) {
    if (word.is_null()) {
      return messaging::Wrong(name, fmt::format("complete: word {} is null", command.size() + 1));
    }
    command.push_back(word.is_bytes() ? std::string(word.bytes()) : cel::ToText(word));
  }
  return command;
}

Result<Request> ReadRequest(const Value& params, const ActionContext& context) {
  Request request;
  TRY(const std::string url, messaging::FindUrl(params, context));
  TRY(request.target, redis::ParseTarget(url));
  TRY(request.target.tls, messaging::ReadTls(params, context));
  if (const Value* command = params.Find("command")) {
    request.single = true;
    TRY(auto words, ReadCommand(*command, "command"));
    request.commands.push_back(std::move(words));
  } else if (const Value* commands = params.Find("commands")) {
    if (!commands->is_list() || commands->list().empty()) {
      return messaging::Wrong("commands", "a list of commands such as [[GET, a], [GET, b]]");
    }
    for (const Value& one : commands->list()) {
      TRY(auto words, ReadCommand(one, "commands"));
      request.commands.push_back(std::move(words));
    }
    request.multi = messaging::BoolOf(params, "multi", false);
  } else if (const Value* subscribe = params.Find("subscribe")) {
    TRY(request.topics.channels, messaging::TextsOf(*subscribe, "channels"));
    TRY(request.topics.patterns, messaging::TextsOf(*subscribe, "patterns"));
    TRY(request.wanted, messaging::ReadCollecting(*subscribe));
    if (request.topics.channels.empty() && request.topics.patterns.empty()) {
      return messaging::Wrong("subscribe", "complete: it needs channels or patterns");
    }
  } else {
    return messaging::Wrong("command", "given, nor commands nor subscribe");
  }
  return request;
}

Value ReplyValue(const redis::Reply& reply) {
  struct ToValue {
    Value operator()(std::monostate) const { return Value::Null(); }
    Value operator()(int64_t number) const { return Value::Int(number); }
    Value operator()(const std::string& text) const {
      return base::IsUtf8(text) ? Value::String(text) : Value::Bytes(text);
    }
    Value operator()(const redis::StatusReply& status) const { return Value::String(status.text); }
    Value operator()(const redis::ErrorReply& refusal) const {
      return Value::Object({{"error", Value::String(refusal.text)}});
    }
    Value operator()(const redis::Reply::Array& elements) const {
      std::vector<Value> values;
      for (const redis::Reply& element : elements) values.push_back(ReplyValue(element));
      return Value::List(std::move(values));
    }
  };
  return std::visit(ToValue{}, reply.value);
}

bool IsSecretive(const std::string& word) {
  std::string upper = word;
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return std::ranges::find(kSecretive, upper) != kSecretive.end();
}

// The words as one line, as in redis-cli.
std::string Shown(const redis::Command& command) {
  if (IsSecretive(command.front())) return command.front() + " ...";
  return fmt::format("{}", fmt::join(command, " "));
}

Result<void> RunCommands(const Request& request, const messaging::Work& work, Answer& answer) {
  TRY(const auto connection,
      redis::Connection::Open(request.target, {.stop = &work.stop}, work.deadline));
  for (const redis::Command& command : request.commands) {
    answer.exchange.sent.push_back({{{"command", command.front()}}, Shown(command)});
  }
  TRY(const auto replies, request.multi ? connection->Transact(request.commands, work.deadline)
                                        : connection->Pipeline(request.commands, work.deadline));
  std::vector<Value> values;
  std::vector<Value> errors;
  std::optional<base::Error> first;
  for (size_t i = 0; i < replies.size(); ++i) {
    values.push_back(ReplyValue(replies[i]));
    answer.exchange.received.push_back({{}, boost::json::serialize(cel::ToJson(values.back()))});
    const redis::ErrorReply* refusal = replies[i].error();
    if (refusal == nullptr) continue;
    errors.push_back(Value::String(refusal->text));
    if (!first) first = redis::ToError(*refusal, request.commands[i].front());
  }
  answer.values.Set("reply", request.single && errors.empty() ? values.front() : Value::Null());
  answer.values.Set("replies", Value::List(std::move(values)));
  answer.values.Set("errors", Value::List(std::move(errors)));
  if (first) return base::Fail(*std::move(first));
  return {};
}

Result<void> Listen(const Request& request, const messaging::Work& work, Answer& answer) {
  TRY(auto subscription, redis::Subscription::Open(request.target, request.topics,
                                                   {.stop = &work.stop}, work.deadline));
  work.armed();
  std::vector<redis::Message> messages;
  const auto heard = messaging::Collect<redis::Message>(
      request.wanted, work.deadline,
      [&](base::Deadline deadline) { return subscription.Next(deadline); }, messages);
  std::vector<Value> values;
  for (const redis::Message& message : messages) {
    cel::MapBuilder value;
    value.Set("channel", Value::String(message.channel));
    value.Set("pattern", Value::String(message.pattern));
    messaging::SetBody(value, message.payload);
    values.push_back(std::move(value).Build());
    answer.exchange.received.push_back({{{"channel", message.channel}}, message.payload});
  }
  answer.values.Set("count", Value::Int(static_cast<int64_t>(values.size())));
  answer.values.Set("messages", Value::List(std::move(values)));
  return heard;
}

Answer Perform(const Request& request, const messaging::Work& work) {
  Answer answer;
  answer.exchange.kind = "redis";
  answer.exchange.endpoint = fmt::format("{}://{}/{}", request.target.url.scheme,
                                         request.target.url.Authority(), request.target.database);
  for (const char* name : {"replies", "errors", "messages"}) {
    answer.values.Set(name, Value::List({}));
  }
  answer.values.Set("reply", Value::Null());
  answer.values.Set("count", Value::Int(0));
  if (!request.commands.empty()) work.armed();
  auto done =
      request.commands.empty() ? Listen(request, work, answer) : RunCommands(request, work, answer);
  if (!done) answer.error = std::move(done).error();
  return answer;
}

}  // namespace

RedisAction::RedisAction() {
  schema_ = {.name = "redis",
             .doc =
                 "Sends commands to a Redis server, or listens to its channels, over a "
                 "connection of its own.",
             .shorthand = "endpoint",
             .shorthand_doc = "endpoint or URL"};
  schema_.params = {.name = "redis",
                    .doc = "Work for a Redis server.",
                    .fields = ParamFields(),
                    .one_of = {{.names = {"command", "commands", "subscribe"}}}};
  schema_.outcome = OutcomeFields();
  schema_.listens = true;
  schema_.listening_params = {"subscribe"};
  schema_.limit_param = "for";
}

std::string RedisAction::Head(const Value& params) const {
  const std::string endpoint = messaging::ShownEndpoint(params);
  const Value* command = params.Find("command");
  if (command != nullptr && command->is_list() && !command->list().empty()) {
    const auto words = command->list();
    const std::string name = cel::ToText(words[0]);
    const bool bare = words.size() < 2 || IsSecretive(name);
    return fmt::format("redis {}: {}{}", endpoint, name, bare ? "" : " " + cel::ToText(words[1]));
  }
  const Value* commands = params.Find("commands");
  if (commands != nullptr && commands->is_list()) {
    return fmt::format("redis {}: {} commands", endpoint, commands->list().size());
  }
  return fmt::format("redis {}: subscribe", endpoint);
}

net::Task<Outcome> RedisAction::Run(Value params, const ActionContext& context) const {
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
