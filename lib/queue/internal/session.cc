#include "lib/queue/internal/session.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include "lib/net/service/blocking.h"
#include "lib/queue/internal/cut_off.h"
#include "lib/queue/internal/table.h"

namespace queue::internal {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

constexpr int kNoLimitOfChannels = 0;
constexpr timeval kAtOnce = {};
/// They come round after so many refusals; brokers allow 2047.
constexpr int kChannelNumbers = 1000;
/// How long an orderly end may take.
constexpr timeval kGoodbye = {.tv_sec = 1, .tv_usec = 0};

timeval Remaining(Deadline deadline) {
  // A day stands for ever: rabbitmq-c's own "for ever" ignores the socket being shut down.
  const base::Duration left = std::clamp<base::Duration>(
      deadline.Remaining(base::SystemClock()), std::chrono::milliseconds(1), std::chrono::days(1));
  const auto whole = std::chrono::floor<std::chrono::seconds>(left);
  const auto rest = std::chrono::floor<std::chrono::microseconds>(left - whole);
  return {.tv_sec = whole.count(), .tv_usec = static_cast<suseconds_t>(rest.count())};
}

// AMQP 0-9-1, section 1.8 (reply codes), as RabbitMQ uses them.
ErrorCode CodeOf(int reply) {
  switch (reply) {
    case 402:
    case 404:
      return ErrorCode::kNotFound;
    case 403:
      return ErrorCode::kForbidden;
    case 405:
    case 406:
      return ErrorCode::kConflict;
    case 311:
      return ErrorCode::kTooLarge;
    case 506:
      return ErrorCode::kExhausted;
    case 530:
      return ErrorCode::kForbidden;
    case 540:
      return ErrorCode::kUnsupported;
    case 320:
    case 541:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInvalid;
  }
}

std::string HintOf(int reply) {
  switch (reply) {
    case 404:
      return "declare it first, and see that its name and the virtual host are right";
    case 405:
      return "it is in exclusive use of another connection";
    case 406:
      return "it exists with other properties or arguments: use the same, or delete it first";
    default:
      return {};
  }
}

bool IsOneOf(amqp_method_number_t method, std::initializer_list<amqp_method_number_t> replies) {
  return std::ranges::find(replies, method) != replies.end();
}

}  // namespace

Session::Session(std::string peer, const net::Cancellation* stop)
    : peer_(std::move(peer)), stop_(stop), state_(amqp_new_connection()) {}

Session::~Session() {
  const net::QuietPipe quiet;
  if (!broken_ && channel_ != 0) {
    amqp_set_rpc_timeout(state_.get(), &kGoodbye);
    amqp_connection_close(state_.get(), AMQP_REPLY_SUCCESS);
  }
  state_.reset();
}

Result<std::unique_ptr<Session>> Session::Open(const Target& target,
                                               const ConnectionOptions& options,
                                               Deadline deadline) {
  const net::QuietPipe quiet;
  std::unique_ptr<Session> session(new Session(target.url.Authority(), options.stop));
  if (!session->state_) return base::Fail(ErrorCode::kExhausted, "no memory for a connection");
  auto connected = target.url.secure ? session->ConnectSecure(target, deadline)
                                     : session->Connect(target, deadline);
  if (!connected) {
    session->broken_ = true;
    base::Error error = std::move(connected).error();
    if (error.code == ErrorCode::kUnavailable && error.hint.empty()) {
      error.hint = "see that the broker runs there and that the address is right";
    }
    return base::Fail(std::move(error));
  }
  TRY(session->LogIn(target, options, deadline));
  TRY(session->OpenChannel(deadline));
  return session;
}

Result<void> Session::Connect(const Target& target, Deadline deadline) {
  amqp_socket_t* const socket = amqp_tcp_socket_new(state_.get());
  if (socket == nullptr) return base::Fail(ErrorCode::kExhausted, "no memory for a socket");
  TRY(const int fd, net::BlockingConnect(target.url.host, target.url.port, deadline, stop_));
  amqp_tcp_socket_set_sockfd(socket, fd);
  return {};
}

