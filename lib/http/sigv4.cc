#include "lib/http/sigv4.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

#include "lib/crypto/hash.h"

namespace http {
namespace {

std::string Hmac(std::string_view key, std::string_view text) {
  const crypto::Digest256 digest = crypto::HmacSha256(key, text);
  return {digest.begin(), digest.end()};
}

/// `20130524T000000Z`
std::string BasicTime(base::WallTime time) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts)};
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

/// Every service but S3 wants the path encoded twice.
std::string CanonicalPath(const SigV4Key& key, const Url& url) {
  const std::string plain = PercentDecode(url.path).value_or(url.path);
  const std::string once = PercentEncode(plain, "/");
  return key.service == "s3" ? once : PercentEncode(once, "/");
}

std::string CanonicalQuery(const Url& url) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const QueryParam& param : ParseQuery(url.query).value_or(std::vector<QueryParam>())) {
    pairs.emplace_back(PercentEncode(param.name), PercentEncode(param.value));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string query;
  for (const auto& [name, value] : pairs) query += (query.empty() ? "" : "&") + name + "=" + value;
  return query;
}

struct Signed {
  std::string names;      ///< `host;x-amz-date`
  std::string canonical;  ///< `host:...\nx-amz-date:...\n`
};

Signed CanonicalFields(std::string_view host, const Headers& headers) {
  std::vector<std::pair<std::string, std::string>> fields = {{"host", std::string(host)}};
  for (const HeaderField& field : headers) {
    const std::string name = Lower(field.name);
    if (name != "content-type" && !name.starts_with("x-amz-")) continue;
    fields.emplace_back(name, TrimBlanks(field.value));
  }
  std::sort(fields.begin(), fields.end());
  Signed result;
  for (const auto& [name, value] : fields) {
    result.names += (result.names.empty() ? "" : ";") + name;
    result.canonical += name + ":" + value + "\n";
  }
  return result;
}

std::string Scope(const SigV4Key& key, const std::string& time) {
  return time.substr(0, 8) + "/" + key.region + "/" + key.service + "/aws4_request";
}

std::string Signature(const SigV4Key& key, const std::string& time, std::string_view method,
                      const Url& url, const Signed& fields, std::string_view payload_hash) {
  std::string request(method);
  request += "\n" + CanonicalPath(key, url) + "\n" + CanonicalQuery(url) + "\n" + fields.canonical +
             "\n" + fields.names + "\n";
  request += payload_hash;
  const std::string text =
      "AWS4-HMAC-SHA256\n" + time + "\n" + Scope(key, time) + "\n" + crypto::Sha256Hex(request);
  const std::string date_key = Hmac("AWS4" + key.secret_key, time.substr(0, 8));
  const std::string service_key = Hmac(Hmac(date_key, key.region), key.service);
  return crypto::ToHex(crypto::HmacSha256(Hmac(service_key, "aws4_request"), text));
}

}  // namespace

std::string PayloadHash(std::string_view body) { return crypto::Sha256Hex(body); }

Headers SignV4(const SigV4Key& key, base::WallTime time, std::string_view method, const Url& url,
               const Headers& headers, std::string_view payload_hash) {
  const std::string at = BasicTime(time);
  Headers added{{"X-Amz-Date", at}};
  if (key.service == "s3") added.Add("X-Amz-Content-Sha256", payload_hash);
  if (!key.session_token.empty()) added.Add("X-Amz-Security-Token", key.session_token);
  Headers all = headers;
  for (const HeaderField& field : added) all.Set(field.name, field.value);
  const Signed fields = CanonicalFields(headers.Get("Host").value_or(url.Authority()), all);
  added.Add("Authorization", "AWS4-HMAC-SHA256 Credential=" + key.access_key + "/" +
                                 Scope(key, at) + ",SignedHeaders=" + fields.names + ",Signature=" +
                                 Signature(key, at, method, url, fields, payload_hash));
  return added;
}

Url PresignV4(const SigV4Key& key, base::WallTime time, std::string_view method, const Url& url,
              std::chrono::seconds valid) {
  const std::string at = BasicTime(time);
  Url presigned = url;
  const Signed fields = CanonicalFields(url.Authority(), {});
  std::vector<QueryParam> params = ParseQuery(url.query).value_or(std::vector<QueryParam>());
  params.push_back({"X-Amz-Algorithm", "AWS4-HMAC-SHA256"});
  params.push_back({"X-Amz-Credential", key.access_key + "/" + Scope(key, at)});
  params.push_back({"X-Amz-Date", at});
  params.push_back({"X-Amz-Expires", std::to_string(valid.count())});
  if (!key.session_token.empty()) params.push_back({"X-Amz-Security-Token", key.session_token});
  params.push_back({"X-Amz-SignedHeaders", fields.names});
  presigned.query = FormatQuery(params);
  presigned.query +=
      "&X-Amz-Signature=" + Signature(key, at, method, presigned, fields, kUnsignedPayload);
  return presigned;
}

}  // namespace http
