#include "lib/http/websocket/server.h"

#include <algorithm>

#include "lib/http/internal/upgrade.h"
#include "lib/http/websocket/core.h"
#include "lib/net/timer.h"

namespace http::websocket {
namespace asio = boost::asio;
namespace beast = boost::beast;
using internal::StreamCore;

namespace {

/// For the answer to reach the client.
constexpr auto kHandshakeTime = std::chrono::seconds(10);

Response Refusal(int status, std::string message) {
  return PlainError(status, {base::ErrorCode::kInvalid, std::move(message)}, nullptr);
}

/// 16 bytes as base64 (RFC 6455 4.2.1).
bool IsKey(std::string_view key) {
  constexpr size_t kKeySize = 24;
  return key.size() == kKeySize && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, kKeySize - 2), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '+' || c == '/';
         });
}

std::optional<Response> Refuse(const Request& request) {
  const Headers& headers = request.headers;
  if (request.method != Method::kGet || request.minor_version < 1) {
    return Refusal(400, "a WebSocket connection is opened by GET and HTTP/1.1");
  }
  if (!headers.HasToken("Upgrade", "websocket") || !headers.HasToken("Connection", "upgrade")) {
    Response response = Refusal(426, "here are only WebSocket connections");
    response.headers.Set("Upgrade", "websocket");
    return response;
  }
  if (headers.Get("Sec-WebSocket-Version") != "13") {
    Response response = Refusal(426, "the only version of WebSocket that is spoken is 13");
    response.headers.Set("Sec-WebSocket-Version", "13");
    return response;
  }
  if (headers.GetAll("Sec-WebSocket-Key").size() != 1 ||
      !IsKey(*headers.Get("Sec-WebSocket-Key"))) {
    return Refusal(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  }
  return std::nullopt;
}

std::string Choose(const Headers& headers, const std::vector<std::string>& understood) {
  for (const std::string& name : understood) {
    if (headers.HasToken("Sec-WebSocket-Protocol", name)) return name;
  }
  return {};
}

beast::websocket::request_type HeadOf(const Request& request) {
  beast::websocket::request_type head;
  head.method(beast::http::verb::get);
  head.target(request.target);
  head.version(11);
  for (const HeaderField& field : request.headers) head.insert(field.name, field.value);
  return head;
}

net::Task<base::Result<void>> Finish(Connection& connection, base::Duration time) {
  CO_TRY(co_await connection.Close({.code = kNormalClosure, .reason = {}},
                                   base::Deadline::After(time)));
  co_return base::Result<void>();
}

template <typename Layer>
net::Task<void> Converse(std::shared_ptr<StreamCore<Layer>> core, http::internal::Upgrade& upgrade,
                         const AcceptOptions& options, const ServeConnection& serve) {
  const std::string chosen = Choose(upgrade.request().headers, options.subprotocols);
  auto& stream = core->stream();
  core->Configure(options.limits);
  bool deflates = false;
  stream.set_option(
      beast::websocket::stream_base::decorator([&](beast::websocket::response_type& answer) {
        for (const HeaderField& field : options.headers) answer.insert(field.name, field.value);
        if (!chosen.empty()) answer.set(beast::http::field::sec_websocket_protocol, chosen);
        deflates =
            answer[beast::http::field::sec_websocket_extensions].contains("permessage-deflate");
      }));
  stream.set_option(
      beast::websocket::stream_base::timeout{.handshake_timeout = kHandshakeTime,
                                             .idle_timeout = beast::websocket::stream_base::none(),
                                             .keep_alive_pings = false});
  const auto head = HeadOf(upgrade.request());
  const auto [error] = co_await stream.async_accept(head, asio::as_tuple(asio::use_awaitable));
  if (error) co_return;
  core->Agree(chosen, deflates);
  core->Established();
  core->Start();
  Connection connection(core);
  upgrade.OnDrain([core] { core->GoAway(); });
  co_await serve(connection);
  upgrade.OnDrain({});
  if (!co_await net::IsCancelled()) (void)co_await Finish(connection, options.close_timeout);
}

net::Task<void> TakeOver(http::internal::Upgrade& upgrade, const AcceptOptions& options,
                         const ServeConnection& serve) {
  auto stream = upgrade.TakeStream();
  if (auto* plain = std::get_if<internal::Tcp::socket>(&stream)) {
    auto core = std::make_shared<StreamCore<internal::Tcp::socket>>(std::move(*plain));
    co_await Converse(std::move(core), upgrade, options, serve);
  } else if (auto* secure = std::get_if<internal::TlsSocket>(&stream)) {
    auto core = std::make_shared<StreamCore<internal::TlsSocket>>(std::move(*secure));
    co_await Converse(std::move(core), upgrade, options, serve);
  }
}

}  // namespace

Response Accept(const Request& request, AcceptOptions options, ServeConnection serve) {
  if (auto refusal = Refuse(request)) return *std::move(refusal);
  Response response;
  response.status = 101;
  response.body = UpgradeBody{
      [options = std::move(options), serve = std::move(serve)](http::internal::Upgrade& upgrade) {
        return TakeOver(upgrade, options, serve);
      }};
  return response;
}

}  // namespace http::websocket
