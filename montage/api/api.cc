#include "montage/api/api.h"

#include <algorithm>
#include <stdexcept>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/identity/ids.h"

namespace montage::api {
namespace {

constexpr size_t kMaxRequestId = 64;

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestId && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  });
}

std::string RequestIdOf(http::Request& request) {
  const RequestId* attached = request.Attached<RequestId>();
  return attached != nullptr ? attached->text : "";
}

constexpr size_t kPiece = size_t{256} * 1024;
constexpr base::Duration kSendTime = std::chrono::minutes(10);

/// The source is read on the pool, the connection served on the loop.
net::Task<base::Result<void>> SendAll(std::shared_ptr<objects::ByteSource> source,
                                      net::ThreadPool& pool, http::BodyWriter& writer) {
  const base::Deadline deadline = base::Deadline::After(kSendTime);
  std::string piece(kPiece, '\0');
  while (true) {
    CO_TRY(const size_t count, co_await net::Offload(pool, [&] {
             return objects::ReadFully(*source, piece, deadline);
           }));
    if (count == 0) co_return base::Result<void>();
    CO_TRY(co_await writer.Write(std::string_view(piece).substr(0, count)));
  }
}

http::StreamBody Stream(Reply::Bytes bytes, net::ThreadPool& pool) {
  return {.produce = [source = std::move(bytes.source),
                      &pool](http::BodyWriter& writer) { return SendAll(source, pool, writer); },
          .length = bytes.length};
}

Problem Unauthorized(std::string message) {
  return {.status = 401, .error = "unauthorized", .message = std::move(message)};
}

}  // namespace

Api::Api(ApiParts parts, http::RouterOptions options)
    : parts_(std::move(parts)), router_(std::move(options)) {
  router_.Use(
      [this](http::Request& request, const http::Handler& next) { return Observe(request, next); });
}

net::Task<http::Response> Api::Observe(http::Request& request, const http::Handler& next) const {
  const auto started = std::chrono::steady_clock::now();
  const auto sent = request.headers.Get("X-Request-Id");
  const std::string id = sent && IsRequestId(*sent) ? std::string(*sent) : identity::NewId("req");
  request.Attach(RequestId{id});
  http::Response response = co_await next(request);
  response.headers.Set("X-Request-Id", id);
  response.headers.Set("X-Content-Type-Options", "nosniff");
  response.headers.Set("Cache-Control", "no-store");
  parts_.metrics.CountRequest(
      request.route != nullptr ? http::ToString(request.method) : "other",
      request.route != nullptr ? std::string_view(request.route->path) : "unmatched",
      response.status, std::chrono::steady_clock::now() - started);
  co_return response;
}

void Api::AddRoute(const Operation& operation, http::Handler handler) {
  http::Route route{.method = operation.method,
                    .path = operation.path,
                    .handler = std::move(handler),
                    .operation_id = operation.id,
                    .summary = operation.summary,
                    .streams_body = operation.streams_body,
                    .max_body = operation.max_body};
  const auto added = router_.Add(std::move(route));
  // Routes are ours: a wrong one is a bug that the first start shows.
  if (!added) throw std::logic_error("route " + operation.path + ": " + added.error().message);
}

void Api::Add(Operation operation, CallHandler handler) {
  operations_.push_back(operation);
  AddRoute(operation,
           [this, operation,
            handler = std::move(handler)](http::Request& request) -> net::Task<http::Response> {
             co_return co_await net::Offload(parts_.pool, [&]() -> http::Response {
               const base::Deadline deadline = base::Deadline::After(parts_.call_deadline);
               Call call{
                   .request = request, .request_id = RequestIdOf(request), .deadline = deadline};
               Admission admission = Admit(operation, request, call.request_id, deadline);
               call.principal = std::move(admission.principal);
               if (admission.refused)
                 return Close(operation, call, *std::move(admission.refused), admission.headers);
               return Close(operation, call, handler(call), admission.headers);
             });
           });
}

void Api::AddStreaming(Operation operation, StreamHandler handler) {
  operation.streams_body = true;
  operations_.push_back(operation);
  AddRoute(operation,
           [this, operation,
            handler = std::move(handler)](http::Request& request) -> net::Task<http::Response> {
             // A stream may take as long as its sender needs; the server's own timeouts bound each
             // pause.
             Call call{.request = request,
                       .request_id = RequestIdOf(request),
                       .deadline = base::Deadline::Never()};
             Admission admission = co_await net::Offload(parts_.pool, [&] {
               return Admit(operation, request, call.request_id,
                            base::Deadline::After(parts_.call_deadline));
             });
             call.principal = std::move(admission.principal);
             Outcome outcome = Problem{};
             if (admission.refused) {
               outcome = *std::move(admission.refused);
             } else {
               outcome = co_await handler(call);
             }
             co_return co_await net::Offload(parts_.pool, [&] {
               return Close(operation, call, std::move(outcome), admission.headers);
             });
           });
}

