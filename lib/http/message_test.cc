#include "lib/http/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/http/media.h"
#include "lib/net/runtime.h"

namespace http {
namespace {

using base::Deadline;
using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Headers, NamesIgnoreCaseAndOrderAndRepetitionsAreKept) {
  Headers headers{{"Set-Cookie", "a=1"}, {"X", "y"}, {"set-cookie", "b=2"}};
  EXPECT_EQ(headers.Get("SET-COOKIE"), "a=1");
  EXPECT_THAT(headers.GetAll("set-cookie"), ElementsAre("a=1", "b=2"));
  headers.Set("SET-cookie", "c=3");
  EXPECT_THAT(headers.GetAll("set-cookie"), ElementsAre("c=3"));
  EXPECT_EQ(headers.begin()->value, "c=3");
  headers.Remove("x");
  EXPECT_FALSE(headers.Has("X"));
}

TEST(Headers, TokensOfAListAreFoundInEveryField) {
  const Headers headers{{"Connection", "keep-alive , Upgrade"}, {"connection", "close"}};
  EXPECT_TRUE(headers.HasToken("Connection", "upgrade"));
  EXPECT_TRUE(headers.HasToken("Connection", "close"));
  EXPECT_FALSE(headers.HasToken("Connection", "clos"));
  EXPECT_EQ(headers.Joined("connection"), "keep-alive , Upgrade, close");
}

TEST(Headers, FieldsThatWouldSmuggleAnotherAreRecognised) {
  EXPECT_TRUE(IsFieldName("X-Request-Id"));
  EXPECT_FALSE(IsFieldName(""));
  EXPECT_FALSE(IsFieldName("a b"));
  EXPECT_FALSE(IsFieldName("a:"));
  EXPECT_TRUE(IsFieldValue("a\tb"));
  EXPECT_FALSE(IsFieldValue("a\r\nb: c"));
  EXPECT_FALSE(IsFieldValue(std::string_view("\0", 1)));
}

TEST(Url, PartsAndDefaults) {
  const Url url = ParseUrl("HTTP://user:p%40ss@[::1]:8080/a%20b?x=1#f").value();
  EXPECT_EQ(url.scheme, "http");
  EXPECT_EQ(url.user, "user");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.Target(), "/a%20b?x=1");
  EXPECT_EQ(url.Authority(), "[::1]:8080");
  EXPECT_EQ(url.ToString(), "http://user:p%40ss@[::1]:8080/a%20b?x=1#f");
  EXPECT_EQ(ParseUrl("https://h").value().port, 443);
  EXPECT_EQ(ParseUrl("https://h").value().path, "/");
  EXPECT_EQ(ParseUrl("https://h:443/").value().Authority(), "h");
}

TEST(Url, RefusesWhatIsNotAWebUrl) {
  for (const char* text : {"", "/path", "host:80/x", "ftp://h/", "http://", "http://h:0/",
                           "http://h:99999/", "http://h/ space", "http://h/%zz"}) {
    const auto url = ParseUrl(text);
    EXPECT_FALSE(url.has_value()) << text;
    if (!url.has_value()) EXPECT_EQ(url.error().code, ErrorCode::kInvalid) << text;
  }
}

TEST(Url, ResolvesReferences) {
  const Url base = ParseUrl("http://h:81/a/b?q").value();
  EXPECT_EQ(ResolveUrl(base, "../c").value().ToString(), "http://h:81/c");
  EXPECT_EQ(ResolveUrl(base, "//other/x").value().ToString(), "http://other/x");
  EXPECT_EQ(ResolveUrl(base, "https://z/").value().port, 443);
}

TEST(PercentEncoding, RoundTripsEveryByte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(PercentDecode(PercentEncode(all)).value(), all);
  EXPECT_EQ(PercentEncode("a/b c~", "/"), "a/b%20c~");
  EXPECT_EQ(PercentDecode("%2").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(PercentDecode("%g0").error().code, ErrorCode::kInvalid);
}

TEST(Query, KeepsOrderRepetitionsAndEmptyValues) {
  const auto params = ParseQuery("a=1&b=&a=x%26y+z&c&&=v").value();
  EXPECT_EQ(params,
            (std::vector<QueryParam>{{"a", "1"}, {"b", ""}, {"a", "x&y z"}, {"c", ""}, {"", "v"}}));
  EXPECT_EQ(ParseQuery(FormatQuery(params)).value(), params);
  EXPECT_FALSE(ParseQuery("a=%").has_value());
}

TEST(MediaType, ParsesParametersWithQuotes) {
  const MediaType media =
      ParseMediaType("Multipart/Form-Data; Boundary=\"a;\\\"b\" ; charset=UTF-8").value();
  EXPECT_EQ(media.Essence(), "multipart/form-data");
  EXPECT_EQ(media.Parameter("boundary"), "a;\"b");
  EXPECT_EQ(media.Parameter("charset"), "UTF-8");
  EXPECT_EQ(media.Parameter("none"), "");
  for (const char* bad : {"", "text", "text/", "/x", "a/b; c", "a/b; c=\"open", "a b/c"}) {
    EXPECT_FALSE(ParseMediaType(bad).has_value()) << bad;
  }
}

TEST(AcceptEncoding, FollowsTheWeights) {
  EXPECT_TRUE(AcceptsEncoding("gzip, deflate, br", "gzip"));
  EXPECT_FALSE(AcceptsEncoding("gzip;q=0, *", "gzip"));
  EXPECT_TRUE(AcceptsEncoding("*;q=0.1", "gzip"));
  EXPECT_FALSE(AcceptsEncoding("*;q=0", "gzip"));
  EXPECT_FALSE(AcceptsEncoding("", "gzip"));
  EXPECT_FALSE(AcceptsEncoding("identity", "gzip"));
  EXPECT_FALSE(AcceptsEncoding("gzip;q=nan", "gzip"));
  EXPECT_FALSE(AcceptsEncoding("gzip;q=2", "gzip"));
}

TEST(Accept, OrdersByWeightAndKeepsTheOrderOfEqualOnes) {
  std::vector<std::string> values;
  for (auto& preference : ParsePreferences("a;q=0.5, B, c;q=0.7, d")) {
    values.push_back(preference.value);
  }
  EXPECT_THAT(values, ElementsAre("b", "d", "c", "a"));
}

TEST(Attachments, AreFoundByType) {
  Request request;
  EXPECT_EQ(request.Attached<int>(), nullptr);
  request.Attach(7);
  request.Attach(std::string("who"));
  EXPECT_EQ(*request.Attached<int>(), 7);
  EXPECT_EQ(*request.Attached<std::string>(), "who");
}

TEST(ReadAll, StopsAtTheLimit) {
  net::Runtime runtime;
  TextBody fits("12345");
  EXPECT_EQ(runtime.Run(ReadAll(fits, 5, Deadline::Never())).value(), "12345");
  TextBody over("123456");
  EXPECT_EQ(runtime.Run(ReadAll(over, 5, Deadline::Never())).error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace http
