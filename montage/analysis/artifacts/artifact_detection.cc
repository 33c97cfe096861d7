#include "montage/analysis/artifacts/artifact_detection.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "montage/analysis/artifacts/artifact_limits.h"
#include "montage/analysis/artifacts/component_activity.h"
#include "montage/analysis/artifacts/decomposition.h"
#include "montage/analysis/artifacts/epoch_rules.h"
#include "montage/analysis/artifacts/findings.h"
#include "montage/analysis/quality/epochs.h"
#include "montage/analysis/requirements.h"

namespace montage::analysis {
namespace {

/// Part of the progress that measuring the epochs takes; the rest is shared by the methods.
constexpr double kMeasuring = 0.4;

bool IsJudgedByAmplitude(const Channel& channel) {
  const bool kind = channel.kind == ChannelKind::kEog || channel.kind == ChannelKind::kEmg;
  return kind && channel.samples > 0 && channel.rate_hz >= kMinRateHz &&
         channel.rate_hz <= kMaxRateHz;
}

/// Good EEG channels, then EOG and EMG channels, in recording order each.
std::vector<size_t> ChooseChannels(const RecordingView& recording, const QualityReport* quality,
                                   ArtifactReport& report) {
  std::vector<size_t> channels;
  for (const size_t c : CheckRecording(recording).eeg) {
    const std::string& name = recording.channels[c].name;
    if (IsBad(quality, name)) {
      report.bad_channels.push_back(name);
    } else {
      channels.push_back(c);
    }
  }
  if (channels.empty()) return channels;
  for (size_t c = 0; c < recording.channels.size(); ++c) {
    if (IsJudgedByAmplitude(recording.channels[c])) channels.push_back(c);
  }
  return channels;
}

std::vector<size_t> EegRows(const RecordingView& recording, const EpochTable& table) {
  std::vector<size_t> rows;
  for (size_t row = 0; row < table.channels.size(); ++row) {
    if (recording.channels[table.channels[row]].kind == ChannelKind::kEeg) rows.push_back(row);
  }
  return rows;
}

/// Mean variance of the epochs, summed over the decomposed channels.
double TotalVariance(const DecompositionInput& input, const EpochTable& table) {
  double sum = 0;
  for (const size_t row : input.rows) {
    for (const Epoch& epoch : table.Row(row)) {
      sum += static_cast<double>(epoch.deviation) * static_cast<double>(epoch.deviation);
    }
  }
  return table.epochs > 0 ? sum / static_cast<double>(table.epochs) : 0.0;
}

base::Result<MethodFindings> FindByIca(const RecordingView& recording, const EpochTable& table,
                                       const Control& control, DecompositionReport& report) {
  const FitLimits limits;
  MethodFindings method{.method = ArtifactMethod::kIca, .epoch_s = kActivityBinS};
  const DecompositionInput input = ChooseInput(recording, table, limits);
  method.reason = input.shortcoming;
  if (!method.reason.empty()) return method;
  const FitWindows windows = ChooseWindows(input, table, limits);
  if (windows.first.empty()) {
    method.reason = "no stretch without gross deflections, expected at least one";
    return method;
  }
  auto fitted = Decompose(recording, input, windows, table.line_hz, limits, control);
  if (!fitted && fitted.error().code == base::ErrorCode::kInvalid) {
    method.reason = fitted.error().message;
    return method;
  }
  TRY(Decomposition decomposition, std::move(fitted));
  TRY(auto activity,
      FollowArtifacts(recording, input, decomposition, table.line_hz, limits, control));
  method.has_run = true;
  method.epochs = activity.bins;
  method.findings = std::move(activity.findings);
  SortByStart(method.findings);
  method.rejected_fraction = TouchedFraction(method.findings, method.epoch_s, method.epochs);
  for (const size_t c : input.channels) report.channels.push_back(recording.channels[c].name);
  report.components = std::move(decomposition.components);
  report.converged = decomposition.model.convergence.converged;
  report.iterations = decomposition.model.convergence.iterations;
  report.fitted_s = decomposition.fitted_s;
  const double total = TotalVariance(input, table);
  if (total > 0.0) report.removed_fraction = std::min(activity.removed_uv2 / total, 1.0);
  return method;
}

}  // namespace

std::string_view ToString(ArtifactMethod method) {
  switch (method) {
    case ArtifactMethod::kThreshold:
      return "threshold";
    case ArtifactMethod::kStatistical:
      return "statistical";
    case ArtifactMethod::kIca:
      return "ica";
  }
  return "threshold";
}

const MethodFindings* ArtifactReport::Find(ArtifactMethod method) const {
  const auto found = std::ranges::find(methods, method, &MethodFindings::method);
  return found == methods.end() ? nullptr : &*found;
}

base::Result<ArtifactReport> DetectArtifacts(const RecordingView& recording,
                                             const QualityReport* quality,
                                             const ArtifactOptions& options,
                                             const Control& control) {
  ArtifactReport report;
  const std::vector<size_t> channels = ChooseChannels(recording, quality, report);
  if (channels.empty()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      report.bad_channels.empty()
                          ? "no channel can be analysed, expected at least one EEG channel"
                          : fmt::format("all {} EEG channels are bad, expected at least one good",
                                        report.bad_channels.size()));
  }
  for (const size_t c : channels) report.channels.push_back(recording.channels[c].name);
  Control part = control;
  part.progress = [&](double fraction) { control.Report(kMeasuring * fraction); };
  const double line_hz = quality != nullptr ? quality->line_hz : 0.0;
  TRY(const EpochTable table, MeasureEpochs(recording, channels, options.epoch_s, line_hz, part));
  if (options.threshold) report.methods.push_back(FindByThreshold(recording, table));
  if (options.statistical) {
    TRY(const auto kurtosis, MeasureKurtosis(recording, table, control));
    const auto rows = EegRows(recording, table);
    report.methods.push_back(
        FindByStatistics(recording, table, rows, kurtosis, StatisticalLimits()));
  }
  if (options.ica) {
    part.progress = [&](double fraction) {
      control.Report(kMeasuring + (1.0 - kMeasuring) * fraction);
    };
    TRY(auto found, FindByIca(recording, table, part, report.decomposition));
    report.methods.push_back(std::move(found));
  }
  return report;
}

}  // namespace montage::analysis
