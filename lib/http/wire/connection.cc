#include "lib/http/wire/connection.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/net/pch/asio.h"

namespace http::wire {
namespace {

constexpr long kAgain = -1;
constexpr long kBroken = -2;

std::string SystemText(int code) {
  switch (code) {
    case ECONNREFUSED:
      return "the connection was refused";
    case ECONNRESET:
    case EPIPE:
      return "the connection was reset";
    case ETIMEDOUT:
      return "the connection timed out";
    default:
      return std::string("the connection failed: ") + std::strerror(code);
  }
}

}  // namespace

struct Connection::Tls {
  explicit Tls(SSL* made) : ssl(made) {}
  ~Tls() { SSL_free(ssl); }
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;
  SSL* ssl;
};

base::Result<std::shared_ptr<const Server>> Server::Of(const WireRequest& request) {
  auto server = std::make_shared<Server>();
  server->name =
      request.tls_options.server_name.empty() ? request.host : request.tls_options.server_name;
  if (request.tls) {
    TRY(net::TlsContext context, net::TlsContext::ForClient(request.tls_options));
    server->tls.emplace(std::move(context));
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code =
      ::getaddrinfo(request.host.c_str(), std::to_string(request.port).c_str(), &hints, &found);
  if (code != 0 || found == nullptr) {
    return base::Fail(base::ErrorCode::kUnavailable,
                      "cannot resolve '" + request.host + "': " + ::gai_strerror(code));
  }
  std::memcpy(&server->address, found->ai_addr, found->ai_addrlen);
  server->address_size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return server;
}

Connection::Connection(const Server& server, int epoll, std::span<char> buffer, void* owner)
    : server_(server), epoll_(epoll), buffer_(buffer), owner_(owner) {}

Connection::~Connection() { Close(); }

void Connection::Close() {
  tls_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  state_ = State::kClosed;
}

Connection::Result Connection::Fail(std::string problem) {
  Close();
  problem_ = std::move(problem);
  return Result::kFailed;
}

// A server may close a connection that rests at the very moment in which it is used again. As long
// as nothing of an answer came, the request is sent once more on a fresh connection, as every HTTP
// client does (RFC 9112, 9.3.1).
Connection::Result Connection::Lost(const char* problem) {
  if (reused_ && reader_.untouched()) {
    Close();
    return Connect();
  }
  return Fail(problem);
}

Connection::Result Connection::Send(const WireRequest& request) {
  request_ = &request;
  sent_ = 0;
  reader_.Begin(request.is_head, request.max_response);
  reused_ = state_ == State::kIdle;
  if (!reused_) return Connect();
  state_ = State::kSending;
  return Write();
}

Connection::Result Connection::Connect() {
  reused_ = false;
  sent_ = 0;
  fd_ = ::socket(server_.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Fail(std::string("no socket: ") + std::strerror(errno));
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* address = reinterpret_cast<const sockaddr*>(&server_.address);
  const int done = ::connect(fd_, address, server_.address_size);
  if (done != 0 && errno != EINPROGRESS) return Fail(SystemText(errno));
  epoll_event interest{};
  interest.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  interest.data.ptr = owner_;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &interest) != 0) return Fail(SystemText(errno));
  state_ = State::kConnecting;
  return done == 0 ? Connected() : Result::kWaiting;
}

Connection::Result Connection::Connected() {
  int code = 0;
  socklen_t size = sizeof code;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code != 0) return Fail(SystemText(code));
  if (!server_.tls) {
    state_ = State::kSending;
    return Write();
  }
  SSL* ssl = SSL_new(server_.tls->native().native_handle());
  if (ssl == nullptr) return Fail("TLS has no memory");
  tls_ = std::make_unique<Tls>(ssl);
  SSL_set_fd(ssl, fd_);
  SSL_set_connect_state(ssl);
  SSL_set_tlsext_host_name(ssl, server_.name.c_str());
  if (server_.tls->verifies()) SSL_set1_host(ssl, server_.name.c_str());
  state_ = State::kHandshaking;
  return Handshake();
}

