#include "montage/analysis/report_json.h"

#include <cmath>
#include <span>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "montage/analysis/pipeline.h"
#include "montage/analysis/quality/quality_limits.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;

json::string Text(std::string_view text) { return json::string(text.data(), text.size()); }

/// Six significant digits: more would be noise, and results are stored and sent in thousands.
json::value Rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0.0) return 0.0;
  const double scale = std::pow(10.0, 5.0 - std::floor(std::log10(std::abs(value))));
  return std::isfinite(scale) ? std::round(value * scale) / scale : value;
}

json::array Names(std::span<const std::string> names) {
  json::array array;
  for (const std::string& name : names) array.push_back(Text(name));
  return array;
}

json::array Faults(std::span<const ChannelFault> faults) {
  json::array array;
  for (const ChannelFault fault : faults) array.push_back(Text(ToString(fault)));
  return array;
}

json::object Describe(const ChannelQuality& channel) {
  json::object object;
  object["name"] = Text(channel.name);
  object["label"] = Text(channel.label);
  object["bad"] = channel.bad;
  object["reasons"] = Faults(channel.faults);
  object["warnings"] = Faults(channel.warnings);
  object["goodness"] = Rounded(channel.goodness);
  object["mean_uv"] = Rounded(channel.mean);
  object["std_uv"] = Rounded(channel.deviation);
  object["peak_to_peak_uv"] = Rounded(channel.peak_to_peak);
  object["high_frequency_uv"] = Rounded(channel.high_frequency);
  object["line_uv"] = Rounded(channel.line);
  object["neighbour_correlation"] =
      channel.correlation < 0 ? json::value(nullptr) : Rounded(channel.correlation);
  object["flat_fraction"] = Rounded(channel.flat_fraction);
  object["clipped_fraction"] = Rounded(channel.clipped_fraction);
  object["artifact_fraction"] = Rounded(channel.artifact_fraction);
  return object;
}

json::array Artifacts(std::span<const ArtifactInterval> artifacts) {
  json::array array;
  for (const ArtifactInterval& artifact : artifacts) {
    if (array.size() == static_cast<size_t>(kMaxReportedArtifacts)) break;
    json::object object;
    object["kind"] = Text(ToString(artifact.kind));
    object["start_s"] = Rounded(artifact.start_s);
    object["end_s"] = Rounded(artifact.end_s);
    object["channels"] = Names(artifact.channels);
    array.push_back(std::move(object));
  }
  return array;
}

json::value Describe(const std::optional<Rhythm>& rhythm) {
  if (!rhythm) return nullptr;
  json::object object;
  object["hz"] = Rounded(rhythm->hz);
  object["prominence"] = Rounded(rhythm->prominence);
  return object;
}

json::object Describe(const ChannelSpectrum& channel) {
  json::object absolute, relative, object;
  for (size_t b = 0; b < kBandCount; ++b) {
    absolute[kBands[b].name] = Rounded(channel.bands.absolute[b]);
    relative[kBands[b].name] = Rounded(channel.bands.relative[b]);
  }
  for (size_t b = 0; b < std::size(kGammaParts); ++b) {
    absolute[kGammaParts[b].name] = Rounded(channel.gamma_parts[b]);
  }
  object["name"] = Text(channel.name);
  object["absolute_uv2"] = std::move(absolute);
  object["relative"] = std::move(relative);
  object["total_uv2"] = Rounded(channel.total);
  object["peak_alpha"] = Describe(channel.peak_alpha);
  object["edge95_hz"] = Rounded(channel.edge95_hz);
  object["entropy"] = Rounded(channel.entropy);
  object["segments"] = channel.segments;
  object["with_artifacts"] = channel.with_artifacts;
  json::array density;
  for (const double value : channel.plot) density.push_back(Rounded(value));
  object["density_uv2_per_hz"] = std::move(density);
  return object;
}

json::object Describe(const StageReport& report) {
  json::object object;
  object["status"] = Text(ToString(report.status));
  if (report.reason != SkipReason::kNone) object["reason"] = Text(ToString(report.reason));
  if (report.status == StageStatus::kFailed) {
    object["error"] = Text(report.detail);
  } else if (!report.detail.empty()) {
    object["detail"] = Text(report.detail);
  }
  object["duration_s"] = report.seconds;
  if (report.method) {
    object["method"] = json::object{{"name", Text(report.method->name)},
                                    {"version", Text(report.method->version)}};
  }
  if (report.fallback) object["fallback_result"] = *report.fallback;
  return object;
}

