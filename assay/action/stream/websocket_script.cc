#include "assay/action/stream/websocket_script.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/action/parameters.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/crypto/base64.h"
#include "lib/http/client.h"
#include "lib/http/uri.h"

namespace assay::action {
namespace {

using base::ErrorCode;
using base::Result;
using cel::Value;
using http::websocket::MessageType;

std::string BasicCredentials(std::string_view user, std::string_view password) {
  return "Basic " + crypto::Base64(fmt::format("{}:{}", user, password));
}

/// Whether a cookie is sent to this URL (RFC 6265 5.1.3, 5.1.4).
bool Fits(const http::Cookie& cookie, const http::Url& url) {
  std::string_view domain = cookie.domain;
  const bool below = domain.starts_with('.');
  if (below) domain.remove_prefix(1);
  const bool same = http::EqualsIgnoringCase(domain, url.host);
  const bool inside =
      below && url.host.size() > domain.size() &&
      http::EqualsIgnoringCase(std::string_view(url.host).substr(url.host.size() - domain.size()),
                               domain) &&
      url.host[url.host.size() - domain.size() - 1] == '.';
  const bool on_path = url.path.starts_with(cookie.path) &&
                       (cookie.path.ends_with('/') || url.path.size() == cookie.path.size() ||
                        url.path[cookie.path.size()] == '/');
  return (same || inside) && on_path && (!cookie.secure || url.secure());
}

void AddCookies(const ActionContext& context, const http::Url& url, http::Headers& headers) {
  if (headers.Has("Cookie")) return;
  std::string line;
  for (const http::Cookie& cookie : context.cookies.All()) {
    if (Fits(cookie, url)) line += (line.empty() ? "" : "; ") + cookie.name + "=" + cookie.value;
  }
  if (!line.empty()) headers.Set("Cookie", line);
}

Result<void> SetAuth(const Value& params, const http::Url& url, http::Headers& headers) {
  const Value* auth = params.Find("auth");
  if (auth == nullptr || auth->is_null()) {
    if (!url.user.empty()) headers.Set("Authorization", BasicCredentials(url.user, url.password));
    return {};
  }
  if (const Value* bearer = auth->Find("bearer")) {
    headers.Set("Authorization", "Bearer " + cel::ToText(*bearer));
  } else if (const Value* basic = auth->Find("basic")) {
    headers.Set("Authorization",
                BasicCredentials(TextOf(basic->Find("user")), TextOf(basic->Find("password"))));
  } else if (const Value* key = auth->Find("api_key")) {
    const std::string header = key->is_map() ? TextOf(key->Find("header")) : "";
    headers.Set(header.empty() ? "X-API-Key" : header,
                key->is_map() ? TextOf(key->Find("value")) : cel::ToText(*key));
  } else if (auth->Find("mtls") == nullptr) {
    return Wrong("auth", "a map with one of basic, bearer, api_key and mtls");
  }
  return {};
}

Result<http::websocket::OpenRequest> ReadOpen(const Value& params, const ActionContext& context) {
  http::websocket::OpenRequest open;
  TRY(std::string url, ResolveTarget(TextOf(params.Find("path")), context));
  TRY(open.url, WithQuery(std::move(url), params.Find("query")));
  const auto parsed = http::ParseUrl(open.url);
  if (!parsed) {
    return Wrong("path", "a path such as /events, name:/path of an endpoint, or a ws or wss URL");
  }
  TRY(const auto fields, FieldsOf(params.Find("headers")));
  for (const auto& [name, value] : fields) open.headers.Add(name, value);
  TRY(SetAuth(params, *parsed, open.headers));
  AddCookies(context, *parsed, open.headers);
  TRY(open.tls, TlsOf(params, context));
  if (const Value* names = params.Find("subprotocol"); names != nullptr && names->is_list()) {
    for (const Value& name : names->list()) open.subprotocols.push_back(cel::ToText(name));
  } else if (const std::string name = TextOf(names); !name.empty()) {
    open.subprotocols.push_back(name);
  }
  const Value* deflate = params.Find("deflate");
  open.limits.deflate = deflate != nullptr && deflate->is_true();
  TRY(open.limits.max_message,
      SizeOf(params.Find("max_message"), "max_message", open.limits.max_message));
  return open;
}

Result<int64_t> CountOf(const Value* value, std::string_view name, int64_t otherwise) {
  if (value == nullptr || value->is_null()) return otherwise;
  if (!value->is_int() || value->int_value() < 0) return Wrong(name, "a number from 0 up");
  return value->int_value();
}

Result<ScriptedMessage> ReadMessage(const Value& item, std::string_view name) {
  ScriptedMessage message;
  if (!item.is_map()) {
    message.type = item.is_bytes() ? MessageType::kBinary : MessageType::kText;
    message.payload = BytesOf(item);
    return message;
  }
  if (const Value* json = item.Find("json")) {
    message.payload = boost::json::serialize(cel::ToJson(*json));
  } else if (const Value* text = item.Find("text")) {
    message.payload = cel::ToText(*text);
  } else if (const Value* bytes = item.Find("binary")) {
    message.type = MessageType::kBinary;
    message.payload = BytesOf(*bytes);
  } else if (const Value* ping = item.Find("ping")) {
    message.type = MessageType::kPing;
    message.payload = BytesOf(*ping);
  } else {
    return Wrong(name, "a text, or a map with one of text, json, binary and ping");
  }
  TRY(message.after, CountOf(item.Find("after"), fmt::format("{}.after", name), 0));
  if (const Value* delay = item.Find("delay"); delay != nullptr && delay->is_duration()) {
    message.delay = delay->duration();
  }
  return message;
}

Result<void> ReadSend(const Value* send, WebSocketScript& script) {
  if (send == nullptr || send->is_null()) return {};
  if (!send->is_list()) {
    TRY(ScriptedMessage message, ReadMessage(*send, "send"));
    script.messages.push_back(std::move(message));
    return {};
  }
  for (size_t i = 0; i < send->list().size(); ++i) {
    TRY(ScriptedMessage message, ReadMessage(send->list()[i], fmt::format("send[{}]", i)));
    script.messages.push_back(std::move(message));
  }
  return {};
}

Result<void> ReadEnd(const Value& params, WebSocketScript& script) {
  if (const Value* collect = params.Find("collect"); collect != nullptr && collect->is_map()) {
    if (const Value* count = collect->Find("count")) {
      TRY(script.count, CountOf(count, "collect.count", 0));
    }
    if (const Value* span = collect->Find("for"); span != nullptr && span->is_duration()) {
      script.span = span->duration();
    }
  }
  const Value* closed = params.Find("expect_close");
  script.until_closed = closed != nullptr && closed->is_true();
  TRY(script.armed_after, CountOf(params.Find("armed_after"), "armed_after", 0));
  TRY(script.max_messages, CountOf(params.Find("max_messages"), "max_messages", 10'000));
  const Value* close = params.Find("close");
  if (close == nullptr || !close->is_map()) return {};
  TRY(const int64_t code,
      CountOf(close->Find("code"), "close.code", http::websocket::kNormalClosure));
  if (!http::websocket::IsSendableCloseCode(code)) {
    return Wrong("close.code",
                 "a close code that may be sent: 1000 to 1003, 1007 to 1014 or 3000 "
                 "to 4999");
  }
  script.close = {.code = static_cast<uint16_t>(code), .reason = TextOf(close->Find("reason"))};
  const Value* abort = close->Find("abort");
  script.abort = abort != nullptr && abort->is_true();
  return {};
}

}  // namespace

Result<WebSocketScript> ReadWebSocketScript(const Value& params, const ActionContext& context) {
  WebSocketScript script;
  TRY(script.open, ReadOpen(params, context));
  TRY(ReadSend(params.Find("send"), script));
  TRY(ReadEnd(params, script));
  return script;
}

}  // namespace assay::action
