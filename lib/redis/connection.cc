#include "lib/redis/connection.h"

#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include "lib/redis/internal/stream.h"

namespace redis {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

constexpr std::array kSchemes = {net::ServiceScheme{"redis", 6379, false},
                                 net::ServiceScheme{"rediss", 6379, true}};

constexpr size_t kReadSize = size_t{64} << 10;

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

std::string TextOf(const redisReply& reply) { return {reply.str, static_cast<size_t>(reply.len)}; }

// hiredis nests at most seven arrays, so this does not run away.
Reply Convert(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return {int64_t{reply.integer}};
    case REDIS_REPLY_STRING:
      return {TextOf(reply)};
    case REDIS_REPLY_STATUS:
      return {StatusReply{TextOf(reply)}};
    case REDIS_REPLY_ERROR:
      return {ErrorReply{TextOf(reply)}};
    case REDIS_REPLY_ARRAY: {
      Reply::Array elements;
      elements.reserve(reply.elements);
      for (size_t i = 0; i < reply.elements; ++i) elements.push_back(Convert(*reply.element[i]));
      return {std::move(elements)};
    }
    default:
      return {};
  }
}

Result<void> AppendCommand(const Command& command, std::string& out) {
  if (command.empty()) return base::Fail(ErrorCode::kInvalid, "a redis command has no words");
  std::vector<const char*> words;
  std::vector<size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* text = nullptr;
  const long long size =
      redisFormatCommandArgv(&text, static_cast<int>(command.size()), words.data(), sizes.data());
  if (size < 0) return base::Fail(ErrorCode::kExhausted, "no memory left for a redis command");
  out.append(text, static_cast<size_t>(size));
  redisFreeCommand(text);
  return {};
}

base::Error Unreachable(base::Error error) {
  if (error.code == ErrorCode::kUnavailable && error.hint.empty()) {
    error.hint = "see that the redis server runs there and that the address is right";
  }
  return error;
}

}  // namespace

Result<Target> ParseTarget(std::string_view url) {
  Target target;
  TRY(target.url, net::ParseServiceUrl(url, kSchemes));
  const std::string& path = target.url.path;
  if (path.empty()) return target;
  const auto [end, error] =
      std::from_chars(path.data(), path.data() + path.size(), target.database);
  if (error != std::errc{} || end != path.data() + path.size() || target.database < 0) {
    return base::Fail(
        ErrorCode::kInvalid,
        fmt::format("\"{}\" is no number of a redis database, expected {}://host:port/0", path,
                    target.url.scheme));
  }
  return target;
}

struct Connection::State {
  std::unique_ptr<internal::Stream> stream;
  std::unique_ptr<redisReader, FreeReader> reader{redisReaderCreate()};
  size_t max_reply_bytes = 0;
  size_t fed = 0;  ///< bytes since the last complete reply
  bool broken = false;

  base::Error Break(base::Error error) {
    broken = true;
    return Unreachable(std::move(error));
  }
  Result<std::optional<Reply>> Parse();
  Result<Reply> Receive(Deadline deadline);
};

Result<std::optional<Reply>> Connection::State::Parse() {
  void* raw = nullptr;
  if (redisReaderGetReply(reader.get(), &raw) != REDIS_OK) {
    return base::Fail(Break({.code = ErrorCode::kCorrupt,
                             .message = fmt::format("{} does not answer as a redis server does: {}",
                                                    stream->peer(), std::string(reader->errstr)),
                             .hint = "see that a redis server listens there, and whether it "
                                     "expects TLS (rediss://)"}));
  }
  if (raw == nullptr) return std::nullopt;
  const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(raw));
  fed = 0;
  return Convert(*reply);
}

Result<Reply> Connection::State::Receive(Deadline deadline) {
  std::string buffer(kReadSize, '\0');
  while (true) {
    TRY(auto reply, Parse());
    if (reply) return *std::move(reply);
    const auto got = stream->Read(buffer, deadline);
    if (!got) {
      // Between two replies a deadline leaves the stream in order; inside one nothing may be lost
      // either, because the reader keeps its half.
      if (got.error().code == ErrorCode::kTimeout) return base::Fail(got.error());
      return base::Fail(Break(got.error()));
    }
    if (*got == 0) {
      return base::Fail(Break(
          {ErrorCode::kUnavailable, fmt::format("{} closed the connection", stream->peer())}));
    }
    fed += *got;
    if (fed > max_reply_bytes) {
      return base::Fail(
          Break({ErrorCode::kTooLarge, fmt::format("a reply of {} has more than {} bytes",
                                                   stream->peer(), max_reply_bytes)}));
    }
    redisReaderFeed(reader.get(), buffer.data(), *got);
  }
}

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}

Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::Open(const Target& target,
                                                     const ConnectionOptions& options,
                                                     Deadline deadline) {
  auto state = std::make_unique<State>();
  state->max_reply_bytes = options.max_reply_bytes;
  auto stream = internal::Stream::Connect(target.url, target.tls, options.stop, deadline);
  if (!stream) return base::Fail(Unreachable(std::move(stream).error()));
  state->stream = *std::move(stream);
  std::unique_ptr<Connection> connection(new Connection(std::move(state)));
  TRY(connection->Introduce(target, deadline));
  return connection;
}

