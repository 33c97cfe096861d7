#pragma once
// What an analysis sees of a recording: descriptions of its channels, and samples on demand, so
// that a day of 64 channels needs no more memory than a minute.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace montage::analysis {

enum class ChannelKind { kEeg, kEog, kEmg, kEcg, kRespiration, kOther };
/// `eeg`, `eog`, ...
std::string_view ToString(ChannelKind kind);

struct Channel {
  std::string name = {};   ///< canonical, `Fp1`; unique in the recording
  std::string label = {};  ///< as in the file, `EEG FP1-REF`
  ChannelKind kind = ChannelKind::kEeg;
  double rate_hz = 0;
  uint64_t samples = 0;
  std::optional<double> impedance_ohm = {};  ///< of the electrode, where the file says it
};

struct Annotation {
  double onset_s = 0;
  double duration_s = 0;
  std::string text = {};
};

/// Gives ranges of one channel in microvolts. Samples that are missing in the file are NaN.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  /// Fills `out` with samples first, first + 1, ... of the channel.
  /// Requires: the range lies inside the channel.
  virtual base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                                  base::Deadline deadline) = 0;
};

/// Does not own its source, which must outlive it.
struct RecordingView {
  std::vector<Channel> channels = {};
  double duration_s = 0;
  std::vector<Annotation> annotations = {};
  SampleSource* source = nullptr;

  /// Index of the channel with this canonical name, or channels.size().
  size_t IndexOf(std::string_view name) const;
};

/// A recording in memory.
class MemoryRecording final : public SampleSource {
 public:
  /// Adds a channel with its samples in microvolts; the recording is as long as its longest one.
  void Add(std::string name, double rate_hz, std::vector<double> samples,
           ChannelKind kind = ChannelKind::kEeg);
  void Annotate(Annotation annotation) { view_.annotations.push_back(std::move(annotation)); }

  /// Valid as long as this object is and no channel is added.
  const RecordingView& view() {
    view_.source = this;
    return view_;
  }
  std::span<double> samples(size_t channel) { return samples_[channel]; }

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline deadline) override;

 private:
  RecordingView view_;
  std::vector<std::vector<double>> samples_ = {};
};

}  // namespace montage::analysis