base::Result<identity::Principal> Api::Identify(const http::Request& request, Admission& admission,
                                                base::Deadline deadline) const {
  if (const auto key = request.headers.Get("X-API-Key")) {
    TRY(identity::KeyUse use, parts_.keys.Use(*key, deadline));
    if (use.rate.limited) {
      const auto reset = std::chrono::ceil<std::chrono::seconds>(use.rate.reset);
      admission.headers.Set("X-RateLimit-Limit", fmt::format("{}", use.rate.limit));
      admission.headers.Set("X-RateLimit-Remaining", fmt::format("{}", use.rate.remaining));
      admission.headers.Set("X-RateLimit-Reset", fmt::format("{}", reset.count()));
    }
    if (!use.allowed) {
      admission.refused = Problem{.status = 429,
                                  .error = "too_many_requests",
                                  .message = fmt::format("the API key may send {} requests a {}",
                                                         use.rate.limit, use.rate.period),
                                  .retry_after = use.rate.reset};
    }
    return std::move(use.principal);
  }
  const auto header = request.headers.Get("Authorization");
  if (!header)
    return base::Fail(base::ErrorCode::kUnauthorized, "this needs an access token or an API key");
  constexpr std::string_view kScheme = "bearer ";
  if (header->size() <= kScheme.size() ||
      !http::EqualsIgnoringCase(header->substr(0, kScheme.size()), kScheme)) {
    return base::Fail(base::ErrorCode::kUnauthorized,
                      "the header Authorization is not of the form \"Bearer TOKEN\"");
  }
  return parts_.sessions.Authenticate(http::TrimBlanks(header->substr(kScheme.size())), deadline);
}

Api::Admission Api::Admit(const Operation& operation, const http::Request& request,
                          const std::string& request_id, base::Deadline deadline) const {
  Admission admission;
  if (!operation.is_guarded()) return admission;
  auto principal = Identify(request, admission, deadline);
  if (!principal) {
    if (principal.error().code != base::ErrorCode::kUnauthorized) {
      parts_.error_sink(base::Error(principal.error()).While("answering " + request_id));
      admission.refused = ProblemOf(principal.error());
    } else {
      admission.refused = Unauthorized(principal.error().message);
    }
    return admission;
  }
  admission.principal = *std::move(principal);
  if (admission.refused) return admission;
  if (operation.permission && !admission.principal.May(*operation.permission)) {
    admission.refused = Problem{.status = 403,
                                .error = "forbidden",
                                .message = fmt::format("this needs the permission {}",
                                                       identity::ToString(*operation.permission))};
  }
  return admission;
}

Problem Api::Refuse(const base::Error& error, const Call& call) const {
  Problem problem = ProblemOf(error);
  if (problem.status >= 500)
    parts_.error_sink(base::Error(error).While("answering " + call.request_id));
  return problem;
}

void Api::Audit(const Operation& operation, const Call& call, std::string_view object,
                audit::Decision decision) const {
  const identity::Principal& who = call.principal;
  std::string actor = !who.key_id.empty() ? who.key_id : who.user_id;
  if (actor.empty()) actor = "anonymous";
  const std::string action = operation.audit_action.empty() ? operation.id : operation.audit_action;
  const auto written = parts_.audit.Append({.actor = std::move(actor),
                                            .action = action,
                                            .object = std::string(object),
                                            .decision = decision,
                                            .request_id = call.request_id},
                                           base::Deadline::After(parts_.call_deadline));
  if (!written)
    parts_.error_sink(base::Error(written.error()).While("auditing " + call.request_id));
}

http::Response Api::Close(const Operation& operation, const Call& call, Outcome outcome,
                          const http::Headers& extra) const {
  http::Response response;
  if (const Problem* problem = std::get_if<Problem>(&outcome)) {
    const bool denied = problem->status == 401 || problem->status == 403 || problem->status == 429;
    if (denied || !operation.audit_action.empty()) {
      Audit(operation, call, "", denied ? audit::Decision::kDenied : audit::Decision::kFailed);
    }
    response = ToResponse(*problem, call.request_id);
  } else {
    Reply& reply = std::get<Reply>(outcome);
    if (!operation.audit_action.empty())
      Audit(operation, call, reply.audit_object, audit::Decision::kAllowed);
    if (reply.text) {
      response = http::Response::Text(reply.status, std::move(reply.text->second));
      response.headers.Set("Content-Type", reply.text->first);
    } else if (reply.bytes) {
      response.status = reply.status;
      response.headers.Set("Content-Type", reply.bytes->media_type);
      response.body = Stream(*std::move(reply.bytes), parts_.pool);
    } else if (reply.status == 204) {
      response = http::Response::Empty(204);
    } else {
      response = http::Response::Json(reply.status, boost::json::serialize(reply.body));
    }
    for (const http::HeaderField& field : reply.headers)
      response.headers.Set(field.name, field.value);
  }
  for (const http::HeaderField& field : extra) response.headers.Set(field.name, field.value);
  return response;
}

}  // namespace montage::api
