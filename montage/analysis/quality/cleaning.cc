#include "montage/analysis/quality/cleaning.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "montage/analysis/requirements.h"
#include "montage/signal/scalp/electrodes.h"
#include "montage/signal/scalp/spherical_spline.h"

namespace montage::analysis {
namespace {

constexpr size_t kMinSources = 4;

struct Weight {
  size_t channel;
  double factor;
};

class InterpolatingSource final : public SampleSource {
 public:
  InterpolatingSource(SampleSource& original, std::map<size_t, std::vector<Weight>> weights)
      : original_(original), weights_(std::move(weights)) {}

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline deadline) override {
    const auto found = weights_.find(channel);
    if (found == weights_.end()) return original_.Read(channel, first, out, deadline);
    buffer_.resize(out.size());
    std::ranges::fill(out, 0.0);
    for (const auto& [source, factor] : found->second) {
      TRY(original_.Read(source, first, buffer_, deadline));
      for (size_t i = 0; i < out.size(); ++i) out[i] += factor * buffer_[i];
    }
    return {};
  }

 private:
  SampleSource& original_;
  std::map<size_t, std::vector<Weight>> weights_;
  std::vector<double> buffer_;
};

/// Good EEG channels at known positions that are sampled like `bad`.
std::vector<size_t> SourcesFor(const RecordingView& recording, size_t bad,
                               const std::vector<std::string>& bad_channels) {
  std::vector<size_t> sources;
  const Channel& wanted = recording.channels[bad];
  for (const size_t c : CheckRecording(recording).eeg) {
    const Channel& channel = recording.channels[c];
    if (channel.rate_hz == wanted.rate_hz && channel.samples == wanted.samples &&
        0 == std::ranges::count(bad_channels, channel.name) &&
        signal::FindElectrode(channel.name).has_value()) {
      sources.push_back(c);
    }
  }
  return sources;
}

}  // namespace

base::Result<CleanedRecording> InterpolateBadChannels(
    const RecordingView& recording, const std::vector<std::string>& bad_channels) {
  CleanedRecording cleaned;
  std::map<size_t, std::vector<Weight>> weights;
  for (const std::string& name : bad_channels) {
    const size_t bad = recording.IndexOf(name);
    if (bad == recording.channels.size()) {
      return base::Fail(base::ErrorCode::kNotFound,
                        fmt::format("channel {} is not in the recording", name));
    }
    const auto position = signal::FindElectrode(name);
    const std::vector<size_t> sources = SourcesFor(recording, bad, bad_channels);
    if (!position || sources.size() < kMinSources) {
      cleaned.left_bad_.push_back(name);
      continue;
    }
    std::vector<signal::Position> positions;
    for (const size_t c : sources) {
      positions.push_back(*signal::FindElectrode(recording.channels[c].name));
    }
    const std::array target = {*position};
    TRY(const auto row, signal::SplineWeights(positions, target));
    for (size_t i = 0; i < sources.size(); ++i) weights[bad].push_back({sources[i], row[i]});
    cleaned.interpolated_.push_back(name);
  }
  cleaned.source_ = std::make_unique<InterpolatingSource>(*recording.source, std::move(weights));
  cleaned.view_ = recording;
  cleaned.view_.source = cleaned.source_.get();
  return cleaned;
}

}  // namespace montage::analysis
