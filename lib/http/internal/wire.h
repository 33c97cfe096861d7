#pragma once
// Wire: one accepted connection, plain or TLS. For .cc files.

#include <memory>

#include "lib/http/server.h"
#include "lib/net/pch/asio.h"

namespace http::internal {

using boost::asio::ip::tcp;
using boost::system::error_code;

class Wire {
 public:
  using Stream = std::variant<tcp::socket, boost::asio::ssl::stream<tcp::socket>>;

  virtual ~Wire() = default;
  virtual net::Task<error_code> Handshake() = 0;
  virtual net::Task<std::pair<error_code, size_t>> ReadSome(boost::asio::mutable_buffer into) = 0;
  virtual net::Task<error_code> Write(std::span<const boost::asio::const_buffer> buffers) = 0;
  virtual tcp::socket& socket() = 0;
  virtual bool secure() const = 0;
  /// Gives the connection away; nothing else may be called any more but socket().
  virtual Stream Release() = 0;
};

std::unique_ptr<Wire> MakePlainWire(tcp::socket socket);
std::unique_ptr<Wire> MakeTlsWire(tcp::socket socket, boost::asio::ssl::context& context);

base::Result<std::unique_ptr<boost::asio::ssl::context>> LoadTls(const TlsFiles& files);

}  // namespace http::internal
