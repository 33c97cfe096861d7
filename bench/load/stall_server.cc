// A server that answers at once, except that it stands still at planted times: every `period` it
// does nothing for `stall`. What a request then waits for is known in closed form.
//   bench_stall_server PORT PERIOD_MS STALL_MS

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "lib/http/server.h"
#include "lib/net/runtime.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"

namespace {

net::Task<http::Response> Answer(http::Request&) { co_return http::Response::Text(200, "ok\n"); }

// Blocks the only loop on purpose: nothing is read, answered or accepted meanwhile.
net::Task<void> Stall(base::Duration period, base::Duration stall) {
  auto next = std::chrono::steady_clock::now() + period;
  while (co_await net::SleepUntil(base::Deadline::At(next))) {
    std::this_thread::sleep_until(next + stall);
    next += period;
  }
}

net::Task<base::Result<void>> Serve(net::Runtime& runtime, uint16_t port, base::Duration period,
                                    base::Duration stall, net::Cancellation& stop) {
  http::ServerOptions options;
  options.port = port;
  CO_TRY(auto server, http::Server::Start(runtime.executors(), Answer, options));
  net::TaskGroup stalls(runtime.executor(), [](const base::Error&) {});
  if (stall > base::Duration::zero()) stalls.Spawn(Stall(period, stall));
  (void)co_await stop.Wait(base::Deadline::Never());
  stalls.Cancel();
  (void)co_await stalls.Join(base::Deadline::Never());
  co_await server->Shutdown(base::Deadline::After(std::chrono::seconds(1)));
  co_return base::Result<void>();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_stall_server PORT PERIOD_MS STALL_MS\n");
    return 1;
  }
  net::Runtime runtime;
  net::Cancellation stop;
  const net::SignalBridge bridge(stop, {SIGINT, SIGTERM});
  const auto served = runtime.Run(Serve(runtime, static_cast<uint16_t>(std::atoi(argv[1])),
                                        std::chrono::milliseconds(std::atoi(argv[2])),
                                        std::chrono::milliseconds(std::atoi(argv[3])), stop));
  if (served.has_value()) return 0;
  std::fprintf(stderr, "%s\n", served.error().ToString().c_str());
  return 1;
}
