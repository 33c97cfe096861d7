#include "lib/queue/connection.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "lib/queue/internal/cut_off.h"
#include "lib/queue/internal/session.h"
#include "lib/queue/internal/table.h"

namespace queue {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using internal::Bytes;
using internal::Pool;
using internal::Session;

constexpr std::array kSchemes = {net::ServiceScheme{"amqp", 5672, false},
                                 net::ServiceScheme{"amqps", 5671, true}};

/// Published messages that wait for their confirmation at a time.
constexpr size_t kUnconfirmed = 256;
/// Names the one consumer of the channel.
constexpr const char* kConsumerTag = "consumer";
/// Names are short strings of the protocol.
constexpr size_t kLongestName = 255;

Result<void> CheckName(std::string_view what, const std::string& name) {
  if (name.size() <= kLongestName) return {};
  return base::Fail(ErrorCode::kTooLarge,
                    fmt::format("the {} \"{}...\" has {} bytes, at most {} are allowed", what,
                                name.substr(0, 40), name.size(), kLongestName));
}

amqp_boolean_t Flag(bool value) { return value ? 1 : 0; }

template <typename T>
const T& As(const amqp_method_t& method) {
  return *static_cast<const T*>(method.decoded);
}

}  // namespace

Result<Target> ParseTarget(std::string_view url) {
  Target target;
  TRY(target.url, net::ParseServiceUrl(url, kSchemes));
  // As RabbitMQ's own URLs, but an empty name, which nobody uses, means the default too.
  if (!target.url.path.empty()) target.virtual_host = target.url.path;
  if (!target.url.user.empty()) {
    target.user = target.url.user;
    target.password = target.url.password;
  }
  return target;
}

