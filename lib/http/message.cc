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

struct ReasonOfStatus {
  int status;
  std::string_view phrase;
};

// IANA HTTP Status Code Registry.
constexpr ReasonOfStatus kReasonPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

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

std::string_view ReasonPhrase(int status) {
  const auto* found = std::ranges::find(kReasonPhrases, status, &ReasonOfStatus::status);
  return found == std::end(kReasonPhrases) ? std::string_view() : found->phrase;
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
