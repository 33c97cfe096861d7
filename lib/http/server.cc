#include "lib/http/server.h"

#include <algorithm>

#include "lib/http/internal/session.h"
#include "lib/http/internal/wire.h"
#include "lib/net/error_mapping.h"
#include "lib/net/gather.h"
#include "lib/net/pch/asio.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"

namespace http {
namespace asio = boost::asio;
using boost::system::error_code;
using internal::tcp;

namespace {

const base::Clock& SystemTime() {
  static const base::SystemClock clock;
  return clock;
}

/// How often late connections are looked for: exact to a quarter of the shortest limit.
base::Duration SweepEvery(const ServerOptions& options) {
  const base::Duration shortest = std::min(
      {options.header_timeout, options.idle_timeout, options.body_timeout, options.write_timeout});
  return std::clamp<base::Duration>(shortest / 4, std::chrono::milliseconds(2),
                                    std::chrono::milliseconds(250));
}

/// Connections over the limit that still get their 503.
constexpr size_t kMostRefusals = 256;

}  // namespace

struct Server::Core {
  struct Loop {
    Loop(net::Executor on, const net::TaskGroup::ErrorSink& sink)
        : executor(on), group(std::move(on), sink) {}
    net::Executor executor;
    net::TaskGroup group;
    internal::LoopState state;
  };

  Core(Handler to, ServerOptions with) : handler(std::move(to)), options(std::move(with)) {
    if (options.clock == nullptr) options.clock = &SystemTime();
  }

  Handler handler;
  ServerOptions options;
  std::unique_ptr<asio::ssl::context> tls;
  std::vector<std::unique_ptr<Loop>> loops;
  std::optional<tcp::acceptor> acceptor;
  uint16_t port = 0;
  std::atomic<size_t> connections{0};
  std::atomic<uint64_t> requests{0};
  bool stopping = false;

  internal::SessionContext ContextFor(Loop& loop) {
    return {options, handler, *options.clock, requests, loop.state};
  }
};

namespace {

template <typename Core>
net::Task<void> RunSession(std::shared_ptr<Core> core, typename Core::Loop& loop,
                           tcp::socket socket, bool refused) {
  auto wire = core->tls ? internal::MakeTlsWire(std::move(socket), *core->tls)
                        : internal::MakePlainWire(std::move(socket));
  {
    internal::Session session(std::move(wire), core->ContextFor(loop));
    co_await (refused ? session.RunRefused() : session.Run());
  }
  core->connections.fetch_sub(1, std::memory_order_relaxed);
}

template <typename Core>
net::Task<void> Sweep(std::shared_ptr<Core> core, typename Core::Loop& loop) {
  const base::Duration every = SweepEvery(core->options);
  auto& sessions = loop.state.sessions;
  while (!(loop.state.draining && sessions.empty())) {
    const auto pause = base::Deadline::After(every);
    // While draining the event is set and would not pause at all.
    const auto slept = loop.state.draining ? co_await net::Sleep(std::chrono::milliseconds(2))
                                           : co_await loop.group.stopping().Wait(pause);
    if (!slept.has_value() && slept.error().code == base::ErrorCode::kCancelled) co_return;
    const auto now = std::chrono::steady_clock::now();
    for (internal::Session* const session : sessions) session->Sweep(now);
  }
}

template <typename Core>
net::Task<void> Accept(std::shared_ptr<Core> core) {
  size_t next = 0;
  while (!core->stopping && !co_await net::IsCancelled()) {
    typename Core::Loop& loop = *core->loops[next++ % core->loops.size()];
    tcp::socket socket(loop.executor);
    const auto [error] =
        co_await core->acceptor->async_accept(socket, asio::as_tuple(asio::use_awaitable));
    if (error) {
      // Out of descriptors: wait for some to be closed instead of spinning.
      if (error != asio::error::operation_aborted) {
        (void)co_await net::Sleep(std::chrono::milliseconds(20));
      }
      continue;
    }
    const size_t open = core->connections.fetch_add(1, std::memory_order_relaxed) + 1;
    const bool refused = open > core->options.max_connections;
    if (open > core->options.max_connections + kMostRefusals) {
      core->connections.fetch_sub(1, std::memory_order_relaxed);
      continue;
    }
    asio::dispatch(loop.executor, [core, &loop, refused, taken = std::move(socket)]() mutable {
      if (loop.state.draining) {
        core->connections.fetch_sub(1, std::memory_order_relaxed);
        return;
      }
      loop.group.Spawn(RunSession(core, loop, std::move(taken), refused));
    });
  }
}

template <typename Loop>
net::Task<size_t> DrainLoop(Loop& loop, base::Deadline grace) {
  loop.state.draining = true;
  for (internal::Session* const session : loop.state.sessions) session->Drain();
  co_return co_await loop.group.Shutdown(grace);
}

template <typename Core>
net::Task<void> StopAccepting(Core& core) {
  core.stopping = true;
  error_code ignored;
  core.acceptor->close(ignored);
  co_return;
}

base::Result<tcp::acceptor> Open(const net::Executor& executor, const ServerOptions& options) {
  const std::string what = "listen on " + net::Endpoint{options.address, options.port}.ToString();
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "'" + options.address + "' is not a numeric address such as 127.0.0.1");
  }
  const tcp::endpoint endpoint(address, options.port);
  tcp::acceptor acceptor(executor);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(4096, error);
  if (error) {
    return base::Fail(net::ToError(error, what).Hint("choose another port, or 0 for a free one"));
  }
  return acceptor;
}

}  // namespace

Server::Server(std::shared_ptr<Core> core) : core_(std::move(core)) {}
Server::~Server() = default;

base::Result<std::unique_ptr<Server>> Server::Start(std::vector<net::Executor> loops,
                                                    Handler handler, ServerOptions options) {
  if (loops.empty()) return base::Fail(base::ErrorCode::kInvalid, "a server needs a loop");
  auto core = std::make_shared<Core>(std::move(handler), std::move(options));
  if (core->options.tls) {
    TRY(core->tls, internal::LoadTls(*core->options.tls));
  }
  TRY(core->acceptor, Open(loops.front(), core->options));
  error_code error;
  core->port = core->acceptor->local_endpoint(error).port();
  for (net::Executor& loop : loops) {
    core->loops.push_back(std::make_unique<Core::Loop>(std::move(loop), core->options.error_sink));
    core->loops.back()->group.Spawn(Sweep(core, *core->loops.back()));
  }
  core->loops.front()->group.Spawn(Accept(core));
  return std::unique_ptr<Server>(new Server(std::move(core)));
}

uint16_t Server::port() const { return core_->port; }

std::string Server::url() const {
  const net::Endpoint at{core_->options.address, core_->port};
  return (core_->tls ? "https://" : "http://") + at.ToString();
}

size_t Server::connections() const { return core_->connections.load(std::memory_order_relaxed); }

uint64_t Server::requests() const { return core_->requests.load(std::memory_order_relaxed); }

net::Task<size_t> Server::Shutdown(base::Deadline grace) {
  const auto core = core_;
  co_await net::RunOn(core->loops.front()->executor, StopAccepting(*core));
  std::vector<net::Task<size_t>> drains;
  for (auto& loop : core->loops) {
    drains.push_back(net::RunOn(loop->executor, DrainLoop(*loop, grace)));
  }
  size_t cut = 0;
  for (const size_t count : co_await net::WhenAll(std::move(drains))) cut += count;
  co_return cut;
}

}  // namespace http
