#pragma once
// URLs, percent-encoding and the forms that travel in them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace http {

/// The parts of an absolute http or https URL (RFC 3986), as written: still percent-encoded.
struct Url {
  std::string scheme;  ///< lower case
  std::string user;
  std::string password;
  std::string host;  ///< without the brackets of an IPv6 address
  uint16_t port = 0;
  std::string path;  ///< at least "/"
  std::string query;
  std::string fragment;

  bool secure() const { return scheme == "https" || scheme == "wss"; }
  /// `host:port` for messages and Host fields; the port only when it is not the scheme's own.
  std::string Authority() const;
  /// Path and query, as in a request line.
  std::string Target() const;
  std::string ToString() const;
};

/// Accepts the schemes http, https, ws and wss. kInvalid names what is wrong.
base::Result<Url> ParseUrl(std::string_view text);
/// Resolves a relative reference, such as a Location field, against `base`.
base::Result<Url> ResolveUrl(const Url& base, std::string_view reference);

/// Keeps the unreserved characters of RFC 3986 (letters, digits, `-._~`) and those of `keep`.
std::string PercentEncode(std::string_view text, std::string_view keep = {});
/// kInvalid: a `%` without two hex digits.
base::Result<std::string> PercentDecode(std::string_view text);

struct QueryParam {
  std::string name;
  std::string value;
  bool operator==(const QueryParam&) const = default;
};

/// application/x-www-form-urlencoded: `+` is a space, pairs are separated by `&`; order and
/// repetitions are kept.
base::Result<std::vector<QueryParam>> ParseQuery(std::string_view query);
std::string FormatQuery(const std::vector<QueryParam>& params);

}  // namespace http
