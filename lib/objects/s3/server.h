#pragma once
// Where an S3 service is and with which key it is used.

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/http/client.h"
#include "lib/http/sigv4.h"
#include "lib/http/uri.h"

namespace objects::s3 {

/// How a bucket is named in a request.
enum class Addressing {
  kPath,         ///< http://host/bucket/key
  kVirtualHost,  ///< http://bucket.host/key
};

struct Server {
  http::Url url;       ///< without user, password, query and fragment
  http::SigV4Key key;  ///< without access key: requests are not signed
  Addressing addressing = Addressing::kPath;
  http::ClientTls tls = {};

  /// The URL of the service itself, a bucket or an object.
  http::Url UrlOf(std::string_view bucket, std::string_view key_of_object) const;
};

/// `https://KEY:SECRET@host:port/base?region=eu-west-1&addressing=virtual-host`; user, password and
/// query are optional and percent-encoded where needed. Errors do not show the password.
base::Result<Server> ParseServer(std::string_view url);

}  // namespace objects::s3
