#include <gmock/gmock.h>

#include "lib/crypto/base64.h"
#include "montage/api/api_fixture.h"

namespace montage::api {
namespace {

using identity::Role;
using testing::HasSubstr;

class CacheRoutesTest : public ApiTest {
 protected:
  static std::string PathOf(const std::string& level, const std::string& key) {
    return "/api/v1/cache/entries/" + level + "/" + key;
  }
  int Plant(const std::string& level, const std::string& key, std::string_view value = "planted") {
    http::Headers headers;
    headers.Set("Content-Type", "application/json");
    return Send(http::Method::kPut, PathOf(level, key), admin_,
                R"({"value":")" + crypto::Base64(value) + "\"}", headers)
        .status;
  }
  int StatusAt(const std::string& level, const std::string& key) {
    return Get(PathOf(level, key), admin_).status;
  }
  Answer Invalidate(const std::string& file_id) {
    return Send(http::Method::kDelete, "/api/v1/cache/files/" + file_id, admin_);
  }

  const std::string admin_ = Token("root", Role::kAdmin);
  const std::string token_ = Token("tia");
};

TEST_F(CacheRoutesTest, ShowsTheValuesOfAWindowAsTheyWereAnswered) {
  const std::string file_id = Upload(token_, Edf(1, 20)).Text("file_id");
  const std::string key = "features:" + file_id + ":1";
  EXPECT_EQ(StatusAt("l1", key), 404);
  EXPECT_EQ(StatusAt("l2", key), 404);
  const auto answered = Get("/api/v1/eeg/files/" + file_id + "/features/1", token_).json();
  for (const char* level : {"l1", "l2"}) {
    const auto entry = Get(PathOf(level, key), admin_);
    ASSERT_EQ(entry.status, 200) << entry.text;
    EXPECT_EQ(entry.json().at("values"), answered.at("values")) << level;
    EXPECT_EQ(entry.json().at("values").as_array().size(), 768U);
    EXPECT_EQ(entry.Text("file_id"), file_id);
  }
  EXPECT_EQ(Get(PathOf("l1", key), admin_).json().at("remaining_s"), 3600.0);
  EXPECT_TRUE(Get(PathOf("l2", key), admin_).json().at("remaining_s").is_null());
  EXPECT_THAT(LastAudit(), HasSubstr("cache.read features:" + file_id + ":1 allowed"));
}

TEST_F(CacheRoutesTest, ALevelIsEmptiedWithoutTheOther) {
  const std::string file_id = Upload(token_, Edf(1, 20)).Text("file_id");
  const std::string key = "features:" + file_id + ":0";
  const std::string window = "/api/v1/eeg/files/" + file_id + "/features/0";
  const auto first = Get(window, token_).json();
  EXPECT_EQ(Send(http::Method::kDelete, PathOf("l1", key), admin_).status, 204);
  EXPECT_EQ(LastAudit().substr(LastAudit().find(' ') + 1), "cache.delete " + key + " allowed");
  EXPECT_EQ(Send(http::Method::kDelete, PathOf("l1", key), admin_).status, 404);
  EXPECT_EQ(StatusAt("l1", key), 404);
  const auto second = Get(window, token_).json();
  EXPECT_EQ(second.at("cached"), "l2");
  EXPECT_EQ(second.at("values"), first.at("values"));
  EXPECT_EQ(StatusAt("l1", key), 200);
  EXPECT_EQ(Send(http::Method::kDelete, PathOf("l2", key), admin_).status, 204);
  EXPECT_EQ(Get(window, token_).json().at("cached"), "l1");
}

TEST_F(CacheRoutesTest, InvalidatesARecordingByItsExactId) {
  const std::vector<std::string> own = {"features:test-file-123:window-0",
                                        "features:test-file-123:1", "raw:test-file-123",
                                        "results:test-file-123"};
  const std::vector<std::string> others = {"features:test-file-1234:0", "raw:test-file-12"};
  for (const char* level : {"l1", "l2"}) {
    for (const std::string& key : own) EXPECT_EQ(Plant(level, key), 204);
    for (const std::string& key : others) EXPECT_EQ(Plant(level, key), 204);
  }
  const auto planted = Get(PathOf("l2", own[0]), admin_);
  EXPECT_EQ(planted.Text("value"), crypto::Base64("planted"));
  EXPECT_TRUE(planted.json().at("values").is_null());
  const auto done = Invalidate("test-file-123");
  ASSERT_EQ(done.status, 200) << done.text;
  EXPECT_EQ(done.json().at("l1"), 4);
  EXPECT_EQ(done.json().at("l2"), 4);
  EXPECT_THAT(LastAudit(), HasSubstr("cache.invalidate test-file-123 allowed"));
  for (const char* level : {"l1", "l2"}) {
    for (const std::string& key : own) EXPECT_EQ(StatusAt(level, key), 404) << key;
    for (const std::string& key : others) EXPECT_EQ(StatusAt(level, key), 200) << key;
  }
  EXPECT_EQ(Invalidate("test-file-123").json().at("l2"), 0);
}

TEST_F(CacheRoutesTest, CountsBothLevels) {
  const std::string file_id = Upload(token_, Edf(1, 20)).Text("file_id");
  for (int i = 0; i < 3; ++i) Get("/api/v1/eeg/files/" + file_id + "/features/0", token_);
  const auto stats = Get("/api/v1/cache/stats", admin_).json();
  EXPECT_EQ(stats.at("l1").at("kind"), "memory");
  EXPECT_EQ(stats.at("l1").at("hits"), 2);
  EXPECT_EQ(stats.at("l1").at("misses"), 1);
  EXPECT_EQ(stats.at("l1").at("entries"), 1);
  EXPECT_EQ(stats.at("l1").at("time_to_live_s"), 3600.0);
  EXPECT_EQ(stats.at("l2").at("kind"), "objects");
  EXPECT_EQ(stats.at("l2").at("entries"), 1);
  EXPECT_EQ(stats.at("l2").at("misses"), 1);
  EXPECT_TRUE(stats.at("l2").at("available").as_bool());
}

TEST_F(CacheRoutesTest, AreForAdministratorsOfTheSite) {
  const std::string file_id = Upload(token_, Edf(1, 20)).Text("file_id");
  const std::string key = "features:" + file_id + ":0";
  Get("/api/v1/eeg/files/" + file_id + "/features/0", token_);
  for (const Role role : {Role::kTechnician, Role::kClinician, Role::kService, Role::kViewer}) {
    const std::string who = Token("someone" + std::string(identity::ToString(role)), role);
    EXPECT_EQ(Get("/api/v1/cache/stats", who).status, 403);
    EXPECT_EQ(Get(PathOf("l1", key), who).status, 403);
    EXPECT_EQ(Send(http::Method::kDelete, PathOf("l1", key), who).status, 403);
    EXPECT_EQ(Send(http::Method::kDelete, "/api/v1/cache/files/" + file_id, who).status, 403);
  }
  const std::string far = Token("far_admin", Role::kAdmin, "another-site");
  EXPECT_EQ(Get(PathOf("l1", key), far).status, 404);
  EXPECT_EQ(Send(http::Method::kDelete, PathOf("l1", key), far).status, 404);
  EXPECT_EQ(Send(http::Method::kDelete, "/api/v1/cache/files/" + file_id, far).status, 404);
  EXPECT_EQ(StatusAt("l1", key), 200);
}

TEST_F(CacheRoutesTest, RefusesWhatIsNoEntry) {
  EXPECT_EQ(StatusAt("l3", "raw:a"), 404);
  EXPECT_EQ(StatusAt("l1", "raw:"), 422);
  EXPECT_EQ(StatusAt("l2", "invalidated:a"), 422);
  EXPECT_EQ(StatusAt("l1", "features:a:b:c"), 422);
  EXPECT_EQ(Invalidate("a:b").status, 422);
  http::Headers headers;
  headers.Set("Content-Type", "application/json");
  for (const char* body : {"{}", R"({"value":7})", R"({"value":"***"})"}) {
    const auto refused = Send(http::Method::kPut, PathOf("l1", "raw:a"), admin_, body, headers);
    EXPECT_EQ(refused.status, 422) << body;
  }
  EXPECT_EQ(Plant("l1", "raw:a", std::string((1 << 20) + 1, 'x')), 422);
  EXPECT_EQ(StatusAt("l1", "raw:a"), 404);
}

}  // namespace
}  // namespace montage::api
