#pragma once
// A thread-safe client: a bounded pool of connections that are made when needed.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "lib/redis/connection.h"

namespace redis {

struct ClientOptions {
  size_t max_connections = 8;
  ConnectionOptions connection = {};
};

/// Blocks the calling thread. A connection that broke or that the server closed meanwhile is
/// replaced before the next command is sent. No command is sent twice: after an error in the middle
/// only the caller knows whether trying again does harm.
class Client {
 public:
  explicit Client(Target target, ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// kUnavailable: no connection was free until the deadline, or the server is not reachable; else
  /// as Connection.
  base::Result<Reply> Execute(const Command& command, base::Deadline deadline);
  base::Result<std::vector<Reply>> Pipeline(std::span<const Command> commands,
                                            base::Deadline deadline);
  base::Result<std::vector<Reply>> Transact(std::span<const Command> commands,
                                            base::Deadline deadline);

  const Target& target() const { return target_; }

 private:
  base::Result<std::unique_ptr<Connection>> Take(base::Deadline deadline);
  void GiveBack(std::unique_ptr<Connection> connection);
  template <typename Work>
  auto With(base::Deadline deadline, Work work);

  const Target target_;
  const ClientOptions options_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<Connection>> idle_;  // the last one used is taken first
  size_t in_use_ = 0;
};

}  // namespace redis
