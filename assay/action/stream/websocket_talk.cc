#include "assay/action/stream/websocket_talk.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "assay/action/parameters.h"
#include "assay/cel/json.h"
#include "lib/base/units.h"
#include "lib/base/utf8.h"

namespace assay::action {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using cel::Value;
using http::websocket::Message;
using http::websocket::MessageType;

/// What a step keeps of messages at most.
constexpr uint64_t kMostBytes = uint64_t{256} << 20;
/// For the other side to answer our close.
constexpr auto kCloseTime = std::chrono::seconds(5);

std::vector<std::pair<std::string, std::string>> Pairs(const http::Headers& headers) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const http::HeaderField& field : headers) pairs.emplace_back(field.name, field.value);
  return pairs;
}

Value HeadersValue(const http::Headers& headers) {
  cel::MapBuilder map;
  for (const http::HeaderField& field : headers) {
    std::string name = field.name;
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    map.Set(name, Value::String(headers.Joined(field.name)));
  }
  return std::move(map).Build();
}

Value MessageValue(const Message& message, base::Duration at) {
  const bool text = base::IsUtf8(message.payload);
  Value json;
  if (message.type == MessageType::kText) {
    if (auto parsed = cel::ParseJson(message.payload)) json = *std::move(parsed);
  }
  return Value::Object({{"type", Value::String(http::websocket::ToString(message.type))},
                        {"text", Value::String(text ? message.payload : "")},
                        {"json", std::move(json)},
                        {"bytes", Value::Bytes(message.payload)},
                        {"size", Value::Int(static_cast<int64_t>(message.payload.size()))},
                        {"at", Value::Duration(at)}});
}

std::string MediaTypeOf(MessageType type) {
  return type == MessageType::kText ? "text/plain" : "application/octet-stream";
}

}  // namespace

net::Task<Result<void>> WebSocketTalk::Run() {
  has_until_ = context_.holds && context_.holds("until", Value::Object({})).has_value();
  opened_ = std::chrono::steady_clock::now();
  CO_TRY(opening_, co_await http::websocket::Open(script_.open, context_.deadline));
  opened_ = std::chrono::steady_clock::now();
  closed_at_ = opened_;
  if (!opening_.connection) {
    End("refused");
    co_return Result<void>();
  }
  CO_TRY(co_await Converse());
  co_return co_await Close();
}

void WebSocketTalk::End(std::string_view how) {
  ended_ = how;
  closed_at_ = std::chrono::steady_clock::now();
  if (has_until_ && how != "until") MissUntil();
  if (script_.until_closed && how != "closed" && how != "until" && how != "count") {
    unmet_ = fmt::format("the connection was not closed by the other side within {}",
                         base::FormatDuration(Since(closed_at_)));
  }
}

void WebSocketTalk::MissUntil() {
  std::string why = ended_ == "time"    ? "the time of collect was over"
                    : ended_ == "count" ? "the count of collect was reached"
                    : ended_ == "closed"
                        ? "the other side closed"
                        : fmt::format("the upgrade was refused with status {}", opening_.status);
  unmet_ = fmt::format("until did not come true in {} messages: {}", messages_.size(), why);
  if (!until_problem_.empty()) unmet_ += fmt::format("; its last evaluation: {}", until_problem_);
}

bool WebSocketTalk::EndsWhenSent() const {
  return !has_until_ && !script_.count && !script_.span && !script_.until_closed;
}

std::optional<base::SteadyTime> WebSocketTalk::NextDue() {
  if (next_ >= script_.messages.size()) return std::nullopt;
  const ScriptedMessage& message = script_.messages[next_];
  if (static_cast<int64_t>(messages_.size()) < message.after) return std::nullopt;
  if (!ready_) ready_ = std::chrono::steady_clock::now();
  return *ready_ + message.delay;
}

// What is to be sent at once belongs to the subscription: it goes out first.
void WebSocketTalk::Listen() {
  if (listening_ || static_cast<int64_t>(messages_.size()) < script_.armed_after) return;
  listening_ = true;
  listens_since_ = std::chrono::steady_clock::now();
  context_.armed();
}

net::Task<Result<void>> WebSocketTalk::Converse() {
  while (ended_.empty()) {
    const auto due = NextDue();
    if (due && *due <= std::chrono::steady_clock::now()) {
      CO_TRY(co_await SendNext());
      continue;
    }
    Listen();
    const bool all_sent = next_ >= script_.messages.size() && unanswered_pings_ == 0;
    if (EndsWhenSent() && all_sent && listening_) {
      End("sent");
    } else if (script_.count == 0) {
      End("count");
    } else {
      CO_TRY(co_await ReceiveOne(due));
    }
  }
  co_return Result<void>();
}

net::Task<Result<void>> WebSocketTalk::SendNext() {
  const ScriptedMessage& message = script_.messages[next_++];
  ready_.reset();
  CO_TRY(co_await opening_.connection->Send(message.type, message.payload, context_.deadline));
  if (message.type == MessageType::kPing) ++unanswered_pings_;
  parts_.push_back({.sent = true,
                    .type = std::string(http::websocket::ToString(message.type)),
                    .at = Since(std::chrono::steady_clock::now()),
                    .media_type = MediaTypeOf(message.type),
                    .payload = message.payload});
  co_return Result<void>();
}

