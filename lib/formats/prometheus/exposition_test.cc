#include "lib/formats/prometheus/exposition.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace formats::prometheus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Page Text(std::string_view text) { return Parse(text, Syntax::kText).value(); }
Page Open(std::string_view text) { return Parse(text, Syntax::kOpenMetrics).value(); }

/// Problems as text, one a line.
std::string Problems(const Page& page) {
  std::string all;
  for (const Problem& problem : page.problems) all += problem.ToString() + "\n";
  return all;
}

constexpr std::string_view kPage = R"(# An ordinary comment
# HELP http_requests_total Requests by route,\nwith a \\ in it.
# TYPE http_requests_total counter
http_requests_total{route="/a b",status="200"} 17 1764472751123
http_requests_total { route = "say \"hi\"\n\\" , status="500", } 3

# TYPE temperature gauge
temperature -1.5e1
# HELP latency_seconds Time.
# TYPE latency_seconds histogram
latency_seconds_bucket{le="0.1"} 1
latency_seconds_bucket{le="1"} 3
latency_seconds_bucket{le="+Inf"} 4
latency_seconds_sum 5.5
latency_seconds_count 4
# TYPE rpc_seconds summary
rpc_seconds{quantile="0.5"} NaN
rpc_seconds_sum 0
rpc_seconds_count 0
plain +Inf
other -Inf
)";

TEST(Exposition, ReadsEveryKindOfTheTextFormat) {
  const Page page = Text(kPage);
  EXPECT_EQ(Problems(page), "");
  ASSERT_THAT(page.families, SizeIs(6));
  const Family& requests = page.families[0];
  EXPECT_EQ(requests.name, "http_requests_total");
  EXPECT_EQ(requests.type, MetricType::kCounter);
  EXPECT_EQ(requests.help, "Requests by route,\nwith a \\ in it.");
  ASSERT_THAT(requests.samples, SizeIs(2));
  EXPECT_EQ(*requests.samples[0].Find("route"), "/a b");
  EXPECT_EQ(requests.samples[0].value, 17);
  EXPECT_EQ(requests.samples[0].timestamp,
            base::WallTime(std::chrono::milliseconds(1764472751123)));
  EXPECT_EQ(*requests.samples[1].Find("route"), "say \"hi\"\n\\");
  EXPECT_FALSE(requests.samples[1].timestamp.has_value());
  EXPECT_EQ(page.families[1].samples[0].value, -15);
  EXPECT_THAT(page.families[2].samples, SizeIs(5));
  EXPECT_TRUE(std::isnan(page.families[3].samples[0].value));
  EXPECT_FALSE(page.families[4].type.has_value());
  EXPECT_EQ(page.families[4].samples[0].value, HUGE_VAL);
  EXPECT_EQ(page.families[5].samples[0].value, -HUGE_VAL);
}

TEST(Exposition, AnEmptyPageIsValid) {
  EXPECT_EQ(Problems(Text("")), "");
  EXPECT_EQ(Problems(Text("\n\n")), "");
  EXPECT_THAT(Text("").families, IsEmpty());
}

TEST(Exposition, TheSeriesDoesNotDependOnTheOrderOfLabels) {
  const Page page = Text("a{x=\"1\",b=\"q\\\"\\n\"} 1\n");
  EXPECT_EQ(page.families[0].samples[0].Series(), R"(a{b="q\"\n",x="1"})");
}

TEST(Exposition, WhatOnlyGrowsIsCumulative) {
  const Page page = Text(kPage);
  std::vector<std::string> cumulative;
  for (const Family& family : page.families) {
    for (const Sample& sample : family.samples) {
      if (family.IsCumulative(sample)) cumulative.push_back(sample.name);
    }
  }
  EXPECT_THAT(cumulative,
              ElementsAre("http_requests_total", "http_requests_total", "latency_seconds_bucket",
                          "latency_seconds_bucket", "latency_seconds_bucket", "latency_seconds_sum",
                          "latency_seconds_count", "rpc_seconds_sum", "rpc_seconds_count"));
}

struct Wrong {
  const char* page;
  const char* problem;
};

