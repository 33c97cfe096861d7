#include "assay/action/http_transcript.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/history/transcript.h"
#include "lib/http/media.h"
#include "lib/http/message.h"

namespace assay::action {
namespace {

std::string MediaTypeOf(const http::Headers& headers) {
  const auto type = headers.Get("Content-Type");
  if (!type) return {};
  const auto media = http::ParseMediaType(*type);
  return media ? media->Essence() : std::string(*type);
}

std::vector<std::pair<std::string, std::string>> Pairs(const http::Headers& headers) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const http::HeaderField& field : headers) pairs.emplace_back(field.name, field.value);
  return pairs;
}

// What was sent, as far as it is text; files and forms are described.
std::string DescribeBody(const http::RequestBody& body) {
  if (const auto* text = std::get_if<std::string>(&body)) return *text;
  if (const auto* file = std::get_if<http::FileContent>(&body))
    return fmt::format("(file {})", file->path);
  std::string out;
  if (const auto* parts = std::get_if<std::vector<http::FormPart>>(&body)) {
    for (const http::FormPart& part : *parts) {
      const auto* file = std::get_if<http::FileContent>(&part.content);
      out += fmt::format("{}: {}\n", part.name,
                         file != nullptr ? fmt::format("(file {})", file->path)
                                         : std::get<std::string>(part.content));
    }
  }
  return out;
}

// Head fields as they were on the wire, when there was one.
std::vector<std::pair<std::string, std::string>> SentHeaders(const http::ClientRequest& request,
                                                             const http::ClientResponse* response) {
  if (response == nullptr || response->heads.empty()) return Pairs(request.headers);
  std::vector<std::pair<std::string, std::string>> pairs;
  std::string_view rest = response->heads.back().request;
  for (bool first = true; !rest.empty(); first = false) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    const size_t colon = line.find(':');
    if (first || colon == std::string_view::npos) continue;
    pairs.emplace_back(line.substr(0, colon), http::TrimBlanks(line.substr(colon + 1)));
  }
  return pairs;
}

}  // namespace

base::Result<std::string> RecordTranscript(const http::ClientRequest& request,
                                           const http::ClientResponse* response,
                                           std::string_view error, history::BlobSink& blobs) {
  history::HttpExchange exchange;
  exchange.request.method = request.method;
  exchange.request.url = request.url;
  exchange.request.headers = SentHeaders(request, response);
  TRY(exchange.request.body,
      history::RecordBody(DescribeBody(request.body), MediaTypeOf(request.headers), blobs));
  exchange.error = error;
  if (response != nullptr) {
    exchange.request.http_version = response->version;
    history::HttpResponseRecord received;
    received.http_version = response->version;
    received.status = response->status;
    received.reason = http::ReasonPhrase(response->status);
    received.headers = Pairs(response->headers);
    TRY(received.body, history::RecordBody(response->body, MediaTypeOf(response->headers), blobs));
    exchange.response = std::move(received);
    const http::Timings& timings = response->timings;
    exchange.timings = {timings.dns, timings.connect, timings.tls, timings.first_byte,
                        timings.total};
    for (const http::Redirect& redirect : response->redirects)
      exchange.redirects.push_back(redirect.location);
    if (response->certificate) {
      exchange.tls = history::TlsRecord{.subject = response->certificate->subject,
                                        .issuer = response->certificate->issuer,
                                        .not_after = response->certificate->expires};
    }
  }
  return history::RecordExchange(exchange, blobs);
}

}  // namespace assay::action
