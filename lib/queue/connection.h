#pragma once
// One connection with an AMQP 0-9-1 broker such as RabbitMQ, and one channel on it.
//
// Blocking, because rabbitmq-c is: call it from a thread of a pool. Every wait ends at its deadline
// and on request. A refusal of the broker (no such queue, other arguments than before) is an error
// and costs only the channel, which the next call opens again: its consumer is gone then, and what
// was not acknowledged is delivered again.

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
#include "lib/queue/message.h"

namespace queue {

struct Target {
  net::ServiceUrl url;
  std::string user = "guest";
  std::string password = "guest";
  std::string virtual_host = "/";
  net::ServiceTls tls = {};  ///< used by amqps://
};

/// `amqp://[user:password@]host[:port][/virtual-host]`, or amqps:// for TLS.
base::Result<Target> ParseTarget(std::string_view url);

struct ConnectionOptions {
  /// Ends every call with kCancelled when requested; outlives the connection. May be null.
  /// Connecting with TLS does not see it and lasts until its deadline at most.
  const net::Cancellation* stop = nullptr;
  /// Zero: none. Whoever asks for it must call in at least that often, or the broker hangs up.
  std::chrono::seconds heartbeat{0};
  std::string name = "assay";  ///< shown by the broker's tools
};

struct QueueSpec {
  std::string name;  ///< "": the broker invents one
  bool durable = true;
  bool exclusive = false;    ///< of this connection, gone with it
  bool auto_delete = false;  ///< gone with its last consumer
  Table arguments = {};      ///< `x-message-ttl`, `x-dead-letter-exchange`, `x-max-priority`, ...
};

struct QueueState {
  std::string name;
  uint32_t messages = 0;  ///< ready to be delivered; those not acknowledged do not count
  uint32_t consumers = 0;
};

struct ExchangeSpec {
  std::string name;
  std::string type = "direct";  ///< direct, fanout, topic, headers
  bool durable = true;
  bool auto_delete = false;
  Table arguments = {};
};

struct Binding {
  std::string queue;
  std::string exchange;
  std::string routing_key = {};
  Table arguments = {};
};

struct ConsumerSpec {
  std::string queue;
  uint16_t prefetch = 1;  ///< unacknowledged messages at a time; 0: no limit
  bool automatic_acknowledgement = false;
  bool exclusive = false;
};

/// Used by one thread at a time. Errors: kUnavailable (not reachable, connection lost),
/// kUnauthorized (login), kNotFound (queue, exchange), kConflict (exists with other arguments, in
/// use, locked), kForbidden.
class Connection {
 public:
  static base::Result<std::unique_ptr<Connection>> Open(const Target& target,
                                                        const ConnectionOptions& options,
                                                        base::Deadline deadline);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  base::Result<QueueState> DeclareQueue(const QueueSpec& spec, base::Deadline deadline);
  /// Asks for a queue without making it.
  base::Result<QueueState> Depth(const std::string& queue, base::Deadline deadline);
  base::Result<void> DeclareExchange(const ExchangeSpec& spec, base::Deadline deadline);
  base::Result<void> Bind(const Binding& binding, base::Deadline deadline);
  base::Result<void> Unbind(const Binding& binding, base::Deadline deadline);
  /// How many messages were dropped.
  base::Result<uint32_t> Purge(const std::string& queue, base::Deadline deadline);
  /// How many messages went with it. RabbitMQ takes the absence of a queue as success.
  base::Result<uint32_t> DeleteQueue(const std::string& queue, base::Deadline deadline);
  base::Result<void> DeleteExchange(const std::string& exchange, base::Deadline deadline);

  /// Returns when the broker has confirmed (or refused) every message. `mandatory`: a message that
  /// no queue takes is returned instead of dropped. After an error nobody knows which of them
  /// arrived.
  base::Result<std::vector<PublishResult>> Publish(std::span<const Message> messages,
                                                   bool mandatory, base::Deadline deadline);

  /// nullopt: the queue is empty.
  base::Result<std::optional<Delivery>> Get(const std::string& queue,
                                            bool automatic_acknowledgement,
                                            base::Deadline deadline);
  /// At most one consumer at a time. Returns when the broker has registered it.
  base::Result<void> StartConsuming(const ConsumerSpec& spec, base::Deadline deadline);
  /// kTimeout when none came; the consumer stays. kNotFound: the queue was deleted meanwhile.
  base::Result<Delivery> Next(base::Deadline deadline);

  /// Nothing more is delivered; what was delivered can still be acknowledged.
  base::Result<void> StopConsuming(base::Deadline deadline);

  /// `multiple`: also all before it.
  base::Result<void> Acknowledge(uint64_t delivery_tag, base::Deadline deadline,
                                 bool multiple = false);
  /// Without `requeue` the message is dropped, or goes to the queue's dead-letter exchange.
  base::Result<void> Reject(uint64_t delivery_tag, bool requeue, base::Deadline deadline,
                            bool multiple = false);

  /// False after an error that cost the connection.
  bool IsUsable() const;

 private:
  class State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace queue
