#include "lib/objects/s3/reply.h"

#include <algorithm>
#include <charconv>

#include "lib/http/message.h"
#include "lib/objects/s3/xml.h"

namespace objects::s3 {
namespace {

using http::ClientResponse;

constexpr std::string_view kMetadata = "x-amz-meta-";

std::string Field(const ClientResponse& response, std::string_view name) {
  return std::string(response.headers.Get(name).value_or(""));
}

std::string Etag(const ClientResponse& response) {
  std::string etag = Field(response, "ETag");
  std::erase(etag, '"');
  return etag;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return lower;
}

/// `NotFound`: the phrase of the status as a code.
std::string CodeOfStatus(int status) {
  std::string code(http::ReasonPhrase(status));
  std::erase(code, ' ');
  return code.empty() ? std::to_string(status) : code;
}

uint64_t Number(std::string_view text) {
  uint64_t number = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Answer ReadAnswer(const ClientResponse& response) {
  Answer answer{.status = response.status, .request_id = Field(response, "x-amz-request-id")};
  if (response.status < 300) return answer;
  answer.refusal = Refusal{.code = CodeOfStatus(response.status), .message = {}};
  if (const auto body = ParseErrorBody(response.body)) {
    if (!body->refusal.code.empty()) answer.refusal = body->refusal;
    if (answer.request_id.empty()) answer.request_id = body->request_id;
  }
  return answer;
}

Answer ReadLateAnswer(const ClientResponse& response) {
  Answer answer = ReadAnswer(response);
  if (!answer.accepted()) return answer;
  if (auto body = ParseErrorBody(response.body)) answer.refusal = std::move(body->refusal);
  return answer;
}

base::Result<Stored> StoredFromHead(const ClientResponse& response) {
  return Stored{.etag = Etag(response), .version = Field(response, "x-amz-version-id")};
}

base::Result<Stored> StoredFromBody(const ClientResponse& response) {
  TRY(std::string etag, ParseStoredEtag(response.body));
  return Stored{.etag = std::move(etag), .version = Field(response, "x-amz-version-id")};
}

base::Result<ObjectFacts> FactsFromHead(const ClientResponse& response) {
  ObjectFacts facts{.size = Number(Field(response, "Content-Length")),
                    .etag = Etag(response),
                    .version = Field(response, "x-amz-version-id"),
                    .content_type = Field(response, "Content-Type")};
  // Content-Length is that of the range: `bytes 0-9/100`.
  const std::string range = Field(response, "Content-Range");
  if (const size_t slash = range.find('/'); slash != std::string::npos) {
    facts.size = Number(std::string_view(range).substr(slash + 1));
  }
  facts.modified = ParseHttpDate(Field(response, "Last-Modified")).value_or(base::WallTime{});
  for (const http::HeaderField& field : response.headers) {
    const std::string name = Lower(field.name);
    if (name.starts_with(kMetadata)) {
      facts.metadata.emplace_back(name.substr(kMetadata.size()), field.value);
    }
  }
  return facts;
}

base::Result<Deletion> DeletionFromHead(const ClientResponse& response) {
  return Deletion{.marker = Field(response, "x-amz-delete-marker") == "true",
                  .version = Field(response, "x-amz-version-id")};
}

base::Result<GotObject> GotObjectFrom(const ClientResponse& response) {
  TRY(ObjectFacts facts, FactsFromHead(response));
  return GotObject{.facts = std::move(facts),
                   .content = response.body,
                   .bytes = response.body_bytes,
                   .content_range = Field(response, "Content-Range")};
}

base::Result<Nothing> NothingFrom(const ClientResponse&) { return Nothing{}; }

}  // namespace objects::s3
