// proxy: the fault proxy alone, driven by its HTTP API.

#include <csignal>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/cli/cli.h"
#include "assay/cli/commands.h"
#include "assay/cli/project.h"
#include "assay/fault/control_api.h"
#include "assay/fault/proxy_set.h"
#include "assay/history/file_io.h"
#include "lib/base/random.h"
#include "lib/base/units.h"
#include "lib/http/server.h"
#include "lib/json/parse.h"
#include "lib/net/cancellation.h"
#include "lib/net/runtime.h"

namespace assay::cli {
namespace {

using base::ErrorCode;

std::string LineOf(const fault::Proxy& proxy) {
  return fmt::format("  {:<16} {} -> {}{}\n", proxy.name(), proxy.listen(), proxy.upstream(),
                     proxy.is_enabled() ? "" : "  (disabled)");
}

std::string SummaryOf(const fault::Proxy& proxy) {
  const fault::Traffic& traffic = proxy.traffic();
  std::string text = fmt::format("  {:<16} {} connections, {} up, {} down\n", proxy.name(),
                                 traffic.accepted, base::HumanSize(traffic.bytes_upstream),
                                 base::HumanSize(traffic.bytes_downstream));
  for (const fault::Toxic* toxic : proxy.toxics()) {
    const fault::Effect& effect = toxic->effect;
    text += fmt::format(
        "    {:<14} {} connections touched, {} delayed, {} dropped, {} closed, {} reset\n",
        toxic->spec.name, effect.connections, base::HumanSize(effect.bytes_delayed),
        base::HumanSize(effect.bytes_dropped), effect.closed, effect.reset);
  }
  return text;
}

base::Result<boost::json::array> ReadConfiguration(const std::filesystem::path& file) {
  TRY(const std::string text, history::ReadWholeFile(file));
  TRY(const boost::json::value json, json::Parse(text));
  if (json.is_array()) return json.get_array();
  return base::Fail(
      base::Error{.code = ErrorCode::kInvalid,
                  .message = fmt::format("{} holds no list of proxies", file.string()),
                  .hint = R"(write [{"name": "db", "listen": "127.0.0.1:5433", )"
                          R"("upstream": "127.0.0.1:5432"}])"});
}

/// The proxies and their API until somebody interrupts.
class ProxyServer {
 public:
  ProxyServer(const Invocation& invocation, const Host& host, net::Executor executor)
      : invocation_(invocation),
        host_(host),
        executor_(executor),
        seed_(invocation.seed.value_or(NewSeed(host))),
        proxies_(seed_, std::move(executor), *host.clock) {}

  net::Task<base::Result<void>> Run() {
    auto outcome = co_await Serve();
    co_await proxies_.Close();
    co_return outcome;
  }

 private:
  static uint64_t NewSeed(const Host& host) {
    const auto now = host.clock->Now().time_since_epoch().count();
    // Short enough to be typed again.
    return base::StableHash(fmt::format("{} {}", now, ::getpid())) & 0xFFFFFFU;
  }

  net::Task<base::Result<void>> Serve() {
    if (!invocation_.config.empty()) {
      CO_TRY(auto list, ReadConfiguration(host_.directory / invocation_.config));
      CO_TRY(co_await fault::Populate(proxies_, std::move(list)));
    }
    CO_TRY(const auto router, fault::MakeControlApi(proxies_, std::string(kVersion)));
    const std::string address =
        invocation_.host == "localhost" ? std::string("127.0.0.1") : invocation_.host;
    CO_TRY(const auto server, http::Server::Start({executor_}, router->AsHandler(),
                                                  {.address = address, .port = invocation_.port}));
    Greet(*server);
    static_cast<void>(co_await host_.interrupt->Wait(base::Deadline::Never()));
    co_await server->Shutdown(base::Deadline::After(std::chrono::seconds(1)));
    if (!invocation_.json) {
      host_.out("stopped\n");
      for (const fault::Proxy* proxy : proxies_.all()) host_.out(SummaryOf(*proxy));
    }
    co_return base::Result<void>();
  }

  void Greet(const http::Server& server) const {
    if (invocation_.json) {
      host_.out(
          boost::json::serialize(boost::json::object{{"url", server.url()}, {"seed", seed_}}) +
          "\n");
      return;
    }
    host_.out(fmt::format("proxies are controlled at {} (seed {})\n", server.url(), seed_));
    for (const fault::Proxy* proxy : proxies_.all()) host_.out(LineOf(*proxy));
  }

  const Invocation& invocation_;
  const Host& host_;
  net::Executor executor_;
  uint64_t seed_;
  fault::ProxySet proxies_;
};

}  // namespace

ExitCode ProxyCommand(const Invocation& invocation, const Host& host) {
  std::optional<net::SignalBridge> signals;
  if (host.catch_signals) signals.emplace(*host.interrupt, std::initializer_list{SIGINT, SIGTERM});
  net::Runtime runtime;
  ProxyServer server(invocation, host, runtime.executor());
  const auto outcome = runtime.Run(server.Run());
  if (outcome) return ExitCode::kPassed;
  PrintError(outcome.error(), host, invocation.no_color);
  return outcome.error().code == ErrorCode::kInvalid || outcome.error().code == ErrorCode::kNotFound
             ? ExitCode::kUsage
             : ExitCode::kError;
}

}  // namespace assay::cli
