#include "montage/jobs/broker.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/json/parse.h"

namespace montage::jobs {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using namespace std::chrono_literals;

constexpr int64_t kPriorities = 2;  ///< the highest
constexpr base::Duration kCallTime = 5s;
/// How long a worker waits for a message before it looks whether it is to stop.
constexpr base::Duration kPatience = 300ms;
constexpr base::Duration kBetweenAttempts = 1s;
constexpr size_t kLongestReason = 500;

Deadline Soon() { return Deadline::After(kCallTime); }

std::string RetryKey(const BrokerOptions& options, int64_t retries) {
  const auto last = std::ssize(options.retry_delays) - 1;
  const auto index = static_cast<size_t>(std::clamp<int64_t>(retries - 1, 0, last));
  return fmt::format("retry.{}ms", options.retry_delays[index].count());
}

queue::Message MessageOf(const BrokerOptions& options, const Announcement& due) {
  queue::Message message{.exchange = options.name, .routing_key = "ready"};
  message.body = boost::json::serialize(boost::json::object{{"job_id", due.job_id}});
  message.properties.content_type = "application/json";
  message.properties.message_id = due.job_id;
  message.properties.priority = static_cast<uint8_t>(due.priority);
  message.properties.headers = {{"retry_count", {due.retry_count}}};
  if (due.status == JobStatus::kFailed) {
    message.routing_key = "dead";
    message.properties.headers.push_back({"reason", {due.error.substr(0, kLongestReason)}});
  } else if (due.retry_count > 0) {
    message.routing_key = RetryKey(options, due.retry_count);
  }
  return message;
}

/// Nothing for a message that is not ours.
std::optional<std::string> JobIdOf(const queue::Message& message) {
  const auto body = json::Parse(message.body);
  const auto* object = body ? body->if_object() : nullptr;
  const auto* id = object != nullptr ? object->if_contains("job_id") : nullptr;
  if (id == nullptr || !id->is_string()) return std::nullopt;
  return std::string(id->get_string());
}

}  // namespace

std::string ReadyQueue(const BrokerOptions& options) { return options.name; }
std::string DeadQueue(const BrokerOptions& options) { return options.name + ".dead"; }
std::string RetryQueue(const BrokerOptions& options, int64_t retries) {
  return fmt::format("{}.{}", options.name, RetryKey(options, retries));
}

Result<queue::Connection*> BrokerSession::Connect(Deadline deadline) {
  if (is_open()) return connection_.get();
  connection_.reset();
  TRY(auto connection, queue::Connection::Open(options_.target, {.name = "montage"}, deadline));
  TRY(Declare(*connection, deadline));
  connection_ = std::move(connection);
  return connection_.get();
}

Result<void> BrokerSession::Declare(queue::Connection& connection, Deadline deadline) const {
  const std::string& exchange = options_.name;
  TRY(connection.DeclareExchange({.name = exchange}, deadline));
  TRY(connection.DeclareQueue({.name = DeadQueue(options_)}, deadline));
  TRY(connection.Bind({DeadQueue(options_), exchange, "dead"}, deadline));
  TRY(connection.DeclareQueue({.name = ReadyQueue(options_),
                               .arguments = {{"x-max-priority", {kPriorities}},
                                             {"x-dead-letter-exchange", {exchange}},
                                             {"x-dead-letter-routing-key", {std::string("dead")}}}},
                              deadline));
  TRY(connection.Bind({ReadyQueue(options_), exchange, "ready"}, deadline));
  for (int64_t i = 1; i <= std::ssize(options_.retry_delays); ++i) {
    const int64_t delay_ms = options_.retry_delays[static_cast<size_t>(i - 1)].count();
    const std::string name = RetryQueue(options_, i);
    TRY(connection.DeclareQueue(
        {.name = name,
         .arguments = {{"x-message-ttl", {delay_ms}},
                       {"x-dead-letter-exchange", {exchange}},
                       {"x-dead-letter-routing-key", {std::string("ready")}}}},
        deadline));
    TRY(connection.Bind({name, exchange, RetryKey(options_, i)}, deadline));
  }
  return {};
}

Result<void> BrokerSession::Publish(std::span<const Announcement> due, Deadline deadline) {
  TRY(queue::Connection * connection, Connect(deadline));
  std::vector<queue::Message> messages;
  messages.reserve(due.size());
  for (const Announcement& one : due) messages.push_back(MessageOf(options_, one));
  const auto results = connection->Publish(messages, false, deadline);
  if (!results) {
    Close();
    return base::Fail(results.error());
  }
  if (std::ranges::all_of(*results, &queue::PublishResult::confirmed)) return {};
  return base::Fail(ErrorCode::kUnavailable,
                    fmt::format("the broker refused messages for \"{}\"", options_.name));
}

