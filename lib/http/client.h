#pragma once
// HTTP client: many transfers at once on one event loop, over libcurl. HTTP/1.1 and HTTP/2,
// connection reuse, cookies, redirects, authentication, TLS facts, and the heads as they were on
// the wire.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/http/headers.h"
#include "lib/http/sigv4.h"
#include "lib/net/task.h"
#include "lib/net/tcp.h"

namespace http {

/// One cookie as it is stored.
struct Cookie {
  std::string domain;
  std::string path;
  std::string name;
  std::string value;
  bool secure = false;
  bool http_only = false;
  int64_t expires = 0;  ///< seconds since the epoch; 0: with the session
};

/// The cookies of one scenario. Requests of one Client may share it; it belongs to that client's
/// loop.
class CookieJar {
 public:
  CookieJar();
  ~CookieJar();
  CookieJar(const CookieJar&) = delete;
  CookieJar& operator=(const CookieJar&) = delete;

  std::vector<Cookie> All() const;
  void Clear();

  struct Share;
  Share& share() const { return *share_; }

 private:
  std::unique_ptr<Share> share_;
};

/// Bytes of a file, read while they are sent.
struct FileContent {
  std::string path;
};

/// One part of a multipart/form-data body.
struct FormPart {
  std::string name;
  std::variant<std::string, FileContent> content;
  std::string filename = {};      ///< empty: none for text, the file's own name for a file
  std::string content_type = {};  ///< empty: none for text, guessed for a file
};

/// Content-Type is the caller's to set, except for a form.
using RequestBody = std::variant<std::monostate, std::string, FileContent, std::vector<FormPart>>;

struct BasicAuth {
  std::string user;
  std::string password;
};
struct DigestAuth {
  std::string user;
  std::string password;
};
struct BearerAuth {
  std::string token;
};
/// Not sent on to another host after a redirect. A client certificate is in ClientTls.
using Auth = std::variant<std::monostate, BasicAuth, DigestAuth, BearerAuth, SigV4Key>;

enum class TlsVersion { kTls12, kTls13 };

struct ClientTls {
  std::string ca_file;      ///< PEM; empty: the system's
  bool insecure = false;    ///< takes any certificate
  std::string server_name;  ///< for SNI and verification; empty: the host of the URL
  std::string certificate;  ///< PEM of the client
  std::string key;          ///< PEM of the client
  std::string key_password;
  TlsVersion min_version = TlsVersion::kTls12;
};

enum class HttpVersion {
  kAny,    ///< HTTP/2 if the server offers it over TLS
  kHttp1,  ///< HTTP/1.1
  kHttp2,  ///< over TLS by ALPN, without TLS by upgrade
  kHttp2PriorKnowledge,
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  RequestBody body;
  Auth auth;
  ClientTls tls;
  HttpVersion version = HttpVersion::kAny;
  std::shared_ptr<CookieJar> cookies;

  bool follow = false;
  int max_redirects = 10;
  std::string proxy;        ///< URL; empty: none, whatever the environment says
  std::string unix_socket;  ///< path; empty: TCP
  bool decompress = true;   ///< offers gzip, deflate, br, zstd as far as known, and decodes
  std::string download_to;  ///< file for the response body; empty: memory
  uint64_t max_response = uint64_t{256} << 20;  ///< bytes of body after decoding
  base::Duration connect_timeout = std::chrono::seconds(30);
};

/// Phases of a transfer; each one lasts from the end of the one before. Zero: did not happen.
struct Timings {
  base::Duration dns{};
  base::Duration connect{};
  base::Duration tls{};
  base::Duration first_byte{};  ///< from the request sent to the first byte of the answer
  base::Duration total{};
};

/// The server's certificate. Known on the request that opened the connection.
struct CertificateFacts {
  std::string subject;
  std::string issuer;
  std::string valid_from;  ///< as OpenSSL prints it: "Nov 21 03:00:00 2026 GMT"
  std::string expires;
  std::vector<std::string> alt_names;  ///< "DNS:localhost", "IP Address:127.0.0.1"
};

/// A request and the head of its answer as they were on the wire (HTTP/2 is shown in HTTP/1 form).
struct WireHeads {
  std::string request;
  std::string response;
};

struct Redirect {
  int status = 0;
  std::string location;  ///< as received
};

struct ClientResponse {
  int status = 0;
  std::string version;  ///< "1.0", "1.1", "2"
  Headers headers;      ///< of the last answer, followed by its trailers
  std::string body;
  uint64_t body_bytes = 0;  ///< after decoding, also when downloaded to a file
  uint64_t sent_bytes = 0;  ///< of body, on the wire
  uint64_t received_bytes = 0;
  Timings timings;
  std::vector<Redirect> redirects;
  std::optional<CertificateFacts> certificate;
  std::string effective_url;
  net::Endpoint remote;
  bool reused_connection = false;
  std::vector<WireHeads> heads;  ///< one for each request sent, the last one last
};

struct ClientOptions {
  std::string user_agent = "assay";
  size_t max_connections = 0;          ///< in total; 0: no limit
  size_t max_idle_connections = 256;   ///< kept for reuse
  const base::Clock* clock = nullptr;  ///< for signatures; null: the system's
};

/// Belongs to one loop. Outlives its requests.
class Client {
 public:
  explicit Client(net::Executor executor, ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Any status is a success. kInvalid: the URL or a field; kUnavailable: no connection, or it
  /// broke; kTimeout; kTooLarge: the body or the number of redirects; kCorrupt: the answer is
  /// malformed or truncated; kCancelled.
  net::Task<base::Result<ClientResponse>> Send(ClientRequest request, base::Deadline deadline);

  const std::string& user_agent() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace http