json::object Describe(const RecordingView& recording) {
  json::array names;
  for (const Channel& channel : recording.channels) names.push_back(Text(channel.name));
  json::object object;
  object["duration_s"] = recording.duration_s;
  object["channels"] = std::move(names);
  return object;
}

}  // namespace

json::object WithMethod(json::object part, const Method& method) {
  part["method"] = json::object{{"name", Text(method.name)}, {"version", Text(method.version)}};
  part["disclaimer"] = Text(kDisclaimer);
  return part;
}

json::object ToJson(const QualityReport& report) {
  json::object object;
  object["bad_channels"] = Names(report.bad_channels);
  object["signal_quality_score"] = Rounded(report.score);
  object["grade"] = Text(ToString(report.grade));
  object["is_acceptable"] = report.is_acceptable;
  object["reasons"] = Names(report.reasons);
  object["notes"] = Names(report.notes);
  object["bad_channel_fraction"] = Rounded(report.BadChannelFraction());
  object["line_frequency_hz"] = report.line_hz;
  object["epochs"] = json::object{{"length_s", Rounded(report.epoch_s)},
                                  {"count", report.epochs},
                                  {"good_fraction", Rounded(report.good_epoch_fraction)}};
  object["artifacts"] = Artifacts(report.artifacts);
  object["artifacts_total"] = report.artifacts.size();
  json::array channels;
  for (const ChannelQuality& channel : report.channels) channels.push_back(Describe(channel));
  object["channels"] = std::move(channels);
  return object;
}

json::object ToJson(const SpectralReport& report) {
  json::object bands, object;
  for (const auto& [name, range] : kBands) bands[name] = json::array{range.low, range.high};
  for (const auto& [name, range] : kGammaParts) bands[name] = json::array{range.low, range.high};
  object["bands_hz"] = std::move(bands);
  object["segment_s"] = Rounded(report.segment_s);
  object["density_step_hz"] = report.plot_step_hz;
  json::array channels, asymmetry;
  for (const ChannelSpectrum& channel : report.channels) channels.push_back(Describe(channel));
  object["channels"] = std::move(channels);
  object["average"] = report.average ? json::value(Describe(*report.average)) : nullptr;
  json::value posterior = Describe(report.posterior_rhythm);
  if (posterior.is_object()) {
    posterior.as_object()["channels"] = Names(report.posterior_channels);
  }
  object["posterior_dominant_rhythm"] = std::move(posterior);
  for (const Asymmetry& pair : report.asymmetry) {
    asymmetry.push_back(json::object{{"left", Text(pair.left)},
                                     {"right", Text(pair.right)},
                                     {"band", Text(pair.band)},
                                     {"index", Rounded(pair.index)},
                                     {"log_ratio", Rounded(pair.log_ratio)}});
  }
  object["asymmetry"] = std::move(asymmetry);
  return object;
}

json::object ToJson(const AnalysisResult& result, const RecordingView& recording) {
  const auto part = [&](Stage stage) -> json::value {
    const auto& kept = result.parts[static_cast<size_t>(stage)];
    if (!kept || !IsRequested(result.request, stage)) return nullptr;
    return *kept;
  };
  json::object object;
  object["analysis_type"] = Text(ToString(result.request.type));
  object["quality_report"] = part(Stage::kQualityControl);
  object["abnormality_detection"] = part(Stage::kAbnormalityDetection);
  object["sleep_analysis"] = part(Stage::kSleepAnalysis);
  object["event_detection"] = part(Stage::kEventDetection);
  object["spectral_analysis"] = part(Stage::kSpectralAnalysis);
  object["artifact_detection"] = part(Stage::kArtifactDetection);
  object["connectivity_analysis"] = part(Stage::kConnectivityAnalysis);
  object["features"] = part(Stage::kFeatureExtraction);
  json::object stages;
  for (const StageReport& report : result.stages) {
    stages[ToString(report.stage)] = Describe(report);
  }
  object["stages"] = std::move(stages);
  object["recording"] = Describe(recording);
  object["processing_time_s"] = result.seconds;
  object["disclaimer"] = Text(kDisclaimer);
  return object;
}

}  // namespace montage::analysis
