#pragma once
// Pages of metrics: the Prometheus text format 0.0.4 and OpenMetrics 1.0.
//
//   # HELP http_requests_total Requests by route.
//   # TYPE http_requests_total counter
//   http_requests_total{route="/health",status="200"} 17 1764472751000
//
// Specifications: prometheus.io/docs/instrumenting/exposition_formats and
// github.com/prometheus/OpenMetrics (specification/OpenMetrics.md).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace formats::prometheus {

enum class Syntax {
  kText,         ///< 0.0.4
  kOpenMetrics,  ///< 1.0: units, exemplars, `_total`, ends with `# EOF`
};

enum class MetricType {
  kUnknown,  ///< `untyped`, `unknown`
  kCounter,
  kGauge,
  kHistogram,
  kSummary,
  kGaugeHistogram,
  kInfo,
  kStateSet,
};
/// `counter`; kUnknown is `untyped` in the one syntax and `unknown` in the other.
std::string_view ToString(MetricType type, Syntax syntax);

struct Label {
  std::string name;
  std::string value;
  bool operator==(const Label&) const = default;
};

struct Exemplar {
  std::vector<Label> labels;
  double value = 0;
};

struct Sample {
  std::string name;           ///< with its suffix: `x_bucket`
  std::vector<Label> labels;  ///< as written
  double value = 0;           ///< may be NaN or infinite
  std::optional<base::WallTime> timestamp;
  std::optional<Exemplar> exemplar;
  uint32_t line = 0;

  /// nullptr when it has no such label.
  const std::string* Find(std::string_view label) const;
  /// `name{a="1",b="2"}` with labels in the order of their names: equal for equal series.
  std::string Series() const;
};

struct Family {
  std::string name;
  std::optional<MetricType> type;   ///< absent: the page does not say
  std::optional<std::string> help;  ///< unescaped
  std::string unit;
  std::vector<Sample> samples;
  uint32_t line = 0;

  /// Whether a sample only ever grows, until the process starts anew.
  bool IsCumulative(const Sample& sample) const;
};

/// What breaks a rule of the format.
struct Problem {
  uint32_t line = 0;    ///< 1-based
  uint32_t column = 0;  ///< 1-based, in bytes; 0: the whole line
  std::string message;

  /// `line 3, column 5: ...`
  std::string ToString() const;
};

struct Page {
  Syntax syntax = Syntax::kText;
  std::vector<Family> families;   ///< in the order of their first line
  std::vector<Problem> problems;  ///< in the order of the lines; empty: the page is valid
};

struct Limits {
  size_t bytes = size_t{64} << 20;
  size_t samples = 1'000'000;
  size_t problems = 100;  ///< more are not listed
};

/// Reads all that can be read: a line that breaks the syntax is a problem and otherwise ignored.
/// Also a problem: a repeated HELP, TYPE or series, a family in pieces, TYPE behind its samples, a
/// negative or NaN counter, a histogram without its parts or not cumulative, quantiles and buckets
/// without their label. kTooLarge beyond the limits.
base::Result<Page> Parse(std::string_view text, Syntax syntax, const Limits& limits = {});

/// By the Content-Type of an answer.
Syntax SyntaxOf(std::string_view content_type);

}  // namespace formats::prometheus
