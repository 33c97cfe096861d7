#include "assay/history/redactor.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <re2/re2.h>
#include <re2/set.h>

#include "lib/base/utf8.h"
#include "lib/crypto/base64.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"
#include "lib/json/canonical.h"

namespace assay::history {
namespace {

constexpr size_t kShortestSecret = 4;
// Shorter ones give base64 and hexadecimal fragments that also occur by chance.
constexpr size_t kShortestEncoded = 6;
constexpr size_t kShortestPatternText = 8;
constexpr std::string_view kMark = "[redacted:";

constexpr std::array<std::string_view, 9> kSensitiveKeys = {
    "authorization", "proxy-authorization",  "cookie",     "set-cookie",   "x-api-key",
    "password",      "x-amz-security-token", "secret_key", "session_token"};

// The first group is what is replaced.
constexpr std::array<std::string_view, 9> kPatterns = {
    // JSON Web Token (RFC 7519): only the signature makes it a credential.
    R"re(\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.([A-Za-z0-9_-]{8,}))re",
    // userinfo of a URL (RFC 3986, 3.2.1)
    R"re([A-Za-z][A-Za-z0-9+.-]*://[^/\s:@"]*:([^@/\s"]+)@)re",
    R"re((?i)\bauthorization"?\s*[:,]\s*"?(?:(?:bearer|basic|digest|token|apikey|negotiate)\s+)?([^\s",;]+))re",
    R"re((?i)\bx-api-key"?\s*[:,]\s*"?([^\s",;]+))re",
    R"re((?i)\bset-cookie"?\s*[:,]\s*"?[^=\s",;]+=([^\s",;]+))re",
    R"re((?i)(?:^|[\r\n"])cookie"?\s*[:,]\s*"?([^"\r\n]+))re",
    // Not where an Authorization header names it among the signed ones.
    R"re((?i)\bx-amz-security-token(?:"\s*[:,]\s*"|:\s*)([^\s",;]+))re",
    R"re((?i)"(?:password|secret_key|session_token)"\s*:\s*"((?:[^"\\]|\\.)+)")re",
    // Signed URLs and credentials in queries; SigV4 in an Authorization header.
    R"re((?i)[?&,\s](?:x-amz-signature|x-amz-security-token|signature|access_token|api_key|password|token)=([^&\s",]+))re",
};

std::string PercentEncode(std::string_view text, bool upper, bool plus) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else if (plus && c == ' ') {
      out += '+';
    } else {
      out += upper ? fmt::format("%{:02X}", byte) : fmt::format("%{:02x}", byte);
    }
  }
  return out;
}

// The characters of base64 that only depend on the secret when it stands `offset` bytes behind a
// group of three.
std::string Base64Core(std::string_view secret, size_t offset) {
  const std::string text = crypto::Base64(std::string(offset, '\0') + std::string(secret));
  const size_t first = (offset * 8 + 5) / 6;
  const size_t last = (offset + secret.size()) * 8 / 6;
  return text.substr(first, last - first);
}

