#include "assay/action/stream/tcp_talk.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "assay/action/stream/hl7_value.h"
#include "lib/base/utf8.h"

namespace assay::action {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using cel::Value;
namespace hl7 = formats::hl7;

constexpr size_t kReadSize = size_t{16} * 1024;

Value TextValue(std::string_view bytes) {
  return Value::String(base::IsUtf8(bytes) ? bytes : std::string_view());
}

Result<hl7::Message> ReadHl7(std::string_view bytes) {
  TRY(const std::string text, Hl7Text(bytes));
  return hl7::Parse(text);
}

std::string ControlIdOf(const std::string& sent) {
  const auto message = ReadHl7(sent);
  constexpr size_t kControlId = 10;
  return message ? message->Value("MSH", {.field = kControlId}) : std::string();
}

}  // namespace

net::Task<Result<void>> TcpTalk::Open() {
  opened_ = std::chrono::steady_clock::now();
  CO_TRY(net::TcpStream tcp, co_await net::Connect(script_.host, script_.port, context_.deadline));
  remote_ = tcp.remote().ToString();
  if (script_.secure) {
    CO_TRY(const auto tls, net::TlsContext::ForClient(script_.tls));
    const std::string& name =
        script_.tls.server_name.empty() ? script_.host : script_.tls.server_name;
    CO_TRY(stream_, co_await net::TlsConnect(std::move(tcp), tls, name, context_.deadline));
  } else {
    stream_ = net::OverTcp(std::move(tcp));
  }
  opened_ = std::chrono::steady_clock::now();
  context_.armed();
  co_return Result<void>();
}

net::Task<Result<void>> TcpTalk::Run() {
  CO_TRY(co_await Open());
  Result<void> ended;
  if (script_.mode == TcpMode::kMllp) {
    ended = co_await Exchange();
  } else {
    ended = co_await ReceiveBytes();
    if (!received_.empty()) {
      parts_.push_back({.sent = false,
                        .type = base::IsUtf8(received_) ? "text" : "binary",
                        .at = Now(),
                        .media_type = "application/octet-stream",
                        .payload = received_});
    }
  }
  took_ = Now();
  stream_->Close();
  co_return ended;
}

net::Task<Result<void>> TcpTalk::Send(const std::string& payload) {
  std::string bytes = payload;
  if (script_.mode == TcpMode::kLine) bytes += script_.line_end;
  if (script_.mode == TcpMode::kMllp) {
    CO_TRY(bytes, hl7::MllpFrame(payload));
  }
  CO_TRY(co_await stream_->Write(std::as_bytes(std::span(bytes)), context_.deadline));
  ++sent_;
  parts_.push_back({.sent = true,
                    .type = script_.mode == TcpMode::kMllp ? "hl7"
                            : base::IsUtf8(payload)        ? "text"
                                                           : "binary",
                    .at = Now(),
                    .media_type = "application/octet-stream",
                    .payload = payload});
  co_return Result<void>();
}

net::Task<Result<std::optional<size_t>>> TcpTalk::ReadSome(std::span<std::byte> into) {
  Deadline deadline = context_.deadline;
  if (script_.end.idle) deadline = deadline.Earlier(Deadline::After(*script_.end.idle));
  auto got = co_await stream_->Read(into, deadline);
  if (got) co_return std::optional(*got);
  const bool idle = got.error().code == ErrorCode::kTimeout && script_.end.idle &&
                    std::chrono::steady_clock::now() < context_.deadline.time();
  if (!idle) co_return base::Fail(std::move(got).error());
  co_return std::optional<size_t>();
}

// --- bytes and lines ----------------------------------------------------------------------------

net::Task<Result<void>> TcpTalk::ReceiveBytes() {
  for (const std::string& payload : script_.send) CO_TRY(co_await Send(payload));
  if (script_.half_close) CO_TRY(co_await stream_->FinishWriting(context_.deadline));
  const TcpEnd& end = script_.end;
  if (!end.bytes && !end.until && !end.lines && !end.close && !end.idle) {
    ended_ = "sent";
    co_return Result<void>();
  }
  std::array<std::byte, kReadSize> buffer{};
  while (!IsComplete()) {
    // Never more than is wanted, so that nothing of what follows is taken.
    const size_t wanted = end.bytes
                              ? std::min<uint64_t>(buffer.size(), *end.bytes - received_.size())
                              : buffer.size();
    CO_TRY(const auto got, co_await ReadSome(std::span(buffer).first(wanted)));
    if (!got) {
      ended_ = "idle";
      break;
    }
    if (*got == 0) {
      EndClosed();
      break;
    }
    CO_TRY(Take({reinterpret_cast<const char*>(buffer.data()), *got}));
  }
  co_return Result<void>();
}

Result<void> TcpTalk::Take(std::string_view bytes) {
  received_ += bytes;
  if (received_.size() <= script_.max_receive) return {};
  received_.resize(script_.max_receive);
  return base::Fail(
      base::Error{ErrorCode::kTooLarge, fmt::format("more than {} bytes came", script_.max_receive)}
          .Hint("raise `max_receive`, or end earlier with `receive`"));
}

bool TcpTalk::IsComplete() {
  const TcpEnd& end = script_.end;
  if (end.bytes && received_.size() >= *end.bytes) {
    ended_ = "bytes";
    return true;
  }
  if (!end.until && !end.lines) return false;
  const std::string& delimiter = end.until ? *end.until : script_.line_end;
  const uint64_t wanted = end.until ? 1 : *end.lines;
  while (lines_ < wanted) {
    const size_t at = received_.find(delimiter, searched_);
    if (at == std::string::npos) {
      // The delimiter may have begun.
      const size_t kept = std::min(received_.size(), delimiter.size() - 1);
      searched_ = std::max(searched_, received_.size() - kept);
      return false;
    }
    ++lines_;
    searched_ = at + delimiter.size();
  }
  received_.resize(searched_);
  ended_ = end.until ? "until" : "lines";
  return true;
}

