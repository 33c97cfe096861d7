#pragma once
// Which values of a request are secret, and the credentials that take their place.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "assay/importing/draft.h"
#include "assay/importing/exchange.h"

namespace assay::importing {

/// password, client_secret, accessToken, X-API-Key, ...: by the words in the name.
bool IsSensitiveName(std::string_view name);
/// Header fields that carry a secret: Authorization, Cookie, and those with a sensitive name.
bool IsSecretHeader(std::string_view name);
/// Three parts of base64url, the first of which begins a JSON object (RFC 7519).
bool IsJsonWebToken(std::string_view text);

/// Of the members of `auth`: those that are no secret.
bool IsOpenField(std::string_view name);

/// Cookies of a Cookie field, in order.
Pairs ParseCookies(std::string_view field);
/// Name and value of a Set-Cookie field.
std::pair<std::string, std::string> ParseSetCookie(std::string_view field);

/// The credentials of one import. A value that was once seen as a secret is replaced wherever it
/// stands.
class Secrets {
 public:
  /// `prefix` begins the names of environment variables.
  Secrets(Draft& draft, std::string prefix) : draft_(draft), prefix_(std::move(prefix)) {}

  /// Remembers the secrets of a request without making credentials yet.
  void Learn(const Exchange& exchange);
  /// Remembers one value; `name` is what its credential will be called. Short values are not
  /// looked for elsewhere.
  void Learn(std::string_view value, std::string_view name);

  /// The slot of the credential for `value`, made under that name if it is new.
  std::string Take(std::string_view value, std::string_view name);
  /// The slot of a credential without a known value.
  std::string Take(std::string_view name);
  /// Known secrets and JSON Web Tokens in the text are replaced by slots.
  std::string Replace(std::string_view text);
  /// Whether the text still holds a secret.
  bool Holds(std::string_view text) const;

 private:
  void LearnJson(std::string_view text);

  Draft& draft_;
  std::string prefix_;
  std::map<std::string, std::string, std::less<>> names_;  ///< value, wished name
  std::map<std::string, std::string, std::less<>> made_;   ///< value, credential
};

}  // namespace assay::importing
