// Figures and their intervals agree with SciPy and scikit-learn (tools/make_evaluation_vectors.py),
// and say nothing where there is nothing to say.

#include <cmath>
#include <fstream>
#include <iterator>
#include <numeric>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "lib/json/parse.h"
#include "montage/evaluation/statistics/agreement.h"
#include "montage/evaluation/statistics/bootstrap.h"
#include "montage/evaluation/statistics/intervals.h"
#include "montage/evaluation/statistics/roc.h"

namespace montage::evaluation {
namespace {

namespace json = boost::json;

const json::object& Vectors() {
  static const json::object kVectors = [] {
    std::ifstream file(ASSAY_SOURCE_DIR "/tests/data/evaluation/statistics.json");
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    return ::json::Parse(text).value().get_object();
  }();
  return kVectors;
}

const json::array& Vectors(std::string_view name) {
  const json::array& list = Vectors().at(name).get_array();
  EXPECT_FALSE(list.empty());
  return list;
}

double Number(const json::value& object, std::string_view name) {
  return object.at(name).to_number<double>();
}

double At(const json::value& object, std::string_view name, size_t index) {
  return object.at(name).at(index).to_number<double>();
}

TEST(Intervals, AgreeWithSciPy) {
  for (const json::value& one : Vectors("shares")) {
    const Count count{one.at("hits").to_number<uint64_t>(), one.at("trials").to_number<uint64_t>()};
    const double confidence = Number(one, "confidence");
    const Interval exact = ClopperPearsonInterval(count, confidence);
    EXPECT_NEAR(exact.low, At(one, "exact", 0), 1e-9) << one;
    EXPECT_NEAR(exact.high, At(one, "exact", 1), 1e-9) << one;
    const Interval wilson = WilsonInterval(count, confidence);
    EXPECT_NEAR(wilson.low, At(one, "wilson", 0), 1e-9) << one;
    EXPECT_NEAR(wilson.high, At(one, "wilson", 1), 1e-9) << one;
  }
  for (const json::value& one : Vectors("rates")) {
    const Interval rate =
        PoissonInterval(one.at("events").to_number<uint64_t>(), Number(one, "exposure"));
    EXPECT_NEAR(rate.low, At(one, "interval", 0), 1e-9) << one;
    EXPECT_NEAR(rate.high, At(one, "interval", 1), 1e-9) << one;
  }
}

TEST(Intervals, TheirDistributionsAgreeWithSciPy) {
  for (const json::value& one : Vectors("beta")) {
    const double expected = Number(one, "cdf");
    EXPECT_NEAR(BetaCdf(Number(one, "a"), Number(one, "b"), Number(one, "x")), expected,
                1e-10 * expected + 1e-15)
        << one;
  }
  for (const json::value& one : Vectors("normal"))
    EXPECT_NEAR(NormalQuantile(Number(one, "p")), Number(one, "quantile"), 1e-9) << one;
}

TEST(Intervals, KnowNothingWithoutTrials) {
  EXPECT_TRUE(std::isnan(Count{}.share()));
  for (const Interval interval : {WilsonInterval({}), ClopperPearsonInterval({})}) {
    EXPECT_EQ(interval.low, 0);
    EXPECT_EQ(interval.high, 1);
  }
}

// What a 95 % interval is for: it holds the truth in about 95 of 100 experiments.
TEST(Intervals, CoverTheTruthAsOftenAsTheySay) {
  base::Random random(5);
  Count wilson, exact;
  for (int experiment = 0; experiment < 2000; ++experiment) {
    Count count;
    for (int i = 0; i < 60; ++i) count.Add(random.Uniform() < 0.9);
    const auto holds = [](Interval interval) {
      return interval.low <= 0.9 && 0.9 <= interval.high;
    };
    wilson.Add(holds(WilsonInterval(count)));
    exact.Add(holds(ClopperPearsonInterval(count)));
  }
  EXPECT_NEAR(wilson.share(), 0.95, 0.025);
  EXPECT_GE(exact.share(), 0.945);
}

TEST(Agreement, AgreesWithScikitLearn) {
  for (const json::value& one : Vectors("agreements")) {
    const auto classes = one.at("classes").to_number<size_t>();
    ConfusionMatrix matrix(classes);
    const json::array& truth = one.at("truth").get_array();
    for (size_t i = 0; i < truth.size(); ++i)
      matrix.Add(truth[i].to_number<size_t>(), one.at("found").at(i).to_number<size_t>());
    EXPECT_EQ(matrix.total(), truth.size());
    EXPECT_NEAR(matrix.Kappa(), Number(one, "kappa"), 1e-12);
    EXPECT_NEAR(matrix.Accuracy().share(), Number(one, "accuracy"), 1e-12);
    EXPECT_NEAR(matrix.MacroF1(), Number(one, "macro_f1"), 1e-12);
    for (size_t i = 0; i < classes; ++i) EXPECT_NEAR(matrix.F1(i), At(one, "f1", i), 1e-12);
  }
}

TEST(Agreement, CountsByClass) {
  // Rows are the truth: 8 of class 0 of which 6 found, 2 of class 1 of which 1 found.
  ConfusionMatrix matrix(2);
  matrix.Add(0, 0, 6);
  matrix.Add(0, 1, 2);
  matrix.Add(1, 0, 1);
  matrix.Add(1, 1, 1);
  EXPECT_EQ(matrix.Sensitivity(0).share(), 0.75);
  EXPECT_EQ(matrix.Precision(1).share(), 1.0 / 3);
  EXPECT_EQ(matrix.Specificity(1).share(), 0.75);
  EXPECT_EQ(matrix.Specificity(0).share(), 0.5);
}

TEST(Agreement, IsUndefinedWithoutItemsAndWholeWithASingleClass) {
  ConfusionMatrix matrix(3);
  EXPECT_TRUE(std::isnan(matrix.Kappa()));
  EXPECT_TRUE(std::isnan(matrix.MacroF1()));
  matrix.Add(1, 1, 5);
  EXPECT_EQ(matrix.Kappa(), 1);
  EXPECT_TRUE(std::isnan(matrix.F1(0)));
  EXPECT_EQ(matrix.MacroF1(), 1);
}

std::vector<Scored> ItemsOf(const json::value& one) {
  std::vector<Scored> items;
  for (size_t i = 0; i < one.at("scores").get_array().size(); ++i)
    items.push_back({At(one, "scores", i), one.at("labels").at(i).get_bool()});
  return items;
}

TEST(Roc, AgreesWithScikitLearnAndWithAllPairs) {
  for (const json::value& one : Vectors("curves")) {
    const std::vector<Scored> items = ItemsOf(one);
    const RocArea roc = AreaUnderRoc(items);
    EXPECT_NEAR(roc.area, Number(one, "auc"), 1e-12);
    EXPECT_NEAR(roc.standard_error, Number(one, "delong"), 1e-12);
    EXPECT_LE(roc.interval.low, roc.area);
    EXPECT_GE(roc.interval.high, roc.area);
    // Of the size that DeLong's error suggests.
    EXPECT_NEAR(roc.interval.high - roc.interval.low, 2 * 1.96 * roc.standard_error,
                1.2 * roc.standard_error);
    const Calibration calibration = Calibrate(items);
    EXPECT_NEAR(calibration.brier, Number(one, "brier"), 1e-12);
    EXPECT_NEAR(calibration.expected_error, Number(one, "ece"), 1e-12);
  }
}

TEST(Roc, StaysUncertainWhenTheClassesAreSeparated) {
  const std::vector<Scored> items = {{0.1, false}, {0.2, false}, {0.3, false},
                                     {0.7, true},  {0.8, true},  {0.9, true}};
  const RocArea roc = AreaUnderRoc(items);
  EXPECT_EQ(roc.area, 1);
  EXPECT_EQ(roc.standard_error, 0);
  EXPECT_LT(roc.interval.low, 0.8);
  EXPECT_EQ(roc.interval.high, 1);
}

TEST(Roc, TiesCountHalfAndOneClassCountsNothing) {
  EXPECT_EQ(AreaUnderRoc(std::vector<Scored>{{0.5, true}, {0.5, false}}).area, 0.5);
  EXPECT_TRUE(std::isnan(AreaUnderRoc(std::vector<Scored>{{0.5, true}, {0.7, true}}).area));
  EXPECT_TRUE(std::isnan(Calibrate({}).brier));
}

TEST(Bootstrap, IsTheSameForTheSameSeedAndHoldsTheMean) {
  std::vector<double> values(40);
  base::Random random(3);
  for (double& value : values) value = random.Normal();
  const auto mean = [&](std::span<const size_t> chosen) {
    double sum = 0;
    for (const size_t i : chosen) sum += values[i];
    return sum / static_cast<double>(chosen.size());
  };
  const Interval interval = ClusterBootstrap(values.size(), mean);
  const Interval again = ClusterBootstrap(values.size(), mean);
  EXPECT_EQ(interval.low, again.low);
  EXPECT_EQ(interval.high, again.high);
  EXPECT_NE(ClusterBootstrap(values.size(), mean, {.seed = 2}).low, interval.low);
  // 1.96 standard errors of the mean of 40 normal values each way, give or take.
  EXPECT_NEAR(interval.high - interval.low, 2 * 1.96 / std::sqrt(40.0), 0.2);
}

TEST(Bootstrap, HasNoIntervalWithoutClusters) {
  EXPECT_TRUE(std::isnan(ClusterBootstrap(0, [](std::span<const size_t>) { return 1.0; }).low));
  EXPECT_TRUE(
      std::isnan(ClusterBootstrap(3, [](std::span<const size_t>) { return std::nan(""); }).high));
}

}  // namespace
}  // namespace montage::evaluation
