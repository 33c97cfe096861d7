#include "montage/analysis/report_json.h"

#include <string>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "montage/analysis/json_values.h"
#include "montage/analysis/pipeline.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;

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
  object["name"] = JsonText(channel.name);
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
  object["status"] = JsonText(ToString(report.status));
  if (report.reason != SkipReason::kNone) object["reason"] = JsonText(ToString(report.reason));
  if (report.status == StageStatus::kFailed) {
    object["error"] = JsonText(report.detail);
  } else if (!report.detail.empty()) {
    object["detail"] = JsonText(report.detail);
  }
  object["duration_s"] = report.seconds;
  if (report.method) {
    object["method"] = json::object{{"name", JsonText(report.method->name)},
                                    {"version", JsonText(report.method->version)}};
  }
  if (report.fallback) object["fallback_result"] = *report.fallback;
  return object;
}

json::object Describe(const RecordingView& recording) {
  json::array names;
  for (const Channel& channel : recording.channels) names.push_back(JsonText(channel.name));
  json::object object;
  object["duration_s"] = recording.duration_s;
  object["channels"] = std::move(names);
  return object;
}

}  // namespace

json::object WithMethod(json::object part, const Method& method) {
  part["method"] =
      json::object{{"name", JsonText(method.name)}, {"version", JsonText(method.version)}};
  part["disclaimer"] = JsonText(kDisclaimer);
  return part;
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
    posterior.as_object()["channels"] = JsonNames(report.posterior_channels);
  }
  object["posterior_dominant_rhythm"] = std::move(posterior);
  for (const Asymmetry& pair : report.asymmetry) {
    asymmetry.push_back(json::object{{"left", JsonText(pair.left)},
                                     {"right", JsonText(pair.right)},
                                     {"band", JsonText(pair.band)},
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
  object["analysis_type"] = JsonText(ToString(result.request.type));
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
  object["disclaimer"] = JsonText(kDisclaimer);
  return object;
}

}  // namespace montage::analysis
