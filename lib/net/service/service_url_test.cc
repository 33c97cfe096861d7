#include "lib/net/service/service_url.h"

#include <array>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace net {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::array kSchemes = {ServiceScheme{"cache", 1000, false},
                                 ServiceScheme{"caches", 1001, true}};

base::Result<ServiceUrl> Parse(std::string_view text) { return ParseServiceUrl(text, kSchemes); }

TEST(ServiceUrl, TakesAllParts) {
  const auto url = Parse("caches://ann:se%40cret%2F@db.example:77/a%2Fb").value();
  EXPECT_EQ(url.scheme, "caches");
  EXPECT_TRUE(url.secure);
  EXPECT_EQ(url.user, "ann");
  EXPECT_EQ(url.password, "se@cret/");
  EXPECT_EQ(url.host, "db.example");
  EXPECT_EQ(url.port, 77);
  EXPECT_EQ(url.path, "a/b");
  EXPECT_EQ(url.Authority(), "db.example:77");
}

TEST(ServiceUrl, FillsInThePortOfTheScheme) {
  EXPECT_EQ(Parse("cache://h").value().port, 1000);
  EXPECT_EQ(Parse("CACHES://h/").value().port, 1001);
}

TEST(ServiceUrl, TakesAPasswordWithoutUserAndOneWithAnAtSign) {
  const auto url = Parse("cache://:p@ss@h").value();
  EXPECT_EQ(url.user, "");
  EXPECT_EQ(url.password, "p@ss");
}

TEST(ServiceUrl, TakesAddressesOfIpv6) {
  const auto url = Parse("cache://[::1]:9").value();
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.Authority(), "[::1]:9");
}

TEST(ServiceUrl, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"localhost:6379", "expected cache:// or caches://host:port"},
      {"http://h", "expected cache://"},
      {"cache://", "it has no host"},
      {"cache://:99", "it has no host"},
      {"cache://h:0", "\"0\" is no port"},
      {"cache://h:70000", "\"70000\" is no port"},
      {"cache://h:12x", "\"12x\" is no port"},
      {"cache://[::1", "a [ has no ]"},
      {"cache://h/%zz", "two hexadecimal digits"},
      {"cache://h/%4", "two hexadecimal digits"},
      {"cache://h?ssl=1", "neither query nor fragment"}};
  for (const auto& [text, what] : cases) {
    const auto url = Parse(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_EQ(url.error().code, base::ErrorCode::kInvalid);
    EXPECT_THAT(url.error().message, HasSubstr(what)) << text;
  }
}

TEST(ServiceUrl, NeverShowsAPasswordInAnError) {
  for (const char* text : {"cache://ann:topsecret@h:bad", "nosuch://ann:topsecret@h",
                           "cache://ann:topsecret%@h", "cache://ann:topsecret@h?x"}) {
    const auto url = Parse(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_THAT(url.error().message, Not(HasSubstr("topsecret"))) << text;
  }
}

}  // namespace
}  // namespace net
