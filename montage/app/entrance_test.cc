// What clients see of a service that is not open yet, and that it opens without a gap.

#include "montage/app/entrance.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/http/client.h"
#include "lib/net/runtime.h"

namespace montage::app {
namespace {

using base::Deadline;
using base::ErrorCode;
using boost::json::object;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

struct Answer {
  int status = 0;
  std::string retry_after;
  object body;
};

class EntranceTest : public testing::Test {
 protected:
  /// Opens an entrance, does `steps` with it on its loop, and closes it.
  template <typename Steps>
  void With(Steps steps) {
    net::Runtime runtime;
    const auto main = [](EntranceTest& test, const Steps& what) -> net::Task<void> {
      auto entrance = Entrance::Open(co_await net::CurrentExecutor(), test.config_, test.log_);
      EXPECT_TRUE(entrance.has_value()) << entrance.error().ToString();
      if (!entrance) co_return;
      http::Client client(co_await net::CurrentExecutor());
      co_await what(**entrance, client);
      EXPECT_EQ(co_await (*entrance)->Close(Deadline::After(10s)), 0U);
    };
    runtime.Run(main(*this, steps));
  }
  static net::Task<Answer> Get(http::Client& client, const Entrance& entrance, std::string path) {
    const auto response =
        co_await client.Send({.url = entrance.url() + path}, Deadline::After(10s));
    EXPECT_TRUE(response.has_value()) << response.error().ToString();
    if (!response) co_return Answer{};
    const auto json = boost::json::parse(response->body);
    co_return Answer{response->status,
                     std::string(response->headers.Get("Retry-After").value_or("")),
                     json.is_object() ? json.as_object() : object{}};
  }

  Config config_ = [] {
    Config config;
    config.listen_host = "127.0.0.1";
    return config;
  }();
  const base::SystemClock clock_;
  Log log_{LogLevel::kError, clock_};
};

std::string Text(const object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

TEST_F(EntranceTest, BeforeItOpensItLivesAndIsNotReady) {
  With([](Entrance& entrance, http::Client& client) -> net::Task<void> {
    const Answer live = co_await Get(client, entrance, "/health/live");
    EXPECT_EQ(live.status, 200);
    EXPECT_EQ(Text(live.body, "status"), "alive");
    for (const char* path : {"/health", "/health/ready", "/api/v1/jobs", "/nowhere"}) {
      const Answer answer = co_await Get(client, entrance, path);
      EXPECT_EQ(answer.status, 503) << path;
      EXPECT_EQ(Text(answer.body, "error"), "service_unavailable") << path;
      EXPECT_EQ(Text(answer.body, "message"), "the service is starting") << path;
      EXPECT_NE(Text(answer.body, "request_id"), "") << path;
      EXPECT_EQ(answer.retry_after, "1") << path;
    }
  });
}

TEST_F(EntranceTest, ItNamesTheStoreThatIsMissingAndHidesWhatTheStoreSaid) {
  With([](Entrance& entrance, http::Client& client) -> net::Task<void> {
    entrance.WaitFor("cache", {ErrorCode::kUnauthorized, "user ada at 10.1.2.3 is not known"});
    Answer answer = co_await Get(client, entrance, "/health/ready");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(Text(answer.body, "message"), "cache is not available: it refuses the login");
    EXPECT_EQ(boost::json::serialize(answer.body.at("details")),
              R"({"components":[{"name":"cache","ok":false,"detail":"it refuses the login"}]})");
    EXPECT_THAT(boost::json::serialize(answer.body), Not(HasSubstr("ada")));

    entrance.WaitFor("database", {ErrorCode::kUnavailable, "connection refused"});
    answer = co_await Get(client, entrance, "/health/ready");
    EXPECT_EQ(Text(answer.body, "message"), "database is not available: it cannot be reached");
    entrance.WaitFor("objects", {ErrorCode::kIo, "strange"});
    answer = co_await Get(client, entrance, "/health/ready");
    EXPECT_EQ(Text(answer.body, "message"), "objects is not available: it cannot be used");
    entrance.WaitFor("", {});
    answer = co_await Get(client, entrance, "/health/ready");
    EXPECT_EQ(Text(answer.body, "message"), "the service is starting");
  });
}

TEST_F(EntranceTest, OnceItIsOpenTheServiceAnswersOnTheSameConnection) {
  With([](Entrance& entrance, http::Client& client) -> net::Task<void> {
    EXPECT_EQ((co_await Get(client, entrance, "/health/live")).status, 200);
    const size_t before = entrance.connections();
    entrance.OpenTo([](http::Request& request) -> net::Task<http::Response> {
      co_return http::Response::Json(201, R"({"path":")" + request.path + R"("})");
    });
    const Answer answer = co_await Get(client, entrance, "/health/live");
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(Text(answer.body, "path"), "/health/live");
    EXPECT_EQ(entrance.connections(), before);
  });
}

TEST_F(EntranceTest, AnAddressThatIsTakenIsNamed) {
  With([this](Entrance& entrance, http::Client&) -> net::Task<void> {
    Config taken = config_;
    taken.listen_port =
        static_cast<uint16_t>(std::stoi(entrance.url().substr(entrance.url().rfind(':') + 1)));
    const auto second = Entrance::Open(co_await net::CurrentExecutor(), taken, log_);
    EXPECT_FALSE(second.has_value());
    if (second) co_return;
    EXPECT_THAT(second.error().ToString(),
                HasSubstr("listening on 127.0.0.1:" + std::to_string(taken.listen_port)));
  });
}

}  // namespace
}  // namespace montage::app
