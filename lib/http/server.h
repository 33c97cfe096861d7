#pragma once
// HTTP/1.1 server: keep-alive, pipelining, chunked bodies both ways, limits and timeouts for
// everything a client can do slowly or too much of. One coroutine a connection; each connection
// stays on one loop.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/http/message.h"
#include "lib/net/task.h"
#include "lib/net/tcp.h"

namespace http {

/// PEM files. With `client_ca` every client must show a certificate that it signed.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca = {};
};

/// One answered (or refused) request, for logs and metrics.
struct Exchange {
  const Request* request = nullptr;  ///< null when no request could be read
  int status = 0;
  uint64_t received = 0;  ///< bytes of body
  uint64_t sent = 0;      ///< bytes on the wire, before encryption
  base::Duration duration{};
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  ///< 0: a free one
  std::optional<TlsFiles> tls = {};

  size_t max_connections = 10'000;
  size_t max_header = size_t{16} * 1024;                     ///< bytes of request line and fields
  uint64_t max_body = uint64_t{64} << 20;                    ///< for handlers that set no limit
  base::Duration header_timeout = std::chrono::seconds(10);  ///< from first byte to end of header
  base::Duration idle_timeout = std::chrono::seconds(75);    ///< between requests
  base::Duration body_timeout = std::chrono::seconds(30);    ///< without a byte of the body
  base::Duration write_timeout = std::chrono::seconds(30);   ///< without progress of the response

  bool gzip = true;              ///< for compressible bodies in memory, if the client accepts it
  size_t gzip_from = 1024 + 1;   ///< bytes
  std::string server_name = {};  ///< Server field; empty: none

  ErrorFormatter format_error = PlainError;
  /// Gets what handlers throw, and errors of streamed bodies.
  std::function<void(const base::Error&)> error_sink = {};
  std::function<void(const Exchange&)> on_exchange = {};
  const base::Clock* clock = nullptr;  ///< for the Date field; null: the system's
};

/// Needs no lock by its users; handlers run on all given loops at the same time.
class Server {
 public:
  /// Listens and serves until Shutdown. Takes connections on the first loop and hands them out in
  /// turn.
  static base::Result<std::unique_ptr<Server>> Start(std::vector<net::Executor> loops,
                                                     Handler handler, ServerOptions options);
  /// Requires: Shutdown has returned, or the loops do not run any more.
  ~Server();

  uint16_t port() const;
  /// `http://127.0.0.1:8080`
  std::string url() const;
  size_t connections() const;
  uint64_t requests() const;

  /// Stops accepting, closes idle connections, lets requests in flight finish until `grace` (their
  /// responses say Connection: close), then cancels. Returns how many connections were cut.
  net::Task<size_t> Shutdown(base::Deadline grace);

 private:
  struct Core;
  explicit Server(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace http
