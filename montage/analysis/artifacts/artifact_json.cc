#include "montage/analysis/artifacts/artifact_json.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "montage/analysis/artifacts/artifact_limits.h"
#include "montage/analysis/json_values.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;

json::value FourDigits(double value) { return Rounded(value, 4); }

/// Null for what is unknown.
json::value RoundedIfKnown(double value) {
  return value < 0.0 ? json::value(nullptr) : FourDigits(value);
}

json::object Describe(const MethodFindings& method) {
  json::object object;
  object["ran"] = method.has_run;
  if (!method.has_run) object["reason"] = JsonText(method.reason);
  object["epoch_s"] = FourDigits(method.epoch_s);
  object["epochs"] = method.epochs;
  object["rejected_fraction"] = FourDigits(method.rejected_fraction);
  json::array findings;
  for (const ArtifactFinding& finding : method.findings) {
    if (findings.size() == kMaxReportedFindings) break;
    // Times are multiples of the epoch: rounding them to digits would move them.
    findings.push_back(json::object{{"kind", JsonText(finding.kind)},
                                    {"start_s", finding.start_s},
                                    {"end_s", finding.end_s},
                                    {"channels", JsonNames(finding.channels)},
                                    {"score", FourDigits(finding.score)}});
  }
  object["findings"] = std::move(findings);
  object["findings_total"] = method.findings.size();
  return object;
}

json::object Describe(const ComponentMeasures& measures) {
  json::object object;
  object["kurtosis"] = FourDigits(measures.kurtosis);
  object["slow_fraction"] = FourDigits(measures.slow_fraction);
  object["fast_fraction"] = FourDigits(measures.fast_fraction);
  object["line_fraction"] = FourDigits(measures.line_fraction);
  object["frontal_ratio"] = RoundedIfKnown(measures.frontal_ratio);
  object["rim_fraction"] = RoundedIfKnown(measures.rim_fraction);
  object["focality"] = FourDigits(measures.focality);
  object["channel_fraction"] = FourDigits(measures.channel_fraction);
  object["eye_correlation"] = FourDigits(measures.eye_correlation);
  object["rhythmicity"] = FourDigits(measures.rhythmicity);
  object["ecg_correlation"] = RoundedIfKnown(measures.ecg_correlation);
  object["beats_per_min"] = FourDigits(measures.beats_per_min);
  object["beat_irregularity"] = FourDigits(measures.beat_irregularity);
  object["beat_width_s"] = FourDigits(measures.beat_width_s);
  return object;
}

json::object Describe(const ComponentReport& component) {
  json::object object;
  object["label"] = JsonText(ToString(component.label));
  object["score"] = FourDigits(component.score);
  object["explained_fraction"] = FourDigits(component.explained_fraction);
  object["active_fraction"] = FourDigits(component.active_fraction);
  object["strongest_channel"] = JsonText(component.strongest_channel);
  json::array field;
  for (const double value : component.topography) field.push_back(FourDigits(value));
  object["topography_uv"] = std::move(field);
  object["measures"] = Describe(component.measures);
  return object;
}

}  // namespace

json::object ToJson(const ArtifactReport& report) {
  json::object methods, object;
  for (const MethodFindings& method : report.methods) {
    methods[ToString(method.method)] = Describe(method);
  }
  object["methods"] = std::move(methods);
  object["channels"] = JsonNames(report.channels);
  object["bad_channels"] = JsonNames(report.bad_channels);
  const DecompositionReport& decomposition = report.decomposition;
  if (decomposition.components.empty()) {
    object["decomposition"] = nullptr;
    return object;
  }
  json::array components;
  for (const ComponentReport& component : decomposition.components) {
    components.push_back(Describe(component));
  }
  object["decomposition"] =
      json::object{{"channels", JsonNames(decomposition.channels)},
                   {"components", std::move(components)},
                   {"converged", decomposition.converged},
                   {"iterations", decomposition.iterations},
                   {"fitted_s", FourDigits(decomposition.fitted_s)},
                   {"removed_fraction", FourDigits(decomposition.removed_fraction)}};
  return object;
}

}  // namespace montage::analysis