net::Task<Result<void>> WebSocketTalk::ReceiveOne(std::optional<base::SteadyTime> due) {
  Deadline deadline = context_.deadline;
  std::optional<Deadline> end;
  if (script_.span && listening_) end = Deadline::At(listens_since_ + *script_.span);
  if (end) deadline = deadline.Earlier(*end);
  if (due) deadline = deadline.Earlier(Deadline::At(*due));
  auto received = co_await opening_.connection->Receive(deadline);
  if (received) co_return Take(*std::move(received));
  if (received.error().code != ErrorCode::kTimeout) {
    co_return base::Fail(std::move(received).error());
  }
  const auto now = std::chrono::steady_clock::now();
  if (now >= context_.deadline.time()) co_return base::Fail(std::move(received).error());
  if (end && now >= end->time()) End("time");
  co_return Result<void>();
}

Result<void> WebSocketTalk::Take(Message message) {
  if (message.type == MessageType::kClose) {
    closed_ = true;
    close_ = {.code = message.code, .reason = message.payload};
    End("closed");
    return {};
  }
  const base::Duration at = Since(message.at);
  parts_.push_back({.sent = false,
                    .type = std::string(http::websocket::ToString(message.type)),
                    .at = at,
                    .media_type = MediaTypeOf(message.type),
                    .payload = message.payload});
  if (message.type == MessageType::kPing) {
    ++pings_;
  } else if (message.type == MessageType::kPong) {
    unanswered_pings_ -= unanswered_pings_ > 0 ? 1 : 0;
    pongs_.push_back(Value::Object(
        {{"text", Value::String(base::IsUtf8(message.payload) ? message.payload : "")},
         {"at", Value::Duration(at)}}));
  } else {
    return TakeMessage(std::move(message));
  }
  return {};
}

Result<void> WebSocketTalk::TakeMessage(Message message) {
  bytes_ += message.payload.size();
  if (static_cast<int64_t>(messages_.size()) >= script_.max_messages || bytes_ > kMostBytes) {
    return base::Fail(base::Error{
        ErrorCode::kTooLarge,
        fmt::format("more than {} messages or {} bytes of them", script_.max_messages, kMostBytes)}
                          .Hint("end earlier with `until` or `collect`, or raise `max_messages`"));
  }
  const Value value = MessageValue(message, Since(message.at));
  messages_.push_back(value);
  if (has_until_ && AskUntil(value)) {
    End("until");
  } else if (script_.count && static_cast<int64_t>(messages_.size()) >= *script_.count) {
    End("count");
  }
  return {};
}

// A condition that cannot be evaluated does not hold: `message.json.id` of a message without JSON.
bool WebSocketTalk::AskUntil(const Value& message) {
  const auto holds = context_.holds(
      "until", Value::Object({{"message", message},
                              {"messages", Value::List(messages_)},
                              {"count", Value::Int(static_cast<int64_t>(messages_.size()))}}));
  if (!holds) return false;
  until_problem_ = holds->has_value() ? "" : holds->error().message;
  return holds->value_or(false);
}

net::Task<Result<void>> WebSocketTalk::Close() {
  http::websocket::Connection& connection = *opening_.connection;
  if (closed_) co_return Result<void>();
  if (script_.abort) {
    connection.Abort();
    close_ = {.code = http::websocket::kAbnormal, .reason = "cut by the step"};
    co_return Result<void>();
  }
  const Deadline deadline = Deadline::After(kCloseTime).Earlier(context_.deadline);
  auto answer = co_await connection.Close(script_.close, deadline);
  if (answer) {
    close_ = *std::move(answer);
  } else if (answer.error().code == ErrorCode::kTimeout) {
    close_ = {.code = http::websocket::kAbnormal,
              .reason = "the other side did not answer the close"};
  } else {
    co_return base::Fail(std::move(answer).error());
  }
  co_return Result<void>();
}

Value WebSocketTalk::Variables() const {
  cel::MapBuilder map;
  const auto& connection = opening_.connection;
  map.Set("status", Value::Int(opening_.status));
  map.Set("headers", HeadersValue(opening_.headers));
  map.Set("body", Value::String(base::IsUtf8(opening_.body) ? opening_.body : ""));
  map.Set("subprotocol", Value::String(connection ? connection->subprotocol() : ""));
  map.Set("deflate", Value::Bool(connection && connection->deflates()));
  map.Set("messages", Value::List(messages_));
  map.Set("count", Value::Int(static_cast<int64_t>(messages_.size())));
  map.Set("sent", Value::Int(static_cast<int64_t>(next_)));
  map.Set("pongs", Value::List(pongs_));
  map.Set("pings", Value::Int(pings_));
  map.Set("ended", Value::String(ended_));
  map.Set("unmet", Value::String(unmet_));
  map.Set("closed", Value::Bool(closed_));
  map.Set("code", Value::Int(close_ ? close_->code : 0));
  map.Set("reason", Value::String(close_ ? close_->reason : ""));
  map.Set("duration", Value::Duration(Since(closed_at_)));
  return std::move(map).Build();
}

history::Conversation WebSocketTalk::Record(std::string_view error) const {
  const bool opened = opening_.status != 0;
  history::Conversation record{
      .kind = "websocket",
      .url = WithoutPassword(script_.open.url),
      .request_headers = Pairs(opened ? opening_.request_headers : script_.open.headers),
      .status = opening_.status,
      .response_headers = Pairs(opening_.headers),
      .parts = parts_,
      .end = ended_,
      .error = std::string(error)};
  if (close_) record.end += fmt::format(": {} {}", close_->code, close_->reason);
  return record;
}

}  // namespace assay::action
