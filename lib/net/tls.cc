#include "lib/net/tls.h"

#include <filesystem>

#include <openssl/x509_vfy.h>
#include <unistd.h>

#include "lib/net/internal/tls_socket.h"
#include "lib/net/timer.h"

namespace net {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using internal::TlsSocket;

namespace {

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(TcpStream stream) : stream_(std::move(stream)) {}
  Task<base::Result<size_t>> Read(std::span<std::byte> into, base::Deadline deadline) override {
    return stream_.Read(into, deadline);
  }
  Task<base::Result<void>> Write(std::span<const std::byte> bytes,
                                 base::Deadline deadline) override {
    return stream_.Write(bytes, deadline);
  }
  Task<base::Result<void>> FinishWriting(base::Deadline /*deadline*/) override {
    stream_.FinishWriting();
    co_return base::Result<void>();
  }
  void Close() override { stream_.Close(); }
  Endpoint remote() const override { return stream_.remote(); }

 private:
  TcpStream stream_;
};

/// TLS 1.3 peers end a connection with FIN alone often enough that it is taken for an end.
bool IsEnd(const error_code& error) {
  return error == asio::error::eof || error == asio::ssl::error::stream_truncated;
}

class TlsStream final : public ByteStream {
 public:
  TlsStream(tcp::socket socket, TlsContext context)
      : context_(std::move(context)), stream_(std::move(socket), context_.native()) {}

  TlsSocket& native() { return stream_; }
  const TlsContext& context() const { return context_; }

  Task<base::Result<void>> Handshake(asio::ssl::stream_base::handshake_type role,
                                     std::string_view what) {
    const auto [error] =
        co_await stream_.async_handshake(role, asio::as_tuple(asio::use_awaitable));
    if (error) co_return base::Fail(internal::HandshakeError(stream_, error, what));
    co_return base::Result<void>();
  }

  Task<base::Result<size_t>> Read(std::span<std::byte> into, base::Deadline deadline) override {
    return Within(ReadSome(into), deadline, "read");
  }
  Task<base::Result<void>> Write(std::span<const std::byte> bytes,
                                 base::Deadline deadline) override {
    return Within(WriteAll(bytes), deadline, "write");
  }
  // Asio ends both directions of a TLS connection at once.
  Task<base::Result<void>> FinishWriting(base::Deadline /*deadline*/) override {
    co_return base::Fail(base::ErrorCode::kUnsupported,
                         "a TLS connection cannot end one direction only");
  }
  void Close() override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }
  Endpoint remote() const override {
    error_code error;
    const auto at = stream_.next_layer().remote_endpoint(error);
    return error ? Endpoint{} : Endpoint{.address = at.address().to_string(), .port = at.port()};
  }

 private:
  template <typename T>
  static Task<base::Result<T>> Within(Task<base::Result<T>> task, base::Deadline deadline,
                                      const char* what) {
    auto result = co_await WithDeadline(std::move(task), deadline);
    if (!result && result.error().code == base::ErrorCode::kTimeout) {
      co_return base::Fail(TimeoutError(what));
    }
    co_return std::move(result);
  }
  Task<base::Result<size_t>> ReadSome(std::span<std::byte> into) {
    const auto [error, got] = co_await stream_.async_read_some(
        asio::buffer(into.data(), into.size()), asio::as_tuple(asio::use_awaitable));
    if (IsEnd(error)) co_return size_t{0};
    if (error) co_return base::Fail(ToError(error, "read"));
    co_return got;
  }
  Task<base::Result<void>> WriteAll(std::span<const std::byte> bytes) {
    const auto [error, put] = co_await asio::async_write(
        stream_, asio::buffer(bytes.data(), bytes.size()), asio::as_tuple(asio::use_awaitable));
    if (error) co_return base::Fail(ToError(error, "write"));
    co_return base::Result<void>();
  }

  TlsContext context_;
  TlsSocket stream_;
};

base::Result<void> UsePair(asio::ssl::context& context, const std::string& certificate,
                           const std::string& key) {
  error_code error;
  context.use_certificate_chain_file(certificate, error);
  if (error) {
    return base::Fail(
        ToError(error, "load the certificate '" + certificate + "'").Hint("expected a PEM file"));
  }
  context.use_private_key_file(key, asio::ssl::context::pem, error);
  if (error) {
    return base::Fail(ToError(error, "load the key '" + key + "'")
                          .Hint("expected a PEM file that fits the certificate"));
  }
  return {};
}

base::Result<void> Trust(asio::ssl::context& context, const std::string& file) {
  error_code error;
  if (!std::filesystem::exists(file, error)) {
    return base::Fail(base::ErrorCode::kNotFound, "there is no file '" + file + "'");
  }
  context.load_verify_file(file, error);
  if (error) {
    return base::Fail(
        ToError(error, "load the trusted certificates '" + file + "'").Hint("expected a PEM file"));
  }
  return {};
}

std::shared_ptr<asio::ssl::context> Fresh(asio::ssl::context::method method) {
  auto context = std::make_shared<asio::ssl::context>(method);
  error_code ignored;
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1,
                       ignored);
  return context;
}

}  // namespace

