#pragma once
// A comparison for people and machines. Pure functions.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/baseline/comparison.h"
#include "assay/history/run_model.h"
#include "assay/report/failure_text.h"

namespace assay::baseline {

/// What a path of a metric is called in the files: `The working day (suites/a/x.yaml:12)`.
using Places = std::map<std::string, std::string, std::less<>>;

/// Of every scenario and step of a run, by path without rounds.
Places PlacesOf(const history::RunModel& run);

/// A line a metric that is worth one, what regressed in full, and the sum. `verbose`: a line for
/// every metric.
std::string ComparisonText(const Comparison& comparison, const Places& places,
                           const report::TextStyle& style, bool verbose);

/// {verdict, baseline, before[], after[], refused, forced, differences[{what, before, after}],
/// counts{...}, metrics[{name, change, before, after, relative, tolerance, tolerated, noise,
/// noise_source, repeats{before, after}, unit, better, place}], missing[{name, reason}], added[]}
boost::json::object ComparisonJson(const Comparison& comparison, const Places& places);

/// JUnit XML: a case a metric; what regressed is a failure, what could not be judged an error.
std::string ComparisonJunit(const Comparison& comparison, const Places& places);

/// One self-contained page. `trend`: earlier runs under the same conditions, oldest first, may be
/// empty; each judged metric that changed is drawn over them.
std::string ComparisonPage(const Comparison& comparison, const Places& places,
                           const std::vector<MeasuredRun>& trend);

/// Metrics over runs: a drawing each. `title` of the page.
std::string TrendPage(std::string_view title, const std::vector<MeasuredRun>& runs,
                      std::string_view pattern);

// Parts that several of them use.

/// `+12.3 %`, or the difference when the baseline has zero.
std::string ShownChange(const MetricChange& change);
/// `10 %`, or the floor where that decides: `at most 50 us`.
std::string ShownTolerance(const MetricChange& change);
/// `3.1 % (5 and 1 runs)`, `0.8 % (inside the runs)`, `unknown (1 run)`.
std::string ShownNoise(const MetricChange& change);
/// For the duration of a scenario that regressed: its steps that lost most time, at most three.
std::vector<const MetricChange*> SlowerSteps(const Comparison& comparison,
                                             const MetricChange& scenario);

}  // namespace assay::baseline
