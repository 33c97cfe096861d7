#include "montage/api/api_fixture.h"

namespace montage::api {
namespace {

using identity::Role;
using testing::HasSubstr;

std::string WithoutRequestId(const Answer& answer) {
  auto body = answer.json().as_object();
  body.erase("request_id");
  return boost::json::serialize(body);
}

TEST_F(ApiTest, ATokenIsGivenForTheRightPasswordOnly) {
  Make("test_user", Role::kTechnician);
  const Answer good = LogIn("test_user", kPassword);
  ASSERT_EQ(good.status, 200) << good.text;
  EXPECT_EQ(good.json().at("expires_in").as_int64(), 1800);
  EXPECT_EQ(good.Text("token_type"), "bearer");
  EXPECT_EQ(Get("/api/v1/user/analyses", good.Text("access_token")).status, 200);
  const Answer wrong = LogIn("test_user", "wrong password");
  const Answer unknown = LogIn("nobody", "wrong password");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(unknown.status, 401);
  EXPECT_TRUE(wrong.headers.Has("WWW-Authenticate"));
  EXPECT_EQ(WithoutRequestId(wrong), WithoutRequestId(unknown));
  EXPECT_EQ(LastAudit(), "anonymous auth.token  denied");
  EXPECT_EQ(Post("/api/v1/auth/token", "", R"({"username":"test_user"})").status, 415);
  EXPECT_EQ(LogIn("", "x").status, 422);
  EXPECT_THAT(metrics_.Text(), HasSubstr("montage_logins_total{outcome=\"refused\"} 2"));
}

TEST_F(ApiTest, WrongPasswordsLockTheAccountForAWhile) {
  Make("test_user", Role::kTechnician);
  for (int i = 0; i < 3; ++i) LogIn("test_user", "wrong password");
  const Answer locked = LogIn("test_user", kPassword);
  EXPECT_EQ(locked.status, 429);
  EXPECT_EQ(locked.headers.Get("Retry-After"), "900");
  clock_.Advance(std::chrono::minutes(16));
  EXPECT_EQ(LogIn("test_user", kPassword).status, 200);
}

TEST_F(ApiTest, ARefreshTokenIsGoodOnceAndARevokedLoginForNothing) {
  Make("test_user", Role::kDevice);
  const Answer first = LogIn("test_user", kPassword);
  const std::string body = R"({"refresh_token":")" + first.Text("refresh_token") + "\"}";
  const Answer second = Post("/api/v1/auth/refresh", "", body);
  ASSERT_EQ(second.status, 200) << second.text;
  EXPECT_EQ(Send(http::Method::kPost, "/api/v1/auth/revoke", second.Text("access_token")).status,
            204);
  EXPECT_EQ(Get("/api/v1/eeg/files", second.Text("access_token")).status, 401);
  EXPECT_EQ(Post("/api/v1/auth/refresh", "", body).status, 401);
  for (const char* without : {"", "{}", R"({"refresh_token":""})"})
    EXPECT_EQ(Post("/api/v1/auth/refresh", "", without).status, 401) << without;
  EXPECT_EQ(Post("/api/v1/auth/refresh", "", R"({"refresh_token":7})").status, 422);
}

TEST_F(ApiTest, WhatIsNoValidTokenIsAnswered401) {
  const std::string token = Token("ann_lee");
  std::string altered = token;
  altered[altered.size() / 2] = altered[altered.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& bad : {std::string("invalid_token"), altered,
                                 std::string("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.")}) {
    const Answer answer = Get("/api/v1/user/analyses", bad);
    EXPECT_EQ(answer.status, 401);
    EXPECT_TRUE(answer.headers.Has("WWW-Authenticate"));
  }
  clock_.Advance(std::chrono::minutes(31));
  EXPECT_EQ(Get("/api/v1/user/analyses", token).status, 401);
}

TEST_F(ApiTest, ForeignThingsDoNotExist) {
  const std::string ann = Token("ann_lee");
  const std::string file = UploadedId(ann);
  const std::string job = SubmittedId(ann, file);
  for (const std::string& other :
       {Token("bob_ray"), Token("far_admin", Role::kAdmin, "another-site")}) {
    EXPECT_EQ(Get("/api/v1/jobs/" + job, other).status, 404);
    EXPECT_EQ(Get("/api/v1/results/" + job, other).status, 404);
    EXPECT_EQ(Get("/api/v1/eeg/files/" + file, other).status, 404);
    EXPECT_EQ(Send(http::Method::kDelete, "/api/v1/jobs/" + job, other).status, 404);
    EXPECT_EQ(Send(http::Method::kDelete, "/api/v1/eeg/files/" + file, other).status, 404);
    EXPECT_EQ(SubmittedId(other, file), "");
    EXPECT_TRUE(Get("/api/v1/jobs", other).json().at("jobs").as_array().empty());
  }
  const std::string doctor = Token("doctor", Role::kClinician);
  EXPECT_EQ(Get("/api/v1/jobs/" + job, doctor).status, 200);
  EXPECT_EQ(Get("/api/v1/jobs", doctor).json().at("jobs").as_array().size(), 1U);
  EXPECT_TRUE(Get("/api/v1/user/analyses", doctor).json().at("analyses").as_array().empty());
}

TEST_F(ApiTest, EveryRouteIsDescribedAndEveryGuardedOneNeedsAToken) {
  size_t described = 0;
  for (const auto& path : description_.at("paths").as_object())
    described += path.value().as_object().size();
  EXPECT_EQ(described, api_.operations().size());
  std::vector<std::string> open;
  for (const Operation& operation : api_.operations()) {
    std::string target = operation.path;
    for (size_t at = target.find('{'); at != std::string::npos; at = target.find('{'))
      target.replace(at, target.find('}') - at + 1, "some-id");
    const Answer answer = Send(operation.method, target);
    EXPECT_NE(answer.status, 404) << target;
    EXPECT_NE(answer.status, 405) << target;
    if (operation.is_guarded()) {
      EXPECT_EQ(answer.status, 401) << target;
    } else {
      open.push_back(operation.path);
    }
  }
  EXPECT_THAT(open,
              testing::UnorderedElementsAre("/api/v1/auth/token", "/api/v1/auth/refresh", "/health",
                                            "/health/live", "/health/ready", "/metrics"));
  EXPECT_EQ(Get("/api/v1/openapi.json", Token("ann_lee")).json().at("paths"),
            description_.at("paths"));
}

TEST_F(ApiTest, HealthTellsWhichPartIsDownButNotItsSecrets) {
  EXPECT_EQ(Get("/health").Text("status"), "ok");
  EXPECT_EQ(Get("/health/ready").status, 200);
  health_[1] = {"model", false, "cannot read the file secret.pt", "failed"};
  EXPECT_EQ(Get("/health").Text("status"), "degraded");
  EXPECT_THAT(Get("/health").text, testing::Not(HasSubstr("secret.pt")));
  EXPECT_THAT(Get("/health").text, HasSubstr(R"("state":"failed")"));
  EXPECT_EQ(Get("/health/ready").status, 200);
  health_[0].ok = false;
  const Answer down = Get("/health/ready");
  EXPECT_EQ(down.status, 503);
  EXPECT_TRUE(down.headers.Has("Retry-After"));
  EXPECT_EQ(Get("/health/live").status, 200);
  EXPECT_THAT(Get("/metrics").text, HasSubstr("http_requests_total"));
}

TEST_F(ApiTest, AdministratorsManageTheUsersOfTheirSite) {
  const std::string admin = Token("the_admin", Role::kAdmin);
  const Answer made =
      Post("/api/v1/users", admin,
           R"({"username":"new_user","password":"a long enough one","role":"viewer"})");
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_THAT(LastAudit(), HasSubstr(" users.create " + made.Text("user_id") + " allowed"));
  EXPECT_EQ(Post("/api/v1/users", admin,
                 R"({"username":"new_user","password":"a long enough one","role":"viewer"})")
                .status,
            409);
  EXPECT_EQ(Post("/api/v1/users", admin, R"({"username":"x","password":"y","role":"king"})").status,
            422);
  EXPECT_EQ(
      Post("/api/v1/users", admin,
           R"({"username":"new_two","password":"a long enough one","role":"viewer","site":"b"})")
          .status,
      403);
  const std::string user = "/api/v1/users/" + made.Text("user_id");
  const std::string token = Token("new_user");
  EXPECT_EQ(Get("/api/v1/users", token).status, 403);
  EXPECT_EQ(Get(user, admin).status, 200);
  EXPECT_EQ(Get(user, Token("far_admin", Role::kAdmin, "b")).status, 404);
  EXPECT_EQ(Send(http::Method::kPost, user + "/deactivate", admin).status, 200);
  EXPECT_EQ(Get("/api/v1/jobs", token).status, 401);
  EXPECT_EQ(Send(http::Method::kPost, user + "/activate", admin).status, 200);
  const std::string self = accounts_.FindByName("the_admin", never_)->user_id;
  EXPECT_EQ(Send(http::Method::kPost, "/api/v1/users/" + self + "/deactivate", admin).status, 409);
  EXPECT_EQ(Get("/api/v1/users", admin).json().at("users").as_array().size(), 2U);
}

TEST_F(ApiTest, KeysOpenOnlyWhatTheirScopesAllowUntilTheyAreShut) {
  const std::string admin = Token("the_admin", Role::kAdmin);
  const Answer made =
      Post("/api/v1/keys", admin,
           R"({"name":"reader","scopes":["results:read"],"limits":{"per_minute":2}})");
  ASSERT_EQ(made.status, 201) << made.text;
  const http::Headers key = {{"X-API-Key", made.Text("secret")}};
  const auto use = [&](const std::string& target) {
    return Send(http::Method::kGet, target, "", "", key);
  };
  EXPECT_EQ(use("/api/v1/jobs").status, 200);
  EXPECT_EQ(use("/api/v1/users").status, 403);
  EXPECT_EQ(use("/api/v1/jobs").status, 429);
  const std::string one = "/api/v1/keys/" + made.Text("key_id");
  EXPECT_THAT(Get(one, admin).text, testing::Not(HasSubstr(made.Text("secret"))));
  EXPECT_EQ(Get(one + "/usage", admin).status, 200);
  EXPECT_EQ(Get(one, Token("far_admin", Role::kAdmin, "b")).status, 404);
  EXPECT_EQ(
      Send(http::Method::kPut, one + "/limits", admin, "{}", {{"Content-Type", "application/json"}})
          .status,
      200);
  EXPECT_EQ(use("/api/v1/jobs").status, 200);
  EXPECT_EQ(Send(http::Method::kPost, "/api/v1/auth/revoke", "", "", key).status, 409);
  EXPECT_EQ(Send(http::Method::kPost, one + "/rotate", admin).status, 200);
  EXPECT_EQ(use("/api/v1/jobs").status, 401);
  EXPECT_EQ(Send(http::Method::kPost, one + "/deactivate", admin).Text("key_id"),
            made.Text("key_id"));
  EXPECT_EQ(Get("/api/v1/keys", admin).status, 200);
  EXPECT_EQ(Post("/api/v1/keys", admin, R"({"name":"k","scopes":["fly"]})").status, 422);
}

TEST_F(ApiTest, AKeyCannotGiveMoreThanItHas) {
  const identity::User admin = Make("the_admin", Role::kAdmin);
  const auto key =
      keys_.Create(admin, "keys only", {identity::Permission::kManageKeys}, {}, {}, never_);
  const Answer answer = Post("/api/v1/keys", "", R"({"name":"more","scopes":["users:manage"]})",
                             {{"X-API-Key", key->secret}});
  EXPECT_EQ(answer.status, 403) << answer.text;
}

TEST_F(ApiTest, TheAuditTrailCanBeReadAndVerified) {
  const std::string admin = Token("the_admin", Role::kAdmin);
  Get("/api/v1/jobs", "invalid_token");
  UploadedId(admin);
  const auto page = Get("/api/v1/audit?limit=1", admin).json();
  ASSERT_EQ(page.at("entries").as_array().size(), 1U);
  EXPECT_EQ(page.at("next").as_int64(), page.at("entries").at(0).at("seq").as_int64());
  EXPECT_TRUE(Get("/api/v1/audit/verify", admin).json().at("ok").as_bool());
  ASSERT_TRUE(sql::Change(*database_, "UPDATE audit_log SET actor = 'x' WHERE seq = 1", {}, never_)
                  .has_value());
  EXPECT_FALSE(Get("/api/v1/audit/verify", admin).json().at("ok").as_bool());
  EXPECT_EQ(Get("/api/v1/audit", Token("ann_lee")).status, 403);
}

}  // namespace
}  // namespace montage::api
