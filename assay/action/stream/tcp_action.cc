#include "assay/action/stream/tcp_action.h"

#include <charconv>

#include <fmt/format.h>

#include "assay/action/parameters.h"
#include "assay/action/stream/conversation_outcome.h"
#include "assay/action/stream/hl7_value.h"
#include "assay/action/stream/tcp_talk.h"
#include "assay/cel/text.h"

namespace assay::action {
namespace {

using base::ErrorCode;
using base::Result;
using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

ObjectSchema ReceiveTable() {
  return {.name = "tcp_receive",
          .doc = "When receiving is over: whichever comes first.",
          .fields = {
              {.name = "bytes", .type = Type::Int(), .doc = "raw: after so many bytes."},
              {.name = "until",
               .type = Type::Any(),
               .doc = "raw: with this delimiter, text or bytes; it belongs to what is received."},
              {.name = "lines", .type = Type::Int(), .doc = "line: after so many lines."},
              {.name = "messages", .type = Type::Int(), .doc = "mllp: after so many messages."},
              {.name = "close",
               .type = Type::Bool(),
               .default_text = "false",
               .doc = "When the other side closes."},
              {.name = "idle", .type = Type::Duration(), .doc = "When nothing came for so long."}}};
}

std::vector<Field> ParamFields() {
  return {
      {.name = "endpoint",
       .type = Type::String(),
       .required = true,
       .doc = "Name of an endpoint, or `tcp://host:port`, `tls://host:port`."},
      {.name = "mode",
       .type = Type::Enum({"raw", "line", "mllp"}),
       .default_text = "raw",
       .doc = "raw: bytes. line: texts with a line end. mllp: HL7 v2 messages, of which each waits "
              "for the answer to the one before."},
      {.name = "send",
       .type = Type::Any(),
       .doc =
           "What to send: a text, bytes, or a list of them. mllp: a message as text, as a map of "
           "segments (`{MSH: {9: {1: ADT, 2: A01}}, PID: {3: '123'}}`) or as a list of such maps; "
           "several messages are a list of `{message: ...}`."},
      {.name = "receive",
       .type = Type::Object(ReceiveTable()),
       .doc =
           "When receiving is over. Absent: raw at once, line after one line, mllp after as many "
           "messages as were sent."},
      {.name = "line_end",
       .type = Type::Enum({"crlf", "lf"}),
       .default_text = "crlf",
       .doc = "line: how lines end, both ways."},
      {.name = "half_close",
       .type = Type::Bool(),
       .default_text = "false",
       .doc = "Ends our direction once everything is sent; not over TLS."},
      {.name = "tls",
       .type = Type::Object(TlsTable()),
       .doc = "How the server's certificate is checked, for `tls://`."},
      {.name = "certificate",
       .type = Type::Object(MtlsTable()),
       .doc = "Our own certificate, for `tls://`."},
      {.name = "max_receive",
       .type = Type::Size(),
       .default_text = "16MiB",
       .doc = "Most bytes that are taken; more are an error."}};
}

std::vector<Field> OutcomeFields() {
  const ObjectSchema acknowledgement{
      .name = "acknowledgement",
      .doc = "An MSA segment.",
      .fields = {
          {.name = "code", .type = Type::String(), .doc = "MSA-1: AA, AE, AR, CA, CE or CR."},
          {.name = "control_id", .type = Type::String(), .doc = "MSA-2."},
          {.name = "text", .type = Type::String(), .doc = "MSA-3."},
          {.name = "matches",
           .type = Type::Bool(),
           .doc = "MSA-2 is MSH-10 of the message that it answers."}}};
  return {
      {.name = "text",
       .type = Type::String(),
       .doc = "What was received as text (mllp: messages with LF between them); empty when it is "
              "not UTF-8."},
      {.name = "bytes", .type = Type::Bytes(), .doc = "What was received."},
      {.name = "size", .type = Type::Int(), .doc = "How many bytes."},
      {.name = "lines", .type = Type::List(Type::String()), .doc = "line: without their ends."},
      {.name = "message",
       .type = Type::Any(),
       .doc =
           "mllp: the last message, `message.PID[0]['5.1']`: segments by name and number, places "
           "in them as text. Null when there is none or it cannot be read."},
      {.name = "messages", .type = Type::List(Type::Any()), .doc = "mllp: all of them."},
      {.name = "message_error",
       .type = Type::String(),
       .doc = "mllp: why the first message that cannot be read is none; else empty."},
      {.name = "ack", .type = Type::String(), .doc = "mllp: code of the last acknowledgement."},
      {.name = "acks",
       .type = Type::List(Type::Object(acknowledgement)),
       .doc = "mllp: all acknowledgements."},
      {.name = "sent", .type = Type::Int(), .doc = "How many of `send` were sent."},
      {.name = "ended",
       .type = Type::String(),
       .doc = "Why it ended: `bytes`, `until`, `lines`, `messages`, `closed`, `idle` or `sent`."},
      {.name = "unmet",
       .type = Type::String(),
       .doc = "What was still expected when the other side closed. It fails the step, unless an "
              "expectation asks for it; else empty."},
      {.name = "closed", .type = Type::Bool(), .doc = "The other side ended the connection."},
      {.name = "remote", .type = Type::String(), .doc = "Address and port of the other side."},
      {.name = "duration", .type = Type::Duration(), .doc = "How long the connection stood."}};
}

std::unexpected<base::Error> NoAddress(std::string_view text) {
  return base::Fail(ErrorCode::kInvalid,
                    fmt::format("\"{}\" is no address; expected tcp://host:port or tls://host:port",
                                WithoutPassword(text)));
}

Result<void> ReadAddress(const Value& params, const ActionContext& context, TcpScript& script) {
  std::string url = TextOf(params.Find("endpoint"));
  if (!url.contains("://")) {
    TRY(const Endpoint endpoint, context.find_endpoint(url));
    url = endpoint.url;
  }
  script.url = WithoutPassword(url);
  std::string_view rest = url;
  script.secure = rest.starts_with("tls://");
  if (!script.secure && !rest.starts_with("tcp://")) return NoAddress(url);
  rest.remove_prefix(std::string_view("tcp://").size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return NoAddress(url);
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), script.port);
  if (error != std::errc{} || end != port.data() + port.size() || script.port == 0 ||
      host.find_first_of("/?#@") != std::string_view::npos) {
    return NoAddress(url);
  }
  script.host = host;
  return {};
}

Result<std::string> Hl7Payload(const Value& value) {
  if (value.is_bytes()) return std::string(value.bytes());
  TRY(const auto message, Hl7MessageOf(value));
  return formats::hl7::Encode(message);
}

// A list of maps is one message, unless they have the key `message`.
bool AreMessages(const Value& send) {
  return send.is_list() && !send.list().empty() &&
         (!send.list().front().is_map() || send.list().front().Find("message") != nullptr);
}

Result<void> ReadMllpSend(const Value& send, TcpScript& script) {
  if (!AreMessages(send)) {
    const Value* message = send.is_map() ? send.Find("message") : nullptr;
    TRY(std::string payload, Hl7Payload(message == nullptr ? send : *message));
    script.send.push_back(std::move(payload));
    return {};
  }
  for (const Value& item : send.list()) {
    const Value* message = item.is_map() ? item.Find("message") : &item;
    if (message == nullptr) return Wrong("send", "a list of texts or of {message: ...}");
    TRY(std::string payload, Hl7Payload(*message));
    script.send.push_back(std::move(payload));
  }
  return {};
}

Result<void> ReadSend(const Value& params, TcpScript& script) {
  const Value* send = params.Find("send");
  if (send == nullptr || send->is_null()) return {};
  if (script.mode == TcpMode::kMllp) return ReadMllpSend(*send, script);
  if (!send->is_list()) {
    script.send.push_back(BytesOf(*send));
    return {};
  }
  for (const Value& item : send->list()) {
    if (item.is_map() || item.is_list()) return Wrong("send", "a text, bytes or a list of them");
    script.send.push_back(BytesOf(item));
  }
  return {};
}

Result<std::optional<uint64_t>> CountOf(const Value& receive, std::string_view name) {
  const Value* value = receive.Find(name);
  if (value == nullptr || value->is_null()) return std::optional<uint64_t>();
  if (!value->is_int() || value->int_value() < 0) {
    return Wrong(fmt::format("receive.{}", name), "a number from 0 up");
  }
  return std::optional(static_cast<uint64_t>(value->int_value()));
}

Result<void> ReadReceive(const Value& params, TcpScript& script) {
  const Value* receive = params.Find("receive");
  if (receive == nullptr || !receive->is_map()) {
    if (script.mode == TcpMode::kLine) script.end.lines = 1;
    if (script.mode == TcpMode::kMllp) script.end.messages = script.send.size();
    return {};
  }
  TcpEnd& end = script.end;
  TRY(end.bytes, CountOf(*receive, "bytes"));
  TRY(end.lines, CountOf(*receive, "lines"));
  TRY(end.messages, CountOf(*receive, "messages"));
  if (const Value* until = receive->Find("until"); until != nullptr && !until->is_null()) {
    end.until = BytesOf(*until);
    if (end.until->empty()) return Wrong("receive.until", "a delimiter of at least one byte");
  }
  const Value* close = receive->Find("close");
  end.close = close != nullptr && close->is_true();
  if (const Value* idle = receive->Find("idle"); idle != nullptr && idle->is_duration()) {
    end.idle = idle->duration();
  }
  const TcpMode mode = script.mode;
  if ((end.lines && mode != TcpMode::kLine) || (end.messages && mode != TcpMode::kMllp) ||
      ((end.bytes || end.until) && mode != TcpMode::kRaw)) {
    return Wrong("receive",
                 "what the mode knows: bytes and until for raw, lines for line, messages for mllp");
  }
  const bool endless = !end.messages && !end.close && !end.idle;
  if (mode == TcpMode::kMllp && endless) end.messages = script.send.size();
  return {};
}

Result<TcpScript> ReadTcpScript(const Value& params, const ActionContext& context) {
  TcpScript script;
  TRY(ReadAddress(params, context, script));
  const std::string mode = TextOf(params.Find("mode"));
  if (mode == "line") script.mode = TcpMode::kLine;
  if (mode == "mllp") script.mode = TcpMode::kMllp;
  if (TextOf(params.Find("line_end")) == "lf") script.line_end = "\n";
  TRY(ReadSend(params, script));
  TRY(ReadReceive(params, script));
  TRY(script.tls, TlsOf(params, context));
  if (const Value* own = params.Find("certificate"); own != nullptr && own->is_map()) {
    script.tls.certificate = ResolvePath(TextOf(own->Find("certificate")), context);
    script.tls.key = ResolvePath(TextOf(own->Find("key")), context);
    script.tls.key_password = TextOf(own->Find("key_password"));
  }
  const Value* half = params.Find("half_close");
  script.half_close = half != nullptr && half->is_true();
  TRY(script.max_receive, SizeOf(params.Find("max_receive"), "max_receive", script.max_receive));
  return script;
}

}  // namespace

