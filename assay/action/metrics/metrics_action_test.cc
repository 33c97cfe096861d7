#include "assay/action/metrics/metrics_action.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/testing_context.h"
#include "assay/cel/cel.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/http/server.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;
using testing::HasSubstr;

constexpr std::string_view kPage = R"(# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{route="/a",status="200"} 3
requests_total{status="500",route="/a"} 1 1764472751000
# TYPE seconds histogram
seconds_bucket{le="1"} 1
seconds_bucket{le="+Inf"} 2
seconds_sum 1.5
seconds_count 2
# TYPE open gauge
open NaN
)";

class MetricsActionTest : public testing::Test {
 protected:
  Outcome Scrape(std::string_view params, std::string page, int status = 200,
                 std::string type = "text/plain; version=0.0.4") {
    net::Runtime runtime;
    return runtime.Run(Session(runtime.executor(), cel::ParseJson(params).value(), std::move(page),
                               status, std::move(type)));
  }

  net::Task<Outcome> Session(net::Executor executor, Value params, std::string page, int status,
                             std::string type) {
    auto handler = [&](http::Request& request) -> net::Task<http::Response> {
      target_ = request.target;
      accept_ = request.headers.Get("Accept").value_or("");
      authorization_ = request.headers.Get("Authorization").value_or("");
      http::Response response = http::Response::Text(status, page);
      response.headers.Set("Content-Type", type);
      co_return response;
    };
    auto server = http::Server::Start({executor}, handler, {}).value();
    context_.endpoints[""] = server->url();
    context_.endpoints["other"] = server->url() + "/base";
    Outcome outcome = co_await context_.RunOn(executor, action_, std::move(params));
    co_await server->Shutdown(base::Deadline::After(std::chrono::seconds(1)));
    co_return outcome;
  }

  /// What an expression says about an outcome.
  static std::string Evaluate(const Outcome& outcome, const std::string& expression) {
    cel::Environment environment;
    cel::MapActivation activation;
    for (const auto& [name, value] : outcome.value.map().entries()) {
      environment.Variable(std::string(name.string()), cel::Type::Dyn());
      activation.Set(std::string(name.string()), value);
    }
    const auto program = cel::Compile(environment, expression);
    if (!program) return program.error().ToString();
    return cel::DebugString(program->Evaluate(activation));
  }

  MetricsAction action_;
  TestContext context_;
  std::string target_;
  std::string accept_;
  std::string authorization_;
};

TEST_F(MetricsActionTest, ExpressionsFindSamplesByNameAndLabels) {
  const Outcome outcome = Scrape("{}", std::string(kPage));
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
  EXPECT_EQ(target_, "/metrics");
  EXPECT_EQ(Evaluate(outcome, "status == 200 && problems == [] && samples == 7"), "true");
  EXPECT_EQ(
      Evaluate(outcome, "metrics.requests_total.filter(s, s.labels.status == '500')[0].value"),
      "1.0");
  EXPECT_EQ(Evaluate(outcome, "metrics.requests_total[1].timestamp"),
            "timestamp(\"2025-11-30T03:19:11Z\")");
  EXPECT_EQ(Evaluate(outcome, "metrics.requests_total[0].timestamp"), "null");
  EXPECT_EQ(Evaluate(outcome, "metrics['seconds_bucket'].map(s, s.labels.le)"),
            "[\"1\", \"+Inf\"]");
  EXPECT_EQ(Evaluate(outcome, "has(metrics.nothing)"), "false");
  EXPECT_EQ(Evaluate(outcome, "types"),
            R"({"requests_total": "counter", "seconds": "histogram", "open": "gauge"})");
  EXPECT_EQ(Evaluate(outcome, "help"), R"({"requests_total": "Requests."})");
  EXPECT_EQ(Evaluate(outcome, "untyped"), "[]");
  EXPECT_EQ(Evaluate(outcome, "size(cumulative)"), "6");
  EXPECT_EQ(Evaluate(outcome, "sum(metrics.requests_total.map(s, s.value))"), "4.0");
  EXPECT_EQ(Evaluate(outcome, R"(cumulative['requests_total{route="/a",status="500"}'])"), "1.0");
}

TEST_F(MetricsActionTest, TheTargetIsAnEndpointOrAPath) {
  const Outcome other = Scrape(R"({"endpoint": "other"})", "a 1\n");
  ASSERT_EQ(other.disposition, Disposition::kAnswered);
  EXPECT_EQ(target_, "/base/metrics");
  Scrape(R"({"endpoint": "other:/stats"})", "a 1\n");
  EXPECT_EQ(target_, "/base/stats");
  Scrape(R"({"endpoint": "/x", "query": {"name[]": "a"}, "auth": {"bearer": "t"}})", "a 1\n");
  EXPECT_EQ(target_, "/x?name%5B%5D=a");
  EXPECT_EQ(authorization_, "Bearer t");
  EXPECT_THAT(accept_, HasSubstr("openmetrics"));
  EXPECT_EQ(Scrape(R"({"endpoint": "nowhere"})", "").disposition, Disposition::kError);
}

TEST_F(MetricsActionTest, WhatBreaksTheFormatIsListedAndTheRestIsRead) {
  const Outcome outcome = Scrape("{}", "a 1\nb{ 2\nc 3\n");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered);
  EXPECT_THAT(Evaluate(outcome, "problems[0]"), HasSubstr("line 2, column 4: "));
  EXPECT_EQ(Evaluate(outcome, "metrics.c[0].value"), "3.0");
  EXPECT_EQ(Evaluate(outcome, "untyped"), R"(["a", "c"])");
}

TEST_F(MetricsActionTest, ThePageIsReadByItsMediaType) {
  const std::string page = "# TYPE a counter\na_total 1\n# EOF\n";
  const Outcome open =
      Scrape("{}", page, 200, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(Evaluate(open, "problems"), "[]");
  EXPECT_EQ(Evaluate(open, "cumulative"), R"({"a_total{}": 1.0})");
}

TEST_F(MetricsActionTest, AnErrorPageIsNoPageOfMetrics) {
  const Outcome outcome = Scrape("{}", "<html>broken", 503, "text/html");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered);
  EXPECT_EQ(Evaluate(outcome, "status == 503 && samples == 0 && text.contains('broken')"), "true");
}

TEST_F(MetricsActionTest, NoAnswerIsAnError) {
  context_.endpoints["nobody"] = "http://127.0.0.1:1";
  const Outcome outcome =
      context_.Run(action_, cel::ParseJson(R"({"endpoint": "nobody"})").value());
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, base::ErrorCode::kUnavailable);
  EXPECT_EQ(action_.Head(cel::ParseJson(R"({"endpoint": "nobody"})").value()),
            "scrape nobody:/metrics");
}

}  // namespace
}  // namespace assay::action
