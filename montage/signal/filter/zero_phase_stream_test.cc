#include "montage/signal/filter/zero_phase_stream.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/random.h"

namespace montage::signal {
namespace {

using testing::HasSubstr;

/// Brown noise: its drift is what a forgetful backward pass would show.
std::vector<double> Drift(size_t count, uint64_t seed) {
  base::Random random(seed);
  std::vector<double> samples(count);
  double level = 0.0;
  for (double& sample : samples) sample = level += random.Normal();
  return samples;
}

Sections BandPass(double low_hz) {
  return Butterworth(4, Band::kBandPass, {low_hz, 45}, 256).value();
}

double LargestForward(const Sections& sections, std::vector<double> x) {
  SosFilter filter(sections);
  filter.Settle(std::span(x).first(1));
  EXPECT_TRUE(filter.Process(x).has_value());
  double largest = 0.0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  return largest;
}

double LargestDifference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0.0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST(ZeroPhaseStream, DiffersFromTheWholeByNoMoreThanItsTolerance) {
  for (const double low_hz : {0.5, 2.0}) {
    const auto sections = BandPass(low_hz);
    const auto x = Drift(200000, 1);
    auto whole = x;
    ASSERT_TRUE(FilterZeroPhase(sections, whole).has_value());
    const double largest = LargestForward(sections, x);
    for (const double tolerance : {1e-12, 1e-6, 1e-3}) {
      auto stream = ZeroPhaseStream::Make(sections, tolerance).value();
      std::vector<double> y;
      ASSERT_TRUE(stream.Push(x, y).has_value());
      ASSERT_TRUE(stream.Finish(y).has_value());
      ASSERT_EQ(y.size(), x.size());
      EXPECT_LE(LargestDifference(y, whole), tolerance * largest) << low_hz << " " << tolerance;
    }
  }
}

TEST(ZeroPhaseStream, AnOverlapThatIsTooShortWouldBeSeen) {
  // The bound is not idle: a hundredth of the overlap for 1e-12 errs by far more.
  const auto sections = BandPass(0.5);
  const auto strict = ZeroPhaseStream::Make(sections, 1e-12).value();
  const auto loose = ZeroPhaseStream::Make(sections, 1.0).value();
  EXPECT_GT(strict.overlap(), 10 * loose.overlap());
  const auto x = Drift(200000, 1);
  auto whole = x;
  ASSERT_TRUE(FilterZeroPhase(sections, whole).has_value());
  auto stream = ZeroPhaseStream::Make(sections, 1.0).value();
  std::vector<double> y;
  ASSERT_TRUE(stream.Push(x, y).has_value());
  ASSERT_TRUE(stream.Finish(y).has_value());
  EXPECT_GT(LargestDifference(y, whole), 1e-6 * LargestForward(sections, x));
}

TEST(ZeroPhaseStream, AnySplitGivesTheSameBits) {
  const auto sections = BandPass(4.0);
  const auto x = Drift(60000, 2);
  auto whole = ZeroPhaseStream::Make(sections).value();
  std::vector<double> expected;
  ASSERT_TRUE(whole.Push(x, expected).has_value());
  ASSERT_TRUE(whole.Finish(expected).has_value());
  base::Random random(3);
  for (const size_t most : {size_t{30}, size_t{1000}, size_t{20000}}) {
    std::vector<double> y;
    for (size_t at = 0; at < x.size();) {
      const size_t count = std::min<size_t>(random.Below(most), x.size() - at);
      ASSERT_TRUE(whole.Push(std::span(x).subspan(at, count), y).has_value());
      at += count;
    }
    ASSERT_TRUE(whole.Finish(y).has_value());
    ASSERT_EQ(y, expected) << "pieces of less than " << most;
  }
}

TEST(ZeroPhaseStream, HoldsABoundedNumberOfSamples) {
  auto stream = ZeroPhaseStream::Make(BandPass(0.5)).value();
  const auto piece = Drift(10000, 4);
  size_t sent = 0, received = 0;
  for (int i = 0; i < 300; ++i) {
    std::vector<double> y;
    ASSERT_TRUE(stream.Push(piece, y).has_value());
    sent += piece.size();
    received += y.size();
    ASSERT_LT(sent - received, 5 * stream.overlap() + piece.size());
  }
}

TEST(ZeroPhaseStream, AShortSignalIsTheWholeBitForBit) {
  const auto sections = BandPass(0.5);
  for (const size_t n : {size_t{28}, size_t{29}, size_t{1001}}) {
    const auto x = Drift(n, n);
    auto whole = x;
    ASSERT_TRUE(FilterZeroPhase(sections, whole).has_value());
    auto stream = ZeroPhaseStream::Make(sections).value();
    std::vector<double> y;
    ASSERT_TRUE(stream.Push(x, y).has_value());
    ASSERT_TRUE(stream.Finish(y).has_value());
    EXPECT_EQ(y, whole);
  }
}

TEST(ZeroPhaseStream, RefusesTooFewSamplesNanAndFiltersThatNeverForget) {
  auto stream = ZeroPhaseStream::Make(BandPass(0.5)).value();
  const auto x = Drift(27, 1);
  std::vector<double> y;
  ASSERT_TRUE(stream.Push(x, y).has_value());
  EXPECT_THAT(stream.Finish(y).error().message, HasSubstr("27 samples are too few"));
  ASSERT_TRUE(stream.Push(Drift(28, 1), y).has_value());
  const std::vector<double> broken = {0.0, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THAT(stream.Push(broken, y).error().message, HasSubstr("sample 1 is nan"));
  ASSERT_TRUE(stream.Finish(y).has_value());
  auto expected = Drift(28, 1);
  ASSERT_TRUE(FilterZeroPhase(BandPass(0.5), expected).has_value());
  EXPECT_EQ(y, expected);

  const Biquad integrator{1.0, 0.0, 0.0, -1.0, 0.0};
  EXPECT_THAT(ZeroPhaseStream::Make(std::span(&integrator, 1)).error().message,
              HasSubstr("remembers more than"));
  const Biquad unstable{1.0, 0.0, 0.0, -2.0, 0.0};
  EXPECT_FALSE(ZeroPhaseStream::Make(std::span(&unstable, 1)).has_value());
  EXPECT_THAT(ZeroPhaseStream::Make(BandPass(0.5), 0.0).error().message, HasSubstr("tolerance 0"));
}

}  // namespace
}  // namespace montage::signal
