#include "lib/redis/subscription.h"

#include <utility>

#include <fmt/format.h>

namespace redis {
namespace {

using base::ErrorCode;
using base::Result;

// A push: its kind and its further texts. Empty when the reply is none.
std::vector<std::string> PushOf(const Reply& reply) {
  std::vector<std::string> texts;
  if (const Reply::Array* elements = reply.array()) {
    for (const Reply& element : *elements) {
      const std::string* text = element.text();
      texts.push_back(text == nullptr ? std::string() : *text);
    }
  }
  return texts;
}

std::unexpected<base::Error> Unexpected(const Reply& reply) {
  if (const ErrorReply* refusal = reply.error()) return base::Fail(ToError(*refusal, "SUBSCRIBE"));
  return base::Fail(ErrorCode::kCorrupt, "redis sent what is no message to a subscription");
}

}  // namespace

Result<Subscription> Subscription::Open(const Target& target, const Topics& topics,
                                        const ConnectionOptions& options, base::Deadline deadline) {
  if (topics.channels.empty() && topics.patterns.empty()) {
    return base::Fail(ErrorCode::kInvalid, "a redis subscription needs a channel or a pattern");
  }
  TRY(auto connection, Connection::Open(target, options, deadline));
  std::vector<Command> commands;
  for (const std::string& channel : topics.channels) commands.push_back({"SUBSCRIBE", channel});
  for (const std::string& pattern : topics.patterns) commands.push_back({"PSUBSCRIBE", pattern});
  // A message of an earlier channel may come before the confirmation of a later one.
  TRY(connection->Send(commands, deadline));
  Subscription subscription(std::move(connection));
  for (size_t confirmed = 0; confirmed < commands.size();) {
    TRY(const Reply reply, subscription.connection_->Receive(deadline));
    const std::vector<std::string> push = PushOf(reply);
    if (push.size() != 3 && push.size() != 4) return Unexpected(reply);
    if (push[0] == "subscribe" || push[0] == "psubscribe") {
      ++confirmed;
    } else {
      subscription.early_.push_back(reply);
    }
  }
  return subscription;
}

Result<Message> Subscription::Next(base::Deadline deadline) {
  Reply reply;
  if (!early_.empty()) {
    reply = std::move(early_.front());
    early_.pop_front();
  } else {
    TRY(reply, connection_->Receive(deadline));
  }
  std::vector<std::string> push = PushOf(reply);
  if (push.size() == 3 && push[0] == "message") {
    return Message{.channel = std::move(push[1]), .pattern = "", .payload = std::move(push[2])};
  }
  if (push.size() == 4 && push[0] == "pmessage") {
    return Message{.channel = std::move(push[2]),
                   .pattern = std::move(push[1]),
                   .payload = std::move(push[3])};
  }
  return Unexpected(reply);
}

}  // namespace redis
