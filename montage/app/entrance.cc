#include "montage/app/entrance.h"

#include <chrono>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/http/router.h"
#include "montage/api/problem.h"
#include "montage/identity/ids.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;
using boost::json::object;

constexpr base::Duration kAskAgain = std::chrono::seconds(1);

/// Messages of stores may name hosts and logins; they go to the log and not to everybody.
std::string_view ReasonOf(const base::Error& error) {
  switch (error.code) {
    case ErrorCode::kUnauthorized:
    case ErrorCode::kForbidden:
      return "it refuses the login";
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return "it cannot be reached";
    default:
      return "it cannot be used";
  }
}

void LogExchange(Log& log, const http::Exchange& exchange) {
  object line{{"status", exchange.status},
              {"duration_us",
               std::chrono::duration_cast<std::chrono::microseconds>(exchange.duration).count()},
              {"received_bytes", exchange.received},
              {"sent_bytes", exchange.sent}};
  LogLevel level = exchange.status >= 500 ? LogLevel::kWarn : LogLevel::kInfo;
  if (exchange.request != nullptr) {
    const http::Request& request = *exchange.request;
    line["method"] = http::ToString(request.method);
    // The template and never the path or the query, which hold ids and may hold anything.
    line["route"] = request.route != nullptr ? std::string_view(request.route->path) : "unmatched";
    // Attached() is not const because handlers may change what they find; this only reads.
    const auto* id = const_cast<http::Request&>(request).Attached<api::RequestId>();
    if (id != nullptr) line["request_id"] = id->text;
    const bool is_probe = request.route != nullptr && (request.route->path.starts_with("/health") ||
                                                       request.route->path == "/metrics");
    if (is_probe && exchange.status < 400) level = LogLevel::kDebug;
  }
  log.Write(level, "request", std::move(line));
}

}  // namespace

Result<std::unique_ptr<Entrance>> Entrance::Open(net::Executor loop, const Config& config,
                                                 Log& log) {
  std::unique_ptr<Entrance> entrance(new Entrance);
  http::ServerOptions options{
      .address = config.listen_host == "localhost" ? "127.0.0.1" : config.listen_host,
      .port = config.listen_port,
      .format_error = api::FormatServerError,
      .error_sink = [&log](const base::Error& error) { log.Write("request_failed", error); },
      .on_exchange = [&log](const http::Exchange& exchange) { LogExchange(log, exchange); }};
  auto server = http::Server::Start(
      {std::move(loop)},
      [opened = entrance.get()](http::Request& request) { return opened->Answer(request); },
      std::move(options));
  if (!server) {
    return base::Fail(std::move(server).error().While(
        fmt::format("listening on {}:{}", config.listen_host, config.listen_port)));
  }
  entrance->server_ = *std::move(server);
  return entrance;
}

Entrance::~Entrance() = default;

void Entrance::WaitFor(std::string store, const base::Error& why) {
  const std::scoped_lock lock(mutex_);
  missing_.reset();
  if (!store.empty()) missing_ = Missing{std::move(store), std::string(ReasonOf(why))};
}

void Entrance::OpenTo(http::Handler handler) { handler_ = std::move(handler); }

net::Task<http::Response> Entrance::Answer(http::Request& request) {
  if (handler_) co_return co_await handler_(request);
  co_return NotOpen(request);
}

http::Response Entrance::NotOpen(http::Request& request) {
  if (request.path == "/health/live") {
    return http::Response::Json(200, boost::json::serialize(object{{"status", "alive"}}));
  }
  const auto& id = request.Attach(api::RequestId{identity::NewId("req")});
  api::Problem problem{.status = 503,
                       .error = "service_unavailable",
                       .message = "the service is starting",
                       .retry_after = kAskAgain};
  const std::scoped_lock lock(mutex_);
  if (missing_) {
    problem.message = fmt::format("{} is not available: {}", missing_->store, missing_->reason);
    problem.details = {{"components", boost::json::array{object{{"name", missing_->store},
                                                                {"ok", false},
                                                                {"detail", missing_->reason}}}}};
  }
  return api::ToResponse(problem, id.text);
}

}  // namespace montage::app
