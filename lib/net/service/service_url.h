#pragma once
// Where a service is reached and who asks: `redis://user:password@host:port/db` and its relatives.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace net {

/// A scheme that a client takes.
struct ServiceScheme {
  std::string_view name;
  uint16_t port = 0;  ///< when the URL names none
  bool secure = false;
};

/// The parts of such a URL (RFC 3986), percent-decoded.
struct ServiceUrl {
  std::string scheme;  ///< lower case
  std::string user;
  std::string password;
  std::string host;  ///< without the brackets of an IPv6 address
  uint16_t port = 0;
  std::string path;  ///< without the first `/`
  bool secure = false;

  /// `host:port`, `[::1]:6379`.
  std::string Authority() const;
};

/// kInvalid names what is wrong; the message never shows user and password. A query or fragment is
/// refused: options are given beside the URL.
base::Result<ServiceUrl> ParseServiceUrl(std::string_view text,
                                         std::span<const ServiceScheme> schemes);

/// How the two sides of a secure connection prove who they are.
struct ServiceTls {
  std::string ca_file;      ///< PEM of trusted certificates; "": the system's
  bool insecure = false;    ///< takes any certificate
  std::string certificate;  ///< PEM file of the client's own, "" for none
  std::string key;          ///< PEM file of its key
};

}  // namespace net
