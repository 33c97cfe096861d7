#include "lib/redis/client.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace redis {

using base::Deadline;
using base::Result;

Client::Client(Target target, ClientOptions options)
    : target_(std::move(target)), options_(options) {}

Client::~Client() = default;

Result<std::unique_ptr<Connection>> Client::Take(Deadline deadline) {
  std::unique_lock lock(mutex_);
  const size_t most = std::max<size_t>(1, options_.max_connections);
  const auto is_free = [&] { return in_use_ < most; };
  if (deadline.is_never()) {
    free_.wait(lock, is_free);
  } else if (!free_.wait_until(lock, deadline.time(), is_free)) {
    return base::Fail(
        base::ErrorCode::kUnavailable,
        fmt::format("all {} connections with {} are in use", most, target_.url.Authority()));
  }
  ++in_use_;
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->IsUsable()) return connection;
  }
  lock.unlock();
  auto connection = Connection::Open(target_, options_.connection, deadline);
  if (!connection) GiveBack(nullptr);
  return connection;
}

void Client::GiveBack(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    --in_use_;
    if (connection && connection->IsUsable()) idle_.push_back(std::move(connection));
  }
  free_.notify_one();
}

template <typename Work>
auto Client::With(Deadline deadline, Work work) {
  using Answer = decltype(work(std::declval<Connection&>()));
  auto connection = Take(deadline);
  if (!connection) return Answer(base::Fail(std::move(connection).error()));
  Answer answer = work(**connection);
  GiveBack(*std::move(connection));
  return answer;
}

Result<Reply> Client::Execute(const Command& command, Deadline deadline) {
  return With(deadline, [&](Connection& one) { return one.Execute(command, deadline); });
}

Result<std::vector<Reply>> Client::Pipeline(std::span<const Command> commands, Deadline deadline) {
  return With(deadline, [&](Connection& one) { return one.Pipeline(commands, deadline); });
}

Result<std::vector<Reply>> Client::Transact(std::span<const Command> commands, Deadline deadline) {
  return With(deadline, [&](Connection& one) { return one.Transact(commands, deadline); });
}

}  // namespace redis