std::string ToUrlAlphabet(std::string text) {
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string MakeUtf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = base::utf8_detail::SequenceLength(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace

struct Redactor::Patterns {
  std::vector<std::string> sources;
  std::vector<std::unique_ptr<RE2>> single;
  std::unique_ptr<RE2::Set> any;  // one pass finds out whether a text needs a closer look

  void Rebuild() {
    any = std::make_unique<RE2::Set>(RE2::DefaultOptions, RE2::UNANCHORED);
    for (const std::string& source : sources) any->Add(source, nullptr);
    any->Compile();
  }
};

Redactor::Redactor(std::string tag_key)
    : tag_key_(tag_key.empty() ? crypto::RandomBytes(16) : std::move(tag_key)),
      sensitive_keys_(kSensitiveKeys.begin(), kSensitiveKeys.end()),
      patterns_(std::make_unique<Patterns>()) {
  for (const std::string_view pattern : kPatterns) {
    patterns_->sources.emplace_back(pattern);
    patterns_->single.push_back(std::make_unique<RE2>(std::string(pattern), RE2::Quiet));
  }
  patterns_->Rebuild();
}
Redactor::~Redactor() = default;
Redactor::Redactor(Redactor&&) noexcept = default;
Redactor& Redactor::operator=(Redactor&&) noexcept = default;

std::string Redactor::Tag(std::string_view secret) const {
  const auto digest = crypto::HmacSha256(tag_key_, secret);
  return fmt::format("{}{}]", kMark, crypto::ToHex(std::span(digest).first(4)));
}

void Redactor::AddNeedle(std::string text, size_t secret) {
  if (text.size() < kShortestSecret) return;
  auto& bucket = needles_[static_cast<unsigned char>(text[0])];
  if (std::ranges::find(bucket, text, &Needle::text) != bucket.end()) return;
  bucket.push_back({std::move(text), secret});
  std::ranges::sort(bucket, std::greater{},
                    [](const Needle& n) { return std::pair(n.text.size(), n.text); });
  has_needles_ = true;
}

bool Redactor::AddSecret(std::string_view value) {
  if (value.size() < kShortestSecret) return false;
  const size_t number = tags_.size();
  tags_.push_back(Tag(value));
  AddNeedle(std::string(value), number);
  for (const bool upper : {true, false}) {
    for (const bool plus : {true, false}) {
      AddNeedle(PercentEncode(value, upper, plus), number);
    }
  }
  const std::string quoted = json::Canonical(boost::json::value(MakeUtf8(value)));
  std::string escaped = quoted.substr(1, quoted.size() - 2);
  AddNeedle(escaped, number);
  for (size_t at = 0; (at = escaped.find('/', at)) != std::string::npos; at += 2) {
    escaped.insert(at, 1, '\\');
  }
  AddNeedle(std::move(escaped), number);
  if (value.size() >= kShortestEncoded) {
    for (size_t offset = 0; offset < 3; ++offset) {
      const std::string core = Base64Core(value, offset);
      AddNeedle(core, number);
      AddNeedle(ToUrlAlphabet(core), number);
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(value.data());
    const std::string hex = crypto::ToHex(std::span(bytes, value.size()));
    std::string upper_hex = hex;
    for (char& c : upper_hex) {
      if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
    }
    AddNeedle(hex, number);
    AddNeedle(std::move(upper_hex), number);
  }
  return true;
}

base::Result<void> Redactor::AddPattern(std::string_view pattern) {
  auto compiled = std::make_unique<RE2>(std::string(pattern), RE2::Quiet);
  if (!compiled->ok()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("redaction pattern \"{}\" is not a regular expression: {}",
                                  pattern, compiled->error()));
  }
  patterns_->sources.emplace_back(pattern);
  patterns_->single.push_back(std::move(compiled));
  patterns_->Rebuild();
  return {};
}

void Redactor::AddSensitiveKey(std::string_view key) {
  sensitive_keys_.push_back(Lower(key));
  const std::string quoted = RE2::QuoteMeta(key);
  // The same member in bodies that are kept as text: JSON, and forms or queries.
  for (const std::string& pattern :
       {fmt::format(R"re((?i)"{}"\s*:\s*"((?:[^"\\]|\\.)+)")re", quoted),
        fmt::format(R"re((?i)(?:^|[?&\s]){}=([^&\s",]+))re", quoted)}) {
    static_cast<void>(AddPattern(pattern));  // both are regular expressions whatever the key is
  }
}

std::string Redactor::ReplaceSecrets(std::string_view text) const {
  if (!has_needles_) return std::string(text);
  std::string out;
  size_t copied = 0;
  size_t begin = 0;
  size_t end = 0;  // the open range [begin, end), empty when end == 0
  size_t secret = 0;
  const auto close = [&] {
    if (end == 0) return;
    out += text.substr(copied, begin - copied);
    out += tags_[secret];
    copied = end;
    end = 0;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (end != 0 && i >= end) close();
    for (const Needle& needle : needles_[static_cast<unsigned char>(text[i])]) {
      if (!text.substr(i).starts_with(needle.text)) continue;
      if (end == 0) {
        begin = i;
        secret = needle.secret;
      }
      end = std::max(end, i + needle.text.size());
      break;
    }
  }
  close();
  out += text.substr(copied);
  return out;
}

std::string Redactor::ReplacePatterns(std::string text) const {
  if (text.size() < kShortestPatternText || !patterns_->any->Match(text, nullptr)) return text;
  for (const auto& pattern : patterns_->single) {
    const int groups = std::min(pattern->NumberOfCapturingGroups(), 1) + 1;
    std::array<re2::StringPiece, 2> found;
    std::string out;
    size_t at = 0;
    size_t copied = 0;
    const re2::StringPiece whole(text);
    while (at <= text.size() &&
           pattern->Match(whole, at, text.size(), RE2::UNANCHORED, found.data(), groups)) {
      const re2::StringPiece hit = groups == 2 && found[1].data() != nullptr ? found[1] : found[0];
      const auto begin = static_cast<size_t>(hit.data() - text.data());
      const std::string_view value = std::string_view(text).substr(begin, hit.size());
      if (!value.empty() && !value.starts_with(kMark)) {
        out.append(text, copied, begin - copied);
        out += Tag(value);
        copied = begin + value.size();
      }
      const auto match_end = static_cast<size_t>(found[0].data() - text.data()) + found[0].size();
      at = std::max(match_end, at + 1);
    }
    if (copied == 0) continue;
    out.append(text, copied);
    text = std::move(out);
  }
  return text;
}

std::string Redactor::Text(std::string_view text) const {
  std::string clean = ReplaceSecrets(text);
  if (!base::IsUtf8(clean)) clean = MakeUtf8(clean);
  return ReplacePatterns(std::move(clean));
}

std::string Redactor::Bytes(std::string_view bytes) const {
  std::string clean = ReplaceSecrets(bytes);
  if (!base::IsUtf8(clean)) return clean;
  return ReplacePatterns(std::move(clean));
}

bool Redactor::IsSensitive(std::string_view key) const {
  const size_t size = key.size();
  if (std::ranges::none_of(sensitive_keys_, [&](const auto& k) { return k.size() == size; })) {
    return false;
  }
  return std::ranges::find(sensitive_keys_, Lower(key)) != sensitive_keys_.end();
}

// Keeps what a scenario may rightly ask about: the scheme of Authorization, the name and attributes
// of a cookie.
void Redactor::SensitiveValue(std::string_view key, boost::json::value& value) const {
  if (auto* list = value.if_array()) {
    for (auto& element : *list) SensitiveValue(key, element);
    return;
  }
  if (!value.is_string() || value.get_string().empty()) return Json(value);
  const std::string text(value.get_string());
  const std::string name = Lower(key);
  size_t begin = 0;
  size_t end = text.size();
  if (name.ends_with("authorization")) {
    const size_t blank = text.find(' ');
    begin = blank == std::string::npos ? 0 : blank + 1;
  } else if (name == "set-cookie") {
    const size_t equals = text.find('=');
    begin = equals == std::string::npos ? 0 : equals + 1;
    end = std::min(text.find(';', begin), text.size());
  }
  const std::string secret = text.substr(begin, end - begin);
  if (secret.empty() || secret.starts_with(kMark)) return;
  value = Text(text.substr(0, begin)) + Tag(secret) + Text(text.substr(end));
}

void Redactor::Json(boost::json::object& object) const {
  boost::json::object out(object.storage());
  out.reserve(object.size());
  for (auto& [key, value] : object) {
    if (IsSensitive(key)) {
      SensitiveValue(key, value);
    } else {
      Json(value);
    }
    out[Text(key)] = std::move(value);
  }
  object = std::move(out);
}

void Redactor::Json(boost::json::value& value) const {
  if (auto* text = value.if_string()) {
    const std::string_view before(text->data(), text->size());
    std::string after = Text(before);
    if (after != before) *text = after;
  } else if (auto* array = value.if_array()) {
    if (array->size() == 2 && (*array)[0].is_string() && IsSensitive((*array)[0].get_string())) {
      return SensitiveValue(std::string((*array)[0].get_string()), (*array)[1]);
    }
    for (auto& element : *array) Json(element);
  } else if (auto* object = value.if_object()) {
    Json(*object);
  }
}

}  // namespace assay::history