Result<void> Session::ConnectSecure(const Target& target, Deadline deadline) {
  amqp_socket_t* const socket = amqp_ssl_socket_new(state_.get());
  if (socket == nullptr) return base::Fail(ErrorCode::kExhausted, "no memory for a socket");
  const net::ServiceTls& tls = target.tls;
  amqp_ssl_socket_set_verify_peer(socket, tls.insecure ? 0 : 1);
  amqp_ssl_socket_set_verify_hostname(socket, tls.insecure ? 0 : 1);
  amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
  if (tls.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket)));
  } else if (amqp_ssl_socket_set_cacert(socket, tls.ca_file.c_str()) != AMQP_STATUS_OK) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("cannot use the trusted certificates of {}", tls.ca_file));
  }
  if (!tls.certificate.empty() &&
      amqp_ssl_socket_set_key(socket, tls.certificate.c_str(), tls.key.c_str()) != AMQP_STATUS_OK) {
    return base::Fail(ErrorCode::kInvalid, fmt::format("cannot use the certificate {} with the key "
                                                       "{}",
                                                       tls.certificate, tls.key));
  }
  const timeval limit = Remaining(deadline);
  const int status =
      amqp_socket_open_noblock(socket, target.url.host.c_str(), target.url.port, &limit);
  if (status == AMQP_STATUS_OK) return {};
  base::Error error = Lost(status, fmt::format("connect to {}", peer_));
  if (status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED ||
      status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED ||
      status == AMQP_STATUS_SSL_CONNECTION_FAILED) {
    error.hint =
        "give the authority that signed its certificate (tls: {ca: file}), and the host "
        "that the certificate names";
  }
  return base::Fail(std::move(error));
}

Result<void> Session::LogIn(const Target& target, const ConnectionOptions& options,
                            Deadline deadline) {
  const std::string doing = fmt::format("log in to {}", peer_);
  const timeval limit = Remaining(deadline);
  amqp_set_handshake_timeout(state_.get(), &limit);
  amqp_set_rpc_timeout(state_.get(), &limit);
  Pool pool;
  // Without the capability RabbitMQ does not say that it has ended a consumer.
  const Table properties = {{"connection_name", {options.name}},
                            {"capabilities", {Table{{"consumer_cancel_notify", {true}}}}}};
  const amqp_table_t shown = ToAmqp(properties, pool);
  CutOff cut_off(socket(), deadline, stop_, doing);
  const amqp_rpc_reply_t reply = amqp_login_with_properties(
      state_.get(), target.virtual_host.c_str(), kNoLimitOfChannels, AMQP_DEFAULT_FRAME_SIZE,
      static_cast<int>(options.heartbeat.count()), &shown, AMQP_SASL_METHOD_PLAIN,
      target.user.c_str(), target.password.c_str());
  if (auto cut = cut_off.Finish()) {
    broken_ = true;
    return base::Fail(*std::move(cut));
  }
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return {};
  broken_ = true;
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
      reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto& close = *static_cast<amqp_connection_close_t*>(reply.reply.decoded);
    base::Error error = Refused(close.reply_code, close.reply_text, doing);
    if (close.reply_code == AMQP_ACCESS_REFUSED) {
      error.code = ErrorCode::kUnauthorized;
      error.hint = "check user and password of the URL";
    } else if (close.reply_code == AMQP_NOT_ALLOWED) {
      error.hint = fmt::format(
          "see that the virtual host \"{}\" exists and that the user may use "
          "it",
          target.virtual_host);
    }
    return base::Fail(std::move(error));
  }
  return base::Fail(Lost(reply.library_error, doing));
}

base::Error Session::Refused(int code, amqp_bytes_t text, const std::string& doing) const {
  return {
      .code = CodeOf(code),
      .message = fmt::format("cannot {}: the broker answered {} {}", doing, code, FromAmqp(text)),
      .hint = HintOf(code)};
}

base::Error Session::Lost(int status, const std::string& doing) {
  broken_ = true;
  ErrorCode code = ErrorCode::kUnavailable;
  if (status == AMQP_STATUS_TIMEOUT) code = ErrorCode::kTimeout;
  if (status == AMQP_STATUS_NO_MEMORY) code = ErrorCode::kExhausted;
  if (status == AMQP_STATUS_BAD_AMQP_DATA || status == AMQP_STATUS_UNKNOWN_CLASS ||
      status == AMQP_STATUS_UNKNOWN_METHOD || status == AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION) {
    code = ErrorCode::kCorrupt;
  }
  return {.code = code,
          .message = fmt::format("cannot {}: {}", doing, amqp_error_string2(status)),
          .hint = code == ErrorCode::kUnavailable ? "see that the broker still runs" : ""};
}

