#include "assay/action/messaging/messaging.h"

#include <filesystem>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "assay/history/transcript.h"
#include "lib/base/units.h"
#include "lib/base/utf8.h"
#include "lib/json/canonical.h"
#include "lib/net/runtime.h"
#include "lib/net/service/interruptible.h"

namespace assay::action::messaging {
namespace {

using base::ErrorCode;
using base::Result;
using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

/// Longer texts of a transcript are blobs.
constexpr size_t kShortText = 512;

const Value* Present(const Value& object, std::string_view name) {
  const Value* value = object.Find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<std::string> ExistingFile(const Value& tls, std::string_view name,
                                 const ActionContext& context) {
  const std::string text = TextOf(tls, name);
  if (text.empty()) return std::string();
  const std::filesystem::path path = std::filesystem::path(context.source_dir) / text;
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) return path.string();
  return base::Fail(ErrorCode::kNotFound,
                    fmt::format("parameter \"tls.{}\": there is no file {}", name, path.string()));
}

Result<boost::json::value> RecordBody(const std::string& bytes, BlobSink& blobs) {
  if (bytes.size() <= kShortText && base::IsUtf8(bytes)) return boost::json::string(bytes);
  TRY(const auto body, history::RecordBody(bytes, "", blobs));
  return boost::json::object{{"blob", body.blob}, {"size", body.size}, {"preview", body.preview}};
}

Result<boost::json::array> RecordMessages(std::vector<Sent> messages, BlobSink& blobs) {
  boost::json::array out;
  for (Sent& message : messages) {
    TRY(message.facts["body"], RecordBody(message.body, blobs));
    out.push_back(std::move(message.facts));
  }
  return out;
}

Result<std::string> RecordExchange(Exchange exchange, const std::optional<base::Error>& error,
                                   BlobSink& blobs) {
  boost::json::object transcript = {{"kind", exchange.kind}, {"endpoint", exchange.endpoint}};
  TRY(transcript["sent"], RecordMessages(std::move(exchange.sent), blobs));
  TRY(transcript["received"], RecordMessages(std::move(exchange.received), blobs));
  transcript["error"] = nullptr;
  if (error) transcript["error"] = error->message;
  return blobs.Put(json::Pretty(transcript));
}

}  // namespace

std::vector<Field> ConnectionFields(std::string_view schemes) {
  const ObjectSchema tls{
      .name = "service_tls",
      .doc = "How the two sides of a secure connection prove who they are.",
      .fields = {{.name = "ca",
                  .type = Type::String(),
                  .doc = "PEM file of trusted certificates; absent: the system's."},
                 {.name = "insecure",
                  .type = Type::Bool(),
                  .default_text = "false",
                  .doc = "Takes any certificate."},
                 {.name = "certificate",
                  .type = Type::String(),
                  .doc = "PEM file of the client's own certificate."},
                 {.name = "key", .type = Type::String(), .doc = "PEM file of its key."}}};
  return {{.name = "endpoint",
           .type = Type::String(),
           .required = true,
           .doc = fmt::format("Name of an endpoint whose URL begins with {}, or such a URL; user "
                              "and password stand in it.",
                              schemes)},
          {.name = "tls",
           .type = Type::Object(tls),
           .doc = "How the server's certificate is checked."}};
}

std::vector<Field> CollectingFields() {
  return {{.name = "count",
           .type = Type::Int(),
           .doc = "Ends after so many messages; without `for`: 1."},
          {.name = "for",
           .type = Type::Duration(),
           .doc = "Ends after this time with the messages that came."}};
}

std::vector<Field> BodyFields() {
  return {{.name = "body", .type = Type::Any(), .doc = "Body as text or bytes."},
          {.name = "json", .type = Type::Any(), .doc = "Body as a value, sent as JSON."}};
}

std::vector<Field> ReceivedBodyFields() {
  return {
      {.name = "body", .type = Type::Bytes(), .doc = "The body as it is."},
      {.name = "text", .type = Type::String(), .doc = "As text; empty when it is not UTF-8."},
      {.name = "json", .type = Type::Any(), .doc = "The decoded value; null when it is no JSON."}};
}

Result<std::string> FindUrl(const Value& params, const ActionContext& context) {
  const std::string name = TextOf(params, "endpoint");
  if (name.contains("://")) return name;
  TRY(const Endpoint endpoint, context.find_endpoint(name));
  return endpoint.url;
}

std::string ShownEndpoint(const Value& params) {
  std::string name = TextOf(params, "endpoint");
  const size_t start = name.find("://");
  const size_t at = name.rfind('@');
  if (start == std::string::npos || at == std::string::npos) return name;
  return name.substr(0, start + 3) + name.substr(at + 1);
}

Result<net::ServiceTls> ReadTls(const Value& params, const ActionContext& context) {
  net::ServiceTls tls;
  const Value* given = Present(params, "tls");
  if (given == nullptr) return tls;
  TRY(tls.ca_file, ExistingFile(*given, "ca", context));
  TRY(tls.certificate, ExistingFile(*given, "certificate", context));
  TRY(tls.key, ExistingFile(*given, "key", context));
  if (tls.certificate.empty() != tls.key.empty()) {
    return Wrong("tls", "complete: \"certificate\" and \"key\" belong together");
  }
  tls.insecure = BoolOf(*given, "insecure", false);
  return tls;
}

Result<std::string> ReadBody(const Value& message) {
  const Value* const body = Present(message, "body");
  const Value* const json = message.Find("json");
  if (body != nullptr && json != nullptr) return Wrong("body", "alone: give either body or json");
  if (json != nullptr) return boost::json::serialize(cel::ToJson(*json));
  if (body == nullptr) return std::string();
  return body->is_bytes() ? std::string(body->bytes()) : cel::ToText(*body);
}

void SetBody(cel::MapBuilder& message, const std::string& body) {
  const bool is_text = base::IsUtf8(body);
  Value json;
  if (is_text && !body.empty()) {
    if (auto parsed = cel::ParseJson(body)) json = *std::move(parsed);
  }
  message.Set("body", Value::Bytes(body));
  message.Set("text", Value::String(is_text ? body : ""));
  message.Set("json", std::move(json));
}

std::string TextOf(const Value& object, std::string_view name) {
  const Value* value = Present(object, name);
  return value == nullptr ? std::string() : cel::ToText(*value);
}

bool BoolOf(const Value& object, std::string_view name, bool otherwise) {
  const Value* value = Present(object, name);
  return value == nullptr ? otherwise : value->is_true();
}

Result<std::optional<int64_t>> IntOf(const Value& object, std::string_view name, int64_t least,
                                     int64_t most) {
  const Value* value = Present(object, name);
  if (value == nullptr) return std::nullopt;
  if (value->is_int() && value->int_value() >= least && value->int_value() <= most) {
    return value->int_value();
  }
  return Wrong(name, fmt::format("an integer from {} to {}", least, most));
}

Result<std::optional<base::Duration>> DurationOf(const Value& object, std::string_view name) {
  const Value* value = Present(object, name);
  if (value == nullptr) return std::nullopt;
  if (value->is_duration() && value->duration().count() >= 0) return value->duration();
  if (value->is_string()) {
    if (const auto parsed = base::ParseDuration(value->string())) return *parsed;
  }
  return Wrong(name, "a duration such as 5s");
}

Result<std::vector<std::string>> TextsOf(const Value& object, std::string_view name) {
  std::vector<std::string> texts;
  const Value* value = Present(object, name);
  if (value == nullptr) return texts;
  if (!value->is_list()) return std::vector{cel::ToText(*value)};
  for (const Value& element : value->list()) texts.push_back(cel::ToText(element));
  return texts;
}

std::unexpected<base::Error> Wrong(std::string_view name, std::string_view expected) {
  return base::Fail(ErrorCode::kInvalid, fmt::format("parameter \"{}\" is not {}", name, expected));
}

Result<Collecting> ReadCollecting(const Value& listener) {
  Collecting wanted;
  TRY(wanted.count, IntOf(listener, "count", 1, 1'000'000));
  TRY(wanted.limit, DurationOf(listener, "for"));
  return wanted;
}

net::Task<Outcome> RunInThread(const ActionContext& context,
                               std::function<Answer(const Work&)> work) {
  const auto started = context.clock.Steady();
  const net::Executor executor = co_await net::CurrentExecutor();
  net::Cancellation stop;
  net::ThreadPool thread(1);
  const Work tools{.deadline = context.deadline, .stop = stop, .armed = [&] {
                     // Before the coroutine goes on, so the context is still there.
                     if (context.armed) net::Post(executor, [&] { context.armed(); });
                   }};
  Answer answer = co_await net::OffloadInterruptibly(
      thread, [&] { return work(tools); }, [&] { stop.Request(); });
  Outcome outcome{.duration = context.clock.Steady() - started};
  answer.values.Set("duration", Value::Duration(outcome.duration));
  outcome.value = std::move(answer.values).Build();
  auto blob = RecordExchange(std::move(answer.exchange), answer.error, context.blobs);
  if (answer.error) {
    const bool interrupted = answer.error->code == ErrorCode::kCancelled;
    outcome.disposition = interrupted ? Disposition::kInterrupted : Disposition::kError;
    outcome.error = std::move(answer.error);
  }
  if (!blob) {
    outcome.disposition = Disposition::kError;
    outcome.error = std::move(blob).error();
    co_return outcome;
  }
  outcome.transcript = *blob;
  outcome.blobs = {*std::move(blob)};
  co_return outcome;
}

}  // namespace assay::action::messaging
