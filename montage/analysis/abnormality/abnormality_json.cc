#include <algorithm>
#include <cmath>

#include <boost/json/array.hpp>

#include "montage/analysis/abnormality/abnormality.h"
#include "montage/analysis/json_values.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;

constexpr size_t kMostListedWindows = 2000;

double Thousandths(double value) { return Decimals(value, 3); }

/// Every window, or as many equal groups of windows as may be listed: the largest of each.
json::object Windows(const AbnormalityReport& report) {
  json::object object;
  object["count"] = report.scores.size();
  object["used"] = report.used;
  object["length_s"] = kWindowS;
  object["stride_s"] = kWindowStrideS;
  const size_t group = 1 + (report.scores.size() - 1) / kMostListedWindows;
  object["windows_per_score"] = group;
  json::array scores;
  for (size_t first = 0; first < report.scores.size(); first += group) {
    double largest = NAN;
    for (size_t w = first; w < std::min(first + group, report.scores.size()); ++w) {
      largest = std::fmax(largest, report.scores[w]);
    }
    scores.push_back(std::isnan(largest) ? json::value(nullptr) : Thousandths(largest));
  }
  object["scores"] = std::move(scores);
  return object;
}

}  // namespace

json::object ToJson(const AbnormalityReport& report) {
  json::object object;
  object["is_abnormal"] = report.verdict.is_abnormal;
  object["abnormality_score"] = Thousandths(report.verdict.score);
  object["confidence"] = Thousandths(report.verdict.confidence);
  object["triage_priority"] = JsonText(ToString(report.verdict.triage));
  object["windows"] = Windows(report);
  object["aggregate"] = {{"mean", Thousandths(report.aggregate.mean)},
                         {"peak", Thousandths(report.aggregate.peak)}};
  object["findings"] = JsonNames(report.findings);
  object["notes"] = JsonNames(report.notes);
  object["mostly_asleep"] = report.asleep;
  object["calibration"] = {{"corpus", JsonText(Calibration().corpus)},
                           {"seeds", JsonText(Calibration().seeds)},
                           {"generator_version", Calibration().generator_version}};
  return object;
}

}  // namespace montage::analysis
