#include "montage/analysis/quality/quality.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include "montage/analysis/quality/artifacts.h"
#include "montage/analysis/quality/bad_channels.h"
#include "montage/analysis/quality/local_rejection.h"
#include "montage/analysis/quality/quality_limits.h"
#include "montage/analysis/requirements.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

double GoodnessOf(double spoilage) { return std::clamp(2.0 * (1.0 - spoilage), 0.0, 1.0); }

double ChannelGoodness(const EpochTable& table, const ArtifactMask& mask, size_t row,
                       const EpochLimits& limits) {
  if (table.epochs == 0) return 0.0;
  const Rails rails = FindRails(table.Row(row), limits);
  double sum = 0;
  for (size_t e = 0; e < table.epochs; ++e) {
    double goodness = GoodnessOf(Spoilage(table.At(row, e), rails, limits));
    if (mask.Has(row, e, Artifact::kBlink)) goodness = std::min(goodness, 0.5);
    sum += goodness;
  }
  return sum / static_cast<double>(table.epochs);
}

/// Grades of the score and the fraction of bad channels; both must reach the row.
Grade GradeOf(double score, double bad_fraction) {
  if (score > 0.8 && bad_fraction < 0.1) return Grade::kExcellent;
  if (score > 0.6 && bad_fraction < 0.2) return Grade::kGood;
  if (score > 0.4 && bad_fraction <= kMaxBadFraction) return Grade::kFair;
  return Grade::kPoor;
}

double GoodEpochFraction(const ArtifactMask& mask, std::span<const bool> bad) {
  const auto good_channels = static_cast<size_t>(std::ranges::count(bad, false));
  if (mask.epochs == 0 || good_channels == 0) return 0.0;
  size_t good = 0;
  for (size_t e = 0; e < mask.epochs; ++e) {
    size_t spoiled = 0;
    for (size_t row = 0; row < bad.size(); ++row) {
      spoiled += !bad[row] && !mask.IsClean(row, e) ? 1U : 0U;
    }
    good += 5 * spoiled <= good_channels ? 1U : 0U;
  }
  return static_cast<double>(good) / static_cast<double>(mask.epochs);
}

void Decide(const RecordingView& recording, QualityReport& report) {
  if (report.channels.empty()) {
    report.reasons.emplace_back("no channel can be analysed");
  } else if (report.BadChannelFraction() > kMaxBadFraction) {
    report.reasons.push_back(fmt::format("{} of {} channels are bad, at most {:.0f} % may be",
                                         report.bad_channels.size(), report.channels.size(),
                                         100 * kMaxBadFraction));
  }
  if (recording.duration_s < kMinDurationS) {
    report.reasons.push_back(fmt::format("duration is {:.3g} s, expected at least {} s",
                                         recording.duration_s, kMinDurationS));
  }
  report.is_acceptable = report.reasons.empty();
  report.grade = GradeOf(report.score, report.BadChannelFraction());
}

void JudgeChannels(const RecordingView& recording, const EpochTable& table, QualityReport& report) {
  const ChannelLimits limits;
  for (size_t row = 0; row < table.channels.size(); ++row) {
    const Channel& channel = recording.channels[table.channels[row]];
    report.channels.push_back(Summarise(table, report.mask, row, channel));
    JudgeAlone(table, report.mask, row, limits, report.channels.back());
  }
  CompareNeighbours(table, report.channels);
  // Channels that are bad by themselves say nothing about what is usual.
  std::vector<ChannelQuality> sound;
  std::ranges::copy_if(report.channels, std::back_inserter(sound),
                       [](const ChannelQuality& channel) { return channel.faults.empty(); });
  const Fellows fellows(sound, limits);
  for (ChannelQuality& channel : report.channels) {
    JudgeAgainst(fellows, limits, channel);
    channel.bad = !channel.faults.empty();
    if (channel.bad) report.bad_channels.push_back(channel.name);
  }
}

}  // namespace

bool IsBad(const QualityReport* quality, std::string_view channel) {
  return quality != nullptr && std::ranges::count(quality->bad_channels, channel) > 0;
}

