// Our own numbers: sum, mean, median, stddev, percentile, slope, correlation, close.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "assay/cel/library/library.h"
#include "lib/base/result.h"

namespace assay::cel {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

using Numbers = std::vector<double>;

Result<Numbers> NumbersOf(const Value& list, std::string_view function, size_t at_least,
                          CallContext& context) {
  context.Charge(list.list().size());
  Numbers numbers;
  numbers.reserve(list.list().size());
  for (const Value& element : list.list()) {
    const auto number = element.AsDouble();
    if (!number)
      return Fail(ErrorCode::kInvalid,
                  fmt::format("{}() takes numbers, found {}", function, ToString(element.kind())));
    numbers.push_back(*number);
  }
  if (numbers.size() < at_least)
    return Fail(ErrorCode::kInvalid, fmt::format("{}() needs at least {} numbers, found {}",
                                                 function, at_least, numbers.size()));
  return numbers;
}

/// Sum with Neumaier's compensation (1974), so that long lists do not lose digits.
double Sum(const Numbers& numbers) {
  double sum = 0;
  double lost = 0;
  for (const double number : numbers) {
    const double next = sum + number;
    lost += std::fabs(sum) >= std::fabs(number) ? (sum - next) + number : (number - next) + sum;
    sum = next;
  }
  return std::isfinite(lost) ? sum + lost : sum;
}

double MeanOf(const Numbers& numbers) { return Sum(numbers) / static_cast<double>(numbers.size()); }

/// Quantile by linear interpolation between order statistics: type 7 of Hyndman and Fan, "Sample
/// quantiles in statistical packages", The American Statistician 50 (1996).
double Quantile(Numbers numbers, double fraction) {
  std::ranges::sort(numbers);
  const double position = fraction * static_cast<double>(numbers.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, numbers.size() - 1);
  const double weight = position - static_cast<double>(below);
  if (weight == 0) return numbers[below];
  return numbers[below] + weight * (numbers[above] - numbers[below]);
}

/// Sums of products of deviations from the means.
struct Moments {
  double xx = 0;
  double yy = 0;
  double xy = 0;
};

Moments MomentsOf(const Numbers& xs, const Numbers& ys) {
  const double mean_x = MeanOf(xs);
  const double mean_y = MeanOf(ys);
  Moments moments;
  for (size_t i = 0; i < xs.size(); ++i) {
    const double dx = xs[i] - mean_x;
    const double dy = ys[i] - mean_y;
    moments.xx += dx * dx;
    moments.yy += dy * dy;
    moments.xy += dx * dy;
  }
  return moments;
}

Result<Value> SumFunction(Arguments arguments, CallContext& context) {
  TRY(const Numbers numbers, NumbersOf(arguments[0], "sum", 0, context));
  return Value::Double(Sum(numbers));
}

Result<Value> MeanFunction(Arguments arguments, CallContext& context) {
  TRY(const Numbers numbers, NumbersOf(arguments[0], "mean", 1, context));
  return Value::Double(MeanOf(numbers));
}

Result<Value> MedianFunction(Arguments arguments, CallContext& context) {
  TRY(const Numbers numbers, NumbersOf(arguments[0], "median", 1, context));
  return Value::Double(Quantile(numbers, 0.5));
}

/// Of a sample: the sum of squared deviations divided by n - 1 (Bessel).
Result<Value> DeviationFunction(Arguments arguments, CallContext& context) {
  TRY(const Numbers numbers, NumbersOf(arguments[0], "stddev", 2, context));
  const Moments moments = MomentsOf(numbers, numbers);
  return Value::Double(std::sqrt(moments.xx / static_cast<double>(numbers.size() - 1)));
}

Result<Value> PercentileFunction(Arguments arguments, CallContext& context) {
  TRY(const Numbers numbers, NumbersOf(arguments[0], "percentile", 1, context));
  const double percent = *arguments[1].AsDouble();
  if (!(percent >= 0 && percent <= 100))
    return Fail(ErrorCode::kInvalid, fmt::format("percentile() takes 0 to 100, found {}", percent));
  return Value::Double(Quantile(numbers, percent / 100));
}

Result<std::pair<Numbers, Numbers>> Pairs(Arguments arguments, std::string_view function,
                                          CallContext& context) {
  TRY(Numbers xs, NumbersOf(arguments[0], function, 2, context));
  TRY(Numbers ys, NumbersOf(arguments[1], function, 2, context));
  if (xs.size() != ys.size())
    return Fail(ErrorCode::kInvalid, fmt::format("{}() takes lists of one length, found {} and {}",
                                                 function, xs.size(), ys.size()));
  return std::pair(std::move(xs), std::move(ys));
}

/// Of the least-squares line y = a + b x: b = Sxy / Sxx.
Result<Value> SlopeFunction(Arguments arguments, CallContext& context) {
  TRY(const auto pairs, Pairs(arguments, "slope", context));
  const Moments moments = MomentsOf(pairs.first, pairs.second);
  if (moments.xx == 0)
    return Fail(ErrorCode::kInvalid, "slope() of points with one and the same x");
  return Value::Double(moments.xy / moments.xx);
}

/// Pearson's: Sxy / sqrt(Sxx Syy).
Result<Value> CorrelationFunction(Arguments arguments, CallContext& context) {
  TRY(const auto pairs, Pairs(arguments, "correlation", context));
  const Moments moments = MomentsOf(pairs.first, pairs.second);
  if (moments.xx == 0 || moments.yy == 0)
    return Fail(ErrorCode::kInvalid, "correlation() with a constant list");
  const double r = moments.xy / std::sqrt(moments.xx * moments.yy);
  return Value::Double(std::clamp(r, -1.0, 1.0));
}

/// |a - b| <= tolerance; false when one is NaN.
Result<Value> CloseFunction(Arguments arguments, CallContext&) {
  const double a = *arguments[0].AsDouble();
  const double b = *arguments[1].AsDouble();
  const double tolerance = *arguments[2].AsDouble();
  if (!(tolerance >= 0))
    return Fail(ErrorCode::kInvalid,
                fmt::format("close() takes a tolerance of at least 0, found {}", tolerance));
  return Value::Bool(a == b || std::fabs(a - b) <= tolerance);
}

FunctionBody Wrap(Result<Value> (*function)(Arguments, CallContext&)) {
  return [function](Arguments arguments, CallContext& context) {
    Result<Value> value = function(arguments, context);
    return value ? *std::move(value) : Value::Error(std::move(value).error());
  };
}

}  // namespace

void RegisterStatistics(FunctionTable& table) {
  Registrar registrar(table);
  const Type real = Type::Double();
  const Type list = Type::List(Type::Param("A"));
  const Type list_b = Type::List(Type::Param("B"));
  registrar.Global("sum", {list}, real, Wrap(&SumFunction))
      .Global("mean", {list}, real, Wrap(&MeanFunction))
      .Global("median", {list}, real, Wrap(&MedianFunction))
      .Global("stddev", {list}, real, Wrap(&DeviationFunction))
      .Global("slope", {list, list_b}, real, Wrap(&SlopeFunction))
      .Global("correlation", {list, list_b}, real, Wrap(&CorrelationFunction));
  const Type numbers[] = {Type::Int(), Type::Uint(), real};
  for (const Type& type : numbers)
    registrar.Global("percentile", {list, type}, real, Wrap(&PercentileFunction));
  for (const Type& a : numbers)
    for (const Type& b : numbers)
      for (const Type& tolerance : numbers)
        registrar.Global("close", {a, b, tolerance}, Type::Bool(), Wrap(&CloseFunction));
}

}  // namespace assay::cel