Result<void> Session::OpenChannel(Deadline deadline) {
  // Another number, so that nothing of a channel that was closed is taken for its own.
  channel_ = static_cast<amqp_channel_t>(channel_ % kChannelNumbers + 1);
  confirming_ = consuming_ = false;
  published_ = 0;
  deliveries.clear();
  returned.clear();
  confirmations.clear();
  amqp_channel_open_t open = {};
  const std::string doing = fmt::format("open a channel with {}", peer_);
  const int status = amqp_send_method(state_.get(), channel_, AMQP_CHANNEL_OPEN_METHOD, &open);
  if (status != AMQP_STATUS_OK) return base::Fail(Lost(status, doing));
  TRY(Await({AMQP_CHANNEL_OPEN_OK_METHOD}, doing, deadline));
  channel_open_ = true;
  return {};
}

Result<amqp_method_t> Session::Call(amqp_method_number_t method, void* arguments,
                                    std::initializer_list<amqp_method_number_t> replies,
                                    const std::string& doing, Deadline deadline) {
  const net::QuietPipe quiet;
  amqp_maybe_release_buffers(state_.get());
  if (!channel_open_ && !broken_) TRY(OpenChannel(deadline));
  TRY(Send(method, arguments, doing, deadline));
  return Await(replies, doing, deadline);
}

Result<void> Session::Send(amqp_method_number_t method, void* arguments, const std::string& doing,
                           Deadline deadline) {
  const net::QuietPipe quiet;
  if (broken_ || !channel_open_) {
    return base::Fail(ErrorCode::kUnavailable,
                      fmt::format("cannot {}: the {} with {} is closed", doing,
                                  broken_ ? "connection" : "channel", peer_));
  }
  // A method is small: once there is room for any bytes, sending it does not block.
  TRY(net::BlockUntilReady(socket(), net::Readiness::kWrite, deadline, stop_, doing));
  const int status = amqp_send_method(state_.get(), channel_, method, arguments);
  if (status != AMQP_STATUS_OK) return base::Fail(Lost(status, doing));
  return {};
}

Result<void> Session::SelectConfirms(Deadline deadline) {
  if (confirming_ && channel_open_) return {};
  amqp_confirm_select_t select = {};
  TRY(Call(AMQP_CONFIRM_SELECT_METHOD, &select, {AMQP_CONFIRM_SELECT_OK_METHOD},
           "ask for confirmations", deadline));
  confirming_ = true;
  return {};
}

Result<void> Session::Publish(const Message& message, bool mandatory, const std::string& doing) {
  const net::QuietPipe quiet;
  Pool pool;
  const amqp_basic_properties_t properties = ToAmqp(message.properties, pool);
  const int status = amqp_basic_publish(state_.get(), channel_, Bytes(message.exchange),
                                        Bytes(message.routing_key), mandatory ? 1 : 0, 0,
                                        &properties, Bytes(message.body));
  if (status != AMQP_STATUS_OK) return base::Fail(Lost(status, doing));
  ++published_;
  return {};
}

Result<amqp_method_t> Session::Await(std::initializer_list<amqp_method_number_t> replies,
                                     const std::string& doing, Deadline deadline) {
  while (true) {
    auto frame = ReadFrame(doing, deadline);
    if (!frame) {
      broken_ = true;  // the reply may still come and would be taken for another's
      return base::Fail(std::move(frame).error());
    }
    if (frame->frame_type == AMQP_FRAME_METHOD && frame->channel == channel_ &&
        IsOneOf(frame->payload.method.id, replies)) {
      return frame->payload.method;
    }
    TRY(Sort(*frame, doing, deadline));
  }
}

