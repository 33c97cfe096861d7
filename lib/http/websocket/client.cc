#include "lib/http/websocket/client.h"

#include <algorithm>

#include "lib/http/uri.h"
#include "lib/http/websocket/core.h"
#include "lib/net/error_mapping.h"
#include "lib/net/internal/tls_socket.h"
#include "lib/net/tcp.h"
#include "lib/net/timer.h"

namespace http::websocket {
namespace asio = boost::asio;
namespace beast = boost::beast;
using base::ErrorCode;
using internal::error_code;
using internal::Tcp;
using internal::TlsSocket;

namespace {

/// What the handshake itself writes.
bool IsOfHandshake(std::string_view name) {
  return EqualsIgnoringCase(name, "Connection") || EqualsIgnoringCase(name, "Upgrade") ||
         EqualsIgnoringCase(name, "Sec-WebSocket-Key") ||
         EqualsIgnoringCase(name, "Sec-WebSocket-Accept") ||
         EqualsIgnoringCase(name, "Sec-WebSocket-Extensions") ||
         EqualsIgnoringCase(name, "Sec-WebSocket-Protocol");
}

base::Result<void> CheckHeaders(const OpenRequest& request) {
  for (const HeaderField& field : request.headers) {
    if (!IsFieldName(field.name) || !IsFieldValue(field.value)) {
      return base::Fail(ErrorCode::kInvalid, "\"" + field.name + "\" is no valid header field");
    }
    if (IsOfHandshake(field.name)) {
      return base::Fail(ErrorCode::kInvalid,
                        "the field " + field.name + " is written by the handshake itself");
    }
  }
  for (const std::string& name : request.subprotocols) {
    if (!IsFieldName(name)) {
      return base::Fail(ErrorCode::kInvalid, "\"" + name + "\" is no name of a subprotocol");
    }
  }
  return {};
}

std::string OfferOf(const std::vector<std::string>& subprotocols) {
  std::string offer;
  for (const std::string& name : subprotocols) offer += (offer.empty() ? "" : ", ") + name;
  return offer;
}

void Decorate(const OpenRequest& request, beast::websocket::request_type& head) {
  for (const HeaderField& field : request.headers) head.erase(field.name);
  for (const HeaderField& field : request.headers) head.insert(field.name, field.value);
  if (const std::string offer = OfferOf(request.subprotocols); !offer.empty()) {
    head.set(beast::http::field::sec_websocket_protocol, offer);
  }
}

template <typename Fields>
Headers HeadersOf(const Fields& fields) {
  Headers headers;
  for (const auto& field : fields) headers.Add(field.name_string(), field.value());
  return headers;
}

/// kCorrupt unless the agreement is one that was offered.
base::Result<void> Agree(const OpenRequest& request, const Headers& answer, internal::Core& core) {
  const std::string chosen(answer.Get("Sec-WebSocket-Protocol").value_or(""));
  if (!chosen.empty() &&
      std::ranges::find(request.subprotocols, chosen) == request.subprotocols.end()) {
    return base::Fail(ErrorCode::kCorrupt,
                      "the server chose the subprotocol \"" + chosen + "\", which was not offered");
  }
  const std::string extensions = answer.Joined("Sec-WebSocket-Extensions");
  const bool deflates = extensions.contains("permessage-deflate");
  if (!extensions.empty() && !(deflates && request.limits.deflate)) {
    return base::Fail(ErrorCode::kCorrupt, "the server chose the extension \"" + extensions +
                                               "\", which was not offered");
  }
  core.Agree(chosen, deflates);
  return {};
}

template <typename Layer>
net::Task<base::Result<Opening>> Shake(std::shared_ptr<internal::StreamCore<Layer>> core,
                                       const OpenRequest& request, const Url& url) {
  const std::string what = "open a WebSocket connection to " + url.Authority();
  auto& stream = core->stream();
  core->Configure(request.limits);
  // Whoever awaits this bounds it.
  stream.set_option(beast::websocket::stream_base::timeout{
      .handshake_timeout = beast::websocket::stream_base::none(),
      .idle_timeout = beast::websocket::stream_base::none(),
      .keep_alive_pings = false});
  Opening opening;
  stream.set_option(
      beast::websocket::stream_base::decorator([&](beast::websocket::request_type& head) {
        Decorate(request, head);
        opening.request_headers = HeadersOf(head);
      }));
  beast::websocket::response_type answer;
  const auto [error] = co_await stream.async_handshake(answer, url.Authority(), url.Target(),
                                                       asio::as_tuple(asio::use_awaitable));
  const bool refused = error == beast::websocket::error::upgrade_declined;
  if (error && !refused) {
    base::Error failure = net::ToError(error, what);
    const bool nonsense =
        &error.category() == &beast::http::make_error_code({}).category() ||
        error.category() == make_error_code(beast::websocket::error::closed).category();
    if (error == beast::http::error::end_of_stream || error == asio::error::eof) {
      failure.code = ErrorCode::kUnavailable;
    } else if (nonsense) {
      failure.code = ErrorCode::kCorrupt;
    }
    co_return base::Fail(std::move(failure));
  }
  opening.status = static_cast<int>(answer.result_int());
  opening.headers = HeadersOf(answer);
  opening.body = std::move(answer.body());
  if (refused) co_return opening;
  CO_TRY(Agree(request, opening.headers, *core));
  core->Established();
  core->Start();
  opening.connection = std::make_unique<Connection>(core);
  co_return opening;
}

net::Task<base::Result<Opening>> OpenSecure(Tcp::socket socket, const OpenRequest& request,
                                            const Url& url) {
  CO_TRY(const auto context, net::TlsContext::ForClient(request.tls));
  TlsSocket layer(std::move(socket), context.native());
  const std::string& name = request.tls.server_name.empty() ? url.host : request.tls.server_name;
  CO_TRY(net::internal::NameServer(layer, context, name));
  const auto [error] = co_await layer.async_handshake(asio::ssl::stream_base::client,
                                                      asio::as_tuple(asio::use_awaitable));
  if (error) {
    co_return base::Fail(
        net::internal::HandshakeError(layer, error, "start TLS with " + url.Authority()));
  }
  co_return co_await Shake(std::make_shared<internal::StreamCore<TlsSocket>>(std::move(layer)),
                           request, url);
}

net::Task<base::Result<Opening>> OpenUnbounded(const OpenRequest& request, const Url& url,
                                               base::Deadline deadline) {
  CO_TRY(net::TcpStream tcp, co_await net::Connect(url.host, url.port, deadline));
  CO_TRY(Tcp::socket socket,
         net::internal::IntoSocket(co_await net::CurrentExecutor(), std::move(tcp)));
  if (url.secure()) co_return co_await OpenSecure(std::move(socket), request, url);
  co_return co_await Shake(std::make_shared<internal::StreamCore<Tcp::socket>>(std::move(socket)),
                           request, url);
}

}  // namespace

net::Task<base::Result<Opening>> Open(OpenRequest request, base::Deadline deadline) {
  CO_TRY(const Url url, ParseUrl(request.url));
  CO_TRY(CheckHeaders(request));
  auto opened = co_await net::WithDeadline(OpenUnbounded(request, url, deadline), deadline);
  if (!opened && opened.error().code == ErrorCode::kTimeout) {
    co_return base::Fail(net::TimeoutError("open a WebSocket connection to " + url.Authority()));
  }
  co_return std::move(opened);
}

}  // namespace http::websocket
