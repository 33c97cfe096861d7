#include "lib/objects/s3/client.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "lib/crypto/base64.h"
#include "lib/net/timer.h"
#include "lib/objects/s3/reply.h"
#include "lib/objects/s3/xml.h"

namespace objects::s3 {
namespace {

using base::ErrorCode;
using base::Result;
using http::ClientResponse;

constexpr base::Duration kFirstPause = std::chrono::milliseconds(50);
constexpr base::Duration kLongestPause = std::chrono::seconds(2);
constexpr size_t kMostKeys = 1000;
/// Of an answer that is XML; a listing of 1000 keys of 1024 percent-encoded bytes has 4 MiB.
constexpr uint64_t kLargestDocument = uint64_t{16} << 20;
/// An error is a few hundred bytes; a file that took one instead of content is not read further.
constexpr size_t kLargestError = size_t{64} << 10;

const base::Clock& SystemTime() {
  static const base::SystemClock clock;
  return clock;
}

bool IsTransient(const Result<ClientResponse>& response) {
  if (!response) return response.error().code == ErrorCode::kUnavailable;
  if (response->status == 501 || response->status == 505) return false;
  return response->status >= 500 || response->status == 429;
}

void AddMetadata(const Metadata& metadata, http::Headers& headers) {
  for (const auto& [name, value] : metadata) headers.Set("x-amz-meta-" + name, value);
}

void AddDescription(const PutOptions& options, http::Headers& headers) {
  for (const http::HeaderField& field : options.headers) headers.Add(field.name, field.value);
  headers.Set("Content-Type", options.content_type);
  AddMetadata(options.metadata, headers);
}

template <typename Digest>
std::string Base64Of(const Digest& digest) {
  return crypto::Base64(std::string(digest.begin(), digest.end()));
}

void AddChecksum(const Content& content, Checksum kind, http::Headers& headers) {
  const auto* text = std::get_if<std::string>(&content);
  const auto* file = std::get_if<DigestedFile>(&content);
  if (kind == Checksum::kMd5) {
    headers.Set("Content-MD5", Base64Of(text != nullptr ? crypto::Md5Of(*text) : file->md5));
  } else if (kind == Checksum::kSha256) {
    headers.Set("x-amz-checksum-sha256",
                Base64Of(text != nullptr ? crypto::Sha256Of(*text) : file->sha256));
  }
}

std::string RangeText(const ByteRange& range) {
  const auto text = [](std::optional<uint64_t> at) { return at ? std::to_string(*at) : ""; };
  return "bytes=" + text(range.first) + "-" + text(range.last);
}

std::vector<http::QueryParam> VersionParam(const ObjectName& name) {
  if (name.version.empty()) return {};
  return {{"versionId", name.version}};
}

}  // namespace

struct Client::Call {
  std::string method;
  std::string bucket = {};
  std::string key = {};
  std::vector<http::QueryParam> query = {};
  http::Headers headers = {};
  Content content = std::string();
  bool may_repeat = true;
  std::string download_to = {};
  uint64_t max_bytes = kLargestDocument;
};

Result<DigestedFile> DigestFile(const std::string& path, base::Deadline deadline,
                                const base::Clock& clock) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::Fail(ErrorCode::kNotFound, fmt::format("cannot read the file {}", path));
  DigestedFile digested{.path = path};
  crypto::Sha256 sha256;
  crypto::Md5 md5;
  std::vector<char> piece(size_t{1} << 18);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const std::string_view read(piece.data(), static_cast<size_t>(file.gcount()));
    sha256.Update(read);
    md5.Update(read);
    digested.size += read.size();
    if (deadline.HasPassed(clock)) {
      return base::Fail(ErrorCode::kTimeout, fmt::format("reading {} took too long", path));
    }
  }
  if (file.bad()) return base::Fail(ErrorCode::kIo, fmt::format("cannot read the file {}", path));
  digested.sha256 = sha256.Finish();
  digested.md5 = md5.Finish();
  return digested;
}

Client::Client(http::Client& http, Server server, ClientOptions options)
    : http_(http),
      server_(std::move(server)),
      options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : SystemTime()),
      random_(static_cast<uint64_t>(clock_.Now().time_since_epoch().count())) {}

