#pragma once
// Media types (RFC 9110 8.3) and the weights of Accept fields (RFC 9110 12.4.2).

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/http/headers.h"

namespace http {

/// `text/html; charset=utf-8`; type, subtype and parameter names in lower case.
struct MediaType {
  std::string type;
  std::string subtype;
  std::vector<HeaderField> parameters;

  /// `text/html`
  std::string Essence() const { return type + "/" + subtype; }
  /// "" when absent.
  std::string_view Parameter(std::string_view name) const;
  /// application/json and every +json type.
  bool IsJson() const;
  /// text/*, JSON, XML, JavaScript, SVG: what gzip makes smaller.
  bool IsCompressible() const;
};

base::Result<MediaType> ParseMediaType(std::string_view text);

/// Parameters of a field value: `; name="a b"; filename=x`. `text` starts at the first semicolon.
base::Result<std::vector<HeaderField>> ParseParameters(std::string_view text);

/// One choice of an Accept, Accept-Encoding or Accept-Language field.
struct Preference {
  std::string value;  ///< lower case
  double weight = 1;  ///< 0 means "not acceptable"
};

/// In descending weight, equal weights in the order given. Malformed members are left out.
std::vector<Preference> ParsePreferences(std::string_view field);

/// Whether `coding` may be used for an answer; an absent field (empty text) accepts only
/// "identity".
bool AcceptsEncoding(std::string_view accept_encoding, std::string_view coding);

}  // namespace http
