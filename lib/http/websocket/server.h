#pragma once
// Taking a WebSocket connection in a handler of http::Server (RFC 6455 4.2).
//
//   net::Task<http::Response> Events(http::Request& request) {
//     co_return http::websocket::Accept(request, {.subprotocols = {"events.v1"}}, ServeEvents);
//   }

#include <functional>
#include <string>
#include <vector>

#include "lib/http/message.h"
#include "lib/http/websocket/connection.h"

namespace http::websocket {

struct AcceptOptions {
  std::vector<std::string> subprotocols;  ///< understood, the preferred one first
  Headers headers;                        ///< added to the answer
  Limits limits;
  base::Duration close_timeout = std::chrono::seconds(5);  ///< for the client's close frame
};

/// Speaks with one client; when it returns, the connection is closed with 1000, unless it is over
/// already. When the server shuts down, the connection is closed with 1001: the handler receives
/// the close and returns.
using ServeConnection = std::function<net::Task<void>(Connection&)>;

/// The response that turns the request into a WebSocket connection; 400 or 426 with the reason when
/// the request asks for none.
Response Accept(const Request& request, AcceptOptions options, ServeConnection serve);

}  // namespace http::websocket
