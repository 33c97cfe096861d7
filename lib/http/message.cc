#include "lib/http/message.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace http {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 9> kMethods = {{
    {Method::kGet, "GET"},
    {Method::kHead, "HEAD"},
    {Method::kPost, "POST"},
    {Method::kPut, "PUT"},
    {Method::kPatch, "PATCH"},
    {Method::kDelete, "DELETE"},
    {Method::kOptions, "OPTIONS"},
    {Method::kTrace, "TRACE"},
    {Method::kConnect, "CONNECT"},
}};

}  // namespace

std::string_view ToString(Method method) {
  for (const auto& [value, name] : kMethods) {
    if (value == method) return name;
  }
  return {};
}

Method ParseMethod(std::string_view text) {
  for (const auto& [value, name] : kMethods) {
    if (name == text) return value;
  }
  return Method::kOther;
}

// IANA HTTP Status Code Registry.
std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return {};
  }
}

net::Task<base::Result<std::string>> ReadAll(BodyReader& body, uint64_t limit,
                                             base::Deadline deadline) {
  constexpr size_t kFirst = 4096;
  constexpr size_t kMost = size_t{256} * 1024;
  body.set_limit(limit);
  std::string all;
  if (body.length() == uint64_t{0}) co_return all;
  if (const auto length = body.length()) {
    // One more than announced, so that the end is seen without growing. The announcement is not
    // trusted with memory beyond the first piece.
    all.reserve(static_cast<size_t>(std::min<uint64_t>({*length, limit, kMost})) + 1);
  }
  size_t piece = std::max(kFirst, all.capacity());
  while (true) {
    const size_t used = all.size();
    all.resize(used + piece);
    auto got = co_await body.Read(std::as_writable_bytes(std::span(all).subspan(used)), deadline);
    all.resize(used + (got.has_value() ? *got : 0));
    if (!got.has_value()) co_return base::Fail(std::move(got).error());
    if (*got == 0) co_return all;
    piece = std::min(kMost, std::max(piece, all.size()));
  }
}

net::Task<base::Result<size_t>> TextBody::Read(std::span<std::byte> into,
                                               base::Deadline /*deadline*/) {
  const size_t count = std::min(into.size(), text_.size() - read_);
  if (read_ + count > limit_) {
    co_return base::Fail(base::ErrorCode::kTooLarge,
                         "the body is over " + std::to_string(limit_) + " bytes");
  }
  std::memcpy(into.data(), text_.data() + read_, count);
  read_ += count;
  co_return count;
}

const std::string& PathParams::Get(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return value;
  }
  throw std::logic_error("the route has no parameter '" + std::string(name) + "'");
}

base::Result<int64_t> PathParams::GetInteger(std::string_view name) const {
  const std::string& text = Get(name);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return base::Fail(base::ErrorCode::kInvalid, "'" + text + "' is not a valid " +
                                                     std::string(name) + ", expected an integer");
  }
  return value;
}

std::optional<std::string> Request::QueryValue(std::string_view name) const {
  auto parsed = ParseQuery(query);
  if (!parsed.has_value()) return std::nullopt;
  for (QueryParam& param : *parsed) {
    if (param.name == name) return std::move(param.value);
  }
  return std::nullopt;
}

Response Response::Text(int status, std::string text) {
  Response response{.status = status,
                    .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                    .body = std::move(text)};
  return response;
}

Response Response::Json(int status, std::string json) {
  Response response{
      .status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(json)};
  return response;
}

Response Response::Empty(int status) {
  Response response{.status = status, .headers = {}, .body = std::string()};
  return response;
}

Response PlainError(int status, const base::Error& error, const Request* /*request*/) {
  return Response::Text(status, error.message + "\n");
}

}  // namespace http
