// A server with one small answer on one loop, to be measured from outside:
//   lib_http_bare_server 8080 & wrk -t1 -c32 -d10 --latency http://127.0.0.1:8080/api/v1/jobs/7

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "lib/http/router.h"
#include "lib/http/server.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace {

net::Task<http::Response> Job(http::Request& request) {
  co_return http::Response::Json(
      200, R"({"id":")" + request.params.Get("id") + R"(","status":"queued"})");
}

net::Task<base::Result<void>> Serve(net::Runtime& runtime, const http::Router& router,
                                    uint16_t port, net::Cancellation& stop) {
  http::ServerOptions options;
  options.port = port;
  CO_TRY(auto server, http::Server::Start(runtime.executors(), router.AsHandler(), options));
  std::printf("%s\n", server->url().c_str());
  std::fflush(stdout);
  (void)co_await stop.Wait(base::Deadline::Never());
  co_await server->Shutdown(base::Deadline::After(std::chrono::seconds(1)));
  co_return base::Result<void>();
}

}  // namespace

int main(int argc, char** argv) {
  net::Runtime runtime;
  net::Cancellation stop;
  const net::SignalBridge bridge(stop, {SIGINT, SIGTERM});
  http::Router router;
  (void)router.Add({.method = http::Method::kGet, .path = "/api/v1/jobs/{id}", .handler = Job});
  const int port = argc > 1 ? std::atoi(argv[1]) : 0;
  const auto served = runtime.Run(Serve(runtime, router, static_cast<uint16_t>(port), stop));
  if (served.has_value()) return 0;
  std::fprintf(stderr, "%s\n", served.error().ToString().c_str());
  return 1;
}
