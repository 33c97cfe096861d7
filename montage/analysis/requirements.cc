#include "montage/analysis/requirements.h"

#include <fmt/format.h>

#include "montage/signal/scalp/electrodes.h"

namespace montage::analysis {
namespace {

constexpr size_t kFullMontage = 16;  ///< EEG channels that abnormality and topography expect

std::string ReasonToExclude(const Channel& channel) {
  if (channel.kind != ChannelKind::kEeg) {
    return fmt::format("kind is {}, expected eeg", ToString(channel.kind));
  }
  if (channel.samples == 0) return "no samples";
  if (!(channel.rate_hz >= kMinRateHz && channel.rate_hz <= kMaxRateHz)) {
    return fmt::format("rate is {} Hz, expected {} to {} Hz", channel.rate_hz, kMinRateHz,
                       kMaxRateHz);
  }
  return {};
}

}  // namespace

Eligibility CheckRecording(const RecordingView& recording) {
  Eligibility eligibility;
  size_t with_position = 0;
  for (size_t c = 0; c < recording.channels.size(); ++c) {
    const Channel& channel = recording.channels[c];
    std::string reason = ReasonToExclude(channel);
    if (!reason.empty()) {
      eligibility.excluded.push_back({c, std::move(reason)});
      continue;
    }
    eligibility.eeg.push_back(c);
    with_position += signal::FindElectrode(channel.name).has_value() ? 1U : 0U;
  }
  auto& shortcomings = eligibility.shortcomings;
  if (eligibility.eeg.empty()) {
    shortcomings.push_back("no channel can be analysed, expected at least one EEG channel");
    return eligibility;
  }
  if (recording.duration_s < kMinDurationS) {
    shortcomings.push_back(fmt::format("duration is {:.3g} s, expected at least {} s",
                                       recording.duration_s, kMinDurationS));
  }
  if (with_position < kFullMontage) {
    shortcomings.push_back(
        fmt::format("{} channels at known electrode positions, {} are expected "
                    "for neighbour comparison and topography",
                    with_position, kFullMontage));
  }
  return eligibility;
}

}  // namespace montage::analysis