void TcpTalk::EndClosed() {
  closed_ = true;
  ended_ = "closed";
  const TcpEnd& end = script_.end;
  const auto after = fmt::format("the connection was closed after {} bytes", received_.size());
  if (!decoder_.at_rest()) {
    unmet_ = fmt::format("the connection was closed inside message {}", messages_.size() + 1);
  } else if (end.close) {
    return;
  } else if (end.bytes) {
    unmet_ = fmt::format("{}, expected {}", after, *end.bytes);
  } else if (end.until) {
    unmet_ = fmt::format("{}, without the delimiter of receive.until", after);
  } else if (end.lines) {
    unmet_ = fmt::format("{}, with {} of {} lines", after, lines_, *end.lines);
  } else if (end.messages) {
    unmet_ = fmt::format("the connection was closed with {} of {} messages", messages_.size(),
                         *end.messages);
  }
}

std::vector<std::string> TcpTalk::Lines() const {
  std::vector<std::string> lines;
  std::string_view rest = received_;
  while (!rest.empty()) {
    const size_t end = rest.find(script_.line_end);
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + script_.line_end.size());
  }
  return lines;
}

// --- MLLP ---------------------------------------------------------------------------------------

// A message waits for the answer to the one before, as MLLP demands.
net::Task<Result<void>> TcpTalk::Exchange() {
  const uint64_t wanted = script_.end.messages.value_or(UINT64_MAX);
  for (const std::string& payload : script_.send) {
    CO_TRY(co_await Send(payload));
    if (messages_.size() < std::min<uint64_t>(wanted, sent_)) CO_TRY(co_await ReceiveMessage());
    if (!ended_.empty()) co_return Result<void>();
  }
  if (script_.half_close) CO_TRY(co_await stream_->FinishWriting(context_.deadline));
  while (ended_.empty() && messages_.size() < wanted) CO_TRY(co_await ReceiveMessage());
  if (ended_.empty()) ended_ = wanted == 0 ? "sent" : "messages";
  co_return Result<void>();
}

net::Task<Result<void>> TcpTalk::ReceiveMessage() {
  std::array<std::byte, kReadSize> buffer{};
  while (true) {
    if (auto message = decoder_.Next()) {
      parts_.push_back({.sent = false,
                        .type = "hl7",
                        .at = Now(),
                        .media_type = "application/octet-stream",
                        .payload = *message});
      if (!received_.empty()) received_ += '\n';
      CO_TRY(Take(*message));
      messages_.push_back(*std::move(message));
      co_return Result<void>();
    }
    CO_TRY(const auto got, co_await ReadSome(buffer));
    if (!got) {
      ended_ = "idle";
      co_return Result<void>();
    }
    if (*got == 0) {
      EndClosed();
      co_return Result<void>();
    }
    CO_TRY(decoder_.Feed({reinterpret_cast<const char*>(buffer.data()), *got}));
  }
}

void TcpTalk::AddMessages(cel::MapBuilder& map) const {
  std::vector<Value> values;
  std::vector<Value> acknowledgements;
  std::string problem;
  for (size_t i = 0; i < messages_.size(); ++i) {
    const auto message = ReadHl7(messages_[i]);
    values.push_back(message ? Hl7Value(*message) : Value::Null());
    if (!message) {
      if (problem.empty()) problem = message.error().message;
      continue;
    }
    const auto acknowledgement = hl7::AcknowledgementOf(*message);
    if (!acknowledgement) continue;
    const bool matches =
        i < script_.send.size() && acknowledgement->control_id == ControlIdOf(script_.send[i]);
    acknowledgements.push_back(
        Value::Object({{"code", Value::String(acknowledgement->code)},
                       {"control_id", Value::String(acknowledgement->control_id)},
                       {"text", Value::String(acknowledgement->text)},
                       {"matches", Value::Bool(matches)}}));
  }
  const Value* code = acknowledgements.empty() ? nullptr : acknowledgements.back().Find("code");
  map.Set("ack", code == nullptr ? Value::String("") : *code);
  map.Set("acks", Value::List(std::move(acknowledgements)));
  map.Set("message", values.empty() ? Value::Null() : values.back());
  map.Set("messages", Value::List(std::move(values)));
  map.Set("message_error", Value::String(problem));
}

Value TcpTalk::Variables() const {
  cel::MapBuilder map;
  map.Set("text", TextValue(received_));
  map.Set("bytes", Value::Bytes(received_));
  map.Set("size", Value::Int(static_cast<int64_t>(received_.size())));
  std::vector<Value> lines;
  if (script_.mode == TcpMode::kLine) {
    for (const std::string& line : Lines()) lines.push_back(TextValue(line));
  }
  map.Set("lines", Value::List(std::move(lines)));
  AddMessages(map);
  map.Set("sent", Value::Int(static_cast<int64_t>(sent_)));
  map.Set("ended", Value::String(ended_));
  map.Set("unmet", Value::String(unmet_));
  map.Set("closed", Value::Bool(closed_));
  map.Set("remote", Value::String(remote_));
  map.Set("duration", Value::Duration(took_));
  return std::move(map).Build();
}

history::Conversation TcpTalk::Record(std::string_view error) const {
  return {.kind = "tcp",
          .url = script_.url,
          .parts = parts_,
          .end = ended_,
          .error = std::string(error)};
}

}  // namespace assay::action
