#include "montage/analysis/recording_view.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace montage::analysis {

std::string_view ToString(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::kEeg:
      return "eeg";
    case ChannelKind::kEog:
      return "eog";
    case ChannelKind::kEmg:
      return "emg";
    case ChannelKind::kEcg:
      return "ecg";
    case ChannelKind::kRespiration:
      return "respiration";
    case ChannelKind::kOther:
      return "other";
  }
  return "other";
}

size_t RecordingView::IndexOf(std::string_view name) const {
  return static_cast<size_t>(std::ranges::find(channels, name, &Channel::name) - channels.begin());
}

void MemoryRecording::Add(std::string name, double rate_hz, std::vector<double> samples,
                          ChannelKind kind) {
  const double seconds = static_cast<double>(samples.size()) / rate_hz;
  view_.duration_s = std::max(view_.duration_s, seconds);
  view_.channels.push_back(
      {.name = name, .label = name, .kind = kind, .rate_hz = rate_hz, .samples = samples.size()});
  samples_.push_back(std::move(samples));
}

base::Result<void> MemoryRecording::Read(size_t channel, uint64_t first, std::span<double> out,
                                         base::Deadline /*deadline*/) {
  if (channel >= samples_.size() || first + out.size() > samples_[channel].size()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("samples {} to {} of channel {} are outside the recording", first,
                                  first + out.size(), channel));
  }
  std::copy_n(samples_[channel].begin() + static_cast<ptrdiff_t>(first), out.size(), out.begin());
  return {};
}

}  // namespace montage::analysis
