#include "lib/http/internal/wire.h"

#include "lib/net/error_mapping.h"

namespace http::internal {
namespace asio = boost::asio;
namespace {

template <typename Stream>
net::Task<std::pair<error_code, size_t>> ReadFrom(Stream& stream, asio::mutable_buffer into) {
  const auto [error, got] =
      co_await stream.async_read_some(into, asio::as_tuple(asio::use_awaitable));
  co_return std::pair(error, got);
}

template <typename Stream>
net::Task<error_code> WriteTo(Stream& stream, std::span<const asio::const_buffer> buffers) {
  const auto [error, put] =
      co_await asio::async_write(stream, buffers, asio::as_tuple(asio::use_awaitable));
  co_return error;
}

class PlainWire final : public Wire {
 public:
  explicit PlainWire(tcp::socket socket) : socket_(std::move(socket)) {}
  net::Task<error_code> Handshake() override { co_return error_code(); }
  net::Task<std::pair<error_code, size_t>> ReadSome(asio::mutable_buffer into) override {
    return ReadFrom(socket_, into);
  }
  net::Task<error_code> Write(std::span<const asio::const_buffer> buffers) override {
    return WriteTo(socket_, buffers);
  }
  tcp::socket& socket() override { return socket_; }
  bool secure() const override { return false; }
  Stream Release() override { return std::move(socket_); }

 private:
  tcp::socket socket_;
};

class TlsWire final : public Wire {
 public:
  TlsWire(tcp::socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}
  net::Task<error_code> Handshake() override {
    const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                                          asio::as_tuple(asio::use_awaitable));
    co_return error;
  }
  net::Task<std::pair<error_code, size_t>> ReadSome(asio::mutable_buffer into) override {
    return ReadFrom(stream_, into);
  }
  net::Task<error_code> Write(std::span<const asio::const_buffer> buffers) override {
    return WriteTo(stream_, buffers);
  }
  tcp::socket& socket() override { return stream_.next_layer(); }
  bool secure() const override { return true; }
  Stream Release() override { return std::move(stream_); }

 private:
  asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<Wire> MakePlainWire(tcp::socket socket) {
  return std::make_unique<PlainWire>(std::move(socket));
}

std::unique_ptr<Wire> MakeTlsWire(tcp::socket socket, asio::ssl::context& context) {
  return std::make_unique<TlsWire>(std::move(socket), context);
}

base::Result<std::unique_ptr<asio::ssl::context>> LoadTls(const TlsFiles& files) {
  using asio::ssl::context;
  auto loaded = std::make_unique<context>(context::tls_server);
  error_code error;
  loaded->set_options(context::default_workarounds | context::no_tlsv1 | context::no_tlsv1_1,
                      error);
  if (!error) loaded->use_certificate_chain_file(files.certificate, error);
  if (error) {
    return base::Fail(net::ToError(error, "load the certificate '" + files.certificate + "'"));
  }
  loaded->use_private_key_file(files.key, context::pem, error);
  if (error) return base::Fail(net::ToError(error, "load the key '" + files.key + "'"));
  if (!files.client_ca.empty()) {
    loaded->load_verify_file(files.client_ca, error);
    if (error) {
      return base::Fail(net::ToError(error, "load the client ca '" + files.client_ca + "'"));
    }
    loaded->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, error);
  }
  return loaded;
}

}  // namespace http::internal
