#include "assay/action/http_action.h"

#include <algorithm>

#include <fmt/format.h>

#include "assay/action/http_request.h"
#include "assay/action/http_transcript.h"
#include "assay/action/parameters.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/base/utf8.h"
#include "lib/http/client.h"
#include "lib/http/media.h"
#include "lib/http/unsent.h"
#include "lib/http/wire/request.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

ObjectSchema AuthTable() {
  const ObjectSchema sigv4{
      .name = "sigv4",
      .doc = "AWS Signature Version 4.",
      .fields = {
          {.name = "access_key", .type = Type::String(), .required = true, .doc = "Key id."},
          {.name = "secret_key", .type = Type::String(), .required = true, .doc = "Secret."},
          {.name = "region", .type = Type::String(), .default_text = "us-east-1", .doc = "Region."},
          {.name = "service", .type = Type::String(), .default_text = "s3", .doc = "Service."},
          {.name = "session_token",
           .type = Type::String(),
           .doc = "Token of temporary credentials."}}};
  return {.name = "auth",
          .doc = "How the request shows who sends it.",
          .fields =
              {{.name = "basic",
                .type = Type::Object(UserAndPasswordTable()),
                .doc = "Basic authentication (RFC 7617)."},
               {.name = "digest",
                .type = Type::Object(UserAndPasswordTable()),
                .doc = "Digest authentication (RFC 7616)."},
               {.name = "bearer", .type = Type::String(), .doc = "A token (RFC 6750)."},
               {.name = "api_key",
                .type = Type::AnyOf({Type::Object(ApiKeyTable()), Type::String()}),
                .doc = "A key in a header field; a text is sent as X-API-Key."},
               {.name = "sigv4", .type = Type::Object(sigv4), .doc = "AWS Signature Version 4."},
               {.name = "mtls", .type = Type::Object(MtlsTable()), .doc = "A client certificate."}},
          .one_of = {{.names = {"basic", "digest", "bearer", "api_key", "sigv4", "mtls"}}}};
}

std::vector<Field> ParamFields() {
  const Type values = Type::Map(Type::Any());
  return {
      {.name = "request",
       .type = Type::String(),
       .required = true,
       .doc = "Method and target: `GET /health`, `POST name:/path`, or a URL; GET when no method "
              "is given."},
      {.name = "query",
       .type = values,
       .doc = "Query parameters; a list repeats its name, null leaves it out."},
      {.name = "headers",
       .type = values,
       .doc = "Header fields; a list repeats its name, null leaves it out."},
      {.name = "json", .type = Type::Any(), .doc = "Body as a value, sent as application/json."},
      {.name = "form",
       .type = values,
       .doc = "Body as fields, sent as application/x-www-form-urlencoded."},
      {.name = "multipart",
       .type = Type::AnyOf({values, Type::List(values)}),
       .doc = "Body in parts: name to value, or to {file | text, filename, content_type}; files "
              "are streamed. A list of parts with `name` keeps repeated names."},
      {.name = "body",
       .type = Type::Any(),
       .doc = "Body as text or bytes; set Content-Type yourself."},
      {.name = "file", .type = Type::String(), .doc = "Body from a file, streamed."},
      {.name = "auth",
       .type = Type::Object(AuthTable()),
       .doc = "How the request shows who sends it."},
      {.name = "follow",
       .type = Type::Bool(),
       .default_text = "false",
       .doc = "Follows redirects."},
      {.name = "max_redirects",
       .type = Type::Int(),
       .default_text = "10",
       .doc = "Most redirects that are followed."},
      {.name = "tls",
       .type = Type::Object(TlsTable()),
       .doc = "How the server's certificate is checked."},
      {.name = "version",
       .type = Type::Enum({"any", "1.1", "2", "2-prior-knowledge"}),
       .default_text = "any",
       .doc = "HTTP version; any: 2 if the server offers it over TLS."},
      {.name = "decompress",
       .type = Type::Bool(),
       .default_text = "true",
       .doc = "Accepts and decodes compressed bodies."},
      {.name = "proxy", .type = Type::String(), .doc = "URL of a proxy."},
      {.name = "unix_socket",
       .type = Type::String(),
       .doc = "Path of a socket to connect to instead of the host."},
      {.name = "download_to",
       .type = Type::String(),
       .doc = "File in the scenario's working directory that takes the body as it arrives."},
      {.name = "max_response",
       .type = Type::Size(),
       .default_text = "256MiB",
       .doc = "Largest body that is taken."}};
}

