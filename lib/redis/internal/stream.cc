#include "lib/redis/internal/stream.h"

#include <algorithm>
#include <cerrno>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/error_mapping.h"
#include "lib/net/service/blocking.h"

namespace redis::internal {
namespace {

using base::ErrorCode;
using net::Readiness;

// OpenSSL's reason, and nothing left in its queue.
std::string TlsReason(SSL* ssl) {
  if (ssl != nullptr && SSL_get_verify_result(ssl) != X509_V_OK) {
    ERR_clear_error();
    return X509_verify_cert_error_string(SSL_get_verify_result(ssl));
  }
  const unsigned long number = ERR_get_error();
  ERR_clear_error();
  const char* reason = number == 0 ? nullptr : ERR_reason_error_string(number);
  return reason == nullptr ? "the peer closed the connection" : reason;
}

bool IsNumeric(const std::string& host) {
  in6_addr address;
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

base::Result<void> LoadFiles(SSL_CTX* context, const net::ServiceTls& tls) {
  const auto fail = [](std::string_view what, const std::string& file) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("cannot use {} of {}: {}", what, file, TlsReason(nullptr)));
  };
  if (!tls.ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(context, tls.ca_file.c_str(), nullptr) != 1) {
      return fail("the trusted certificates", tls.ca_file);
    }
  } else {
    SSL_CTX_set_default_verify_paths(context);
  }
  if (tls.certificate.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, tls.certificate.c_str()) != 1) {
    return fail("the certificate", tls.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context, tls.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail("the key", tls.key);
  }
  return {};
}

}  // namespace

struct Stream::Tls {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()),
                                                            &SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> session{nullptr, &SSL_free};
};

Stream::Stream(int fd, std::string peer, const net::Cancellation* stop)
    : fd_(fd), peer_(std::move(peer)), stop_(stop) {}

Stream::~Stream() {
  // Sent without waiting; the server sees the end of the connection anyway.
  if (tls_ && tls_->session) {
    const net::QuietPipe quiet;
    SSL_shutdown(tls_->session.get());
    ERR_clear_error();
  }
  ::close(fd_);
}

base::Result<std::unique_ptr<Stream>> Stream::Connect(const net::ServiceUrl& url,
                                                      const net::ServiceTls& tls,
                                                      const net::Cancellation* stop,
                                                      base::Deadline deadline) {
  TRY(const int fd, net::BlockingConnect(url.host, url.port, deadline, stop));
  std::unique_ptr<Stream> stream(new Stream(fd, url.Authority(), stop));
  if (url.secure) TRY(stream->Secure(url, tls, deadline));
  return stream;
}

// Repeats an operation of OpenSSL until it needs no more input or room to write.
template <typename Operation>
base::Result<size_t> Stream::Drive(Operation operation, const std::string& what,
                                   base::Deadline deadline) {
  const net::QuietPipe quiet;
  SSL* const ssl = tls_->session.get();
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int done = operation(ssl);
    if (done > 0) return static_cast<size_t>(done);
    const int number = errno;
    switch (SSL_get_error(ssl, done)) {
      case SSL_ERROR_WANT_READ:
        TRY(net::BlockUntilReady(fd_, Readiness::kRead, deadline, stop_, what));
        break;
      case SSL_ERROR_WANT_WRITE:
        TRY(net::BlockUntilReady(fd_, Readiness::kWrite, deadline, stop_, what));
        break;
      case SSL_ERROR_ZERO_RETURN:
        return size_t{0};
      case SSL_ERROR_SYSCALL:
        if (number != 0) return base::Fail(net::ErrnoError(number, what));
        [[fallthrough]];
      default:
        return base::Fail(ErrorCode::kUnavailable,
                          fmt::format("cannot {}: {}", what, TlsReason(ssl)));
    }
  }
}

base::Result<void> Stream::Secure(const net::ServiceUrl& url, const net::ServiceTls& tls,
                                  base::Deadline deadline) {
  tls_ = std::make_unique<Tls>();
  SSL_CTX* const context = tls_->context.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, tls.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  TRY(LoadFiles(context, tls));
  tls_->session.reset(SSL_new(context));
  SSL* const ssl = tls_->session.get();
  if (IsNumeric(url.host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), url.host.c_str());
  } else {
    SSL_set1_host(ssl, url.host.c_str());
    SSL_set_tlsext_host_name(ssl, url.host.c_str());
  }
  SSL_set_fd(ssl, fd_);
  auto shaken = Drive([](SSL* session) { return SSL_connect(session); },
                      fmt::format("agree on TLS with {}", peer_), deadline);
  if (shaken && *shaken > 0) return {};
  if (shaken) {
    return base::Fail(ErrorCode::kUnavailable,
                      fmt::format("cannot agree on TLS with {}: it closed the connection", peer_));
  }
  if (shaken.error().code == ErrorCode::kUnavailable) {
    shaken.error().hint = "give the authority that signed its certificate (tls: {ca: file})";
  }
  return base::Fail(std::move(shaken).error());
}

base::Result<void> Stream::Write(std::string_view bytes, base::Deadline deadline) {
  const std::string what = fmt::format("write to {}", peer_);
  while (!bytes.empty()) {
    if (tls_) {
      const auto write = [&](SSL* ssl) {
        constexpr size_t kMost = 1U << 30;
        return SSL_write(ssl, bytes.data(), static_cast<int>(std::min(bytes.size(), kMost)));
      };
      TRY(const size_t put, Drive(write, what, deadline));
      if (put == 0) return base::Fail(net::ErrnoError(EPIPE, what));
      bytes.remove_prefix(put);
      continue;
    }
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<size_t>(put));
    } else if (errno == EAGAIN) {
      TRY(net::BlockUntilReady(fd_, Readiness::kWrite, deadline, stop_, what));
    } else if (errno != EINTR) {
      return base::Fail(net::ErrnoError(errno, what));
    }
  }
  return {};
}

base::Result<size_t> Stream::Read(std::span<char> into, base::Deadline deadline) {
  const std::string what = fmt::format("read from {}", peer_);
  if (tls_) {
    const auto read = [&](SSL* ssl) {
      return SSL_read(ssl, into.data(), static_cast<int>(into.size()));
    };
    return Drive(read, what, deadline);
  }
  while (true) {
    const ssize_t got = ::recv(fd_, into.data(), into.size(), 0);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EAGAIN) {
      TRY(net::BlockUntilReady(fd_, Readiness::kRead, deadline, stop_, what));
    } else if (errno != EINTR) {
      return base::Fail(net::ErrnoError(errno, what));
    }
  }
}

bool Stream::HasInput() const {
  if (tls_ && SSL_has_pending(tls_->session.get()) == 1) return true;
  pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, 0) > 0;
}

}  // namespace redis::internal
