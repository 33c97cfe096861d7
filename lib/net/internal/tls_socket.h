#pragma once
// What TLS clients of this library share; for .cc files.

#include "lib/net/error_mapping.h"
#include "lib/net/pch/asio.h"
#include "lib/net/tls.h"

namespace net::internal {

using TlsSocket = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

/// Asks for `server_name` (not for an address, RFC 6066 3) and demands it in the certificate.
base::Result<void> NameServer(TlsSocket& stream, const TlsContext& context,
                              const std::string& server_name);
/// Why a handshake failed: what OpenSSL says about the certificate, if that was it.
base::Error HandshakeError(TlsSocket& stream, const boost::system::error_code& error,
                           std::string_view what);
/// The connection as a socket of Asio.
base::Result<boost::asio::ip::tcp::socket> IntoSocket(const Executor& executor, TcpStream stream);

}  // namespace net::internal
