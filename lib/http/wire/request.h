#pragma once
// A request as the bytes that are sent again and again.

#include <cstdint>
#include <string>

#include "lib/base/result.h"
#include "lib/http/client.h"
#include "lib/net/tls.h"

namespace http::wire {

struct WireRequest {
  std::string host;  ///< name or address, without brackets
  uint16_t port = 80;
  bool tls = false;
  net::TlsClientOptions tls_options;
  std::string bytes;  ///< head and body
  bool is_head = false;
  uint64_t max_response = 0;

  bool SameServer(const WireRequest& other) const;
};

/// What http::Client would send. kUnsupported names what needs that client: HTTP/2, a proxy,
/// redirects, files, digest authentication, ... kInvalid: the URL or a field.
base::Result<WireRequest> ToWire(const ClientRequest& request, const std::string& user_agent);

}  // namespace http::wire
