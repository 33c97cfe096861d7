#include "lib/objects/s3/server.h"

#include <algorithm>

#include <fmt/format.h>

namespace objects::s3 {
namespace {

using base::ErrorCode;

/// The URL as it may be shown: without anything before the last `@`, since a secret that is not
/// percent-encoded may hold any character.
std::string WithoutUser(std::string_view url) {
  const size_t at = url.rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  const size_t start = std::min(url.find("://"), at);
  const std::string scheme = start == at ? "" : std::string(url.substr(0, start + 3));
  return scheme + "***" + std::string(url.substr(at));
}

base::Result<void> ReadOptions(const http::Url& url, std::string_view shown, Server& server) {
  TRY(const auto options, http::ParseQuery(url.query));
  for (const http::QueryParam& option : options) {
    if (option.name == "region" && !option.value.empty()) {
      server.key.region = option.value;
    } else if (option.name == "addressing" && option.value == "virtual-host") {
      server.addressing = Addressing::kVirtualHost;
    } else if (option.name != "addressing" || option.value != "path") {
      return base::Fail(base::Error{
          .code = ErrorCode::kInvalid,
          .message = fmt::format("'{}' has the option '{}={}'", shown, option.name, option.value),
          .hint = "options are region=NAME, addressing=path and addressing=virtual-host"});
    }
  }
  return {};
}

}  // namespace

http::Url Server::UrlOf(std::string_view bucket, std::string_view key_of_object) const {
  http::Url made = url;
  while (made.path.ends_with('/')) made.path.pop_back();
  if (addressing == Addressing::kVirtualHost && !bucket.empty()) {
    made.host = std::string(bucket) + "." + made.host;
  } else if (!bucket.empty()) {
    made.path += "/" + http::PercentEncode(bucket);
  }
  if (!key_of_object.empty() || made.path.empty()) made.path += "/";
  made.path += http::PercentEncode(key_of_object, "/");
  return made;
}

base::Result<Server> ParseServer(std::string_view text) {
  const std::string shown = WithoutUser(text);
  // What the parser says may quote the text, and with it the password.
  auto parsed = http::ParseUrl(text);
  if (!parsed || (parsed->scheme != "http" && parsed->scheme != "https")) {
    return base::Fail(base::Error{
        .code = ErrorCode::kInvalid,
        .message = fmt::format("'{}' is no address of an S3 service", shown),
        .hint = "write it as http://KEY:SECRET@host:port or https://...; a `/` in the secret is "
                "%2F"});
  }
  Server server;
  TRY(ReadOptions(*parsed, shown, server));
  const auto access_key = http::PercentDecode(parsed->user);
  const auto secret_key = http::PercentDecode(parsed->password);
  if (!access_key || !secret_key || access_key->empty() != secret_key->empty()) {
    return base::Fail(
        base::Error{.code = ErrorCode::kInvalid,
                    .message = fmt::format("'{}' needs a key and its secret, or neither", shown),
                    .hint = "write it as http://KEY:SECRET@host:port; a `%` in the secret is %25"});
  }
  server.key.access_key = *access_key;
  server.key.secret_key = *secret_key;
  server.url = *std::move(parsed);
  server.url.user.clear();
  server.url.password.clear();
  server.url.query.clear();
  server.url.fragment.clear();
  return server;
}

}  // namespace objects::s3