std::unique_ptr<ByteStream> OverTcp(TcpStream stream) {
  return std::make_unique<PlainStream>(std::move(stream));
}

base::Result<TlsContext> TlsContext::ForClient(const TlsClientOptions& options) {
  auto context = Fresh(asio::ssl::context::tls_client);
  error_code error;
  if (options.at_least_13) {
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  }
  if (!options.key_password.empty()) {
    context->set_password_callback(
        [password = options.key_password](size_t, asio::ssl::context::password_purpose) {
          return password;
        },
        error);
  }
  if (!options.certificate.empty()) TRY(UsePair(*context, options.certificate, options.key));
  if (options.insecure) {
    context->set_verify_mode(asio::ssl::verify_none, error);
  } else {
    context->set_verify_mode(asio::ssl::verify_peer, error);
    if (options.ca_file.empty()) {
      context->set_default_verify_paths(error);
      if (error) return base::Fail(ToError(error, "load the system's trusted certificates"));
    } else {
      TRY(Trust(*context, options.ca_file));
    }
  }
  return TlsContext(std::move(context), !options.insecure);
}

base::Result<TlsContext> TlsContext::ForServer(const TlsServerOptions& options) {
  auto context = Fresh(asio::ssl::context::tls_server);
  TRY(UsePair(*context, options.certificate, options.key));
  if (!options.client_ca.empty()) {
    TRY(Trust(*context, options.client_ca));
    error_code error;
    context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert,
                             error);
  }
  return TlsContext(std::move(context), !options.client_ca.empty());
}

namespace internal {

base::Result<void> NameServer(TlsSocket& stream, const TlsContext& context,
                              const std::string& server_name) {
  error_code error;
  const bool numeric = (asio::ip::make_address(server_name, error), !error);
  if (!numeric && SSL_set_tlsext_host_name(stream.native_handle(), server_name.c_str()) != 1) {
    return base::Fail(base::ErrorCode::kInvalid, "'" + server_name + "' is no server name for TLS");
  }
  if (context.verifies()) {
    stream.set_verify_callback(asio::ssl::host_name_verification(server_name), error);
  }
  return {};
}

base::Error HandshakeError(TlsSocket& stream, const error_code& error, std::string_view what) {
  const long verdict = SSL_get_verify_result(stream.native_handle());
  if (error.category() == asio::error::get_ssl_category() && verdict != X509_V_OK) {
    return base::Error{.code = base::ErrorCode::kUnavailable,
                       .message = "cannot " + std::string(what) + ": the certificate is refused: " +
                                  X509_verify_cert_error_string(verdict)}
        .Hint("name the CA that signed it, or take any certificate");
  }
  base::Error failure = ToError(error, what);
  if (failure.code == base::ErrorCode::kIo) failure.code = base::ErrorCode::kUnavailable;
  return failure;
}

base::Result<tcp::socket> IntoSocket(const Executor& executor, TcpStream stream) {
  const bool v6 = stream.local().address.find(':') != std::string::npos;
  const int descriptor = stream.Release();
  error_code error;
  tcp::socket socket(executor);
  socket.assign(v6 ? tcp::v6() : tcp::v4(), descriptor, error);
  if (error) {
    ::close(descriptor);
    return base::Fail(ToError(error, "take over a connection"));
  }
  return socket;
}

}  // namespace internal

namespace {

Task<base::Result<std::unique_ptr<ByteStream>>> Handshaken(
    std::unique_ptr<TlsStream> stream, asio::ssl::stream_base::handshake_type role,
    std::string what, base::Deadline deadline) {
  auto done = co_await WithDeadline(stream->Handshake(role, what), deadline);
  if (done) co_return std::move(stream);
  if (done.error().code == base::ErrorCode::kTimeout) co_return base::Fail(TimeoutError(what));
  co_return base::Fail(std::move(done).error());
}

}  // namespace

Task<base::Result<std::unique_ptr<ByteStream>>> TlsConnect(TcpStream stream, TlsContext context,
                                                           std::string server_name,
                                                           base::Deadline deadline) {
  const std::string what = "start TLS with " + stream.remote().ToString();
  CO_TRY(auto socket, internal::IntoSocket(co_await asio::this_coro::executor, std::move(stream)));
  auto tls = std::make_unique<TlsStream>(std::move(socket), std::move(context));
  CO_TRY(internal::NameServer(tls->native(), tls->context(), server_name));
  co_return co_await Handshaken(std::move(tls), asio::ssl::stream_base::client, what, deadline);
}

Task<base::Result<std::unique_ptr<ByteStream>>> TlsAccept(TcpStream stream, TlsContext context,
                                                          base::Deadline deadline) {
  const std::string what = "start TLS with " + stream.remote().ToString();
  CO_TRY(auto socket, internal::IntoSocket(co_await asio::this_coro::executor, std::move(stream)));
  auto tls = std::make_unique<TlsStream>(std::move(socket), std::move(context));
  co_return co_await Handshaken(std::move(tls), asio::ssl::stream_base::server, what, deadline);
}

}  // namespace net