Result<amqp_frame_t> Session::ReadFrame(const std::string& doing, Deadline deadline) {
  const net::QuietPipe quiet;
  while (true) {
    if (broken_) {
      return base::Fail(ErrorCode::kUnavailable,
                        fmt::format("cannot {}: the connection with {} is closed", doing, peer_));
    }
    amqp_frame_t frame;
    const int status = amqp_simple_wait_frame_noblock(state_.get(), &frame, &kAtOnce);
    if (status == AMQP_STATUS_OK) return frame;
    if (status != AMQP_STATUS_TIMEOUT) return base::Fail(Lost(status, doing));
    Deadline until = deadline;
    if (const int heartbeat = amqp_get_heartbeat(state_.get()); heartbeat > 0) {
      // rabbitmq-c sends heartbeats only when it is called.
      until = until.Earlier(Deadline::After(std::chrono::seconds(heartbeat) / 2));
    }
    auto ready = net::BlockUntilReady(socket(), net::Readiness::kRead, until, stop_, doing);
    if (ready) continue;
    const bool early =
        ready.error().code == ErrorCode::kTimeout && !deadline.HasPassed(base::SystemClock());
    if (early) continue;
    return base::Fail(std::move(ready).error());
  }
}

Result<void> Session::Pump(const std::string& doing, Deadline deadline) {
  amqp_maybe_release_buffers(state_.get());
  TRY(const amqp_frame_t frame, ReadFrame(doing, deadline));
  return Sort(frame, doing, deadline);
}

Result<void> Session::Sort(const amqp_frame_t& frame, const std::string& doing, Deadline deadline) {
  if (frame.frame_type != AMQP_FRAME_METHOD) return {};
  void* const decoded = frame.payload.method.decoded;
  if (frame.payload.method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto& close = *static_cast<amqp_connection_close_t*>(decoded);
    base::Error error = Refused(close.reply_code, close.reply_text, doing);
    amqp_connection_close_ok_t ok = {};
    amqp_send_method(state_.get(), 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
    broken_ = true;
    return base::Fail(std::move(error));
  }
  if (frame.channel != channel_) return {};
  switch (frame.payload.method.id) {
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const auto& close = *static_cast<amqp_channel_close_t*>(decoded);
      base::Error error = Refused(close.reply_code, close.reply_text, doing);
      amqp_channel_close_ok_t ok = {};
      amqp_send_method(state_.get(), channel_, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
      channel_open_ = consuming_ = confirming_ = false;
      return base::Fail(std::move(error));
    }
    case AMQP_BASIC_DELIVER_METHOD: {
      const auto& deliver = *static_cast<amqp_basic_deliver_t*>(decoded);
      Delivery delivery{.message = {.exchange = FromAmqp(deliver.exchange),
                                    .routing_key = FromAmqp(deliver.routing_key)},
                        .delivery_tag = deliver.delivery_tag,
                        .redelivered = deliver.redelivered != 0};
      TRY(ReadContent(delivery.message, deadline));
      deliveries.push_back(std::move(delivery));
      return {};
    }
    case AMQP_BASIC_RETURN_METHOD: {
      const auto& back = *static_cast<amqp_basic_return_t*>(decoded);
      ReturnReason reason{back.reply_code, FromAmqp(back.reply_text)};
      Message message;
      TRY(ReadContent(message, deadline));
      returned.push_back(std::move(reason));
      return {};
    }
    case AMQP_BASIC_ACK_METHOD: {
      const auto& ack = *static_cast<amqp_basic_ack_t*>(decoded);
      confirmations.push_back({ack.delivery_tag, ack.multiple != 0, true});
      return {};
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto& nack = *static_cast<amqp_basic_nack_t*>(decoded);
      confirmations.push_back({nack.delivery_tag, nack.multiple != 0, false});
      return {};
    }
    case AMQP_BASIC_CANCEL_METHOD:
      consuming_ = false;
      return {};
    default:
      return {};
  }
}

Result<void> Session::ReadContent(Message& into, Deadline deadline) {
  const std::string doing = fmt::format("read a message of {}", peer_);
  const auto next = [&](uint8_t type) -> Result<amqp_frame_t> {
    auto frame = ReadFrame(doing, deadline);
    if (frame && frame->frame_type == type && frame->channel == channel_) return frame;
    broken_ = true;  // half a message is lost
    if (!frame) return frame;
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("cannot {}: the frames are out of order", doing));
  };
  TRY(const amqp_frame_t header, next(AMQP_FRAME_HEADER));
  into.properties =
      FromAmqp(*static_cast<const amqp_basic_properties_t*>(header.payload.properties.decoded));
  const uint64_t size = header.payload.properties.body_size;
  while (into.body.size() < size) {
    TRY(const amqp_frame_t part, next(AMQP_FRAME_BODY));
    into.body += FromAmqp(part.payload.body_fragment);
  }
  return {};
}

}  // namespace queue::internal
