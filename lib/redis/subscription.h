#pragma once
// Listening to channels.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/redis/connection.h"

namespace redis {

struct Message {
  std::string channel;
  std::string pattern;  ///< that matched; "" when the channel was subscribed by name
  std::string payload;
};

struct Topics {
  std::vector<std::string> channels = {};
  std::vector<std::string> patterns = {};  ///< glob: `news.*`
};

/// A connection that only listens; used by one thread at a time.
class Subscription {
 public:
  /// Returns when the server has confirmed every channel and pattern: what is published from then
  /// on arrives. kInvalid: no topics.
  static base::Result<Subscription> Open(const Target& target, const Topics& topics,
                                         const ConnectionOptions& options, base::Deadline deadline);
  /// kTimeout when none came; the subscription stays.
  base::Result<Message> Next(base::Deadline deadline);

 private:
  explicit Subscription(std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)) {}
  std::unique_ptr<Connection> connection_;
  std::deque<Reply> early_;  ///< messages that came while Open waited
};

}  // namespace redis
