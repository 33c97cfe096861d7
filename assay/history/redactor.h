#pragma once
// Keeps secrets out of everything that a run writes.

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "lib/base/result.h"

namespace assay::history {

/// Replaces secrets by `[redacted:tag]`. The tag is a keyed digest of the secret, so that two
/// different secrets stay different in the log and nobody can guess one from its tag.
///
/// Known: values given to AddSecret, also as base64 (standard and URL alphabet, at any alignment),
/// percent-encoded, JSON-escaped and hexadecimal; overlapping ones are replaced as a whole.
/// Recognised: Authorization, Cookie and X-API-Key headers, passwords in URLs and JSON members,
/// signed URLs, signatures of JSON Web Tokens (their header and claims stay readable).
class Redactor {
 public:
  /// `tag_key` makes tags repeatable in tests; "" takes random bytes.
  explicit Redactor(std::string tag_key = {});
  ~Redactor();
  Redactor(Redactor&&) noexcept;
  Redactor& operator=(Redactor&&) noexcept;

  /// False when the value is shorter than 4 bytes: replacing that would destroy the log.
  bool AddSecret(std::string_view value);
  /// RE2 syntax; the first group is replaced, or the whole match when there is none.
  base::Result<void> AddPattern(std::string_view pattern);
  /// Text under this key of an object, or behind it in a [name, value] pair, is replaced, also in
  /// JSON, forms and queries that are kept as text; ASCII case does not matter.
  void AddSensitiveKey(std::string_view key);

  /// Also makes the text valid UTF-8: each broken byte becomes U+FFFD.
  std::string Text(std::string_view text) const;
  /// All texts and keys in it.
  void Json(boost::json::value& value) const;
  void Json(boost::json::object& object) const;
  /// Contents of a blob: like Text when it is UTF-8, otherwise only known secrets.
  std::string Bytes(std::string_view bytes) const;

 private:
  struct Needle {
    std::string text;
    size_t secret;  // number in tags_
  };
  struct Patterns;

  std::string Tag(std::string_view secret) const;
  void AddNeedle(std::string text, size_t secret);
  std::string ReplaceSecrets(std::string_view text) const;
  std::string ReplacePatterns(std::string text) const;
  bool IsSensitive(std::string_view key) const;
  void SensitiveValue(std::string_view key, boost::json::value& value) const;

  std::string tag_key_;
  std::vector<std::string> tags_;
  std::array<std::vector<Needle>, 256> needles_;  // by first byte, longest first
  bool has_needles_ = false;
  std::vector<std::string> sensitive_keys_;
  std::unique_ptr<Patterns> patterns_;
};

}  // namespace assay::history