std::vector<Field> OutcomeFields() {
  const ObjectSchema timings{
      .name = "timings",
      .doc = "Phases of the exchange.",
      .fields = {{.name = "dns", .type = Type::Duration(), .doc = "Finding the address."},
                 {.name = "connect", .type = Type::Duration(), .doc = "Connecting."},
                 {.name = "tls", .type = Type::Duration(), .doc = "TLS handshake."},
                 {.name = "first_byte",
                  .type = Type::Duration(),
                  .doc = "From the request to the first byte of the answer."},
                 {.name = "total", .type = Type::Duration(), .doc = "All of it."}}};
  return {
      {.name = "status", .type = Type::Int(), .doc = "Status code."},
      {.name = "sent",
       .type = Type::Bool(),
       .doc = "False when it is certain that nothing of the request left: no address, connection "
              "refused, no trust in the certificate. Also there beside an `error`."},
      {.name = "headers",
       .type = Type::Map(Type::String()),
       .doc = "Header fields of the answer, names in lower case, repeated ones joined by `, `."},
      {.name = "body",
       .type = Type::Any(),
       .doc = "The decoded value of a JSON body; else the text; null when there is none or it is "
              "binary."},
      {.name = "text",
       .type = Type::String(),
       .doc = "The body as text; empty when it is not UTF-8."},
      {.name = "bytes",
       .type = Type::Bytes(),
       .doc = "The body as it is; empty when it went to a file."},
      {.name = "size", .type = Type::Int(), .doc = "Bytes of the body."},
      {.name = "json_error",
       .type = Type::String(),
       .doc = "Why a body that claims to be JSON is none; else empty."},
      {.name = "path", .type = Type::String(), .doc = "The file of `download_to`; else empty."},
      {.name = "url",
       .type = Type::String(),
       .doc = "Where the answer came from, after redirects."},
      {.name = "version", .type = Type::String(), .doc = "`1.1` or `2`."},
      {.name = "redirects",
       .type = Type::List(Type::String()),
       .doc = "Locations that were followed."},
      {.name = "duration", .type = Type::Duration(), .doc = "From sending to the last byte."},
      {.name = "timings", .type = Type::Object(timings), .doc = "Phases of the exchange."},
      {.name = "certificate",
       .type = Type::Any(),
       .doc =
           "{subject, issuer, valid_from, expires, alt_names} of the server, null without TLS."}};
}

Value HeadersValue(const http::Headers& headers) {
  cel::MapBuilder map;
  for (const http::HeaderField& field : headers) {
    std::string name = field.name;
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    map.Set(name, Value::String(headers.Joined(field.name)));
  }
  return std::move(map).Build();
}

Value TimingsValue(const http::Timings& timings) {
  return Value::Object({{"dns", Value::Duration(timings.dns)},
                        {"connect", Value::Duration(timings.connect)},
                        {"tls", Value::Duration(timings.tls)},
                        {"first_byte", Value::Duration(timings.first_byte)},
                        {"total", Value::Duration(timings.total)}});
}

Value CertificateValue(const std::optional<http::CertificateFacts>& facts) {
  if (!facts) return Value::Null();
  std::vector<Value> names;
  for (const std::string& name : facts->alt_names) names.push_back(Value::String(name));
  return Value::Object({{"subject", Value::String(facts->subject)},
                        {"issuer", Value::String(facts->issuer)},
                        {"valid_from", Value::String(facts->valid_from)},
                        {"expires", Value::String(facts->expires)},
                        {"alt_names", Value::List(std::move(names))}});
}

bool IsJson(const http::Headers& headers) {
  const auto type = headers.Get("Content-Type");
  if (!type) return false;
  const auto media = http::ParseMediaType(*type);
  return media && media->IsJson();
}