TcpAction::TcpAction() {
  schema_ = {.name = "tcp",
             .doc = "Speaks over TCP or TLS: bytes, lines, or HL7 v2 messages in MLLP.",
             .shorthand = "endpoint",
             .shorthand_doc = "name of an endpoint, `tcp://host:port` or `tls://host:port`"};
  schema_.params = {.name = "tcp", .doc = "A TCP connection.", .fields = ParamFields()};
  schema_.outcome = OutcomeFields();
}

std::string TcpAction::Head(const Value& params) const {
  const std::string mode = TextOf(params.Find("mode"));
  return fmt::format("{} {}", mode == "mllp" ? "mllp" : "tcp",
                     WithoutPassword(TextOf(params.Find("endpoint"))));
}

net::Task<Outcome> TcpAction::Run(Value params, const ActionContext& context) const {
  const auto started = context.clock.Steady();
  auto script = ReadTcpScript(params, context);
  if (!script) {
    co_return Outcome{.disposition = Disposition::kError,
                      .value = Value::Object({}),
                      .error = std::move(script).error()};
  }
  TcpTalk talk(*script, context);
  const auto ended = co_await talk.Run();
  Outcome outcome = ConversationOutcome(
      ended, talk.Variables(), talk.Record(ended ? "" : ended.error().message), context.blobs);
  outcome.duration = context.clock.Steady() - started;
  co_return outcome;
}

}  // namespace assay::action
