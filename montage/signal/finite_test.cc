#include "montage/signal/finite.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace montage::signal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(CheckFinite, NamesTheFirstSampleThatIsNoNumber) {
  std::vector<double> samples = {0, -1e308, std::numeric_limits<double>::denorm_min()};
  EXPECT_TRUE(CheckFinite(samples).has_value());
  EXPECT_TRUE(CheckFinite({}).has_value());
  samples.push_back(-INFINITY);
  samples.push_back(kNan);
  const auto refused = CheckFinite(samples);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("sample 3 is -inf"));
}

TEST(HoldMissing, RepeatsTheLastNumber) {
  std::vector<double> samples = {kNan, 2, INFINITY, kNan, -3, -INFINITY};
  HoldMissing(samples);
  EXPECT_THAT(samples, ElementsAre(0, 2, 2, 2, -3, -3));
  HoldMissing({});
}

}  // namespace
}  // namespace montage::signal
