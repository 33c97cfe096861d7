#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cel/json.h"
#include "assay/report/html_page.h"

namespace assay::report::html {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kOutcome = R"({"series": {"api": {"rss": {"unit": "bytes",
  "min": 1048576.5, "max": 4194304.5, "mean": 2097152.5, "last": 4194304.5, "growth": 3145728.5,
  "known": true, "rising": true,
  "points": [[0.5, 1048576.5, 1048576.5, 1048576.5], [10.5, 4194304.5, 3145728.5, 4194304.5]]}}}})";

class MonitorPlotsTest : public testing::Test {
 protected:
  std::string Plots(boost::json::value value) {
    history::StepResult step;
    step.action = "monitor";
    step.attempts.emplace_back();
    step.attempts.back().value = std::move(value);
    const ReportInput input{
        .model = model_, .trace = {}, .read_blob = [this](std::string_view name) {
          const auto found = blobs_.find(name);
          return found == blobs_.end() ? base::Result<std::string>(
                                             base::Fail(base::ErrorCode::kNotFound, "no such blob"))
                                       : base::Result<std::string>(found->second);
        }};
    return MonitorPlots(step, input);
  }

  history::RunModel model_;
  std::map<std::string, std::string, std::less<>> blobs_;
};

TEST_F(MonitorPlotsTest, DrawEverySeriesWithItsStatistics) {
  const std::string page = Plots(boost::json::parse(kOutcome));
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, HasSubstr("<code>api.rss</code>"));
  EXPECT_THAT(page, HasSubstr("grew by 3"));
  EXPECT_THAT(page, HasSubstr("(rising)"));
  EXPECT_THAT(page, HasSubstr("10 s"));
  EXPECT_THAT(page, HasSubstr("4.0,86.0 636.0,4.0")) << "from the lower left to the upper right";
}

TEST_F(MonitorPlotsTest, ReadSeriesThatWentToABlob) {
  blobs_["abc"] = kOutcome;
  const std::string page = Plots(boost::json::object{{"$blob", "abc"}, {"as", "json"}});
  EXPECT_THAT(page, HasSubstr("<code>api.rss</code>"));
  EXPECT_THAT(Plots(boost::json::object{{"$blob", "gone"}, {"as", "json"}}),
              HasSubstr("no such blob"));
}

TEST_F(MonitorPlotsTest, EscapeNames) {
  std::string outcome(kOutcome);
  outcome.replace(outcome.find("api"), 3, "<b>");
  EXPECT_THAT(Plots(boost::json::parse(outcome)), Not(HasSubstr("<b>")));
}

TEST_F(MonitorPlotsTest, DrawNothingWithoutSeries) {
  EXPECT_THAT(Plots(boost::json::object{}), IsEmpty());
  EXPECT_THAT(Plots(boost::json::parse(R"({"series": {"a": {"rss": {"points": []}}}})")),
              IsEmpty());
}

}  // namespace
}  // namespace assay::report::html
