#include "assay/environment/broker_probe.h"

#include <utility>

#include <fmt/format.h>

#include "lib/net/cancellation.h"
#include "lib/net/service/interruptible.h"
#include "lib/queue/connection.h"
#include "lib/redis/connection.h"

namespace assay::environment {
namespace {

using base::Result;

Result<void> Ping(const redis::Target& target, const net::Cancellation& stop,
                  base::Deadline deadline) {
  TRY(const auto connection, redis::Connection::Open(target, {.stop = &stop}, deadline));
  TRY(const redis::Reply reply, connection->Execute({"PING"}, deadline));
  if (const redis::ErrorReply* refusal = reply.error()) {
    return base::Fail(redis::ToError(*refusal, "PING"));
  }
  if (reply.text() != nullptr && *reply.text() == "PONG") return {};
  return base::Fail(base::ErrorCode::kUnavailable,
                    fmt::format("redis at {} answered PING with something else than PONG",
                                target.url.Authority()));
}

}  // namespace

net::Task<Result<void>> AskRedis(std::string url, base::Deadline deadline) {
  CO_TRY(const redis::Target target, redis::ParseTarget(url));
  net::Cancellation stop;
  net::ThreadPool thread(1);
  co_return co_await net::OffloadInterruptibly(
      thread, [&] { return Ping(target, stop, deadline); }, [&] { stop.Request(); });
}

net::Task<Result<void>> AskAmqp(std::string url, base::Deadline deadline) {
  CO_TRY(const queue::Target target, queue::ParseTarget(url));
  net::Cancellation stop;
  net::ThreadPool thread(1);
  const auto open = [&]() -> Result<void> {
    TRY(queue::Connection::Open(target, {.stop = &stop}, deadline));
    return {};
  };
  co_return co_await net::OffloadInterruptibly(thread, open, [&] { stop.Request(); });
}

}  // namespace assay::environment
