#include "assay/action/stream/websocket_action.h"

#include <fmt/format.h>

#include "assay/action/parameters.h"
#include "assay/action/stream/conversation_outcome.h"
#include "assay/action/stream/websocket_talk.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

ObjectSchema AuthTable() {
  return {.name = "websocket_auth",
          .doc = "How the upgrade shows who sends it.",
          .fields = {{.name = "basic",
                      .type = Type::Object(UserAndPasswordTable()),
                      .doc = "Basic authentication (RFC 7617)."},
                     {.name = "bearer", .type = Type::String(), .doc = "A token (RFC 6750)."},
                     {.name = "api_key",
                      .type = Type::AnyOf({Type::Object(ApiKeyTable()), Type::String()}),
                      .doc = "A key in a header field; a text is sent as X-API-Key."},
                     {.name = "mtls",
                      .type = Type::Object(MtlsTable()),
                      .doc = "A client certificate."}},
          .one_of = {{.names = {"basic", "bearer", "api_key", "mtls"}}}};
}

Type SendType() {
  const ObjectSchema message{
      .name = "websocket_message",
      .doc = "A message to send.",
      .fields = {{.name = "text", .type = Type::String(), .doc = "A text message."},
                 {.name = "json", .type = Type::Any(), .doc = "A text message: the value as JSON."},
                 {.name = "binary", .type = Type::Any(), .doc = "A binary message: bytes or text."},
                 {.name = "ping",
                  .type = Type::Any(),
                  .doc = "A ping; at most 125 bytes. Its answer is in `pongs`."},
                 {.name = "after",
                  .type = Type::Int(),
                  .default_text = "0",
                  .doc = "Waits until so many messages were received in all."},
                 {.name = "delay",
                  .type = Type::Duration(),
                  .default_text = "0s",
                  .doc = "Waits so long, from the moment it would be sent otherwise."}},
      .one_of = {{.names = {"text", "json", "binary", "ping"}}}};
  return Type::OneOrMore(Type::AnyOf({Type::Object(message), Type::String()}));
}

ObjectSchema CollectTable() {
  return {.name = "collect",
          .doc = "How long messages are collected.",
          .fields = {{.name = "count", .type = Type::Int(), .doc = "Ends after so many messages."},
                     {.name = "for",
                      .type = Type::Duration(),
                      .doc = "Ends so long after it began to listen."}}};
}

ObjectSchema CloseTable() {
  return {.name = "close",
          .doc = "How the step ends the connection.",
          .fields = {{.name = "code",
                      .type = Type::Int(),
                      .default_text = "1000",
                      .doc = "Close code: 1000 to 1003, 1007 to 1014, 3000 to 4999."},
                     {.name = "reason", .type = Type::String(), .doc = "At most 123 bytes."},
                     {.name = "abort",
                      .type = Type::Bool(),
                      .default_text = "false",
                      .doc = "Cuts the connection without a close, as a crash would."}}};
}

std::vector<Field> ParamFields() {
  const Type values = Type::Map(Type::Any());
  const std::vector<Field> seen = {
      {.name = "message", .type = Type::Any(), .doc = "The message that just came."},
      {.name = "messages", .type = Type::List(Type::Any()), .doc = "All until now."},
      {.name = "count", .type = Type::Int(), .doc = "How many."}};
  return {
      {.name = "path",
       .type = Type::String(),
       .required = true,
       .doc = "A path on the default endpoint, `name:/path`, or a ws or wss URL."},
      {.name = "query",
       .type = values,
       .doc = "Query parameters; a list repeats its name, null leaves it out."},
      {.name = "headers",
       .type = values,
       .doc = "Header fields of the upgrade; a list repeats its name, null leaves it out."},
      {.name = "auth",
       .type = Type::Object(AuthTable()),
       .doc = "How the upgrade shows who sends it. Cookies of the scenario are sent as well."},
      {.name = "tls",
       .type = Type::Object(TlsTable()),
       .doc = "How the server's certificate is checked."},
      {.name = "subprotocol",
       .type = Type::OneOrMore(Type::String()),
       .doc = "Subprotocols to offer, the preferred one first."},
      {.name = "deflate",
       .type = Type::Bool(),
       .default_text = "false",
       .doc = "Offers compression (permessage-deflate)."},
      {.name = "send",
       .type = SendType(),
       .doc = "Messages to send, in order; a text is a text message."},
      {.name = "until",
       .type = Type::Expression(),
       .doc = "Ends the step with the first message for which it is true. One that never comes "
              "fails the step. A message for which it cannot be evaluated does not count.",
       .sees = seen},
      {.name = "collect",
       .type = Type::Object(CollectTable()),
       .doc =
           "Ends the step by count or time. Without it, `until` and `expect_close` the step ends "
           "when everything is sent and every ping is answered."},
      {.name = "expect_close",
       .type = Type::Bool(),
       .default_text = "false",
       .doc = "Goes on until the other side closes; when it does not, the step fails."},
      {.name = "armed_after",
       .type = Type::Int(),
       .default_text = "0",
       .doc = "In the background: steps after it begin when the connection stands, what is to be "
              "sent at once is sent, and so many messages (acknowledgements) were received."},
      {.name = "close",
       .type = Type::Object(CloseTable()),
       .doc = "How the step ends the connection."},
      {.name = "max_message",
       .type = Type::Size(),
       .default_text = "16MiB",
       .doc = "Largest message that is taken; a larger one is an error."},
      {.name = "max_messages",
       .type = Type::Int(),
       .default_text = "10000",
       .doc = "Most messages that are kept; more are an error."}};
}

