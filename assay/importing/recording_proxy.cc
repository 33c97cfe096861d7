#include "assay/importing/recording_proxy.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "assay/importing/multipart_text.h"
#include "assay/importing/slot.h"
#include "lib/base/utf8.h"
#include "lib/http/media.h"

namespace assay::importing {
namespace {

/// Of one connection, not of the message (RFC 9110 7.6.1), and what each side makes anew.
bool IsHopByHop(std::string_view name) {
  constexpr std::array<std::string_view, 11> kNames = {"connection",
                                                       "keep-alive",
                                                       "proxy-authenticate",
                                                       "proxy-connection",
                                                       "te",
                                                       "trailer",
                                                       "transfer-encoding",
                                                       "upgrade",
                                                       "content-length",
                                                       "host",
                                                       "accept-encoding"};
  return std::ranges::any_of(
      kNames, [&](std::string_view one) { return http::EqualsIgnoringCase(one, name); });
}

std::string OriginOf(const http::Url& url) {
  return fmt::format("{}://{}", url.scheme, url.Authority());
}

/// Without Domain and Secure: the client talks to the proxy.
std::string LocalCookie(std::string_view field) {
  std::string out;
  while (!field.empty()) {
    const size_t end = std::min(field.find(';'), field.size());
    const std::string_view part = http::TrimBlanks(field.substr(0, end));
    field.remove_prefix(std::min(end + 1, field.size()));
    const std::string_view name = part.substr(0, part.find('='));
    const bool first = out.empty();
    if (!first &&
        (http::EqualsIgnoringCase(name, "Domain") || http::EqualsIgnoringCase(name, "Secure")))
      continue;
    out += (first ? "" : "; ") + std::string(part);
  }
  return out;
}

bool IsUtf8Query(const std::vector<http::QueryParam>& query) {
  return std::ranges::all_of(query,
                             [](const auto& one) { return base::IsUtf8(one.name + one.value); });
}

}  // namespace

RecordingProxy::RecordingProxy(net::Executor loop, ProxyOptions options, http::Url upstream)
    : options_(std::move(options)),
      upstream_(std::move(upstream)),
      client_(std::move(loop), {.user_agent = {}}) {}

base::Result<std::unique_ptr<RecordingProxy>> RecordingProxy::Start(net::Executor loop,
                                                                    ProxyOptions options) {
  TRY(http::Url upstream, http::ParseUrl(options.upstream));
  if (upstream.scheme != "http" && upstream.scheme != "https") {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("the upstream \"{}\" is no http or https URL", options.upstream));
  }
  while (upstream.path.ends_with('/')) upstream.path.pop_back();
  http::ServerOptions server{.address = options.address,
                             .port = options.port,
                             .max_body = options.max_body,
                             .gzip = false};
  std::unique_ptr<RecordingProxy> proxy(
      new RecordingProxy(loop, std::move(options), std::move(upstream)));
  TRY(proxy->server_,
      http::Server::Start(
          {loop}, [at = proxy.get()](http::Request& request) { return at->Handle(request); },
          std::move(server)));
  return proxy;
}

net::Task<void> RecordingProxy::Stop(base::Deadline grace) {
  (void)co_await server_->Shutdown(grace);
}

http::ClientRequest RecordingProxy::Forwarded(const http::Request& request,
                                              const std::string& body) const {
  http::ClientRequest out{.method = request.method_text,
                          .url = OriginOf(upstream_) + upstream_.path + request.target};
  for (const http::HeaderField& field : request.headers) {
    if (!IsHopByHop(field.name) && !http::EqualsIgnoringCase(field.name, "Expect"))
      out.headers.Add(field.name, field.value);
  }
  if (!body.empty()) out.body = body;
  out.tls.insecure = options_.insecure;
  out.version = http::HttpVersion::kHttp1;
  out.max_response = options_.max_body;
  return out;
}

http::Response RecordingProxy::Backward(const http::ClientResponse& answer) const {
  http::Response out{.status = answer.status, .body = answer.body};
  const std::string origin = OriginOf(upstream_);
  for (const http::HeaderField& field : answer.headers) {
    if (IsHopByHop(field.name) || http::EqualsIgnoringCase(field.name, "Content-Encoding"))
      continue;
    if (http::EqualsIgnoringCase(field.name, "Location") && field.value.starts_with(origin)) {
      out.headers.Add(field.name, server_->url() + field.value.substr(origin.size()));
    } else if (http::EqualsIgnoringCase(field.name, "Set-Cookie")) {
      out.headers.Add(field.name, LocalCookie(field.value));
    } else {
      out.headers.Add(field.name, field.value);
    }
  }
  return out;
}

void RecordingProxy::Keep(const http::Request& request, const std::string& body,
                          const http::ClientResponse& answer) {
  Exchange out;
  out.place =
      fmt::format("request {} ({} {})", exchanges_.size() + 1, request.method_text, request.path);
  out.method = request.method_text;
  out.path = CleanText(request.path);
  if (!request.query.empty()) {
    const auto query = http::ParseQuery(request.query);
    if (query && IsUtf8Query(*query)) {
      for (const auto& [name, value] : *query)
        out.query.push_back({CleanText(name), CleanText(value)});
    } else {
      out.path += "?" + CleanText(request.query);
    }
  }
  for (const http::HeaderField& field : request.headers)
    out.headers.Add(field.name, CleanText(field.value));
  const auto type = request.headers.Get("Content-Type");
  const auto media = http::ParseMediaType(type.value_or(""));
  auto parts = media && media->Essence() == "multipart/form-data"
                   ? ParseMultipart(*type, body)
                   : base::Result<std::vector<Part>>(std::vector<Part>());
  if (parts && !parts->empty()) {
    for (Part& part : *parts) {
      if (base::IsUtf8(part.text)) part.text = CleanText(part.text);
    }
    out.content = *std::move(parts);
  } else {
    out.content = base::IsUtf8(body) ? CleanText(body) : body;
  }
  out.answer = Answer{.status = answer.status, .headers = answer.headers, .body = answer.body};
  exchanges_.push_back(std::move(out));
  if (options_.on_exchange) options_.on_exchange(exchanges_.back());
}

net::Task<http::Response> RecordingProxy::Handle(http::Request& request) {
  const base::Deadline deadline = base::Deadline::After(options_.timeout);
  if (request.headers.Has("Upgrade") && request.headers.HasToken("Connection", "upgrade")) {
    ++refused_upgrades_;
    co_return http::Response::Text(501, "assay record forwards HTTP only, no WebSocket\n");
  }
  const auto body = co_await http::ReadAll(*request.reader, options_.max_body, deadline);
  if (!body.has_value()) co_return http::PlainError(400, body.error(), &request);
  const auto answer = co_await client_.Send(Forwarded(request, *body), deadline);
  if (!answer.has_value()) {
    co_return http::Response::Text(502, fmt::format("assay record: {}\n", answer.error().message));
  }
  Keep(request, *body, *answer);
  co_return Backward(*answer);
}

}  // namespace assay::importing
