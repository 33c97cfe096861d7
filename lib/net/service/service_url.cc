#include "lib/net/service/service_url.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace net {
namespace {

// The text without what stands before the host, which may be a password.
std::string Shown(std::string_view text) {
  const size_t start = text.find("://");
  const size_t after = start == std::string_view::npos ? 0 : start + 3;
  const size_t end = std::min(text.find_first_of("/?#", after), text.size());
  const size_t at = text.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < after) return std::string(text);
  return fmt::format("{}...{}", text.substr(0, after), text.substr(at));
}

std::unexpected<base::Error> Wrong(std::string_view text, std::string_view what) {
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("\"{}\" is no address of a service: {}", Shown(text), what));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool Decode(std::string_view text, std::string& out) {
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

bool SplitHost(std::string_view authority, std::string_view& host, std::string_view& port) {
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    return port.empty() || port.starts_with(':');
  }
  const size_t colon = std::min(authority.find(':'), authority.size());
  host = authority.substr(0, colon);
  port = authority.substr(colon);
  return true;
}

}  // namespace

std::string ServiceUrl::Authority() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

base::Result<ServiceUrl> ParseServiceUrl(std::string_view text,
                                         std::span<const ServiceScheme> schemes) {
  ServiceUrl url;
  const size_t start = text.find("://");
  url.scheme = text.substr(0, std::min(start, text.size()));
  std::ranges::transform(url.scheme, url.scheme.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto scheme = std::ranges::find(schemes, url.scheme, &ServiceScheme::name);
  if (start == std::string_view::npos || scheme == schemes.end()) {
    std::vector<std::string> names;
    for (const ServiceScheme& one : schemes) names.emplace_back(one.name);
    return Wrong(text, fmt::format("expected {}://host:port", fmt::join(names, ":// or ")));
  }
  url.secure = scheme->secure;
  std::string_view rest = text.substr(start + 3);
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return Wrong(text, "it takes neither query nor fragment");
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  const std::string_view path = slash < rest.size() ? rest.substr(slash + 1) : std::string_view();
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = authority.substr(0, at);
    const size_t colon = std::min(login.find(':'), login.size());
    const std::string_view password =
        colon < login.size() ? login.substr(colon + 1) : std::string_view();
    if (!Decode(login.substr(0, colon), url.user) || !Decode(password, url.password)) {
      return Wrong(text, "a % of user or password has no two hexadecimal digits behind it");
    }
    authority.remove_prefix(at + 1);
  }
  std::string_view host;
  std::string_view port;
  if (!SplitHost(authority, host, port)) return Wrong(text, "a [ has no ]");
  if (host.empty()) return Wrong(text, "it has no host");
  url.host = host;
  url.port = scheme->port;
  if (!port.empty()) {
    const char* const end = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data() + 1, end, url.port);
    if (error != std::errc{} || stop != end || url.port == 0) {
      return Wrong(text, fmt::format("\"{}\" is no port from 1 to 65535", port.substr(1)));
    }
  }
  if (!Decode(path, url.path)) {
    return Wrong(text, "a % of the path has no two hexadecimal digits behind it");
  }
  return url;
}

}  // namespace net