Result<uint64_t> BrokerSession::CountWaiting(Deadline deadline) {
  TRY(queue::Connection * connection, Connect(deadline));
  std::vector<std::string> queues = {ReadyQueue(options_)};
  for (int64_t i = 1; i <= std::ssize(options_.retry_delays); ++i)
    queues.push_back(RetryQueue(options_, i));
  uint64_t waiting = 0;
  for (const std::string& name : queues) {
    const auto state = connection->Depth(name, deadline);
    if (!state) {
      Close();  // a queue that somebody deleted is declared again with the next connection
      return base::Fail(state.error());
    }
    waiting += state->messages;
  }
  return waiting;
}

Result<queue::Delivery> BrokerSource::Receive() {
  const bool was_open = session_.is_open();
  if (!was_open && std::chrono::steady_clock::now() < connect_again_) {
    return base::Fail(ErrorCode::kUnavailable, "the broker could not be reached a moment ago");
  }
  auto connection = session_.Connect(Soon());
  if (connection && !was_open) {
    // One at a time: what this process cannot work on yet, another one can.
    const auto consuming =
        (*connection)
            ->StartConsuming({.queue = ReadyQueue(session_.options()), .prefetch = 1}, Soon());
    if (!consuming) connection = base::Fail(consuming.error());
  }
  if (connection) {
    auto delivery = (*connection)->Next(Deadline::After(kPatience));
    if (delivery || delivery.error().code == ErrorCode::kTimeout) return delivery;
    connection = base::Fail(delivery.error());
  }
  session_.Close();
  connect_again_ = std::chrono::steady_clock::now() + kBetweenAttempts;
  return base::Fail(connection.error());
}

Result<std::optional<ClaimedJob>> BrokerSource::Next(std::string_view worker,
                                                     base::Duration lease_time) {
  auto delivery = Receive();
  if (delivery) return ClaimFor(*delivery, worker, lease_time);
  if (delivery.error().code == ErrorCode::kTimeout) return std::nullopt;
  TRY(auto claimed, queue_.Claim(worker, lease_time, Soon()));
  if (claimed) return claimed;
  return base::Fail(std::move(delivery.error()));
}

Result<std::optional<ClaimedJob>> BrokerSource::ClaimFor(const queue::Delivery& delivery,
                                                         std::string_view worker,
                                                         base::Duration lease_time) {
  TRY(queue::Connection * connection, session_.Connect(Soon()));
  const auto job_id = JobIdOf(delivery.message);
  if (!job_id) {
    TRY(connection->Reject(delivery.delivery_tag, false, Soon()));
    return std::nullopt;
  }
  auto claim = queue_.ClaimJob(*job_id, worker, lease_time, Soon());
  if (!claim) {
    (void)connection->Reject(delivery.delivery_tag, true, Soon());
    return base::Fail(std::move(claim.error()));
  }
  switch (claim->outcome) {
    case JobClaim::Outcome::kClaimed:
      unsettled_ = delivery.delivery_tag;
      return std::move(claim->job);
    case JobClaim::Outcome::kBusy:
      TRY(SendRound(delivery, *job_id));
      return std::nullopt;
    case JobClaim::Outcome::kOver:
      TRY(connection->Acknowledge(delivery.delivery_tag, Soon()));
      return std::nullopt;
  }
  std::unreachable();
}

Result<void> BrokerSource::SendRound(const queue::Delivery& delivery, const std::string& job_id) {
  // Through the first delay: until then the lease of a lost worker may be over.
  const Announcement again{.job_id = job_id, .retry_count = 1};
  TRY(session_.Publish(std::span(&again, 1), Soon()));
  TRY(queue::Connection * connection, session_.Connect(Soon()));
  return connection->Acknowledge(delivery.delivery_tag, Soon());
}

void BrokerSource::Settle() {
  const uint64_t tag = std::exchange(unsettled_, 0);
  // A message that cannot be acknowledged comes again and finds its job over.
  if (tag == 0 || !session_.is_open()) return;
  const auto connection = session_.Connect(Soon());
  if (connection) (void)(*connection)->Acknowledge(tag, Soon());
}

}  // namespace montage::jobs
