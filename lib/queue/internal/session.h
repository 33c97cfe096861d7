#pragma once
// The frames of one connection and its one channel.
//
//   closed --Open--> channel open --refusal of the broker--> channel closed --next call--> open
//                         |                                        |
//                         +---- connection lost, late reply -------+--> broken
//
// Everything that comes is read here and sorted into inboxes; rabbitmq-c's own waiting functions
// are not used, because they end neither at a deadline nor on request.

#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include <amqp.h>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/queue/connection.h"
#include "lib/queue/message.h"

namespace queue::internal {

/// An acknowledgement of the broker for published messages.
struct Confirmation {
  uint64_t delivery_tag = 0;
  bool multiple = false;
  bool accepted = true;
};

class Session {
 public:
  static base::Result<std::unique_ptr<Session>> Open(const Target& target,
                                                     const ConnectionOptions& options,
                                                     base::Deadline deadline);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Sends a method on the channel, which is opened when it is not, and waits for one of `replies`.
  /// What the result points to lives until the next Call. `doing` is for messages: "declare the
  /// queue \"x\"".
  base::Result<amqp_method_t> Call(amqp_method_number_t method, void* arguments,
                                   std::initializer_list<amqp_method_number_t> replies,
                                   const std::string& doing, base::Deadline deadline);
  /// Sends a method that has no reply.
  base::Result<void> Send(amqp_method_number_t method, void* arguments, const std::string& doing,
                          base::Deadline deadline);
  /// Requires: the channel confirms (SelectConfirms).
  base::Result<void> Publish(const Message& message, bool mandatory, const std::string& doing);
  base::Result<void> SelectConfirms(base::Deadline deadline);
  /// Header and body that follow a method.
  base::Result<void> ReadContent(Message& into, base::Deadline deadline);
  /// Waits for one frame and sorts it. kTimeout breaks nothing.
  base::Result<void> Pump(const std::string& doing, base::Deadline deadline);

  bool is_usable() const { return !broken_; }
  bool is_consuming() const { return consuming_; }
  void set_consuming(bool consuming) { consuming_ = consuming; }
  int socket() const { return amqp_get_sockfd(state_.get()); }
  const net::Cancellation* stop() const { return stop_; }
  /// Number of the message that is published next.
  uint64_t next_publish_tag() const { return published_ + 1; }
  void Break() { broken_ = true; }

  std::deque<Delivery> deliveries;
  std::deque<ReturnReason> returned;
  std::deque<Confirmation> confirmations;

 private:
  struct Free {
    void operator()(amqp_connection_state_t state) const { amqp_destroy_connection(state); }
  };

  Session(std::string peer, const net::Cancellation* stop);
  base::Result<void> Connect(const Target& target, base::Deadline deadline);
  base::Result<void> ConnectSecure(const Target& target, base::Deadline deadline);
  base::Result<void> LogIn(const Target& target, const ConnectionOptions& options,
                           base::Deadline deadline);
  base::Result<void> OpenChannel(base::Deadline deadline);
  base::Result<amqp_method_t> Await(std::initializer_list<amqp_method_number_t> replies,
                                    const std::string& doing, base::Deadline deadline);
  base::Result<amqp_frame_t> ReadFrame(const std::string& doing, base::Deadline deadline);
  base::Result<void> Sort(const amqp_frame_t& frame, const std::string& doing,
                          base::Deadline deadline);
  base::Error Refused(int code, amqp_bytes_t text, const std::string& doing) const;
  base::Error Lost(int status, const std::string& doing);

  std::string peer_;
  const net::Cancellation* stop_;
  std::unique_ptr<amqp_connection_state_t_, Free> state_;
  amqp_channel_t channel_ = 0;
  bool channel_open_ = false;
  bool confirming_ = false;
  bool consuming_ = false;
  bool broken_ = false;
  uint64_t published_ = 0;  ///< on this channel since it confirms
};

}  // namespace queue::internal