Value OutcomeValue(const http::ClientRequest& request, const http::ClientResponse& response) {
  const bool text = base::IsUtf8(response.body);
  Value body;
  std::string json_error;
  if (IsJson(response.headers) && !response.body.empty()) {
    auto parsed = cel::ParseJson(response.body);
    if (parsed) {
      body = *std::move(parsed);
    } else {
      json_error = parsed.error().message;
    }
  } else if (text && !response.body.empty()) {
    body = Value::String(response.body);
  }
  std::vector<Value> redirects;
  for (const http::Redirect& redirect : response.redirects)
    redirects.push_back(Value::String(redirect.location));
  cel::MapBuilder map;
  map.Set("status", Value::Int(response.status));
  map.Set("sent", Value::Bool(true));
  map.Set("headers", HeadersValue(response.headers));
  map.Set("body", std::move(body));
  map.Set("text", Value::String(text ? response.body : ""));
  map.Set("bytes", Value::Bytes(response.body));
  map.Set("size", Value::Int(static_cast<int64_t>(response.body_bytes)));
  map.Set("json_error", Value::String(json_error));
  map.Set("path", Value::String(request.download_to));
  map.Set("url", Value::String(response.effective_url));
  map.Set("version", Value::String(response.version));
  map.Set("redirects", Value::List(std::move(redirects)));
  map.Set("duration", Value::Duration(response.timings.total));
  map.Set("timings", TimingsValue(response.timings));
  map.Set("certificate", CertificateValue(response.certificate));
  return std::move(map).Build();
}

Outcome Failed(base::Error error, base::Duration duration, bool sent) {
  const bool interrupted = error.code == base::ErrorCode::kCancelled;
  return {.disposition = interrupted ? Disposition::kInterrupted : Disposition::kError,
          .value = Value::Object({{"sent", Value::Bool(sent)}}),
          .error = std::move(error),
          .duration = duration};
}

}  // namespace

HttpAction::HttpAction() {
  schema_ = {.name = "http",
             .doc = "Sends one HTTP request and keeps the answer.",
             .shorthand = "request",
             .shorthand_doc = "METHOD target"};
  schema_.params = {
      .name = "http",
      .doc = "An HTTP request.",
      .fields = ParamFields(),
      .one_of = {{.names = {"json", "form", "multipart", "body", "file"}, .required = false}}};
  schema_.outcome = OutcomeFields();
}

std::string HttpAction::Head(const Value& params) const {
  const Value* request = params.Find("request");
  return request == nullptr ? "http" : cel::ToText(*request);
}

base::Result<http::wire::WireRequest> HttpAction::AsWire(const Value& params,
                                                         const ActionContext& context) const {
  TRY(const http::ClientRequest request, BuildRequest(params, context));
  return http::wire::ToWire(request, context.http.user_agent());
}

net::Task<Outcome> HttpAction::Run(Value params, const ActionContext& context) const {
  const auto started = context.clock.Steady();
  auto request = BuildRequest(params, context);
  if (!request) co_return Failed(std::move(request).error(), {}, false);
  // The jar outlives the request: the context does.
  request->cookies = std::shared_ptr<http::CookieJar>(std::shared_ptr<void>(), &context.cookies);
  http::ClientRequest sent = *request;
  auto response = co_await context.http.Send(*std::move(request), context.deadline);
  const base::Duration duration = context.clock.Steady() - started;
  const std::string problem = response ? "" : response.error().message;
  auto transcript = RecordTranscript(sent, response ? &*response : nullptr, problem, context.blobs);
  if (!transcript) co_return Failed(std::move(transcript).error(), duration, true);
  if (!response) {
    const bool left = !http::NeverSent(response.error());
    Outcome failed = Failed(std::move(response).error(), duration, left);
    failed.transcript = *transcript;
    failed.blobs = {*transcript};
    co_return failed;
  }
  co_return Outcome{.disposition = Disposition::kAnswered,
                    .value = OutcomeValue(sent, *response),
                    .duration = duration,
                    .blobs = {*transcript},
                    .transcript = *transcript};
}

}  // namespace assay::action
