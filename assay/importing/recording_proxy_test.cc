// The proxy between a real client and a real server.

#include "assay/importing/recording_proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/net/runtime.h"

namespace assay::importing {
namespace {

using base::Deadline;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class Recorder : public testing::Test {
 protected:
  Recorder() {
    upstream_ = http::Server::Start(runtime_.executors(),
                                    [this](http::Request& request) { return Answer(request); }, {})
                    .value();
  }
  ~Recorder() override {
    if (proxy_) runtime_.Run(proxy_->Stop(Deadline::After(1s)));
    runtime_.Run(upstream_->Shutdown(Deadline::After(1s)));
  }

  net::Task<http::Response> Answer(http::Request& request) {
    seen_ = request.headers;
    target_ = request.target;
    const auto body = co_await http::ReadAll(*request.reader, 1 << 20, Deadline::After(10s));
    http::Response answer =
        http::Response::Json(201, R"({"id": "n-1", "got": ")" + body.value_or("?") + "\"}");
    answer.headers.Add("Location", upstream_->url() + "/notes/n-1");
    answer.headers.Add("Set-Cookie", "sid=abc; Path=/; Domain=example.org; Secure; HttpOnly");
    co_return answer;
  }

  void Start(std::string upstream) {
    auto started = RecordingProxy::Start(runtime_.executor(), {.upstream = std::move(upstream)});
    ASSERT_TRUE(started) << started.error().ToString();
    proxy_ = *std::move(started);
  }
  http::ClientResponse Send(http::ClientRequest request) {
    return runtime_.Run(SendOne(std::move(request)));
  }
  net::Task<http::ClientResponse> SendOne(http::ClientRequest request) {
    http::Client client(co_await net::CurrentExecutor());
    auto answer = co_await client.Send(std::move(request), Deadline::After(10s));
    EXPECT_TRUE(answer.has_value()) << answer.error().ToString();
    co_return answer.value_or(http::ClientResponse{});
  }

  net::Runtime runtime_;
  std::unique_ptr<http::Server> upstream_;
  std::unique_ptr<RecordingProxy> proxy_;
  http::Headers seen_;
  std::string target_;
};

TEST_F(Recorder, PassesOnAndKeeps) {
  Start(upstream_->url() + "/base/");
  const auto answer = Send({.method = "POST",
                            .url = proxy_->url() + "/notes?a=b%20c&a=d",
                            .headers = {{"X-Own", "1"}},
                            .body = std::string("hello")});
  EXPECT_EQ(answer.status, 201);
  EXPECT_THAT(answer.body, HasSubstr("hello"));
  EXPECT_EQ(target_, "/base/notes?a=b%20c&a=d");
  EXPECT_EQ(seen_.Get("X-Own"), "1");
  EXPECT_THAT(std::string(seen_.Get("Host").value_or("")),
              HasSubstr(std::to_string(upstream_->port())));
  ASSERT_EQ(proxy_->exchanges().size(), 1U);
  const Exchange& kept = proxy_->exchanges().front();
  EXPECT_EQ(kept.method, "POST");
  EXPECT_EQ(kept.path, "/notes");
  EXPECT_EQ(kept.query, (std::vector<http::QueryParam>{{"a", "b c"}, {"a", "d"}}));
  EXPECT_EQ(std::get<std::string>(kept.content), "hello");
  EXPECT_EQ(kept.answer->status, 201);
  EXPECT_THAT(kept.answer->body, HasSubstr("n-1"));
}

TEST_F(Recorder, KeepsClientsOnTheProxy) {
  Start(upstream_->url());
  const auto answer = Send({.url = proxy_->url() + "/x"});
  EXPECT_EQ(answer.headers.Get("Location"), proxy_->url() + "/notes/n-1");
  EXPECT_EQ(answer.headers.Get("Set-Cookie"), "sid=abc; Path=/; HttpOnly");
}

TEST_F(Recorder, PartsOfAFormAreKeptAsParts) {
  Start(upstream_->url());
  Send({.method = "POST",
        .url = proxy_->url() + "/x",
        .body = std::vector<http::FormPart>{
            {.name = "file", .content = std::string("EDF"), .filename = "a.edf"}}});
  const auto& parts = std::get<std::vector<Part>>(proxy_->exchanges().front().content);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts.front().filename, "a.edf");
  EXPECT_EQ(parts.front().text, "EDF");
}

TEST_F(Recorder, AnUpstreamThatIsAwayIsA502AndNotKept) {
  Start("http://127.0.0.1:1");
  EXPECT_EQ(Send({.url = proxy_->url() + "/x"}).status, 502);
  EXPECT_TRUE(proxy_->exchanges().empty());
}

TEST_F(Recorder, UpgradesAreRefusedAndCounted) {
  Start(upstream_->url());
  EXPECT_EQ(Send({.url = proxy_->url() + "/ws",
                  .headers = {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}}})
                .status,
            501);
  EXPECT_EQ(proxy_->refused_upgrades(), 1U);
}

TEST_F(Recorder, NeedsAnHttpUpstream) {
  EXPECT_FALSE(RecordingProxy::Start(runtime_.executor(), {.upstream = "ws://127.0.0.1:1"}));
  EXPECT_FALSE(RecordingProxy::Start(runtime_.executor(), {.upstream = "nonsense"}));
}

}  // namespace
}  // namespace assay::importing