http::ClientRequest Client::Sign(const Call& call) const {
  http::Url url = server_.UrlOf(call.bucket, call.key);
  url.query = http::FormatQuery(call.query);
  http::ClientRequest request{.method = call.method, .headers = call.headers};
  std::string hash;
  if (const auto* text = std::get_if<std::string>(&call.content)) {
    hash = http::PayloadHash(*text);
    if (!text->empty() || call.method == "PUT" || call.method == "POST") request.body = *text;
  } else {
    const auto& file = std::get<DigestedFile>(call.content);
    hash = crypto::ToHex(file.sha256);
    request.body = http::FileContent{file.path};
  }
  if (!server_.key.access_key.empty()) {
    const http::Headers added =
        http::SignV4(server_.key, clock_.Now(), call.method, url, request.headers, hash);
    for (const http::HeaderField& field : added) request.headers.Set(field.name, field.value);
  }
  request.url = url.ToString();
  request.tls = server_.tls;
  request.decompress = false;  // an object is what was put, whatever its Content-Encoding
  request.download_to = call.download_to;
  request.max_response = call.max_bytes;
  return request;
}

base::Duration Client::Pause(int attempt) {
  const base::Duration longest =
      std::min(kLongestPause, kFirstPause * (int64_t{1} << std::min(attempt - 1, 10)));
  const auto half = longest / 2;
  return half + base::Duration(
                    static_cast<int64_t>(random_.Below(static_cast<uint64_t>(half.count()) + 1)));
}

net::Task<Result<ClientResponse>> Client::Send(Call call, base::Deadline deadline) {
  for (int attempt = 1;; ++attempt) {
    http::ClientRequest request = Sign(call);
    http::ClientRequest sent;
    if (options_.observer) sent = request;
    auto response = co_await http_.Send(std::move(request), deadline);
    if (options_.observer) options_.observer(sent, response);
    if (attempt >= options_.attempts || !call.may_repeat || !IsTransient(response)) {
      co_return response;
    }
    const base::Duration pause = Pause(attempt);
    if (deadline.Remaining(clock_) <= pause) co_return response;
    CO_TRY(co_await net::Sleep(pause));
  }
}

