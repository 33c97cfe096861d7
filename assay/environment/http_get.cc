#include "assay/environment/http_get.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "lib/net/tcp.h"

namespace assay::environment {

namespace {

constexpr size_t kLargestAnswer = 1 << 20;

base::Result<HttpAnswer> Parse(const std::string& text) {
  HttpAnswer answer;
  // `HTTP/1.x NNN reason`
  constexpr size_t kStatusAt = 9;
  const bool looks_right = text.starts_with("HTTP/1.") && text.size() > kStatusAt + 3;
  const char* digits = text.data() + kStatusAt;
  if (!looks_right || std::from_chars(digits, digits + 3, answer.status).ec != std::errc{}) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("the answer is not HTTP: \"{}\"", text.substr(0, 40)));
  }
  const size_t head_end = text.find("\r\n\r\n");
  if (head_end != std::string::npos) answer.body = text.substr(head_end + 4);
  return answer;
}

}  // namespace

base::Result<HttpTarget> ParseHttpTarget(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) {
    return base::Fail(base::ErrorCode::kUnsupported,
                      fmt::format("cannot probe \"{}\", expected an http:// URL", url));
  }
  HttpTarget target;
  const size_t slash = url.find('/', kScheme.size());
  std::string authority = url.substr(kScheme.size(), slash - kScheme.size());
  if (slash != std::string::npos) target.path = url.substr(slash);
  const size_t colon = authority.rfind(':');
  if (colon != std::string::npos && !authority.ends_with(']')) {
    const char* end = authority.data() + authority.size();
    const auto [rest, error] = std::from_chars(authority.data() + colon + 1, end, target.port);
    if (error != std::errc{} || rest != end) {
      return base::Fail(base::ErrorCode::kInvalid, fmt::format("\"{}\" has no valid port", url));
    }
    authority.resize(colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    authority = authority.substr(1, authority.size() - 2);
  }
  if (authority.empty()) {
    return base::Fail(base::ErrorCode::kInvalid, fmt::format("\"{}\" names no host", url));
  }
  target.host = std::move(authority);
  return target;
}

net::Task<base::Result<HttpAnswer>> HttpGet(
    HttpTarget target, std::vector<std::pair<std::string, std::string>> headers,
    base::Deadline deadline) {
  CO_TRY(net::TcpStream stream, co_await net::Connect(target.host, target.port, deadline));
  // HTTP/1.0: the answer ends with the connection, and nobody answers in chunks.
  std::string request = fmt::format("GET {} HTTP/1.0\r\nHost: {}:{}\r\nAccept: */*\r\n",
                                    target.path, target.host, target.port);
  for (const auto& [name, value] : headers) request += fmt::format("{}: {}\r\n", name, value);
  request += "\r\n";
  CO_TRY(co_await stream.Write(std::string_view(request), deadline));
  std::string text;
  std::array<std::byte, 4096> piece{};
  while (text.size() < kLargestAnswer) {
    const auto got = co_await stream.Read(piece, deadline);
    if (!got.has_value() && text.empty()) co_return base::Fail(got.error());
    if (!got.has_value() || *got == 0) break;
    text.append(reinterpret_cast<const char*>(piece.data()), *got);
  }
  co_return Parse(text);
}

}  // namespace assay::environment
