#pragma once
// CurlLoop drives libcurl's multi interface by the readiness of its sockets and one timer. For .cc
// files.

#include <memory>
#include <unordered_map>

#include <curl/curl.h>

#include "lib/net/event.h"
#include "lib/net/pch/asio.h"

namespace http::internal {

/// What the loop says about one transfer.
struct CurlOutcome {
  net::Event done;
  CURLcode code = CURLE_OK;
};

/// Belongs to one loop. Outlives its transfers.
class CurlLoop : public std::enable_shared_from_this<CurlLoop> {
 public:
  CurlLoop(net::Executor executor, long max_connections, long max_idle);
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  /// `outcome` is set when the transfer ends; it lives until Remove.
  void Add(CURL* easy, CurlOutcome* outcome);
  void Remove(CURL* easy);

 private:
  struct Watch;
  using WatchPtr = std::shared_ptr<Watch>;

  static int OnSocket(CURL* easy, curl_socket_t fd, int what, void* self, void* watch);
  static int OnTimer(CURLM* multi, long milliseconds, void* self);

  void Update(curl_socket_t fd, int what);
  void Arm(const WatchPtr& watch, bool read);
  void Act(curl_socket_t fd, int ready);

  net::Executor executor_;
  CURLM* multi_;
  boost::asio::steady_timer timer_;
  std::unordered_map<curl_socket_t, WatchPtr> watches_;
  std::unordered_map<CURL*, CurlOutcome*> outcomes_;
};

}  // namespace http::internal
