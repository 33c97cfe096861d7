#include "montage/analysis/quality/quality_json.h"

#include <span>

#include <boost/json/array.hpp>

#include "montage/analysis/json_values.h"
#include "montage/analysis/quality/quality_limits.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;

json::array Faults(std::span<const ChannelFault> faults) {
  json::array array;
  for (const ChannelFault fault : faults) array.push_back(JsonText(ToString(fault)));
  return array;
}

json::object Describe(const ChannelQuality& channel) {
  json::object object;
  object["name"] = JsonText(channel.name);
  object["label"] = JsonText(channel.label);
  object["bad"] = channel.bad;
  object["reasons"] = Faults(channel.faults);
  object["warnings"] = Faults(channel.warnings);
  object["goodness"] = Rounded(channel.goodness);
  object["mean_uv"] = Rounded(channel.mean);
  object["std_uv"] = Rounded(channel.deviation);
  object["peak_to_peak_uv"] = Rounded(channel.peak_to_peak);
  object["high_frequency_uv"] = Rounded(channel.high_frequency);
  object["line_uv"] = Rounded(channel.line);
  object["spectral_tilt"] = Rounded(channel.tilt);
  object["neighbour_correlation"] =
      channel.correlation < 0 ? json::value(nullptr) : Rounded(channel.correlation);
  object["flat_fraction"] = Rounded(channel.flat_fraction);
  object["clipped_fraction"] = Rounded(channel.clipped_fraction);
  object["artifact_fraction"] = Rounded(channel.artifact_fraction);
  object["threshold_uv"] = Rounded(channel.threshold_uv);
  object["impedance_ohm"] = nullptr;
  object["contact"] = nullptr;
  if (channel.impedance_ohm) {
    object["impedance_ohm"] = Rounded(*channel.impedance_ohm);
    object["contact"] = JsonText(ToString(ContactOf(*channel.impedance_ohm)));
  }
  return object;
}

json::array Artifacts(std::span<const ArtifactInterval> artifacts) {
  json::array array;
  for (const ArtifactInterval& artifact : artifacts) {
    if (array.size() == kMaxReportedArtifacts) break;
    json::object object;
    object["kind"] = JsonText(ToString(artifact.kind));
    object["start_s"] = Rounded(artifact.start_s);
    object["end_s"] = Rounded(artifact.end_s);
    object["channels"] = JsonNames(artifact.channels);
    array.push_back(std::move(object));
  }
  return array;
}

json::array NamesOf(const QualityReport& report, std::span<const size_t> rows) {
  json::array array;
  for (const size_t row : rows) array.push_back(JsonText(report.channels[row].name));
  return array;
}

json::object Epochs(const QualityReport& report) {
  const LocalRejection& local = report.local;
  const auto start_s = [&](size_t epoch) {
    return Rounded(report.epoch_s * static_cast<double>(epoch));
  };
  json::object labels;
  for (const EpochLabel label : {EpochLabel::kGood, EpochLabel::kRepaired, EpochLabel::kRejected}) {
    labels[ToString(label)] = local.Count(label);
  }
  json::array rejected, repaired;
  for (size_t e = 0; e < local.labels.size() && rejected.size() < kMaxReportedEpochs; ++e) {
    if (local.labels[e] == EpochLabel::kRejected) rejected.push_back(start_s(e));
  }
  for (const RepairedEpoch& epoch : local.repaired) {
    if (repaired.size() == kMaxReportedEpochs) break;
    repaired.push_back(json::object{{"start_s", start_s(epoch.epoch)},
                                    {"interpolated", NamesOf(report, epoch.interpolated)},
                                    {"left", NamesOf(report, epoch.left)}});
  }
  return json::object{{"length_s", Rounded(report.epoch_s)},
                      {"count", report.epochs},
                      {"good_fraction", Rounded(report.good_epoch_fraction)},
                      {"labels", std::move(labels)},
                      {"consensus", Rounded(local.consensus)},
                      {"interpolate", local.interpolate},
                      {"rejected_start_s", std::move(rejected)},
                      {"repaired", std::move(repaired)}};
}

}  // namespace

json::object ToJson(const QualityReport& report) {
  json::object object;
  object["bad_channels"] = JsonNames(report.bad_channels);
  object["signal_quality_score"] = Rounded(report.score);
  object["score_components"] =
      json::object{{"good_channel_fraction", Rounded(1.0 - report.BadChannelFraction())},
                   {"good_channel_goodness", Rounded(report.GoodChannelGoodness())}};
  object["grade"] = JsonText(ToString(report.grade));
  object["is_acceptable"] = report.is_acceptable;
  object["reasons"] = JsonNames(report.reasons);
  object["notes"] = JsonNames(report.notes);
  object["bad_channel_fraction"] = Rounded(report.BadChannelFraction());
  object["line_frequency_hz"] = report.line_hz;
  object["epochs"] = Epochs(report);
  object["artifacts"] = Artifacts(report.artifacts);
  object["artifacts_total"] = report.artifacts.size();
  json::array channels;
  for (const ChannelQuality& channel : report.channels) channels.push_back(Describe(channel));
  object["channels"] = std::move(channels);
  return object;
}

}  // namespace montage::analysis
