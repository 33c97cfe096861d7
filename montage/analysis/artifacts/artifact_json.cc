#include "montage/analysis/artifacts/artifact_json.h"

#include <cmath>
#include <span>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "montage/analysis/artifacts/artifact_limits.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;

json::string Text(std::string_view text) { return json::string(text.data(), text.size()); }

/// Four significant digits: more would be noise.
json::value Rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0.0) return 0.0;
  const double scale = std::pow(10.0, 3.0 - std::floor(std::log10(std::abs(value))));
  return std::isfinite(scale) ? std::round(value * scale) / scale : value;
}

/// Null for what is unknown.
json::value RoundedIfKnown(double value) {
  return value < 0.0 ? json::value(nullptr) : Rounded(value);
}

json::array Names(std::span<const std::string> names) {
  return json::array(names.begin(), names.end());
}

json::object Describe(const MethodFindings& method) {
  json::object object;
  object["ran"] = method.has_run;
  if (!method.has_run) object["reason"] = Text(method.reason);
  object["epoch_s"] = Rounded(method.epoch_s);
  object["epochs"] = method.epochs;
  object["rejected_fraction"] = Rounded(method.rejected_fraction);
  json::array findings;
  for (const ArtifactFinding& finding : method.findings) {
    if (findings.size() == kMaxReportedFindings) break;
    // Times are multiples of the epoch: rounding them to digits would move them.
    findings.push_back(json::object{{"kind", Text(finding.kind)},
                                    {"start_s", finding.start_s},
                                    {"end_s", finding.end_s},
                                    {"channels", Names(finding.channels)},
                                    {"score", Rounded(finding.score)}});
  }
  object["findings"] = std::move(findings);
  object["findings_total"] = method.findings.size();
  return object;
}

json::object Describe(const ComponentMeasures& measures) {
  json::object object;
  object["kurtosis"] = Rounded(measures.kurtosis);
  object["slow_fraction"] = Rounded(measures.slow_fraction);
  object["fast_fraction"] = Rounded(measures.fast_fraction);
  object["line_fraction"] = Rounded(measures.line_fraction);
  object["frontal_ratio"] = RoundedIfKnown(measures.frontal_ratio);
  object["rim_fraction"] = RoundedIfKnown(measures.rim_fraction);
  object["focality"] = Rounded(measures.focality);
  object["channel_fraction"] = Rounded(measures.channel_fraction);
  object["eye_correlation"] = Rounded(measures.eye_correlation);
  object["rhythmicity"] = Rounded(measures.rhythmicity);
  object["ecg_correlation"] = RoundedIfKnown(measures.ecg_correlation);
  object["beats_per_min"] = Rounded(measures.beats_per_min);
  object["beat_irregularity"] = Rounded(measures.beat_irregularity);
  object["beat_width_s"] = Rounded(measures.beat_width_s);
  return object;
}

json::object Describe(const ComponentReport& component) {
  json::object object;
  object["label"] = Text(ToString(component.label));
  object["score"] = Rounded(component.score);
  object["explained_fraction"] = Rounded(component.explained_fraction);
  object["active_fraction"] = Rounded(component.active_fraction);
  object["strongest_channel"] = Text(component.strongest_channel);
  json::array field;
  for (const double value : component.topography) field.push_back(Rounded(value));
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
  object["channels"] = Names(report.channels);
  object["bad_channels"] = Names(report.bad_channels);
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
      json::object{{"channels", Names(decomposition.channels)},
                   {"components", std::move(components)},
                   {"converged", decomposition.converged},
                   {"iterations", decomposition.iterations},
                   {"fitted_s", Rounded(decomposition.fitted_s)},
                   {"removed_fraction", Rounded(decomposition.removed_fraction)}};
  return object;
}

}  // namespace montage::analysis
