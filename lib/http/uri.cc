#include "lib/http/uri.h"

#include <algorithm>
#include <charconv>

#include <boost/url.hpp>

#include "lib/http/headers.h"

namespace http {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

uint16_t DefaultPort(std::string_view scheme) {
  return scheme == "https" || scheme == "wss" ? 443 : 80;
}

base::Result<Url> FromView(const boost::urls::url_view_base& view, std::string_view text) {
  Url url;
  url.scheme = view.scheme();
  std::transform(url.scheme.begin(), url.scheme.end(), url.scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr std::string_view kSchemes[] = {"http", "https", "ws", "wss"};
  if (std::find(std::begin(kSchemes), std::end(kSchemes), url.scheme) == std::end(kSchemes)) {
    return base::Fail(base::ErrorCode::kInvalid, "url '" + std::string(text) +
                                                     "' has the scheme '" + url.scheme +
                                                     "', expected http, https, ws or wss");
  }
  url.host = view.encoded_host();
  if (url.host.size() > 2 && url.host.front() == '[')
    url.host = url.host.substr(1, url.host.size() - 2);
  if (url.host.empty()) {
    return base::Fail(base::ErrorCode::kInvalid, "url '" + std::string(text) + "' has no host");
  }
  url.user = view.encoded_user();
  url.password = view.encoded_password();
  url.port = DefaultPort(url.scheme);
  if (const std::string port = view.port(); !port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port == 0) {
      return base::Fail(base::ErrorCode::kInvalid, "url '" + std::string(text) + "' has port '" +
                                                       port + "', expected 1 to 65535");
    }
  }
  url.path = view.encoded_path();
  if (url.path.empty()) url.path = "/";
  url.query = view.encoded_query();
  url.fragment = view.encoded_fragment();
  return url;
}

base::Error Malformed(std::string_view text, std::string_view why) {
  return {.code = base::ErrorCode::kInvalid,
          .message = "'" + std::string(text) + "' is not a url: " + std::string(why),
          .hint = "write it as http://host:port/path"};
}

}  // namespace

std::string Url::Authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != DefaultPort(scheme)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::Target() const { return query.empty() ? path : path + "?" + query; }

std::string Url::ToString() const {
  std::string text = scheme + "://";
  if (!user.empty()) text += user + (password.empty() ? "" : ":" + password) + "@";
  text += Authority() + Target();
  if (!fragment.empty()) text += "#" + fragment;
  return text;
}

base::Result<Url> ParseUrl(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (parsed.has_error()) return base::Fail(Malformed(text, parsed.error().message()));
  return FromView(*parsed, text);
}

base::Result<Url> ResolveUrl(const Url& base, std::string_view reference) {
  const auto relative = boost::urls::parse_uri_reference(reference);
  if (relative.has_error()) return base::Fail(Malformed(reference, relative.error().message()));
  const std::string base_text = base.ToString();
  const auto absolute = boost::urls::parse_uri(base_text);
  if (absolute.has_error()) return base::Fail(Malformed(base_text, absolute.error().message()));
  boost::urls::url resolved;
  const auto done = boost::urls::resolve(*absolute, *relative, resolved);
  if (done.has_error()) return base::Fail(Malformed(reference, done.error().message()));
  return FromView(resolved, reference);
}

std::string PercentEncode(std::string_view text, std::string_view keep) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kUnreserved = "-._~";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kUnreserved.find(c) != std::string_view::npos ||
                       keep.find(c) != std::string_view::npos;
    if (plain) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kHex[byte >> 4U];
      encoded += kHex[byte & 15U];
    }
  }
  return encoded;
}

base::Result<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return base::Fail(base::ErrorCode::kInvalid, "'" + std::string(text.substr(i, 3)) +
                                                       "' is not a percent-encoded byte, expected "
                                                       "% and two hex digits");
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

base::Result<std::vector<QueryParam>> ParseQuery(std::string_view query) {
  std::vector<QueryParam> params;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    std::string pair(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    std::replace(pair.begin(), pair.end(), '+', ' ');
    const size_t equals = std::min(pair.find('='), pair.size());
    QueryParam param;
    TRY(param.name, PercentDecode(std::string_view(pair).substr(0, equals)));
    if (equals < pair.size()) {
      TRY(param.value, PercentDecode(std::string_view(pair).substr(equals + 1)));
    }
    params.push_back(std::move(param));
  }
  return params;
}

std::string FormatQuery(const std::vector<QueryParam>& params) {
  std::string query;
  for (const QueryParam& param : params) {
    if (!query.empty()) query += '&';
    query += PercentEncode(param.name) + "=" + PercentEncode(param.value);
  }
  return query;
}

}  // namespace http
