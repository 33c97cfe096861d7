#include "lib/http/websocket/core.h"

#include "lib/base/utf8.h"
#include "lib/net/error_mapping.h"

namespace http::websocket::internal {
namespace asio = boost::asio;
namespace beast = boost::beast;
using base::ErrorCode;

namespace {

/// Messages that are read before somebody receives them.
constexpr size_t kReadAhead = 16;
/// Pings and pongs over this are answered but not kept.
constexpr size_t kMostControl = 1024;
constexpr size_t kMostControlPayload = 125;  // RFC 6455 5.5
constexpr size_t kMostReason = 123;
/// For the other side to finish a close that we did not ask for.
constexpr auto kCloseTime = std::chrono::seconds(5);

base::SteadyTime Now() { return std::chrono::steady_clock::now(); }

base::Error Over() {
  return {.code = ErrorCode::kUnavailable, .message = "the WebSocket connection is over"};
}

/// Ends of the transport without a close frame, as opposed to violations of the protocol.
bool IsTransport(const error_code& error) {
  return error.category() == boost::system::system_category() ||
         error.category() == boost::system::generic_category() ||
         error.category() == asio::error::get_misc_category() ||
         error.category() == asio::error::get_ssl_category() ||
         error.category() == asio::ssl::error::get_stream_category() ||
         error == beast::error::timeout;
}

base::Result<void> CheckPayload(MessageType type, std::string_view payload) {
  if (type == MessageType::kText && !base::IsUtf8(payload)) {
    return base::Fail(base::Error{ErrorCode::kInvalid, "a text message must be UTF-8"}.Hint(
        "send it as a binary message"));
  }
  const bool control = type == MessageType::kPing || type == MessageType::kPong;
  if (control && payload.size() > kMostControlPayload) {
    return base::Fail(ErrorCode::kInvalid, "a " + std::string(ToString(type)) +
                                               " carries at most " +
                                               std::to_string(kMostControlPayload) +
                                               " bytes, found " + std::to_string(payload.size()));
  }
  if (type == MessageType::kClose) {
    return base::Fail(ErrorCode::kInvalid, "a close is sent by closing, not as a message");
  }
  return {};
}

base::Result<void> CheckClose(const CloseFrame& frame) {
  if (!IsSendableCloseCode(frame.code)) {
    return base::Fail(base::Error{ErrorCode::kInvalid,
                                  std::to_string(frame.code) + " is no close code that may be sent"}
                          .Hint("use 1000 to 1003, 1007 to 1014 or 3000 to 4999 (RFC 6455 7.4)"));
  }
  if (frame.reason.size() > kMostReason || !base::IsUtf8(frame.reason)) {
    return base::Fail(ErrorCode::kInvalid, "the reason of a close is UTF-8 of at most " +
                                               std::to_string(kMostReason) + " bytes");
  }
  return {};
}

/// Gives a permit back.
class Permit {
 public:
  explicit Permit(net::Semaphore& semaphore) : semaphore_(semaphore) {}
  ~Permit() { semaphore_.Release(); }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;

