#pragma once
// One connection with an MQTT 3.1.1 broker.
//
// Blocking: call it from a thread of a pool. libmosquitto keeps the protocol; this class waits for
// the socket itself, so that every wait ends at its deadline and on request.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/cancellation.h"
#include "lib/net/service/service_url.h"

namespace mqtt {

struct Target {
  net::ServiceUrl url;
  net::ServiceTls tls = {};  ///< used by mqtts://
};

/// `mqtt://[user:password@]host[:port]`, or mqtts:// for TLS.
base::Result<Target> ParseTarget(std::string_view url);

struct ConnectionOptions {
  /// Ends every call with kCancelled when requested; outlives the connection. May be null.
  const net::Cancellation* stop = nullptr;
  std::string client_id = {};  ///< "": the broker invents one
  /// Pause after which each side shows that it is there; at least 5 s. It is kept while a call
  /// waits: who does not call for longer is taken for gone.
  std::chrono::seconds keep_alive{60};
};

/// How often a message arrives.
enum class Quality {
  kAtMostOnce = 0,
  kAtLeastOnce = 1,
  kExactlyOnce = 2,
};

struct Message {
  std::string topic;
  std::string payload;
  Quality quality = Quality::kAtMostOnce;
  /// Published: the broker keeps it as the topic's last value. Received: it was kept.
  bool retain = false;
};

/// kInvalid unless one can publish to it: not empty, UTF-8, no wildcard.
base::Result<void> CheckTopic(std::string_view topic);
/// kInvalid unless one can subscribe to it: `+` stands for a whole level, `#` for the last ones.
base::Result<void> CheckFilter(std::string_view filter);

/// Used by one thread at a time. Errors: kUnavailable (not reachable, connection lost),
/// kUnauthorized (login), kForbidden (a subscription that the broker refuses).
class Connection {
 public:
  /// Returns when the broker has accepted the connection.
  static base::Result<std::unique_ptr<Connection>> Open(const Target& target,
                                                        const ConnectionOptions& options,
                                                        base::Deadline deadline);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Returns when the whole exchange of the message's quality is over; with kAtMostOnce when it is
  /// sent. A broker of MQTT 3.1.1 cannot say that it drops a message its rules forbid.
  base::Result<void> Publish(const Message& message, base::Deadline deadline);
  /// Returns when the broker has confirmed all: what is published from then on arrives.
  base::Result<void> Subscribe(std::span<const std::string> filters, Quality quality,
                               base::Deadline deadline);
  /// kTimeout when none came; the subscriptions stay.
  base::Result<Message> Next(base::Deadline deadline);

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mqtt
