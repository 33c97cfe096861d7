// A server that answers at once, except that it stands still at planted times: every `period` it
// does nothing for `stall`. At its end it writes when it answered and when it stood still, by its
// own clock, so that a load's latencies can be judged without asking the load.
//   bench_stall_server PORT PERIOD_MS STALL_MS [RECORD]
// RECORD is {"answers_ns": [...], "stalls_ns": [[begin, end], ...]}.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include "lib/http/server.h"
#include "lib/net/runtime.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"

namespace {

// Nanoseconds since the server began, of its only loop.
class Record {
 public:
  explicit Record(bool keeps) : keeps_(keeps) {}
  int64_t Now() const { return (std::chrono::steady_clock::now() - began_).count(); }
  void Answered() {
    if (keeps_) answers_.push_back(Now());
  }
  void StoodStill(int64_t begin) { stalls_.emplace_back(begin, Now()); }
  bool WriteTo(const char* path) const {
    std::ofstream out(path);
    out << "{\"answers_ns\": [";
    for (size_t i = 0; i < answers_.size(); ++i) out << (i == 0 ? "" : ",") << answers_[i];
    out << "], \"stalls_ns\": [";
    for (size_t i = 0; i < stalls_.size(); ++i) {
      out << (i == 0 ? "" : ",") << '[' << stalls_[i].first << ',' << stalls_[i].second << ']';
    }
    out << "]}\n";
    return out.flush().good();
  }

 private:
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  const bool keeps_;
  std::vector<int64_t> answers_;
  std::vector<std::pair<int64_t, int64_t>> stalls_;
};

// Blocks the only loop on purpose: nothing is read, answered or accepted meanwhile.
net::Task<void> Stall(base::Duration period, base::Duration stall, Record& record) {
  auto next = std::chrono::steady_clock::now() + period;
  while (co_await net::SleepUntil(base::Deadline::At(next))) {
    const int64_t begin = record.Now();
    std::this_thread::sleep_until(next + stall);
    record.StoodStill(begin);
    next += period;
  }
}

net::Task<base::Result<void>> Serve(net::Runtime& runtime, uint16_t port, base::Duration period,
                                    base::Duration stall, Record& record, net::Cancellation& stop) {
  http::ServerOptions options;
  options.port = port;
  const auto answer = [&record](http::Request&) -> net::Task<http::Response> {
    record.Answered();
    co_return http::Response::Text(200, "ok\n");
  };
  CO_TRY(auto server, http::Server::Start(runtime.executors(), answer, options));
  net::TaskGroup stalls(runtime.executor(), [](const base::Error&) {});
  if (stall > base::Duration::zero()) stalls.Spawn(Stall(period, stall, record));
  (void)co_await stop.Wait(base::Deadline::Never());
  stalls.Cancel();
  (void)co_await stalls.Join(base::Deadline::Never());
  co_await server->Shutdown(base::Deadline::After(std::chrono::seconds(1)));
  co_return base::Result<void>();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: bench_stall_server PORT PERIOD_MS STALL_MS [RECORD]\n");
    return 1;
  }
  net::Runtime runtime;
  net::Cancellation stop;
  Record record(argc == 5);
  const net::SignalBridge bridge(stop, {SIGINT, SIGTERM});
  const auto served =
      runtime.Run(Serve(runtime, static_cast<uint16_t>(std::atoi(argv[1])),
                        std::chrono::milliseconds(std::atoi(argv[2])),
                        std::chrono::milliseconds(std::atoi(argv[3])), record, stop));
  if (!served.has_value()) {
    std::fprintf(stderr, "%s\n", served.error().ToString().c_str());
    return 1;
  }
  if (argc == 5 && !record.WriteTo(argv[4])) {
    std::fprintf(stderr, "cannot write %s\n", argv[4]);
    return 1;
  }
  return 0;
}