class Connection::State {
 public:
  explicit State(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  Session& operator*() { return *session_; }
  Session* operator->() { return session_.get(); }

  Result<QueueState> Declare(const QueueSpec& spec, bool passive, Deadline deadline);
  /// Publishes `messages`, which are few, and waits for all of them.
  Result<void> PublishSome(std::span<const Message> messages, bool mandatory,
                           std::span<PublishResult> results, Deadline deadline);

 private:
  std::unique_ptr<Session> session_;
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}

Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::Open(const Target& target,
                                                     const ConnectionOptions& options,
                                                     Deadline deadline) {
  TRY(auto session, Session::Open(target, options, deadline));
  return std::unique_ptr<Connection>(new Connection(std::make_unique<State>(std::move(session))));
}

bool Connection::IsUsable() const { return (*state_)->is_usable(); }

Result<QueueState> Connection::State::Declare(const QueueSpec& spec, bool passive,
                                              Deadline deadline) {
  TRY(CheckName("queue", spec.name));
  Pool pool;
  amqp_queue_declare_t declare = {};
  declare.queue = Bytes(spec.name);
  declare.passive = Flag(passive);
  declare.durable = Flag(spec.durable);
  declare.exclusive = Flag(spec.exclusive);
  declare.auto_delete = Flag(spec.auto_delete);
  declare.arguments = internal::ToAmqp(spec.arguments, pool);
  TRY(const amqp_method_t reply,
      session_->Call(AMQP_QUEUE_DECLARE_METHOD, &declare, {AMQP_QUEUE_DECLARE_OK_METHOD},
                     fmt::format("{} the queue \"{}\"", passive ? "find" : "declare", spec.name),
                     deadline));
  const auto& ok = As<amqp_queue_declare_ok_t>(reply);
  return QueueState{internal::FromAmqp(ok.queue), ok.message_count, ok.consumer_count};
}

Result<QueueState> Connection::DeclareQueue(const QueueSpec& spec, Deadline deadline) {
  return state_->Declare(spec, false, deadline);
}

Result<QueueState> Connection::Depth(const std::string& queue, Deadline deadline) {
  return state_->Declare({.name = queue}, true, deadline);
}

Result<void> Connection::DeclareExchange(const ExchangeSpec& spec, Deadline deadline) {
  TRY(CheckName("exchange", spec.name));
  Pool pool;
  amqp_exchange_declare_t declare = {};
  declare.exchange = Bytes(spec.name);
  declare.type = Bytes(spec.type);
  declare.durable = Flag(spec.durable);
  declare.auto_delete = Flag(spec.auto_delete);
  declare.arguments = internal::ToAmqp(spec.arguments, pool);
  TRY((*state_)->Call(AMQP_EXCHANGE_DECLARE_METHOD, &declare, {AMQP_EXCHANGE_DECLARE_OK_METHOD},
                      fmt::format("declare the exchange \"{}\"", spec.name), deadline));
  return {};
}

Result<void> Connection::Bind(const Binding& binding, Deadline deadline) {
  TRY(CheckName("routing key", binding.routing_key));
  Pool pool;
  amqp_queue_bind_t bind = {};
  bind.queue = Bytes(binding.queue);
  bind.exchange = Bytes(binding.exchange);
  bind.routing_key = Bytes(binding.routing_key);
  bind.arguments = internal::ToAmqp(binding.arguments, pool);
  TRY((*state_)->Call(
      AMQP_QUEUE_BIND_METHOD, &bind, {AMQP_QUEUE_BIND_OK_METHOD},
      fmt::format("bind the queue \"{}\" to \"{}\"", binding.queue, binding.exchange), deadline));
  return {};
}

Result<void> Connection::Unbind(const Binding& binding, Deadline deadline) {
  TRY(CheckName("routing key", binding.routing_key));
  Pool pool;
  amqp_queue_unbind_t unbind = {};
  unbind.queue = Bytes(binding.queue);
  unbind.exchange = Bytes(binding.exchange);
  unbind.routing_key = Bytes(binding.routing_key);
  unbind.arguments = internal::ToAmqp(binding.arguments, pool);
  TRY((*state_)->Call(
      AMQP_QUEUE_UNBIND_METHOD, &unbind, {AMQP_QUEUE_UNBIND_OK_METHOD},
      fmt::format("unbind the queue \"{}\" from \"{}\"", binding.queue, binding.exchange),
      deadline));
  return {};
}

Result<uint32_t> Connection::Purge(const std::string& queue, Deadline deadline) {
  TRY(CheckName("queue", queue));
  amqp_queue_purge_t purge = {};
  purge.queue = Bytes(queue);
  TRY(const amqp_method_t reply,
      (*state_)->Call(AMQP_QUEUE_PURGE_METHOD, &purge, {AMQP_QUEUE_PURGE_OK_METHOD},
                      fmt::format("purge the queue \"{}\"", queue), deadline));
  return As<amqp_queue_purge_ok_t>(reply).message_count;
}

Result<uint32_t> Connection::DeleteQueue(const std::string& queue, Deadline deadline) {
  TRY(CheckName("queue", queue));
  amqp_queue_delete_t remove = {};
  remove.queue = Bytes(queue);
  TRY(const amqp_method_t reply,
      (*state_)->Call(AMQP_QUEUE_DELETE_METHOD, &remove, {AMQP_QUEUE_DELETE_OK_METHOD},
                      fmt::format("delete the queue \"{}\"", queue), deadline));
  return As<amqp_queue_delete_ok_t>(reply).message_count;
}

Result<void> Connection::DeleteExchange(const std::string& exchange, Deadline deadline) {
  TRY(CheckName("exchange", exchange));
  amqp_exchange_delete_t remove = {};
  remove.exchange = Bytes(exchange);
  TRY((*state_)->Call(AMQP_EXCHANGE_DELETE_METHOD, &remove, {AMQP_EXCHANGE_DELETE_OK_METHOD},
                      fmt::format("delete the exchange \"{}\"", exchange), deadline));
  return {};
}

Result<void> Connection::State::PublishSome(std::span<const Message> messages, bool mandatory,
                                            std::span<PublishResult> results, Deadline deadline) {
  const std::string doing = fmt::format("publish to \"{}\"", messages.front().exchange.empty()
                                                                 ? messages.front().routing_key
                                                                 : messages.front().exchange);
  Session& session = *session_;
  const uint64_t first = session.next_publish_tag();
  internal::CutOff cut_off(session.socket(), deadline, session.stop(), doing);
  const auto explain = [&](base::Error error) {
    if (auto cut = cut_off.Finish()) error = *std::move(cut);
    // A confirmation that comes later would be taken for another message's.
    if (error.code == ErrorCode::kTimeout || error.code == ErrorCode::kCancelled) session.Break();
    return base::Fail(std::move(error));
  };
  for (const Message& message : messages) {
    if (auto sent = session.Publish(message, mandatory, doing); !sent) {
      return explain(std::move(sent).error());
    }
  }
  std::vector<bool> settled(messages.size());
  for (size_t open = messages.size(); open > 0;) {
    if (auto read = session.Pump(doing, deadline); !read) return explain(std::move(read).error());
    // The broker returns a message before it confirms it, and one that is returned is alone.
    if (!session.returned.empty()) {
      results.front().returned = std::move(session.returned.front());
      session.returned.pop_front();
    }
    for (; !session.confirmations.empty(); session.confirmations.pop_front()) {
      const internal::Confirmation& one = session.confirmations.front();
      if (one.delivery_tag < first) continue;
      const uint64_t last = one.delivery_tag - first;
      for (uint64_t i = one.multiple ? 0 : last; i <= last && i < settled.size(); ++i) {
        if (settled[i]) continue;
        settled[i] = true;
        results[i].confirmed = one.accepted;
        --open;
      }
    }
  }
  if (auto cut = cut_off.Finish()) session.Break();
  return {};
}

Result<std::vector<PublishResult>> Connection::Publish(std::span<const Message> messages,
                                                       bool mandatory, Deadline deadline) {
  for (const Message& message : messages) TRY(CheckName("routing key", message.routing_key));
  TRY((*state_)->SelectConfirms(deadline));
  std::vector<PublishResult> results(messages.size());
  // A returned message does not say which one it is, so those that may be go one by one.
  const size_t at_once = mandatory ? 1 : kUnconfirmed;
  for (size_t start = 0; start < messages.size(); start += at_once) {
    const size_t count = std::min(at_once, messages.size() - start);
    TRY(state_->PublishSome(messages.subspan(start, count), mandatory,
                            std::span(results).subspan(start, count), deadline));
  }
  return results;
}

Result<std::optional<Delivery>> Connection::Get(const std::string& queue,
                                                bool automatic_acknowledgement, Deadline deadline) {
  TRY(CheckName("queue", queue));
  amqp_basic_get_t get = {};
  get.queue = Bytes(queue);
  get.no_ack = Flag(automatic_acknowledgement);
  TRY(const amqp_method_t reply,
      (*state_)->Call(AMQP_BASIC_GET_METHOD, &get,
                      {AMQP_BASIC_GET_OK_METHOD, AMQP_BASIC_GET_EMPTY_METHOD},
                      fmt::format("get from the queue \"{}\"", queue), deadline));
  if (reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return std::nullopt;
  const auto& ok = As<amqp_basic_get_ok_t>(reply);
  Delivery delivery{.message = {.exchange = internal::FromAmqp(ok.exchange),
                                .routing_key = internal::FromAmqp(ok.routing_key)},
                    .delivery_tag = ok.delivery_tag,
                    .redelivered = ok.redelivered != 0};
  TRY((*state_)->ReadContent(delivery.message, deadline));
  return delivery;
}

Result<void> Connection::StartConsuming(const ConsumerSpec& spec, Deadline deadline) {
  TRY(CheckName("queue", spec.queue));
  if ((*state_)->is_consuming()) {
    return base::Fail(ErrorCode::kConflict, "this connection has a consumer already");
  }
  amqp_basic_qos_t qos = {};
  qos.prefetch_count = spec.prefetch;
  const std::string doing = fmt::format("consume from the queue \"{}\"", spec.queue);
  TRY((*state_)->Call(AMQP_BASIC_QOS_METHOD, &qos, {AMQP_BASIC_QOS_OK_METHOD}, doing, deadline));
  amqp_basic_consume_t consume = {};
  consume.queue = Bytes(spec.queue);
  consume.consumer_tag = amqp_cstring_bytes(kConsumerTag);
  consume.no_ack = Flag(spec.automatic_acknowledgement);
  consume.exclusive = Flag(spec.exclusive);
  TRY((*state_)->Call(AMQP_BASIC_CONSUME_METHOD, &consume, {AMQP_BASIC_CONSUME_OK_METHOD}, doing,
                      deadline));
  (*state_)->set_consuming(true);
  return {};
}

Result<Delivery> Connection::Next(Deadline deadline) {
  Session& session = **state_;
  while (session.deliveries.empty()) {
    if (!session.is_consuming()) {
      return base::Fail(base::Error{.code = ErrorCode::kNotFound,
                                    .message = "there is no consumer (any more)",
                                    .hint = "the queue may have been deleted meanwhile"});
    }
    TRY(session.Pump("wait for a message", deadline));
  }
  Delivery delivery = std::move(session.deliveries.front());
  session.deliveries.pop_front();
  return delivery;
}

Result<void> Connection::StopConsuming(Deadline deadline) {
  if (!(*state_)->is_consuming()) return {};
  amqp_basic_cancel_t cancel = {};
  cancel.consumer_tag = amqp_cstring_bytes(kConsumerTag);
  TRY((*state_)->Call(AMQP_BASIC_CANCEL_METHOD, &cancel, {AMQP_BASIC_CANCEL_OK_METHOD},
                      "end the consumer", deadline));
  (*state_)->set_consuming(false);
  return {};
}

Result<void> Connection::Acknowledge(uint64_t delivery_tag, Deadline deadline, bool multiple) {
  amqp_basic_ack_t ack = {.delivery_tag = delivery_tag, .multiple = Flag(multiple)};
  return (*state_)->Send(AMQP_BASIC_ACK_METHOD, &ack, "acknowledge a message", deadline);
}

Result<void> Connection::Reject(uint64_t delivery_tag, bool requeue, Deadline deadline,
                                bool multiple) {
  amqp_basic_nack_t nack = {
      .delivery_tag = delivery_tag, .multiple = Flag(multiple), .requeue = Flag(requeue)};
  return (*state_)->Send(AMQP_BASIC_NACK_METHOD, &nack, "reject a message", deadline);
}

}  // namespace queue
