#include "assay/action/s3/s3_action.h"

#include <optional>

#include <fmt/format.h>

#include "assay/action/http_transcript.h"
#include "assay/action/s3/s3_operations.h"
#include "assay/action/s3/s3_schema.h"
#include "assay/action/s3/s3_values.h"
#include "assay/cel/text.h"
#include "lib/objects/s3/client.h"

namespace assay::action {
namespace {

namespace s3 = objects::s3;
using base::Result;
using cel::Value;
using history::Disposition;
using history::Outcome;

/// The last request of the step, which decided it.
struct LastExchange {
  http::ClientRequest request;
  std::optional<http::ClientResponse> response;
  std::string error;

  void Note(const http::ClientRequest& sent, const Result<http::ClientResponse>& got) {
    request = sent;
    response = got ? std::optional(*got) : std::nullopt;
    error = got ? "" : got.error().message;
  }
};

std::string PathOf(const std::string& name, const ActionContext& context) {
  const std::filesystem::path path(name);
  return path.is_absolute() ? name : (std::filesystem::path(context.source_dir) / path).string();
}

Result<s3::Server> ServerOf(const Value& params, const ActionContext& context) {
  const std::string target = TextParameter(params, "endpoint");
  std::string url = target;
  if (!target.contains("://")) {
    TRY(const Endpoint endpoint, context.find_endpoint(target));
    url = endpoint.url;
  }
  TRY(s3::Server server, s3::ParseServer(url));
  const auto replace = [](std::string& text, const Value* table, std::string_view name) {
    const Value* value = table->Find(name);
    if (value != nullptr && !value->is_null()) text = cel::ToText(*value);
  };
  if (const Value* auth = params.Find("auth"); auth != nullptr && auth->is_map()) {
    replace(server.key.access_key, auth, "access_key");
    replace(server.key.secret_key, auth, "secret_key");
    replace(server.key.session_token, auth, "session_token");
    replace(server.key.region, auth, "region");
  }
  const std::string addressing = TextParameter(params, "addressing");
  if (addressing == "virtual-host") server.addressing = s3::Addressing::kVirtualHost;
  if (addressing == "path") server.addressing = s3::Addressing::kPath;
  if (const Value* tls = params.Find("tls"); tls != nullptr && tls->is_map()) {
    replace(server.tls.ca_file, tls, "ca");
    if (!server.tls.ca_file.empty()) server.tls.ca_file = PathOf(server.tls.ca_file, context);
    const Value* insecure = tls->Find("insecure");
    server.tls.insecure = insecure != nullptr && insecure->is_true();
  }
  return server;
}

Outcome Failed(base::Error error) {
  const bool interrupted = error.code == base::ErrorCode::kCancelled;
  return {.disposition = interrupted ? Disposition::kInterrupted : Disposition::kError,
          .value = Value::Object({}),
          .error = std::move(error)};
}

}  // namespace

S3Action::S3Action() : schema_(S3Schema()) {}

std::string S3Action::Head(const Value& params) const {
  const S3Operation* operation = FindS3Operation(params);
  if (operation == nullptr) return "s3";
  const Value& subject = *params.Find(operation->name);
  const std::string bucket = TextParameter(params, "bucket");
  const std::string what =
      subject.is_list() ? fmt::format("{} objects", subject.list().size()) : cel::ToText(subject);
  return bucket.empty() ? fmt::format("{} {}", operation->name, what)
                        : fmt::format("{} {}/{}", operation->name, bucket, what);
}

net::Task<Outcome> S3Action::Run(Value params, const ActionContext& context) const {
  const auto started = context.clock.Steady();
  const S3Operation* operation = FindS3Operation(params);
  if (operation == nullptr) {
    co_return Failed({.code = base::ErrorCode::kInvalid,
                      .message = "an s3 step needs one of its operations, such as put or get"});
  }
  auto server = ServerOf(params, context);
  if (!server) co_return Failed(std::move(server).error());
  LastExchange last;
  s3::Client client(
      context.http, *std::move(server),
      {.clock = &context.clock,
       .observer = [&last](const auto& request, const auto& got) { last.Note(request, got); }});
  const S3Session session{.params = params,
                          .context = context,
                          .pool = pool_,
                          .client = client,
                          .subject = *params.Find(operation->name)};
  auto result = co_await operation->run(session);
  Outcome outcome =
      result ? Outcome{.disposition = Disposition::kAnswered, .value = std::move(*result)}
             : Failed(std::move(result).error());
  outcome.duration = context.clock.Steady() - started;
  if (last.request.url.empty()) co_return outcome;
  auto transcript = RecordTranscript(last.request, last.response ? &*last.response : nullptr,
                                     last.error, context.blobs);
  if (!transcript) co_return Failed(std::move(transcript).error());
  outcome.transcript = *transcript;
  outcome.blobs = {*std::move(transcript)};
  co_return outcome;
}

}  // namespace assay::action
