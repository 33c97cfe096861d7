#include <chrono>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/http/media.h"
#include "lib/http/uri.h"
#include "montage/api/request/json_fields.h"
#include "montage/api/routes.h"

namespace montage::api {
namespace {

using identity::LoginOutcome;

constexpr std::string_view kForm = "application/x-www-form-urlencoded";

struct Credentials {
  std::string username;
  std::string password;
};

Problem Invalid(std::string message) {
  return {.status = 422, .error = "invalid", .message = std::move(message)};
}

std::variant<Credentials, Problem> ReadCredentials(const http::Request& request) {
  const auto header = request.headers.Get("Content-Type");
  const auto media = http::ParseMediaType(header.value_or(""));
  if (!media || media->Essence() != kForm) {
    return Problem{.status = 415,
                   .error = "unsupported_media_type",
                   .message = fmt::format("the body is {}; expected {}",
                                          header.value_or("of no named type"), kForm)};
  }
  const auto fields = http::ParseQuery(request.body);
  if (!fields)
    return Problem{.status = 400, .error = "bad_request", .message = fields.error().message};
  Credentials credentials;
  for (const auto& [name, target] :
       {std::pair{"username", &credentials.username}, {"password", &credentials.password}}) {
    for (const http::QueryParam& field : *fields) {
      if (field.name != name) continue;
      if (!target->empty()) return Invalid(fmt::format("{} is there more than once", name));
      *target = field.value;
    }
    if (target->empty()) return Invalid(fmt::format("{} is missing or empty", name));
  }
  return credentials;
}

Reply TokenReply(const identity::TokenPair& pair) {
  return {.body = boost::json::object{
              {"access_token", pair.access_token},
              {"refresh_token", pair.refresh_token},
              {"token_type", "bearer"},
              {"expires_in",
               std::chrono::duration_cast<std::chrono::seconds>(pair.expires_in).count()}}};
}

Outcome LogIn(const Api& api, Services& services, Call& call) {
  auto read = ReadCredentials(call.request);
  if (auto* problem = std::get_if<Problem>(&read)) return std::move(*problem);
  const auto& [username, password] = std::get<Credentials>(read);
  const auto login = services.accounts.LogIn(username, password, call.deadline);
  if (!login) return api.Refuse(login.error(), call);
  if (login->outcome == LoginOutcome::kLocked) {
    api.parts().metrics.CountLogin("locked");
    return Problem{.status = 429,
                   .error = "too_many_requests",
                   .message = "too many wrong passwords; try again later",
                   .retry_after = login->retry_after};
  }
  if (login->outcome != LoginOutcome::kAccepted) {
    api.parts().metrics.CountLogin("refused");
    return Problem{.status = 401,
                   .error = "unauthorized",
                   .message = "the user name or the password is wrong"};
  }
  const auto pair = api.parts().sessions.Open(*login->user, call.deadline);
  if (!pair) return api.Refuse(pair.error(), call);
  api.parts().metrics.CountLogin("accepted");
  call.principal.user_id = login->user->user_id;  // for the audit trail
  Reply reply = TokenReply(*pair);
  reply.audit_object = login->user->user_id;
  return reply;
}

Outcome Refresh(const Api& api, Call& call) {
  // Without a token this is a caller who is not known, like on every other route.
  Problem unknown{.status = 401, .error = "unauthorized", .message = "this needs a refresh token"};
  if (call.request.body.empty()) return unknown;
  JsonFields fields(call.request);
  const std::string token = fields.Text("refresh_token").value_or("");
  if (auto problem = fields.Finish()) return *std::move(problem);
  if (token.empty()) return unknown;
  const auto pair = api.parts().sessions.Refresh(token, call.deadline);
  if (!pair) return api.Refuse(pair.error(), call);
  return TokenReply(*pair);
}

Outcome Revoke(const Api& api, Call& call) {
  const identity::Principal& who = call.principal;
  if (who.token_family.empty()) {
    return Problem{.status = 409,
                   .error = "conflict",
                   .message = "an API key has no login to end; deactivate the key instead"};
  }
  if (const auto revoked = api.parts().sessions.Revoke(who.token_family, call.deadline); !revoked)
    return api.Refuse(revoked.error(), call);
  return Reply{.status = 204, .audit_object = who.user_id};
}

boost::json::object TokenSchema() {
  return schema::Object({{"access_token", schema::Text()},
                         {"refresh_token", schema::Text("good for one refresh")},
                         {"token_type", schema::Word({"bearer"})},
                         {"expires_in", schema::Integer(1)}});
}

}  // namespace

void AddAuthRoutes(Api& api, Services& services) {
  api.Add(
      {.method = http::Method::kPost,
       .path = "/api/v1/auth/token",
       .id = "createToken",
       .tag = "auth",
       .summary = "Exchange a user name and a password for tokens.",
       .audit_action = "auth.token",
       .body_schema = schema::Object({{"username", schema::Text()}, {"password", schema::Text()}}),
       .body_media_type = std::string(kForm),
       .responses = {{200, {"Tokens.", TokenSchema()}},
                     {401, {"The user name or the password is wrong."}},
                     {429, {"The account is locked for a while; see Retry-After."}}}},
      [&api, &services](Call& call) { return LogIn(api, services, call); });
  api.Add({.method = http::Method::kPost,
           .path = "/api/v1/auth/refresh",
           .id = "refreshToken",
           .tag = "auth",
           .summary = "Exchange a refresh token for new tokens.",
           .audit_action = "auth.refresh",
           .body_schema = schema::Object({{"refresh_token", schema::Text()}}),
           .responses = {{200, {"Tokens.", TokenSchema()}},
                         {401, {"The refresh token is missing or not good any more."}}}},
          [&api](Call& call) { return Refresh(api, call); });
  api.Add(
      {.method = http::Method::kPost,
       .path = "/api/v1/auth/revoke",
       .id = "revokeToken",
       .tag = "auth",
       .summary = "End the login that the access token belongs to.",
       .signed_in = true,
       .audit_action = "auth.revoke",
       .responses = {{204, {"The login is over."}}, {409, {"The call was made with an API key."}}}},
      [&api](Call& call) { return Revoke(api, call); });
}

}  // namespace montage::api