Connection::Result Connection::Handshake() {
  ERR_clear_error();
  const int done = SSL_do_handshake(tls_->ssl);
  if (done == 1) {
    state_ = State::kSending;
    return Write();
  }
  const int code = SSL_get_error(tls_->ssl, done);
  if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) return Result::kWaiting;
  const long verified = SSL_get_verify_result(tls_->ssl);
  if (verified != X509_V_OK) {
    return Fail(std::string("the certificate is not trusted: ") +
                X509_verify_cert_error_string(verified));
  }
  return Fail("the TLS handshake failed");
}

// Bytes, or kAgain, kBroken; 0 at the end when reading.
long Connection::WriteSome(std::string_view bytes) {
  if (tls_ == nullptr) {
    const ssize_t wrote = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (wrote >= 0) return wrote;
    return errno == EAGAIN || errno == EINTR ? kAgain : kBroken;
  }
  ERR_clear_error();
  const int wrote = SSL_write(tls_->ssl, bytes.data(), static_cast<int>(bytes.size()));
  if (wrote > 0) return wrote;
  const int code = SSL_get_error(tls_->ssl, wrote);
  return code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE ? kAgain : kBroken;
}

long Connection::ReadSome() {
  if (tls_ == nullptr) {
    const ssize_t got = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (got >= 0) return got;
    return errno == EAGAIN || errno == EINTR ? kAgain : kBroken;
  }
  ERR_clear_error();
  const int got = SSL_read(tls_->ssl, buffer_.data(), static_cast<int>(buffer_.size()));
  if (got > 0) return got;
  const int code = SSL_get_error(tls_->ssl, got);
  if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) return kAgain;
  return code == SSL_ERROR_ZERO_RETURN ? 0 : kBroken;
}

Connection::Result Connection::Write() {
  while (sent_ < request_->bytes.size()) {
    const long wrote = WriteSome(std::string_view(request_->bytes).substr(sent_));
    if (wrote == kAgain) return Result::kWaiting;
    if (wrote == kBroken) return Lost("the connection was reset");
    sent_ += static_cast<size_t>(wrote);
  }
  state_ = State::kReceiving;
  return Result::kWaiting;
}

Connection::Result Connection::Read() {
  for (;;) {
    const long got = ReadSome();
    if (got == kAgain) return Result::kWaiting;
    if (got == kBroken) return Lost("the connection was reset");
    ResponseReader::State state = ResponseReader::State::kMore;
    std::string_view bytes(buffer_.data(), static_cast<size_t>(got));
    if (got == 0) {
      const bool was_untouched = reader_.untouched();
      state = reader_.TakeEnd();
      if (state == ResponseReader::State::kBroken && was_untouched) {
        return Lost(reader_.problem());
      }
    } else {
      state = reader_.Take(bytes);
    }
    if (state == ResponseReader::State::kBroken) return Fail(reader_.problem());
    if (state == ResponseReader::State::kDone) {
      // Bytes behind an answer that nobody asked for: the connection cannot be trusted any more.
      if (!bytes.empty() || !reader_.keeps_alive()) {
        Close();
      } else {
        state_ = State::kIdle;
      }
      return Result::kAnswered;
    }
    // A read that did not fill the buffer emptied the socket; an edge tells of more.
    if (tls_ == nullptr && static_cast<size_t>(got) < buffer_.size()) return Result::kWaiting;
  }
}

Connection::Result Connection::OnReady(uint32_t events) {
  switch (state_) {
    case State::kClosed:
      return Result::kWaiting;
    case State::kConnecting:
      return Connected();
    case State::kHandshaking:
      return Handshake();
    case State::kSending: {
      const Result result = Write();
      if (state_ != State::kReceiving) return result;
      // An answer that came before the request was out shows no second edge.
      return Read();
    }
    case State::kReceiving:
      return (events & ~uint32_t{EPOLLOUT}) == 0 && tls_ == nullptr ? Result::kWaiting : Read();
    case State::kIdle:
      // The server ended it, or sent what nobody asked for. TLS may have had something of its own
      // to say, which is no answer.
      if ((events & ~uint32_t{EPOLLOUT}) != 0 && ReadSome() != kAgain) Close();
      return Result::kWaiting;
  }
  return Result::kWaiting;
}

}  // namespace http::wire
