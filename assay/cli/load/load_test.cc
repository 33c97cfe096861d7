// `assay load`: from flags to a scenario, and once from end to end.

#include <filesystem>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cli/cli.h"
#include "assay/cli/load/load_request.h"
#include "lib/http/server.h"
#include "lib/net/service/background_loop.h"
#include "lib/testing/temp_dir.h"

namespace assay::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Scenario(const LoadRequest& request) {
  const auto text = ScenarioOf(request);
  return text ? *text : "refused: " + text.error().message;
}

LoadRequest To(std::string url) {
  LoadRequest request;
  request.url = std::move(url);
  return request;
}

TEST(LoadRequestTest, FlagsBecomeAnExecutor) {
  LoadRequest request = To("http://h/x");
  EXPECT_THAT(Scenario(request),
              HasSubstr("executor: constant-vus\n      vus: 10\n      duration: 10s"));
  request.rate = 250;
  EXPECT_THAT(Scenario(request), HasSubstr("constant-arrival-rate\n      rate: 250"));
  request.stages = {"30s:500", "1m:0"};
  EXPECT_THAT(Scenario(request), HasSubstr("- { duration: 1m, target: 0 }"));
  EXPECT_THAT(Scenario(request), HasSubstr("ramping-arrival-rate"));
  request.rate.reset();
  EXPECT_THAT(Scenario(request), HasSubstr("ramping-vus"));
  request.stages.clear();
  request.requests = 3;
  EXPECT_THAT(Scenario(request), HasSubstr("shared-iterations\n      vus: 3\n      iterations: 3"));
}

TEST(LoadRequestTest, WhatIsTypedStaysText) {
  LoadRequest request = To("http://h/${{ x }}");
  request.headers = {"X-A: \"b\": ${{ run.id }}"};
  request.body = "a: [1, 2]\n#";
  const std::string text = Scenario(request);
  EXPECT_THAT(text, HasSubstr(R"(/$${{ x }}")"));
  EXPECT_THAT(text, HasSubstr("http: \"POST "));
  EXPECT_THAT(text, HasSubstr(R"("X-A": "\"b\": $${{ run.id }}")"));
  EXPECT_THAT(text, HasSubstr(R"(body: "a: [1, 2]\n#")"));
}

TEST(LoadRequestTest, RefusesFlagsWithoutSense) {
  EXPECT_THAT(Scenario(To("h/x")), HasSubstr("is no URL"));
  LoadRequest request = To("http://h");
  request.duration = "soon";
  EXPECT_THAT(Scenario(request), HasSubstr("--duration"));
  request.duration = "1s";
  request.stages = {"30s"};
  EXPECT_THAT(Scenario(request), HasSubstr("expected DURATION:TARGET"));
  request.stages = {"30s:5"};
  request.requests = 5;
  EXPECT_THAT(Scenario(request), HasSubstr("--requests does not go with"));
  request.requests.reset();
  request.headers = {"nothing"};
  EXPECT_THAT(Scenario(request), HasSubstr("--header \"nothing\""));
}

class LoadCommandTest : public testing::Test {
 protected:
  LoadCommandTest() {
    server_ = http::Server::Start({loop_.executor()},
                                  [](http::Request& request) -> net::Task<http::Response> {
                                    co_return http::Response::Text(
                                        request.path == "/bad" ? 500 : 200, "hello");
                                  },
                                  {})
                  .value();
  }
  ~LoadCommandTest() override {
    loop_.Run([](http::Server& server) -> net::Task<void> {
      static_cast<void>(co_await server.Shutdown(base::Deadline::After(std::chrono::seconds(1))));
    }(*server_));
    loop_.Stop();
  }

  int Run(std::vector<std::string> arguments) {
    out_.clear();
    Host host;
    host.out = [this](std::string_view text) { out_ += text; };
    host.err = [this](std::string_view text) { out_ += text; };
    host.directory = dir_.path();
    host.clock = &clock_;
    host.interrupt = &interrupt_;
    arguments.insert(arguments.begin(), "load");
    return Main(arguments, host);
  }

  net::BackgroundLoop loop_;
  std::unique_ptr<http::Server> server_;
  testing_support::TempDir dir_;
  base::SystemClock clock_;
  net::Cancellation interrupt_;
  std::string out_;
};

TEST_F(LoadCommandTest, PrintsATableAndWritesAPageWithCharts) {
  EXPECT_EQ(Run({server_->url() + "/x", "-n", "50", "-c", "4"}), 0) << out_;
  EXPECT_THAT(out_, HasSubstr("status  200: 50"));
  EXPECT_THAT(out_, HasSubstr("engine wire"));
  EXPECT_THAT(out_, HasSubstr("report.html"));
}

TEST_F(LoadCommandTest, AThresholdDecidesTheExitCode) {
  EXPECT_EQ(Run({server_->url() + "/bad", "-n", "5", "--threshold", "errors.rate < 0.1"}), 4)
      << out_;
  EXPECT_THAT(out_, HasSubstr("errors.rate < 0.1"));
  EXPECT_EQ(Run({server_->url() + "/bad", "-n", "5", "--expect", "status == 500", "--threshold",
                 "errors.count == 0"}),
            0)
      << out_;
}

TEST_F(LoadCommandTest, AMistypedThresholdIsFoundBeforeAnythingIsSent) {
  EXPECT_EQ(Run({server_->url() + "/x", "-n", "5", "--threshold", "latencies.p99 < 5"}), 2) << out_;
  EXPECT_EQ(server_->requests(), 0);
  EXPECT_THAT(out_, HasSubstr("latency"));
}

TEST_F(LoadCommandTest, GivesTheFiguresAsJson) {
  EXPECT_EQ(Run({server_->url() + "/x", "-n", "5", "--json"}), 0) << out_;
  const auto parsed = boost::json::parse(out_);
  EXPECT_EQ(parsed.at("scenarios").as_array().size(), 1);
}

TEST_F(LoadCommandTest, ShowsTheScenarioThatTheFlagsStandFor) {
  EXPECT_EQ(Run({"http://h/x", "--print"}), 0);
  EXPECT_THAT(out_, HasSubstr("workload:"));
  EXPECT_EQ(Run({"nonsense"}), 1);
  EXPECT_THAT(out_, HasSubstr("is no URL"));
}

}  // namespace
}  // namespace assay::cli
