#pragma once
// A reverse proxy that keeps what passes through it.
//
//   client --> RecordingProxy --> upstream
//                   |
//                   +--> exchanges, in the order of their answers
//
// Redirects to the upstream and its cookies are rewritten, so that clients stay on the proxy.
// Protocols that upgrade the connection (WebSocket) are refused with 501 and counted.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "assay/importing/exchange.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/http/client.h"
#include "lib/http/server.h"
#include "lib/net/task.h"

namespace assay::importing {

struct ProxyOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;                                 ///< 0: a free one
  std::string upstream;                              ///< URL; its path is put before every path
  bool insecure = false;                             ///< takes any certificate of the upstream
  base::Duration timeout = std::chrono::minutes(2);  ///< of one exchange
  uint64_t max_body = uint64_t{64} << 20;            ///< bytes, both ways
  /// Called on the loop after each exchange.
  std::function<void(const Exchange&)> on_exchange;
};

/// Belongs to one loop.
class RecordingProxy {
 public:
  /// kInvalid: the upstream is no http or https URL; kUnavailable: the port is taken.
  static base::Result<std::unique_ptr<RecordingProxy>> Start(net::Executor loop,
                                                             ProxyOptions options);

  std::string url() const { return server_->url(); }
  const std::vector<Exchange>& exchanges() const { return exchanges_; }
  size_t refused_upgrades() const { return refused_upgrades_; }

  net::Task<void> Stop(base::Deadline grace);

 private:
  RecordingProxy(net::Executor loop, ProxyOptions options, http::Url upstream);

  net::Task<http::Response> Handle(http::Request& request);
  http::ClientRequest Forwarded(const http::Request& request, const std::string& body) const;
  http::Response Backward(const http::ClientResponse& answer) const;
  void Keep(const http::Request& request, const std::string& body,
            const http::ClientResponse& answer);

  ProxyOptions options_;
  http::Url upstream_;
  http::Client client_;
  std::vector<Exchange> exchanges_;
  size_t refused_upgrades_ = 0;
  std::unique_ptr<http::Server> server_;
};

}  // namespace assay::importing
