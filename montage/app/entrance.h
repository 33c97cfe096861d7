#pragma once
// What answers on the address of a service, from the first moment on: while the service is not open
// yet, that it is not, and what it waits for.
//
//   Open -> /health/live 200, everything else 503 with the store that is missing -> OpenTo -> the
//   API

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "lib/base/error.h"
#include "lib/http/server.h"
#include "montage/app/config.h"
#include "montage/app/log.h"

namespace montage::app {

class Entrance {
 public:
  /// Listens where the configuration says, on the loop of the caller. Each request is written to
  /// the log, which outlives it. Errors of listening name the address.
  static base::Result<std::unique_ptr<Entrance>> Open(net::Executor loop, const Config& config,
                                                      Log& log);
  ~Entrance();

  /// From now on it says that `store` (`database`, `objects`, `cache`) is missing, and in one of a
  /// few words why; "": that the service is starting. Thread-safe.
  void WaitFor(std::string store, const base::Error& why);
  /// From now on `handler` answers. On the loop.
  void OpenTo(http::Handler handler);

  std::string url() const { return server_->url(); }
  size_t connections() const { return server_->connections(); }
  /// As http::Server::Shutdown. Requires: it has returned before the entrance is destroyed.
  net::Task<size_t> Close(base::Deadline grace) { return server_->Shutdown(grace); }

 private:
  struct Missing {
    std::string store;
    std::string reason;
  };

  Entrance() = default;
  net::Task<http::Response> Answer(http::Request& request);
  http::Response NotOpen(http::Request& request);

  std::mutex mutex_;
  std::optional<Missing> missing_;
  http::Handler handler_;  ///< null while it is not open
  std::unique_ptr<http::Server> server_;
};

}  // namespace montage::app