std::string_view ToString(ChannelFault fault) {
  switch (fault) {
    case ChannelFault::kMissingSamples:
      return "missing_samples";
    case ChannelFault::kFlat:
      return "flat";
    case ChannelFault::kDisconnected:
      return "disconnected";
    case ChannelFault::kNoisy:
      return "noisy";
    case ChannelFault::kHighFrequencyNoise:
      return "high_frequency_noise";
    case ChannelFault::kLineNoise:
      return "line_noise";
    case ChannelFault::kClipping:
      return "clipping";
    case ChannelFault::kElectrodePop:
      return "electrode_pop";
    case ChannelFault::kDcOffset:
      return "dc_offset";
    case ChannelFault::kLowCorrelation:
      return "low_correlation";
    case ChannelFault::kNoBrainSignal:
      return "no_brain_signal";
    case ChannelFault::kHighImpedance:
      return "high_impedance";
  }
  return "unknown";
}

std::string_view ToString(Contact contact) {
  switch (contact) {
    case Contact::kGood:
      return "good";
    case Contact::kFair:
      return "fair";
    case Contact::kBad:
      return "bad";
  }
  return "bad";
}

Contact ContactOf(double impedance_ohm) {
  if (impedance_ohm < kGoodImpedanceOhm) return Contact::kGood;
  return impedance_ohm > kBadImpedanceOhm ? Contact::kBad : Contact::kFair;
}

std::string_view ToString(Artifact artifact) {
  switch (artifact) {
    case Artifact::kFlat:
      return "flat";
    case Artifact::kClipping:
      return "clipping";
    case Artifact::kPop:
      return "pop";
    case Artifact::kMovement:
      return "movement";
    case Artifact::kMuscle:
      return "muscle";
    case Artifact::kLine:
      return "line";
    case Artifact::kBlink:
      return "blink";
  }
  return "unknown";
}

std::string_view ToString(EpochLabel label) {
  switch (label) {
    case EpochLabel::kGood:
      return "good";
    case EpochLabel::kRepaired:
      return "repaired";
    case EpochLabel::kRejected:
      return "rejected";
  }
  return "rejected";
}

std::string_view ToString(Grade grade) {
  switch (grade) {
    case Grade::kExcellent:
      return "excellent";
    case Grade::kGood:
      return "good";
    case Grade::kFair:
      return "fair";
    case Grade::kPoor:
      return "poor";
  }
  return "poor";
}

base::Result<QualityReport> AssessQuality(const RecordingView& recording,
                                          const QualityOptions& options, const Control& control) {
  const Eligibility eligibility = CheckRecording(recording);
  QualityReport report;
  report.notes = eligibility.shortcomings;
  for (const auto& [channel, reason] : eligibility.excluded) {
    report.notes.push_back(
        fmt::format("channel {} is left out: {}", recording.channels[channel].name, reason));
  }
  TRY(const EpochTable table,
      MeasureEpochs(recording, eligibility.eeg, options.epoch_s, options.line_hz, control));
  const EpochLimits limits;
  report.epoch_s = table.epoch_s;
  report.epochs = table.epochs;
  report.line_hz = table.line_hz;
  report.mask = FindArtifacts(table, limits);
  JudgeChannels(recording, table, report);

  const size_t rows = report.channels.size();
  const auto bad = std::make_unique<bool[]>(rows);
  std::vector<std::string> names;
  for (size_t row = 0; row < rows; ++row) {
    bad[row] = report.channels[row].bad;
    names.push_back(report.channels[row].name);
  }
  const std::span<const bool> bad_rows(bad.get(), rows);
  FindBlinks(table, recording, bad_rows, limits, report.mask);
  for (size_t row = 0; row < rows; ++row) {
    ChannelQuality& channel = report.channels[row];
    if (!channel.bad) channel.goodness = ChannelGoodness(table, report.mask, row, limits);
    report.score += channel.goodness / static_cast<double>(rows);
  }
  report.good_epoch_fraction = GoodEpochFraction(report.mask, bad_rows);
  report.artifacts = JoinArtifacts(report.mask, names, bad_rows);
  const auto positions = ComparablePositions(recording, table.channels);
  TRY(report.local, LabelEpochs(table, report.mask, bad_rows, positions, control));
  for (size_t row = 0; row < rows; ++row) {
    report.channels[row].threshold_uv = report.local.thresholds_uv[row];
  }
  Decide(recording, report);
  return report;
}

}  // namespace montage::analysis