net::Task<Result<ClientResponse>> Client::SendForDownload(Call call, std::string path,
                                                          base::Deadline deadline) {
  // What arrives may be an error, or break off: only complete content gets the name.
  const std::string partial = path + ".part";
  call.download_to = partial;
  auto response = co_await Send(std::move(call), deadline);
  if (response && response->status < 300) {
    if (std::rename(partial.c_str(), path.c_str()) == 0) co_return response;
    response = base::Fail(ErrorCode::kIo, fmt::format("cannot write the file {}", path));
  } else if (response) {
    std::ifstream file(partial, std::ios::binary);
    std::string text(kLargestError, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
    response->body = std::move(text);
  }
  (void)std::remove(partial.c_str());
  co_return response;
}

ReplyTask<Stored> Client::Put(ObjectName name, Content content, PutOptions options,
                              base::Deadline deadline) {
  Call call{.method = "PUT", .bucket = name.bucket, .key = name.key};
  AddDescription(options, call.headers);
  AddChecksum(content, options.checksum, call.headers);
  if (options.only_if_absent) call.headers.Set("If-None-Match", "*");
  call.content = std::move(content);
  // Without a condition a repetition stores the same again.
  call.may_repeat = !options.only_if_absent;
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<Stored>(response, &StoredFromHead);
}

ReplyTask<GotObject> Client::Get(ObjectName name, GetOptions options, base::Deadline deadline) {
  Call call{.method = "GET",
            .bucket = name.bucket,
            .key = name.key,
            .query = VersionParam(name),
            .max_bytes = options.max_bytes};
  if (options.range) call.headers.Set("Range", RangeText(*options.range));
  if (!options.if_match.empty()) call.headers.Set("If-Match", "\"" + options.if_match + "\"");
  if (!options.if_none_match.empty()) {
    call.headers.Set("If-None-Match", "\"" + options.if_none_match + "\"");
  }
  auto sent = options.download_to.empty()
                  ? co_await Send(std::move(call), deadline)
                  : co_await SendForDownload(std::move(call), options.download_to, deadline);
  CO_TRY(const ClientResponse response, std::move(sent));
  co_return ReadReply<GotObject>(response, &GotObjectFrom);
}

ReplyTask<ObjectFacts> Client::Head(ObjectName name, base::Deadline deadline) {
  Call call{.method = "HEAD", .bucket = name.bucket, .key = name.key, .query = VersionParam(name)};
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<ObjectFacts>(response, &FactsFromHead);
}

ReplyTask<Listing> Client::List(std::string bucket, ListQuery query, base::Deadline deadline) {
  Call call{.method = "GET",
            .bucket = bucket,
            .query = {{"list-type", "2"},
                      {"encoding-type", "url"},
                      {"max-keys", std::to_string(std::min(query.limit, kMostKeys))}}};
  const auto add = [&](const char* param, const std::string& value) {
    if (!value.empty()) call.query.push_back({param, value});
  };
  add("prefix", query.prefix);
  add("delimiter", query.delimiter);
  add("start-after", query.after);
  add("continuation-token", query.next);
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<Listing>(
      response, [](const ClientResponse& answer) { return ParseListing(answer.body); });
}

ReplyTask<VersionListing> Client::ListVersions(std::string bucket, VersionQuery query,
                                               base::Deadline deadline) {
  Call call{.method = "GET",
            .bucket = bucket,
            .query = {{"versions", ""},
                      {"encoding-type", "url"},
                      {"max-keys", std::to_string(std::min(query.limit, kMostKeys))}}};
  const auto add = [&](const char* param, const std::string& value) {
    if (!value.empty()) call.query.push_back({param, value});
  };
  add("prefix", query.prefix);
  add("delimiter", query.delimiter);
  add("key-marker", query.next_key);
  add("version-id-marker", query.next_version);
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<VersionListing>(
      response, [](const ClientResponse& answer) { return ParseVersions(answer.body); });
}

ReplyTask<Deletion> Client::Delete(ObjectName name, base::Deadline deadline) {
  Call call{
      .method = "DELETE", .bucket = name.bucket, .key = name.key, .query = VersionParam(name)};
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<Deletion>(response, &DeletionFromHead);
}

ReplyTask<BatchDeletion> Client::DeleteMany(std::string bucket, std::vector<ObjectName> names,
                                            base::Deadline deadline) {
  if (names.empty() || names.size() > kMostKeys) {
    co_return base::Fail(
        ErrorCode::kInvalid,
        fmt::format("{} objects to delete at once, expected 1 to {}", names.size(), kMostKeys));
  }
  const std::string body = FormatBatchDeletion(names);
  Call call{.method = "POST", .bucket = bucket, .query = {{"delete", ""}}, .content = body};
  call.headers.Set("Content-Type", "application/xml");
  call.headers.Set("Content-MD5", Base64Of(crypto::Md5Of(body)));  // the API demands it
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<BatchDeletion>(response, [&](const ClientResponse& answer) {
    return ParseBatchDeletion(answer.body, bucket);
  });
}

ReplyTask<Stored> Client::Copy(ObjectName from, ObjectName to, CopyOptions options,
                               base::Deadline deadline) {
  Call call{.method = "PUT", .bucket = to.bucket, .key = to.key};
  std::string source =
      "/" + http::PercentEncode(from.bucket) + "/" + http::PercentEncode(from.key, "/");
  if (!from.version.empty()) source += "?versionId=" + http::PercentEncode(from.version);
  call.headers.Set("x-amz-copy-source", source);
  if (options.replace) {
    call.headers.Set("x-amz-metadata-directive", "REPLACE");
    AddDescription(*options.replace, call.headers);
  }
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadLateReply<Stored>(response, &StoredFromBody);
}

ReplyTask<std::vector<std::string>> Client::ListBuckets(base::Deadline deadline) {
  Call call{.method = "GET"};
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<std::vector<std::string>>(
      response, [](const ClientResponse& answer) { return ParseBuckets(answer.body); });
}

ReplyTask<Nothing> Client::CreateBucket(std::string bucket, base::Deadline deadline) {
  Call call{.method = "PUT", .bucket = std::move(bucket)};
  // us-east-1 is where buckets are made when nothing is said, and must not be said.
  if (server_.key.region != "us-east-1") call.content = FormatLocation(server_.key.region);
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<Nothing>(response, &NothingFrom);
}

ReplyTask<Nothing> Client::DeleteBucket(std::string bucket, base::Deadline deadline) {
  Call call{.method = "DELETE", .bucket = std::move(bucket)};
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<Nothing>(response, &NothingFrom);
}

ReplyTask<Nothing> Client::SetVersioning(std::string bucket, bool enabled,
                                         base::Deadline deadline) {
  Call call{.method = "PUT",
            .bucket = std::move(bucket),
            .query = {{"versioning", ""}},
            .content = FormatVersioning(enabled)};
  call.headers.Set("Content-Type", "application/xml");
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<Nothing>(response, &NothingFrom);
}

ReplyTask<std::string> Client::Versioning(std::string bucket, base::Deadline deadline) {
  Call call{.method = "GET", .bucket = std::move(bucket), .query = {{"versioning", ""}}};
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<std::string>(
      response, [](const ClientResponse& answer) { return ParseVersioning(answer.body); });
}

ReplyTask<std::string> Client::BeginUpload(ObjectName name, PutOptions options,
                                           base::Deadline deadline) {
  Call call{.method = "POST",
            .bucket = name.bucket,
            .key = name.key,
            .query = {{"uploads", ""}},
            .may_repeat = false};
  AddDescription(options, call.headers);
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<std::string>(
      response, [](const ClientResponse& answer) { return ParseUploadId(answer.body); });
}

ReplyTask<Part> Client::PutPart(ObjectName name, std::string upload, int number,
                                std::string content, base::Deadline deadline) {
  const uint64_t size = content.size();
  Call call{.method = "PUT",
            .bucket = name.bucket,
            .key = name.key,
            .query = {{"partNumber", std::to_string(number)}, {"uploadId", std::move(upload)}},
            .content = std::move(content)};
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<Part>(response, [&](const ClientResponse& answer) -> Result<Part> {
    TRY(Stored stored, StoredFromHead(answer));
    return Part{.number = number, .etag = std::move(stored.etag), .size = size};
  });
}

ReplyTask<std::vector<Part>> Client::ListParts(ObjectName name, std::string upload,
                                               base::Deadline deadline) {
  Call call{.method = "GET",
            .bucket = name.bucket,
            .key = name.key,
            .query = {{"uploadId", std::move(upload)}}};
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<std::vector<Part>>(
      response, [](const ClientResponse& answer) { return ParseParts(answer.body); });
}

ReplyTask<Stored> Client::CompleteUpload(ObjectName name, std::string upload,
                                         std::vector<Part> parts, bool only_if_absent,
                                         base::Deadline deadline) {
  Call call{.method = "POST",
            .bucket = name.bucket,
            .key = name.key,
            .query = {{"uploadId", std::move(upload)}},
            .content = FormatParts(parts),
            .may_repeat = false};
  call.headers.Set("Content-Type", "application/xml");
  if (only_if_absent) call.headers.Set("If-None-Match", "*");
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadLateReply<Stored>(response, &StoredFromBody);
}

ReplyTask<Nothing> Client::AbortUpload(ObjectName name, std::string upload,
                                       base::Deadline deadline) {
  Call call{.method = "DELETE",
            .bucket = name.bucket,
            .key = name.key,
            .query = {{"uploadId", std::move(upload)}}};
  CO_TRY(const ClientResponse response, co_await Send(std::move(call), deadline));
  co_return ReadReply<Nothing>(response, &NothingFrom);
}

Result<std::string> Client::Presign(std::string_view method, const ObjectName& name,
                                    std::chrono::seconds valid) const {
  if (server_.key.access_key.empty()) {
    return base::Fail(ErrorCode::kInvalid, "a URL cannot be signed without a key");
  }
  // "Authenticating Requests: Using Query Parameters": at most seven days.
  constexpr auto kLongest = std::chrono::days(7);
  if (valid < std::chrono::seconds(1) || valid > kLongest) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("a signed URL is good for 1 to {} seconds, not {}",
                                  std::chrono::seconds(kLongest).count(), valid.count()));
  }
  http::Url url = server_.UrlOf(name.bucket, name.key);
  url.query = http::FormatQuery(VersionParam(name));
  return http::PresignV4(server_.key, clock_.Now(), method, url, valid).ToString();
}

}  // namespace objects::s3
