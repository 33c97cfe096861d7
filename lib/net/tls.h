#pragma once
// TLS over TCP (OpenSSL), at least version 1.2, for clients and servers.

#include <memory>
#include <string>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/stream.h"
#include "lib/net/task.h"
#include "lib/net/tcp.h"

namespace boost::asio::ssl {
class context;
}

namespace net {

/// How a client checks the server, and shows who it is. PEM files.
struct TlsClientOptions {
  std::string ca_file = {};      ///< trusted certificates; empty: the system's
  bool insecure = false;         ///< takes any certificate
  std::string server_name = {};  ///< for SNI and verification; empty: the host connected to
  std::string certificate = {};
  std::string key = {};
  std::string key_password = {};
  bool at_least_13 = false;  ///< refuses TLS 1.2
};

/// PEM files. With `client_ca` every client must show a certificate that it signed.
struct TlsServerOptions {
  std::string certificate;
  std::string key;
  std::string client_ca = {};
};

/// Loaded certificates and keys; shared by connections.
class TlsContext {
 public:
  /// kNotFound, kInvalid: a file that cannot be read or is not what it should be.
  static base::Result<TlsContext> ForClient(const TlsClientOptions& options);
  static base::Result<TlsContext> ForServer(const TlsServerOptions& options);

  boost::asio::ssl::context& native() const { return *context_; }
  bool verifies() const { return verifies_; }

 private:
  TlsContext(std::shared_ptr<boost::asio::ssl::context> context, bool verifies)
      : context_(std::move(context)), verifies_(verifies) {}
  std::shared_ptr<boost::asio::ssl::context> context_;
  bool verifies_;
};

/// Handshakes. `server_name` is asked for and, when the context verifies, must be in the
/// certificate. kUnavailable: the handshake failed; the message says what is wrong with a
/// certificate.
Task<base::Result<std::unique_ptr<ByteStream>>> TlsConnect(TcpStream stream, TlsContext context,
                                                           std::string server_name,
                                                           base::Deadline deadline);
Task<base::Result<std::unique_ptr<ByteStream>>> TlsAccept(TcpStream stream, TlsContext context,
                                                          base::Deadline deadline);

}  // namespace net
