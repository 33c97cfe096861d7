#include "lib/http/internal/session.h"

#include <algorithm>
#include <cstring>

#include "lib/net/error_mapping.h"

namespace http::internal {
namespace asio = boost::asio;
namespace beast = boost::beast;
using base::ErrorCode;

namespace {

constexpr size_t kFirstBuffer = 4096;
constexpr size_t kMostBuffer = size_t{64} * 1024;
/// How much of a body that no handler wanted is read to keep the connection.
constexpr uint64_t kMostDiscarded = size_t{256} * 1024;
constexpr auto kLingerTime = std::chrono::seconds(2);
constexpr uint64_t kMostLingered = uint64_t{16} << 20;

base::SteadyTime Now() { return std::chrono::steady_clock::now(); }

base::Error Bad(std::string message) {
  return {.code = ErrorCode::kInvalid, .message = std::move(message)};
}

size_t CountFields(const Headers& headers, std::string_view name) {
  size_t count = 0;
  for (const HeaderField& field : headers) count += EqualsIgnoringCase(field.name, name) ? 1 : 0;
  return count;
}

}  // namespace

Session::Session(std::unique_ptr<Wire> wire, SessionContext context)
    : wire_(std::move(wire)), context_(context), buffer_(kFirstBuffer) {
  auto& sessions = context_.loop.sessions;
  place_ = sessions.insert(sessions.end(), this);
  error_code error;
  wire_->socket().set_option(tcp::no_delay(true), error);
  const auto endpoint = wire_->socket().remote_endpoint(error);
  if (!error) remote_ = {.address = endpoint.address().to_string(), .port = endpoint.port()};
}

Session::~Session() { context_.loop.sessions.erase(place_); }

void Session::Sweep(base::SteadyTime now) {
  if (now < expires_) return;
  late_ = true;
  expires_ = base::SteadyTime::max();
  error_code ignored;
  wire_->socket().cancel(ignored);
}

void Session::Drain() {
  if (on_drain_) return on_drain_();
  if (!idle_) return;
  error_code ignored;
  wire_->socket().cancel(ignored);
}

void Session::Report(const base::Error& error) const {
  if (context_.options.error_sink) context_.options.error_sink(error);
}

net::Task<error_code> Session::Fill(base::Duration timeout, base::Deadline deadline) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > 0 && end_ == buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) co_return make_error_code(boost::system::errc::message_size);
  late_ = false;
  expires_ = std::min(Now() + timeout, deadline.time());
  const auto [error, got] =
      co_await wire_->ReadSome(asio::buffer(buffer_.data() + end_, buffer_.size() - end_));
  expires_ = base::SteadyTime::max();
  end_ += got;
  co_return error;
}

net::Task<void> Session::Run() {
  expires_ = Now() + context_.options.header_timeout;
  if (co_await wire_->Handshake()) co_return;
  expires_ = base::SteadyTime::max();
  while (!co_await net::IsCancelled()) {
    Request request;
    auto refusal = co_await ReadHead();
    if (!refusal) refusal = MakeRequest(request);
    if (refusal) {
      if (refusal->status != 0) co_await Refuse(std::move(*refusal), nullptr);
      break;
    }
    if (!co_await Serve(request)) break;
  }
  co_await Linger();
}

net::Task<void> Session::RunRefused() {
  expires_ = Now() + context_.options.header_timeout;
  if (co_await wire_->Handshake()) co_return;
  Refusal refusal{503, {.code = ErrorCode::kExhausted, .message = "too many connections"}};
  co_await Refuse(std::move(refusal), nullptr);
  co_await Linger();
}

net::Task<std::optional<Session::Refusal>> Session::ReadHead() {
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(context_.options.max_header));
  parser_->body_limit(boost::none);
  parser_->eager(false);
  body_read_ = 0;
  body_limit_ = context_.options.max_body;
  body_broken_ = false;
  expects_continue_ = false;
  base::Deadline deadline = base::Deadline::Never();
  while (true) {
    // An empty line before a request is skipped (RFC 9112 2.2).
    while (unread().starts_with("\r\n")) begin_ += 2;
    const bool nothing = unread().empty();
    if (!nothing) {
      if (auto refusal = ParseHead()) co_return refusal;
      if (parser_->is_header_done()) break;
      if (deadline.is_never()) {
        deadline = base::Deadline::After(context_.options.header_timeout);
      }
    } else if (context_.loop.draining) {
      co_return Refusal{};
    }
    idle_ = nothing;
    const auto error = co_await Fill(
        nothing ? context_.options.idle_timeout : context_.options.header_timeout, deadline);
    idle_ = false;
    if (error) co_return HeadInterrupted(error);
  }
  parser_->eager(true);
  co_return std::nullopt;
}

