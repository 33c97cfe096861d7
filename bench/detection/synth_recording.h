#pragma once
// A generated recording as the analyses see a stored one, rendered while it is read.

#include <memory>

#include "lib/base/result.h"
#include "lib/synth/eeg.h"
#include "montage/analysis/recording_view.h"

namespace detection {

/// Names, kinds and voltages are those that the same recording has when it is written to a file and
/// opened by recordings::EdfRecording; nothing is stored.
class SynthRecording final : public montage::analysis::SampleSource {
 public:
  static base::Result<std::unique_ptr<SynthRecording>> Create(synth::EegSpec spec);

  const montage::analysis::RecordingView& view() const { return view_; }
  const synth::Truth& truth() const { return generator_.truth(); }

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline deadline) override;

 private:
  explicit SynthRecording(synth::EegGenerator generator) : generator_(std::move(generator)) {}

  synth::EegGenerator generator_;
  montage::analysis::RecordingView view_ = {};
};

}  // namespace detection