TEST(Exposition, BrokenLinesAreNamedByPlaceAndTheRestIsRead) {
  for (const Wrong& wrong : {
           Wrong{"1a 1\n", "line 1, column 1: found \"1a 1\", expected a metric name"},
           Wrong{"a\n", "line 1, column 2: found the end of the line, expected \"{\", or a blank"},
           Wrong{"a{\n", "column 3: found the end of the line, expected a label name"},
           Wrong{"a{b} 1\n", "column 4: found \"} 1\", expected \"=\" behind the label name"},
           Wrong{"a{b=1} 1\n", "column 5: found \"1} 1\", expected a quoted label value"},
           Wrong{"a{b=\"x} 1\n", "expected the closing quote"},
           Wrong{"a{b=\"\\t\"} 1\n", "column 6: found \"\\t\"} 1\", expected one of the escapes"},
           Wrong{"a{b=\"x\" c=\"y\"} 1\n", "expected \",\" or \"}\""},
           Wrong{"a{b=\"x\",b=\"y\"} 1\n", "column 9: the label \"b\" is there twice"},
           Wrong{"a{,} 1\n", "expected a label name"},
           Wrong{"a{b=\"\xFF\"} 1\n", "not UTF-8"},
           Wrong{"a one\n", "column 3: found \"one\", expected a number"},
           Wrong{"a inf\n", "expected a number"},
           Wrong{"a --1\n", "expected a number"},
           Wrong{"a 1x\n", "expected a number"},
           Wrong{"a 1 1.5\n", "expected a timestamp in whole milliseconds"},
           Wrong{"a 1 99999999999999999\n", "expected a timestamp within the years"},
           Wrong{"a 1 2 3\n", "column 7: found \"3\", expected the end of the line"},
           Wrong{"a 1\r\n", "expected a number"},
           Wrong{"# TYPE a thing\n", "\"thing\" is no type of a metric"},
           Wrong{"# TYPE 1 counter\n", "expected a metric name"},
           Wrong{"# TYPE a-b counter\n", "TYPE has no name of a metric"},
       }) {
    const Page page = Text(std::string("first 1\n") + wrong.page + "last 2\n");
    ASSERT_THAT(page.problems, SizeIs(1)) << wrong.page << Problems(page);
    EXPECT_EQ(page.problems[0].line, 2U) << wrong.page;
    std::string expected = wrong.problem;
    if (expected.starts_with("line 1")) expected.replace(0, 6, "line 2");
    EXPECT_THAT(page.problems[0].ToString(), HasSubstr(expected)) << wrong.page;
    EXPECT_EQ(page.families.back().name, "last") << wrong.page;
  }
}

TEST(Exposition, BrokenRulesAreProblems) {
  constexpr const char* kHistogram = "# TYPE h histogram\n";
  for (const Wrong& wrong : {
           Wrong{"a 1", "line 1: the last line has no line end"},
           Wrong{"a 1\na 2\n", "line 2: the series a{} is there twice"},
           Wrong{"a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n", "is there twice"},
           Wrong{"# HELP a x\n# HELP a y\n", "line 2: a second HELP of a"},
           Wrong{"# TYPE a gauge\n# TYPE a gauge\n", "line 2: a second TYPE of a"},
           Wrong{"a 1\n# TYPE a gauge\n", "line 2: TYPE of a behind its samples"},
           Wrong{"a{x=\"1\"} 1\nb 1\na{x=\"2\"} 1\n", "line 3: the lines of a are not together"},
           Wrong{"# TYPE a counter\na -1\n", "line 2: a counts, but is -1"},
           Wrong{"# TYPE a counter\na NaN\n", "line 2: a counts, but is nan"},
           Wrong{"# TYPE s summary\ns 1\ns_sum 1\ns_count 1\n", "needs the label quantile"},
       }) {
    EXPECT_THAT(Problems(Text(wrong.page)), HasSubstr(wrong.problem)) << wrong.page;
  }
  for (const Wrong& wrong : {
           Wrong{"h_bucket{le=\"+Inf\"} 1\nh_count 1\n", "no sum or no count"},
           Wrong{"h_bucket{le=\"+Inf\"} 1\nh_sum 1\n", "no sum or no count"},
           Wrong{"h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n", "is not le=\"+Inf\""},
           Wrong{"h_sum 1\nh_count 1\n", "is not le=\"+Inf\""},
           Wrong{"h_bucket 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", "needs the label le"},
           Wrong{"h_bucket{le=\"x\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
                 "needs the label le"},
           Wrong{"h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
                 "are not cumulative"},
           Wrong{"h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\n"
                 "h_count 1\n",
                 "are not in the order of le"},
           Wrong{"h_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 1\n", "is 2, expected its count 1"},
           Wrong{"h 1\n", "h is no sample of the histogram h"},
       }) {
    EXPECT_THAT(Problems(Text(std::string(kHistogram) + wrong.page)), HasSubstr(wrong.problem))
        << wrong.page;
  }
}