 private:
  net::Semaphore& semaphore_;
};

beast::websocket::close_reason ReasonOf(const CloseFrame& frame) {
  return {static_cast<beast::websocket::close_code>(frame.code), frame.reason};
}

}  // namespace

Cutter::Cutter(std::shared_ptr<Core> core, base::Deadline deadline)
    : armed_(std::make_shared<bool>(true)),
      fired_(std::make_shared<bool>(false)),
      timer_(core->executor()) {
  if (deadline.is_never()) return;
  timer_.expires_at(deadline.time());
  timer_.async_wait(
      [core = std::move(core), armed = armed_, fired = fired_](const error_code& error) {
        if (error || !*armed) return;
        *fired = true;
        core->Abort();
      });
}

void Core::OnMessage(MessageType type, std::string payload) {
  reading_ = false;
  received_.push_back({.type = type, .payload = std::move(payload), .at = Now()});
  changed_.Set();
  ReadAhead();
}

void Core::OnControl(MessageType type, std::string_view payload) {
  // The close frame is reported by the end of the read, together with its code.
  if (type == MessageType::kClose || received_.size() >= kMostControl) return;
  received_.push_back({.type = type, .payload = std::string(payload), .at = Now()});
  changed_.Set();
}

void Core::OnEnd(const error_code& error, CloseFrame frame) {
  if (ended_) return;
  ended_ = true;
  if (error == beast::websocket::error::closed) {
    end_ = std::move(frame);
  } else if (error == beast::websocket::error::message_too_big ||
             error == beast::websocket::error::buffer_overflow) {
    broken_ = base::Error{ErrorCode::kTooLarge, "a received message is over the limit"};
  } else if (error == beast::websocket::error::bad_frame_payload) {
    broken_ = base::Error{ErrorCode::kCorrupt, "a received text message is not UTF-8"};
  } else if (!aborted_ && !IsTransport(error)) {
    broken_ =
        base::Error{ErrorCode::kCorrupt, "the other side broke the protocol: " + error.message()};
  } else {
    end_ = {.code = kAbnormal, .reason = aborted_ ? "cut" : error.message()};
  }
  changed_.Set();
}

void Core::ReadAhead() {
  if (reading_ || ended_ || received_.size() >= kReadAhead) return;
  reading_ = true;
  StartRead();
}

net::Task<base::Result<Message>> Core::Receive(base::Deadline deadline) {
  const auto self = shared_from_this();
  while (received_.empty()) {
    if (ended_) {
      if (broken_) co_return base::Fail(*broken_);
      if (std::exchange(end_given_, true)) co_return base::Fail(Over());
      co_return Message{
          .type = MessageType::kClose, .payload = end_.reason, .code = end_.code, .at = Now()};
    }
    changed_.Reset();
    CO_TRY(co_await changed_.Wait(deadline));
  }
  Message message = std::move(received_.front());
  received_.pop_front();
  ReadAhead();
  co_return message;
}

net::Task<base::Result<void>> Core::Send(MessageType type, std::string payload,
                                         base::Deadline deadline) {
  const auto self = shared_from_this();
  CO_TRY(CheckPayload(type, payload));
  CO_TRY(co_await sending_.Acquire(deadline));
  const Permit permit(sending_);
  co_return co_await SendLocked(type, payload, deadline);
}

net::Task<base::Result<void>> Core::SendLocked(MessageType type, const std::string& payload,
                                               base::Deadline deadline) {
  constexpr const char* kWhat = "send a message";
  if (!is_open()) co_return base::Fail(Over());
  if (co_await net::IsCancelled()) co_return base::Fail(net::CancelledError(kWhat));
  error_code error;
  bool late = false;
  {
    const Cutter cutter(shared_from_this(), deadline);
    error = co_await Write(type, payload);
    late = cutter.fired();
  }
  if (!error) co_return base::Result<void>();
  // A part of the message may be out: nothing can follow it.
  const bool over = !is_open();
  Abort();
  if (late) co_return base::Fail(net::TimeoutError(kWhat));
  if (co_await net::IsCancelled()) co_return base::Fail(net::CancelledError(kWhat));
  co_return base::Fail(over ? Over() : net::ToError(error, kWhat));
}

net::Task<base::Result<CloseFrame>> Core::Close(CloseFrame frame, base::Deadline deadline) {
  constexpr const char* kWhat = "close the connection";
  const auto self = shared_from_this();
  CO_TRY(CheckClose(frame));
  CO_TRY(co_await sending_.Acquire(deadline));
  const Permit permit(sending_);
  bool late = false;
  if (is_open()) {
    closing_ = true;
    const Cutter cutter(self, deadline);
    const auto error = co_await WriteClose(frame);
    late = cutter.fired();
    // Either this operation has read the frame of the other side, or the read ahead has.
    if (!error && !ended_) OnEnd(beast::websocket::error::closed, PeerFrame());
  }
  while (!ended_ && !late) {
    changed_.Reset();
    const auto waited = co_await changed_.Wait(deadline);
    late = !waited && waited.error().code == ErrorCode::kTimeout;
    if (!waited && !late) {
      Abort();
      co_return base::Fail(waited.error());
    }
  }
  if (late) {
    Abort();
    co_return base::Fail(net::TimeoutError(kWhat));
  }
  if (broken_) co_return base::Fail(*broken_);
  co_return end_;
}

void Core::GoAway() {
  if (!is_open()) return;
  closing_ = true;
  StartClose({.code = kGoingAway, .reason = {}});
}

void Core::Abort() {
  if (ended_) return;
  aborted_ = true;
  CloseSocket();
  // Without a read in progress nobody else would say so.
  if (!reading_) OnEnd(asio::error::operation_aborted, {});
}

template <typename Layer>
void StreamCore<Layer>::Configure(const Limits& limits) {
  stream_.read_message_max(limits.max_message);
  beast::websocket::permessage_deflate deflate;
  deflate.client_enable = limits.deflate;
  deflate.server_enable = limits.deflate;
  stream_.set_option(deflate);
}

template <typename Layer>
void StreamCore<Layer>::Established() {
  using beast::websocket::frame_type;
  stream_.set_option(
      beast::websocket::stream_base::timeout{.handshake_timeout = kCloseTime,
                                             .idle_timeout = beast::websocket::stream_base::none(),
                                             .keep_alive_pings = false});
  stream_.control_callback([this](frame_type type, beast::string_view payload) {
    if (type == frame_type::ping) OnControl(MessageType::kPing, payload);
    if (type == frame_type::pong) OnControl(MessageType::kPong, payload);
  });
}

template <typename Layer>
void StreamCore<Layer>::StartRead() {
  stream_.async_read(buffer_, [this, self = shared_from_this()](const error_code& error, size_t) {
    if (error) {
      // A close operation that took over the reading leaves its frame behind.
      const bool framed = stream_.reason().code != beast::websocket::close_code::none;
      EndRead(framed ? beast::websocket::error::closed : error, PeerFrame());
      return;
    }
    std::string payload = beast::buffers_to_string(buffer_.data());
    buffer_.consume(buffer_.size());
    OnMessage(stream_.got_text() ? MessageType::kText : MessageType::kBinary, std::move(payload));
  });
}

template <typename Layer>
CloseFrame StreamCore<Layer>::PeerFrame() const {
  const auto& reason = stream_.reason();
  const bool coded = reason.code != beast::websocket::close_code::none;
  return {.code = coded ? static_cast<uint16_t>(reason.code) : kNoStatus,
          .reason = std::string(reason.reason.data(), reason.reason.size())};
}

template <typename Layer>
net::Task<error_code> StreamCore<Layer>::Write(MessageType type, std::string_view payload) {
  if (type == MessageType::kPing || type == MessageType::kPong) {
    const beast::websocket::ping_data bytes(payload.data(), payload.size());
    const auto [error] =
        type == MessageType::kPing
            ? co_await stream_.async_ping(bytes, asio::as_tuple(asio::use_awaitable))
            : co_await stream_.async_pong(bytes, asio::as_tuple(asio::use_awaitable));
    co_return error;
  }
  stream_.text(type == MessageType::kText);
  const auto [error, put] = co_await stream_.async_write(
      asio::buffer(payload.data(), payload.size()), asio::as_tuple(asio::use_awaitable));
  co_return error;
}

template <typename Layer>
net::Task<error_code> StreamCore<Layer>::WriteClose(const CloseFrame& frame) {
  const auto reason = ReasonOf(frame);
  const auto [error] = co_await stream_.async_close(reason, asio::as_tuple(asio::use_awaitable));
  co_return error;
}

template <typename Layer>
void StreamCore<Layer>::StartClose(const CloseFrame& frame) {
  stream_.async_close(ReasonOf(frame), [self = shared_from_this()](const error_code&) {});
}

template <typename Layer>
void StreamCore<Layer>::CloseSocket() {
  error_code ignored;
  beast::get_lowest_layer(stream_).close(ignored);
}

template class StreamCore<Tcp::socket>;
template class StreamCore<TlsSocket>;

}  // namespace http::websocket::internal