std::optional<Session::Refusal> Session::ParseHead() {
  error_code error;
  begin_ += parser_->put(asio::buffer(buffer_.data() + begin_, end_ - begin_), error);
  if (!error) return std::nullopt;
  const bool too_large =
      error == beast::http::error::header_limit ||
      (error == beast::http::error::need_more && end_ - begin_ > context_.options.max_header);
  if (too_large) {
    return Refusal{431,
                   {.code = ErrorCode::kTooLarge,
                    .message = "the request header is over " +
                               std::to_string(context_.options.max_header) + " bytes"}};
  }
  const std::string_view line = unread().substr(0, unread().find_first_of("\r\n"));
  const bool spoken = line.find(" HTTP/") != std::string_view::npos &&
                      unread().substr(line.size()).starts_with('\r');
  if (error == beast::http::error::bad_version && spoken) {
    return Refusal{505, Bad("only HTTP/1.0 and HTTP/1.1 are served")};
  }
  if (error != beast::http::error::need_more) {
    return Refusal{400, Bad("the request is malformed: " + error.message())};
  }
  if (end_ == buffer_.size() && begin_ == 0) buffer_.resize(buffer_.size() * 2);
  return std::nullopt;
}

Session::Refusal Session::HeadInterrupted(const error_code& error) const {
  if (unread().empty()) return {};
  if (late_) {
    return {408, {.code = ErrorCode::kTimeout, .message = "the request header came too slowly"}};
  }
  if (error == asio::error::eof) return {400, Bad("the request ends inside its header")};
  return {};
}

std::optional<Session::Refusal> Session::MakeRequest(Request& request) {
  auto& message = parser_->get();
  request.method_text = message.method_string();
  request.method = ParseMethod(request.method_text);
  request.target = message.target();
  request.minor_version = static_cast<int>(message.version() % 10);
  request.remote = remote_;
  request.secure = wire_->secure();
  request.reader = this;
  request.headers.reserve(8);
  for (const auto& field : message) request.headers.Add(field.name_string(), field.value());
  minor_zero_ = request.minor_version == 0;
  close_ = context_.loop.draining || !parser_->keep_alive();

  if (message.version() != 10 && message.version() != 11) {
    return Refusal{505, Bad("only HTTP/1.0 and HTTP/1.1 are served")};
  }
  const size_t hosts = CountFields(request.headers, "Host");
  if (hosts > 1 || (hosts == 0 && !minor_zero_)) {
    return Refusal{400, Bad("the request has " + std::to_string(hosts) +
                            " Host fields, expected exactly one")};
  }
  if (CountFields(request.headers, "Content-Length") > 1) {
    return Refusal{400, Bad("the request has more than one Content-Length field")};
  }
  // Anything but one plain "chunked" is where two parsers could disagree (RFC 9112 6.1).
  if (CountFields(request.headers, "Transfer-Encoding") > 0) {
    if (minor_zero_ || request.headers.Has("Content-Length")) {
      return Refusal{400, Bad("Transfer-Encoding with HTTP/1.0 or Content-Length is ambiguous")};
    }
    if (!EqualsIgnoringCase(request.headers.Joined("Transfer-Encoding"), "chunked")) {
      return Refusal{501, Bad("the only transfer coding that is understood is chunked")};
    }
  }
  if (const auto expect = request.headers.Get("Expect"); expect && !minor_zero_) {
    if (!EqualsIgnoringCase(*expect, "100-continue")) {
      return Refusal{417, Bad("the only expectation that can be met is 100-continue")};
    }
    expects_continue_ = !parser_->is_done();
  }
  std::string_view target = request.target;
  if (!target.starts_with('/') && !(target == "*" && request.method == Method::kOptions)) {
    const auto absolute = ParseUrl(target);
    if (!absolute.has_value() || request.method == Method::kConnect) {
      return Refusal{400, Bad("the request target is not a path: " + request.target)};
    }
    request.path = absolute->path;
    request.query = absolute->query;
    return std::nullopt;
  }
  const size_t mark = std::min(target.find('?'), target.size());
  request.path = target.substr(0, mark);
  if (mark < target.size()) request.query = target.substr(mark + 1);
  return std::nullopt;
}

