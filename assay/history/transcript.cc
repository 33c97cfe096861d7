#include "assay/history/transcript.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/base/utf8.h"
#include "lib/json/canonical.h"

namespace assay::history {
namespace {

using boost::json::object;

constexpr size_t kPreview = 512;

object BodyJson(const TranscriptBody& body) {
  return {{"blob", body.blob},
          {"size", body.size},
          {"media_type", body.media_type},
          {"preview", body.preview}};
}

void AddMessage(const HttpMessage& message, object& out) {
  boost::json::array headers;
  for (const auto& [name, value] : message.headers) {
    headers.push_back(boost::json::array{name, value});
  }
  out["http_version"] = message.http_version;
  out["headers"] = std::move(headers);
  out["body"] = BodyJson(message.body);
}

std::string Text(const object& json, std::string_view key) {
  const auto* field = json.if_contains(key);
  return field != nullptr && field->is_string() ? std::string(field->get_string()) : std::string();
}

int64_t Whole(const object& json, std::string_view key) {
  const auto* field = json.if_contains(key);
  return field != nullptr && field->is_int64() ? field->get_int64() : 0;
}

const object* Part(const object& json, std::string_view key) {
  const auto* field = json.if_contains(key);
  return field != nullptr ? field->if_object() : nullptr;
}

void ReadMessage(const object& json, HttpMessage& message) {
  message.http_version = Text(json, "http_version");
  if (const auto* headers = json.if_contains("headers"); headers && headers->is_array()) {
    for (const auto& header : headers->get_array()) {
      const auto* pair = header.if_array();
      if (pair == nullptr || pair->size() != 2) continue;
      if (!(*pair)[0].is_string() || !(*pair)[1].is_string()) continue;
      message.headers.emplace_back((*pair)[0].get_string(), (*pair)[1].get_string());
    }
  }
  if (const object* body = Part(json, "body")) {
    message.body = {Text(*body, "blob"), static_cast<uint64_t>(Whole(*body, "size")),
                    Text(*body, "media_type"), Text(*body, "preview")};
  }
}

// At most kPreview bytes, cut between characters; "" when it is not text.
std::string Preview(std::string_view bytes) {
  std::string_view part = bytes.substr(0, kPreview);
  for (int i = 0; i < 3 && part.size() < bytes.size() && !base::IsUtf8(part); ++i) {
    part.remove_suffix(1);
  }
  if (!base::IsUtf8(part) || part.contains('\0')) return {};
  return std::string(part);
}

}  // namespace

object ToJson(const HttpExchange& exchange) {
  object request = {{"method", exchange.request.method}, {"url", exchange.request.url}};
  AddMessage(exchange.request, request);
  object json = {{"kind", "http"}, {"request", std::move(request)}, {"response", nullptr}};
  if (exchange.response) {
    object response = {{"status", exchange.response->status},
                       {"reason", exchange.response->reason}};
    AddMessage(*exchange.response, response);
    json["response"] = std::move(response);
  }
  const HttpTimings& t = exchange.timings;
  json["timings"] = {{"dns_ns", t.dns.count()},
                     {"connect_ns", t.connect.count()},
                     {"tls_ns", t.tls.count()},
                     {"first_byte_ns", t.first_byte.count()},
                     {"total_ns", t.total.count()}};
  json["tls"] = nullptr;
  if (exchange.tls) {
    json["tls"] = {{"version", exchange.tls->version}, {"cipher", exchange.tls->cipher},
                   {"alpn", exchange.tls->alpn},       {"subject", exchange.tls->subject},
                   {"issuer", exchange.tls->issuer},   {"not_after", exchange.tls->not_after}};
  }
  boost::json::array redirects;
  for (const auto& url : exchange.redirects) redirects.emplace_back(url);
  json["redirects"] = std::move(redirects);
  json["error"] = nullptr;
  if (!exchange.error.empty()) json["error"] = exchange.error;
  return json;
}

base::Result<HttpExchange> HttpExchangeFromJson(const object& json) {
  if (Text(json, "kind") != "http") {
    return base::Fail(
        base::ErrorCode::kUnsupported,
        fmt::format("transcript of the kind \"{}\", expected \"http\"", Text(json, "kind")));
  }
  const object* request = Part(json, "request");
  if (request == nullptr) {
    return base::Fail(base::ErrorCode::kCorrupt, "transcript without a request");
  }
  HttpExchange exchange;
  exchange.request.method = Text(*request, "method");
  exchange.request.url = Text(*request, "url");
  ReadMessage(*request, exchange.request);
  if (const object* response = Part(json, "response")) {
    HttpResponseRecord record;
    record.status = static_cast<int>(Whole(*response, "status"));
    record.reason = Text(*response, "reason");
    ReadMessage(*response, record);
    exchange.response = std::move(record);
  }
  if (const object* t = Part(json, "timings")) {
    const auto phase = [&](std::string_view key) { return base::Duration(Whole(*t, key)); };
    exchange.timings = {phase("dns_ns"), phase("connect_ns"), phase("tls_ns"),
                        phase("first_byte_ns"), phase("total_ns")};
  }
  if (const object* tls = Part(json, "tls")) {
    exchange.tls = TlsRecord{Text(*tls, "version"), Text(*tls, "cipher"), Text(*tls, "alpn"),
                             Text(*tls, "subject"), Text(*tls, "issuer"), Text(*tls, "not_after")};
  }
  if (const auto* redirects = json.if_contains("redirects"); redirects && redirects->is_array()) {
    for (const auto& url : redirects->get_array()) {
      if (url.is_string()) exchange.redirects.emplace_back(url.get_string());
    }
  }
  exchange.error = Text(json, "error");
  return exchange;
}

base::Result<TranscriptBody> RecordBody(std::string_view bytes, std::string media_type,
                                        BlobSink& sink) {
  TranscriptBody body{"", bytes.size(), std::move(media_type), Preview(bytes)};
  if (!bytes.empty()) {
    TRY(body.blob, sink.Put(bytes));
  }
  return body;
}

base::Result<std::string> RecordExchange(const HttpExchange& exchange, BlobSink& sink) {
  return sink.Put(json::Pretty(ToJson(exchange)));
}

}  // namespace assay::history
