#include "lib/sql/postgres/login.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sql/sqlstate.h"
#include "lib/sql/url.h"

namespace sql {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::Not;

TEST(RedactedUrl, HasNoPassword) {
  const std::pair<const char*, const char*> cases[] = {
      {"postgresql://u:secret@h:1/d", "postgresql://u@h:1/d"},
      {"postgresql://u:se@cr/et@h:1/d?sslmode=require", "postgresql://u@h:1/d?sslmode=require"},
      {"postgresql://u@h/d", "postgresql://u@h/d"},
      {"postgresql://h/d?user=u&password=secret&sslmode=disable",
       "postgresql://h/d?user=u&password=&sslmode=disable"},
      {"host=h password=secret user=u", "host=h password= user=u"},
      {"sqlite:a/b.db", "sqlite:a/b.db"}};
  for (const auto& [url, shown] : cases) EXPECT_EQ(RedactedUrl(url), shown);
}

std::map<std::string, std::string> Settings(const PostgresLogin& login) {
  std::map<std::string, std::string> settings;
  for (size_t i = 0; login.keywords()[i] != nullptr; ++i) {
    settings[login.keywords()[i]] = login.values()[i];
  }
  return settings;
}

TEST(PostgresLogin, TakesEveryPartOfTheUrl) {
  const auto login = PostgresLogin::Parse(
      "postgresql://me:p%40ss@db.example:6432/shop?sslmode=verify-full&sslrootcert=/ca.pem", "x");
  ASSERT_TRUE(login.has_value()) << login.error().ToString();
  const auto settings = Settings(*login);
  EXPECT_EQ(settings.at("user"), "me");
  EXPECT_EQ(settings.at("password"), "p@ss");
  EXPECT_EQ(settings.at("host"), "db.example");
  EXPECT_EQ(settings.at("port"), "6432");
  EXPECT_EQ(settings.at("dbname"), "shop");
  EXPECT_EQ(settings.at("sslmode"), "verify-full");
  EXPECT_EQ(settings.at("sslrootcert"), "/ca.pem");
  EXPECT_EQ(settings.at("application_name"), "x");
}

TEST(PostgresLogin, SaysWhatIsWrongWithoutThePassword) {
  for (const char* url : {"postgresql://u:secret@h:1/d?nonsense=1", "postgresql://u:secret@[h/d",
                          "mysql://u:secret@h/d", "host=h password=secret"}) {
    const auto login = PostgresLogin::Parse(url, "");
    ASSERT_FALSE(login.has_value()) << url;
    EXPECT_EQ(login.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(login.error().ToString(), Not(HasSubstr("secret"))) << url;
  }
  EXPECT_THAT(PostgresLogin::Parse("postgresql://h/d?nonsense=1", "").error().message,
              HasSubstr("nonsense"));
}

TEST(LoginError, KnowsWhyTheServerRefused) {
  const base::Error password = LoginError(
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password "
      "authentication failed for user \"u\"\nLOCATION:  auth_failed, auth.c:335\n");
  EXPECT_EQ(password.code, ErrorCode::kUnauthorized);
  EXPECT_EQ(password.message, "password authentication failed for user \"u\" (SQLSTATE 28P01)");
  EXPECT_EQ(LoginError("x: FATAL:  3D000: database \"d\" does not exist\n").code,
            ErrorCode::kNotFound);
  EXPECT_EQ(LoginError("x: FATAL:  57P03: the database system is starting up\n").code,
            ErrorCode::kUnavailable);
  const base::Error refused = LoginError(
      "connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs the server "
      "running on that host and accepting TCP/IP connections?\n");
  EXPECT_EQ(refused.code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.message, HasSubstr("Connection refused Is the server"));
}

TEST(SqlState, DecidesTheCodeOfTheError) {
  const std::pair<const char*, ErrorCode> cases[] = {
      {"23505", ErrorCode::kConflict},  {"40001", ErrorCode::kConflict},
      {"40P01", ErrorCode::kConflict},  {"22P02", ErrorCode::kInvalid},
      {"42P01", ErrorCode::kInternal},  {"42501", ErrorCode::kForbidden},
      {"25006", ErrorCode::kForbidden}, {"55P03", ErrorCode::kUnavailable},
      {"57014", ErrorCode::kTimeout},   {"57P01", ErrorCode::kUnavailable},
      {"53300", ErrorCode::kExhausted}, {"08006", ErrorCode::kUnavailable},
      {"XX001", ErrorCode::kCorrupt},   {"ZZ999", ErrorCode::kInternal}};
  for (const auto& [state, code] : cases) EXPECT_EQ(CodeOfSqlState(state), code) << state;
  EXPECT_FALSE(QuotesNoValues("22P02"));
  EXPECT_TRUE(QuotesNoValues("23505"));
}

}  // namespace
}  // namespace sql
