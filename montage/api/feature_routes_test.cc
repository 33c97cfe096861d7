#include <gmock/gmock.h>

#include "montage/analysis/features/feature_layout.h"
#include "montage/api/api_fixture.h"

namespace montage::api {
namespace {

using testing::HasSubstr;

class FeatureRoutesTest : public ApiTest {
 protected:
  size_t CachedOf(const std::string& file_id) {
    return objects_.List(cache::kBucket, {.prefix = "features:" + file_id}, never_)->objects.size();
  }

  const std::string token_ = Token("tia");
  const std::string file_id_ = Upload(token_, Edf(1, 20)).Text("file_id");
  const std::string path_ = "/api/v1/eeg/files/" + file_id_ + "/features";
};

TEST_F(FeatureRoutesTest, NamesEveryNumber) {
  const auto layout = Get("/api/v1/eeg/features", token_).json();
  EXPECT_EQ(layout.at("names").as_array().size(), 768U);
  EXPECT_EQ(layout.at("electrode_features").as_array().size(), 40U);
  EXPECT_EQ(layout.at("head_features").as_array().size(), 8U);
}

TEST_F(FeatureRoutesTest, AnswersAWindowFromTheCacheTheSecondTime) {
  const auto first = Get(path_ + "/2", token_);
  ASSERT_EQ(first.status, 200) << first.text;
  EXPECT_TRUE(first.json().at("cached").is_null());
  EXPECT_EQ(first.json().at("start_s"), 8.0);
  EXPECT_EQ(first.json().at("method").at("name"), "montage-window-features");
  const auto second = Get(path_ + "/2", token_);
  EXPECT_EQ(second.json().at("cached"), "l1");
  EXPECT_EQ(second.json().at("values"), first.json().at("values"));
  ASSERT_TRUE(fast_cache_.ErasePrefix("", never_).has_value());
  const auto third = Get(path_ + "/2", token_);
  EXPECT_EQ(third.json().at("cached"), "l2");
  EXPECT_EQ(third.json().at("values"), first.json().at("values"));
  EXPECT_EQ(Get(path_ + "/2", token_).json().at("cached"), "l1");
  const std::string page = metrics_.Text();
  EXPECT_THAT(page, HasSubstr("cache_hits_total{cache_type=\"l1\"} 2"));
  EXPECT_THAT(page, HasSubstr("cache_hits_total{cache_type=\"l2\"} 1"));
  EXPECT_THAT(page, HasSubstr("cache_misses_total{cache_type=\"l1\"} 2"));
  EXPECT_THAT(page, HasSubstr("cache_misses_total{cache_type=\"l2\"} 1"));
  EXPECT_THAT(page, HasSubstr("model_inference_duration_seconds_count{method=\"montage-window-"
                              "features\",model_name=\"eegpt\"} 1"));
}

TEST_F(FeatureRoutesTest, SummarisesAllWindows) {
  const auto summary = Get(path_, token_);
  ASSERT_EQ(summary.status, 200) << summary.text;
  EXPECT_EQ(summary.json().at("windows"), 4);
  EXPECT_EQ(summary.json().at("mean").as_array().size(), 768U);
  EXPECT_EQ(summary.json().at("missing_channels").as_array().size(), 17U);
}

TEST_F(FeatureRoutesTest, KnowsNoForeignFileAndNoWindowBehindTheEnd) {
  EXPECT_EQ(Get(path_ + "/0", Token("eve")).status, 404);
  EXPECT_EQ(Get("/api/v1/eeg/files/none/features", token_).status, 404);
  const auto behind = Get(path_ + "/4", token_);
  EXPECT_EQ(behind.status, 404);
  EXPECT_THAT(behind.Text("message"), HasSubstr("there is no window 4"));
  for (const char* window : {"-1", "1.5", "last", "99999999999999999999999"}) {
    EXPECT_EQ(Get(path_ + "/" + window, token_).status, 404) << window;
  }
  const std::string brief = Upload(token_, Edf(2, 5)).Text("file_id");
  const auto refused = Get("/api/v1/eeg/files/" + brief + "/features/0", token_);
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.Text("message"), HasSubstr("expected at least one window"));
}

TEST_F(FeatureRoutesTest, ADeletedFileLeavesNothingInTheCache) {
  ASSERT_EQ(Get(path_ + "/0", token_).status, 200);
  EXPECT_EQ(CachedOf(file_id_), 1U);
  ASSERT_EQ(Send(http::Method::kDelete, "/api/v1/eeg/files/" + file_id_, token_).status, 204);
  EXPECT_EQ(CachedOf(file_id_), 0U);
  EXPECT_FALSE(fast_cache_.Get("features:" + file_id_ + ":0", never_).value().has_value());
}

}  // namespace
}  // namespace montage::api
