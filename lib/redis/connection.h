#pragma once
// One connection with a Redis server.
//
// Blocking on purpose: caches and sessions are asked from threads of a pool, like lib/sql, and
// hiredis' own event interface takes neither TLS (in its packaged version 0.14) nor deadlines. So
// hiredis formats commands and parses replies, and this library moves the bytes.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/cancellation.h"
#include "lib/net/service/service_url.h"
#include "lib/redis/reply.h"

namespace redis {

/// `{"SET", "key", "value"}`; every word may hold any bytes.
using Command = std::vector<std::string>;

struct Target {
  net::ServiceUrl url;
  int64_t database = 0;
  net::ServiceTls tls = {};  ///< used by rediss://
};

/// `redis://[[user]:password@]host[:port][/database]`, or rediss:// for TLS.
base::Result<Target> ParseTarget(std::string_view url);

struct ConnectionOptions {
  /// Ends every call with kCancelled when requested; outlives the connection. May be null.
  const net::Cancellation* stop = nullptr;
  /// A larger reply is kTooLarge and ends the connection.
  size_t max_reply_bytes = size_t{256} << 20;
};

/// Used by one thread at a time. After an error the connection is broken, because nobody knows
/// which reply comes next: make a new one. A refusal of the server is a reply, not an error.
class Connection {
 public:
  /// Connects, with TLS if the scheme says so, logs in and selects the database. kUnavailable: not
  /// reachable; kUnauthorized: user or password is wrong; kCorrupt: what listens there is no Redis.
  static base::Result<std::unique_ptr<Connection>> Open(const Target& target,
                                                        const ConnectionOptions& options,
                                                        base::Deadline deadline);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  base::Result<Reply> Execute(const Command& command, base::Deadline deadline);
  /// Sends all before it reads the first reply; one reply a command.
  base::Result<std::vector<Reply>> Pipeline(std::span<const Command> commands,
                                            base::Deadline deadline);
  /// MULTI, the commands, EXEC: all of them or none. A command that the server does not even queue
  /// makes it kConflict, and says which.
  base::Result<std::vector<Reply>> Transact(std::span<const Command> commands,
                                            base::Deadline deadline);

  /// For subscriptions: sends without waiting for what comes back.
  base::Result<void> Send(std::span<const Command> commands, base::Deadline deadline);
  /// The next reply or push. A deadline that passes between two replies breaks nothing.
  base::Result<Reply> Receive(base::Deadline deadline);

  /// False after an error, and when the server has closed the connection or sent what nobody asked
  /// for.
  bool IsUsable() const;

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  base::Result<void> Introduce(const Target& target, base::Deadline deadline);

  std::unique_ptr<State> state_;
};

}  // namespace redis