std::vector<Field> OutcomeFields() {
  const ObjectSchema message{
      .name = "received_message",
      .doc = "A message that came.",
      .fields = {{.name = "type", .type = Type::String(), .doc = "`text` or `binary`."},
                 {.name = "text", .type = Type::String(), .doc = "As text; empty if not UTF-8."},
                 {.name = "json", .type = Type::Any(), .doc = "The value of JSON text, else null."},
                 {.name = "bytes", .type = Type::Bytes(), .doc = "As it is."},
                 {.name = "size", .type = Type::Int(), .doc = "Bytes."},
                 {.name = "at", .type = Type::Duration(), .doc = "Since the connection stood."}}};
  const ObjectSchema pong{
      .name = "pong",
      .doc = "The answer to a ping.",
      .fields = {{.name = "text", .type = Type::String(), .doc = "What the ping carried."},
                 {.name = "at", .type = Type::Duration(), .doc = "Since the connection stood."}}};
  return {
      {.name = "status", .type = Type::Int(), .doc = "Of the upgrade: 101, or why it was refused."},
      {.name = "headers",
       .type = Type::Map(Type::String()),
       .doc = "Header fields of the upgrade's answer, names in lower case."},
      {.name = "body", .type = Type::String(), .doc = "Body of a refusal as text."},
      {.name = "subprotocol", .type = Type::String(), .doc = "The one agreed on; else empty."},
      {.name = "deflate", .type = Type::Bool(), .doc = "Compression was agreed on."},
      {.name = "messages",
       .type = Type::List(Type::Object(message)),
       .doc = "Text and binary messages, in order."},
      {.name = "count", .type = Type::Int(), .doc = "How many messages."},
      {.name = "sent", .type = Type::Int(), .doc = "How many messages of `send` were sent."},
      {.name = "pongs", .type = Type::List(Type::Object(pong)), .doc = "Answers to our pings."},
      {.name = "pings", .type = Type::Int(), .doc = "Pings of the other side."},
      {.name = "ended",
       .type = Type::String(),
       .doc = "Why it ended: `until`, `count`, `time`, `closed`, `sent` or `refused`."},
      {.name = "unmet",
       .type = Type::String(),
       .doc =
           "What was waited for and did not come (`until`, the close). It fails the step, unless "
           "an expectation asks for it; else empty."},
      {.name = "closed", .type = Type::Bool(), .doc = "The other side ended the connection."},
      {.name = "code",
       .type = Type::Int(),
       .doc = "Close code of the other side; 1005: none, 1006: cut; 0 without a connection."},
      {.name = "reason", .type = Type::String(), .doc = "Close reason of the other side."},
      {.name = "duration", .type = Type::Duration(), .doc = "How long the connection stood."}};
}

}  // namespace

WebSocketAction::WebSocketAction() {
  schema_ = {.name = "websocket",
             .doc = "Opens a WebSocket connection, sends messages and collects what comes.",
             .shorthand = "path",
             .shorthand_doc = "path, `name:/path` or URL"};
  schema_.params = {.name = "websocket", .doc = "A WebSocket connection.", .fields = ParamFields()};
  schema_.outcome = OutcomeFields();
  schema_.listens = true;
  schema_.limit_param = "collect.for";
}

std::string WebSocketAction::Head(const Value& params) const {
  const Value* path = params.Find("path");
  return path == nullptr ? "websocket" : "websocket " + WithoutPassword(TextOf(path));
}

net::Task<Outcome> WebSocketAction::Run(Value params, const ActionContext& context) const {
  const auto started = context.clock.Steady();
  auto script = ReadWebSocketScript(params, context);
  if (!script) {
    co_return Outcome{.disposition = Disposition::kError,
                      .value = Value::Object({}),
                      .error = std::move(script).error()};
  }
  WebSocketTalk talk(*script, context);
  const auto ended = co_await talk.Run();
  Outcome outcome = ConversationOutcome(
      ended, talk.Variables(), talk.Record(ended ? "" : ended.error().message), context.blobs);
  outcome.duration = context.clock.Steady() - started;
  co_return outcome;
}

}  // namespace assay::action