std::optional<uint64_t> Session::length() const {
  if (parser_->chunked()) return std::nullopt;
  const auto announced = parser_->content_length();
  return announced ? *announced : uint64_t{0};
}

net::Task<base::Result<size_t>> Session::Read(std::span<std::byte> into, base::Deadline deadline) {
  const auto broken = [this](ErrorCode code, std::string message) {
    body_broken_ = true;
    return base::Fail(code, std::move(message));
  };
  if (body_broken_) co_return base::Fail(ErrorCode::kUnavailable, "the body is broken off");
  if (parser_->is_done()) co_return size_t{0};
  if (into.empty()) co_return base::Fail(ErrorCode::kInvalid, "read into an empty buffer");
  if (length().value_or(0) > body_limit_) {
    co_return broken(ErrorCode::kTooLarge,
                     "the body is over " + std::to_string(body_limit_) + " bytes");
  }
  if (std::exchange(expects_continue_, false)) {
    std::array buffers = {asio::const_buffer("HTTP/1.1 100 Continue\r\n\r\n", 25)};
    CO_TRY(co_await WriteBuffers(buffers));
  }
  while (true) {
    size_t consumed = 0;
    if (!unread().empty()) {
      auto& body = parser_->get().body();
      body.data = into.data();
      body.size = into.size();
      body.more = true;
      error_code error;
      consumed = parser_->put(asio::buffer(buffer_.data() + begin_, end_ - begin_), error);
      begin_ += consumed;
      const size_t got = into.size() - body.size;
      if (error && error != beast::http::error::need_buffer &&
          error != beast::http::error::need_more) {
        co_return broken(ErrorCode::kCorrupt, "the body is malformed: " + error.message());
      }
      body_read_ += got;
      if (body_read_ > body_limit_) {
        co_return broken(ErrorCode::kTooLarge,
                         "the body is over " + std::to_string(body_limit_) + " bytes");
      }
      if (got > 0 || parser_->is_done()) co_return got;
    }
    if (consumed > 0) continue;
    if (unread().empty() && into.size() > buffer_.size()) {
      buffer_.resize(std::min(into.size(), kMostBuffer));
    }
    const auto error = co_await Fill(context_.options.body_timeout, deadline);
    if (!error) continue;
    if (late_) co_return broken(ErrorCode::kTimeout, "the body came too slowly");
    if (error == boost::system::errc::message_size) {
      co_return broken(ErrorCode::kCorrupt, "the body is malformed: a chunk header is too long");
    }
    if (co_await net::IsCancelled()) co_return broken(ErrorCode::kCancelled, "cancelled");
    co_return broken(ErrorCode::kUnavailable,
                     "the client broke off after " + std::to_string(body_read_) + " bytes of body");
  }
}

net::Task<bool> Session::DiscardBody() {
  if (parser_->is_done()) co_return true;
  if (body_broken_ || expects_continue_) co_return false;
  body_limit_ = body_read_ + kMostDiscarded;
  std::array<std::byte, 4096> waste;
  while (!parser_->is_done()) {
    const auto got = co_await Read(waste, base::Deadline::After(context_.options.body_timeout));
    if (!got.has_value()) co_return false;
  }
  co_return true;
}

net::Task<void> Session::Linger() {
  if (upgraded_) co_return;
  // Closing with unread input would reset the connection and could destroy the response on its way.
  error_code ignored;
  wire_->socket().shutdown(tcp::socket::shutdown_send, ignored);
  const auto deadline = base::Deadline::After(kLingerTime);
  for (uint64_t waste = 0; waste < kMostLingered; waste += end_) {
    if (context_.loop.draining || co_await net::IsCancelled()) break;
    late_ = false;
    expires_ = deadline.time();
    const auto [error, got] = co_await wire_->socket().async_read_some(
        asio::buffer(buffer_), asio::as_tuple(asio::use_awaitable));
    expires_ = base::SteadyTime::max();
    if (error) break;
    end_ = got;
  }
  wire_->socket().close(ignored);
}

}  // namespace http::internal