Result<void> Connection::Introduce(const Target& target, Deadline deadline) {
  const net::ServiceUrl& url = target.url;
  std::vector<Command> greeting;
  if (!url.password.empty() || !url.user.empty()) {
    greeting.push_back(url.user.empty() ? Command{"AUTH", url.password}
                                        : Command{"AUTH", url.user, url.password});
  }
  if (target.database != 0) greeting.push_back({"SELECT", std::to_string(target.database)});
  if (greeting.empty()) return {};
  TRY(const std::vector<Reply> replies, Pipeline(greeting, deadline));
  for (size_t i = 0; i < replies.size(); ++i) {
    const ErrorReply* refusal = replies[i].error();
    if (refusal == nullptr) continue;
    state_->broken = true;
    base::Error error = ToError(*refusal, greeting[i].front());
    if (greeting[i].front() == "AUTH") {
      error.code = ErrorCode::kUnauthorized;
      error.message =
          fmt::format("redis at {} refused the login{}: {}", url.Authority(),
                      url.user.empty() ? "" : fmt::format(" of \"{}\"", url.user), refusal->text);
      error.hint = "check user and password of the URL";
    } else {
      error.message = fmt::format("redis at {} refused the database {}: {}", url.Authority(),
                                  target.database, refusal->text);
    }
    return base::Fail(std::move(error));
  }
  return {};
}

Result<void> Connection::Send(std::span<const Command> commands, Deadline deadline) {
  if (state_->broken) {
    return base::Fail(ErrorCode::kUnavailable,
                      fmt::format("the connection with {} is broken", state_->stream->peer()));
  }
  std::string bytes;
  for (const Command& command : commands) TRY(AppendCommand(command, bytes));
  const auto written = state_->stream->Write(bytes, deadline);
  if (!written) return base::Fail(state_->Break(written.error()));
  return {};
}

Result<Reply> Connection::Receive(Deadline deadline) { return state_->Receive(deadline); }

Result<Reply> Connection::Execute(const Command& command, Deadline deadline) {
  TRY(std::vector<Reply> replies, Pipeline(std::span(&command, 1), deadline));
  return std::move(replies.front());
}

Result<std::vector<Reply>> Connection::Pipeline(std::span<const Command> commands,
                                                Deadline deadline) {
  TRY(Send(commands, deadline));
  std::vector<Reply> replies;
  replies.reserve(commands.size());
  for (const Command& command : commands) {
    auto reply = state_->Receive(deadline);
    if (!reply) {
      state_->broken = true;
      return base::Fail(std::move(reply).error().While(
          fmt::format("waiting for the reply to {}", command.front())));
    }
    replies.push_back(*std::move(reply));
  }
  return replies;
}

Result<std::vector<Reply>> Connection::Transact(std::span<const Command> commands,
                                                Deadline deadline) {
  std::vector<Command> all = {{"MULTI"}};
  all.insert(all.end(), commands.begin(), commands.end());
  all.push_back({"EXEC"});
  TRY(std::vector<Reply> replies, Pipeline(all, deadline));
  for (size_t i = 0; i + 1 < replies.size(); ++i) {
    const ErrorReply* refusal = replies[i].error();
    if (refusal == nullptr) continue;
    base::Error error = ToError(*refusal, all[i].front());
    error.message += " (nothing of the transaction was done)";
    if (error.code == ErrorCode::kInvalid) error.code = ErrorCode::kConflict;
    return base::Fail(std::move(error));
  }
  Reply& done = replies.back();
  if (const ErrorReply* refusal = done.error()) return base::Fail(ToError(*refusal, "EXEC"));
  if (auto* results = std::get_if<Reply::Array>(&done.value)) return std::move(*results);
  return base::Fail(ErrorCode::kConflict, "a watched key changed, the transaction was not done");
}

bool Connection::IsUsable() const { return !state_->broken && !state_->stream->HasInput(); }

}  // namespace redis
