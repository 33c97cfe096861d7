#pragma once
// Opening a WebSocket connection as a client (RFC 6455 4.1).

#include <memory>
#include <string>
#include <vector>

#include "lib/http/headers.h"
#include "lib/http/websocket/connection.h"
#include "lib/net/tls.h"

namespace http::websocket {

struct OpenRequest {
  std::string url;  ///< ws, wss, http or https
  /// Besides those of the handshake itself; Host, Origin and Sec-WebSocket-Version may be replaced.
  Headers headers;
  std::vector<std::string> subprotocols;  ///< offered, the preferred one first
  net::TlsClientOptions tls;
  Limits limits;
};

/// What the server answered.
struct Opening {
  int status = 0;  ///< 101: there is a connection
  Headers headers;
  std::string body;         ///< of a refusal
  Headers request_headers;  ///< as they were sent
  std::unique_ptr<Connection> connection;
};

/// Any answer that is HTTP is a success: a refused upgrade has its status and no connection.
/// kInvalid: the URL or a field; kUnavailable: no connection or no TLS; kCorrupt: no HTTP, or an
/// upgrade that RFC 6455 forbids to accept (wrong key, a subprotocol that was not offered);
/// kTimeout; kCancelled.
net::Task<base::Result<Opening>> Open(OpenRequest request, base::Deadline deadline);

}  // namespace http::websocket