TEST(Exposition, HistogramsOfOneFamilyAreJudgedByTheirLabels) {
  EXPECT_EQ(Problems(Text("# TYPE h histogram\n"
                          "h_bucket{a=\"1\",le=\"1\"} 5\nh_bucket{a=\"1\",le=\"+Inf\"} 5\n"
                          "h_sum{a=\"1\"} 1\nh_count{a=\"1\"} 5\n"
                          "h_bucket{le=\"1\",a=\"2\"} 0\nh_bucket{le=\"+Inf\",a=\"2\"} 1\n"
                          "h_sum{a=\"2\"} -1\nh_count{a=\"2\"} 1\n")),
            "");
}

TEST(Exposition, ReadsOpenMetrics) {
  const Page page = Open(
      "# TYPE requests counter\n# UNIT requests requests\n# HELP requests Say \\\"x\\\".\n"
      "requests_total{a=\"b\"} 3 1764472751.5 # {trace=\"t1\"} 0.5 1764472750\n"
      "requests_created{a=\"b\"} 1764472000\n"
      "# TYPE build info\nbuild_info{version=\"1\"} 1\n"
      "# TYPE x unknown\nx 1\n# EOF\n");
  EXPECT_EQ(Problems(page), "");
  ASSERT_THAT(page.families, SizeIs(3));
  EXPECT_EQ(page.families[0].unit, "requests");
  EXPECT_EQ(page.families[0].help, "Say \"x\".");
  const Sample& sample = page.families[0].samples[0];
  EXPECT_EQ(sample.timestamp, base::WallTime(std::chrono::milliseconds(1764472751500)));
  ASSERT_TRUE(sample.exemplar.has_value());
  EXPECT_THAT(sample.exemplar->labels, ElementsAre(Label{"trace", "t1"}));
  EXPECT_EQ(sample.exemplar->value, 0.5);
  EXPECT_TRUE(page.families[0].IsCumulative(sample));
  EXPECT_FALSE(page.families[0].IsCumulative(page.families[0].samples[1]));
}

TEST(Exposition, OpenMetricsIsStricter) {
  for (const Wrong& wrong : {
           Wrong{"a 1\n", "does not end with # EOF"},
           Wrong{"# EOF\na 1\n", "something behind # EOF"},
           Wrong{"\n# EOF\n", "line 1: an empty line"},
           Wrong{"# TYPE a counter\na 1\n# EOF\n", "a is no sample of the counter a"},
           Wrong{"# TYPE a untyped\n# EOF\n", "\"untyped\" is no type"},
           Wrong{"a 1 # b\n# EOF\n", "of an exemplar's labels"},
           Wrong{" a 1\n# EOF\n", "expected a metric name"},
       }) {
    EXPECT_THAT(Problems(Open(wrong.page)), HasSubstr(wrong.problem)) << wrong.page;
  }
}

TEST(Exposition, HasLimits) {
  EXPECT_EQ(Parse("a 1\n", Syntax::kText, {.bytes = 3}).error().code, base::ErrorCode::kTooLarge);
  EXPECT_EQ(Parse("a 1\nb 1\n", Syntax::kText, {.samples = 1}).error().code,
            base::ErrorCode::kTooLarge);
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += "?\n";
  EXPECT_THAT(Text(lines).problems, SizeIs(100));
}

TEST(Exposition, TheSyntaxIsThatOfTheContentType) {
  EXPECT_EQ(SyntaxOf("text/plain; version=0.0.4"), Syntax::kText);
  EXPECT_EQ(SyntaxOf(""), Syntax::kText);
  EXPECT_EQ(SyntaxOf("application/openmetrics-text; version=1.0.0"), Syntax::kOpenMetrics);
}

}  // namespace
}  // namespace formats::prometheus
