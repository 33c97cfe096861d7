#include "montage/telemetry/metrics.h"

#include <regex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace montage::telemetry {
namespace {

using testing::HasSubstr;

TEST(Metrics, CacheCountersExistAtZeroFromTheStart) {
  const Metrics metrics;
  const std::string page = metrics.Text();
  EXPECT_THAT(page, HasSubstr("cache_hits_total{cache_type=\"l1\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("cache_misses_total{cache_type=\"l2\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("cache_failures_total{cache_type=\"l1\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("cache_damaged_total{cache_type=\"l2\"} 0\n"));
}

TEST(Metrics, CountsRequestsByRouteTemplate) {
  Metrics metrics;
  metrics.CountRequest("POST", "/api/v1/eeg/upload", 200, std::chrono::milliseconds(3));
  metrics.CountRequest("POST", "/api/v1/eeg/upload", 200, std::chrono::milliseconds(3));
  const std::string page = metrics.Text();
  EXPECT_THAT(
      page,
      HasSubstr(
          "http_requests_total{method=\"POST\",route=\"/api/v1/eeg/upload\",status=\"200\"} 2\n"));
  EXPECT_THAT(
      page,
      HasSubstr(
          "http_request_duration_seconds_count{method=\"POST\",route=\"/api/v1/eeg/upload\"} 2\n"));
}

TEST(Metrics, ObservesEachAnalysisOnce) {
  Metrics metrics;
  metrics.CountAnalysis("comprehensive", "completed", std::chrono::seconds(2));
  const std::string page = metrics.Text();
  const std::string labels = "{analysis_type=\"comprehensive\",status=\"completed\"}";
  EXPECT_THAT(page, HasSubstr("eeg_processing_duration_seconds_count" + labels + " 1\n"));
  EXPECT_THAT(page, HasSubstr("eeg_processing_duration_seconds_sum" + labels + " 2\n"));
}

// Prometheus text format 0.0.4: each sample belongs to a family announced by HELP and TYPE.
TEST(Metrics, PageIsWellFormed) {
  Metrics metrics;
  metrics.CountRequest("GET", "/a\"b\\c", 200, std::chrono::milliseconds(1));
  metrics.CountInference("eegpt", "features", std::chrono::milliseconds(1));
  metrics.AddActiveAnalyses(1);
  std::istringstream page(metrics.Text());
  const std::regex sample(
      R"re(([a-z_:][a-z0-9_:]*)(\{[a-z_]+="(\\.|[^"\\])*"(,[a-z_]+="(\\.|[^"\\])*")*\})? [-+0-9.eInfNa]+)re");
  std::set<std::string> helped;
  std::set<std::string> typed;
  for (std::string line; std::getline(page, line);) {
    std::istringstream words(line);
    std::string hash;
    std::string what;
    std::string name;
    words >> hash >> what >> name;
    if (hash == "#") {
      (what == "HELP" ? helped : typed).insert(name);
      continue;
    }
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
    const std::string family =
        std::regex_replace(match[1].str(), std::regex("_(bucket|sum|count)$"), "");
    EXPECT_TRUE(helped.contains(family) || helped.contains(match[1].str())) << line;
  }
  EXPECT_EQ(helped, typed);
}

TEST(ReadProcessUsage, SeesThisProcess) {
  const ProcessUsage usage = ReadProcessUsage();
  EXPECT_GT(usage.resident_bytes, 1u << 20);
  EXPECT_GE(usage.open_descriptors, 3u);
  EXPECT_GE(usage.threads, 1u);
}

}  // namespace
}  // namespace montage::telemetry
