#include "bench/model/windows.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "bench/detection/corpus/corpus.h"
#include "lib/synth/eeg.h"
#include "montage/analysis/abnormality/model_windows.h"
#include "montage/analysis/quality/quality.h"

namespace model_example {
namespace {

using base::Deadline;
using base::Result;

constexpr double kPieceS = 100;     ///< of each recording
constexpr double kLeadS = 20;       ///< before its first event
constexpr double kEnoughS = 0.5;    ///< of an event in a window make it abnormal
constexpr double kMicrovolt = 0.1;  ///< of one tick of a generated sample
constexpr auto kAbnormalKinds = std::to_array<std::string_view>(
    {"spike", "spike_wave", "pled", "gped", "seizure", "burst_suppression", "slowing"});

/// The description of the model that is to be made, for ModelWindows.
class Wanted final : public montage::analysis::WindowModel {
 public:
  explicit Wanted(const montage::inference::ModelCard& card) : card_(card) {}
  std::string_view name() const override { return card_.name; }
  std::string_view version() const override { return card_.version; }
  std::span<const std::string> channels() const override { return card_.channels; }
  double rate_hz() const override { return card_.rate_hz; }
  double window_s() const override { return card_.window_s; }
  Result<std::vector<float>> AbnormalProbabilities(std::span<const float>, size_t,
                                                   Deadline) override {
    return base::Fail(base::ErrorCode::kUnsupported, "the model is not made yet");
  }

 private:
  const montage::inference::ModelCard& card_;
};

bool IsAbnormal(const synth::TruthEvent& event) {
  return std::ranges::find(kAbnormalKinds, event.kind) != kAbnormalKinds.end();
}

/// A piece of a recording in memory: kPieceS of 21 channels.
struct Piece {
  double from_s = 0;
  montage::analysis::MemoryRecording recording;
};

Piece Cut(const synth::EegGenerator& generator) {
  const synth::EegSpec& spec = generator.spec();
  double from_s = 0;
  for (const synth::TruthEvent& event : generator.truth().events) {
    if (!IsAbnormal(event)) continue;
    from_s = std::clamp(event.onset_s - kLeadS, 0.0, spec.duration_s - kPieceS);
    break;
  }
  Piece piece{.from_s = std::floor(from_s)};
  std::vector<int16_t> ticks(static_cast<size_t>(kPieceS * spec.rate_hz));
  for (size_t c = 0; c < spec.channels.size(); ++c) {
    generator.Render(c, static_cast<uint64_t>(piece.from_s * spec.rate_hz), ticks);
    std::vector<double> samples(ticks.size());
    std::ranges::transform(ticks, samples.begin(), [](int16_t tick) { return kMicrovolt * tick; });
    piece.recording.Add(spec.channels[c], spec.rate_hz, std::move(samples));
  }
  return piece;
}

/// 1, 0, or -1 for a window that is left out.
int LabelOf(const detection::CorpusRecording& recording, const synth::Truth& truth, double from_s,
            double until_s) {
  if (recording.group == "slow_rhythm") return 1;  // what is abnormal is the background
  int label = 0;
  for (const synth::TruthEvent& event : truth.events) {
    if (!IsAbnormal(event)) continue;
    const double inside =
        std::min(until_s, event.onset_s + event.duration_s) - std::max(from_s, event.onset_s);
    if (inside <= 0) continue;
    if (inside >= std::min(kEnoughS, event.duration_s)) return 1;
    label = -1;
  }
  return label;
}

Result<void> AddRecording(const detection::CorpusRecording& recording, const Wanted& model,
                          LabelledWindows& windows) {
  TRY(const auto generator, synth::EegGenerator::Create(recording.spec));
  Piece piece = Cut(generator);
  const auto& view = piece.recording.view();
  TRY(const auto quality, montage::analysis::AssessQuality(view, {}, {}));
  TRY(const auto source,
      montage::analysis::ModelWindows::Create(view, quality, model, model.window_s()));
  for (size_t w = 0; w < source.count(); ++w) {
    const double from_s = piece.from_s + static_cast<double>(w) * model.window_s();
    const int label = LabelOf(recording, generator.truth(), from_s, from_s + model.window_s());
    if (label < 0) continue;
    TRY(const auto samples, source.Read(w, 1, Deadline::Never()));
    windows.samples.insert(windows.samples.end(), samples.begin(), samples.end());
    windows.labels.push_back(static_cast<float>(label));
    windows.groups.push_back(recording.group);
  }
  return {};
}

}  // namespace

Result<LabelledWindows> MakeWindows(const montage::inference::ModelCard& card, const Part& part) {
  const Wanted model(card);
  LabelledWindows windows;
  std::map<std::string, size_t> seen;
  for (const auto& recording : detection::AbnormalityCorpus({.split = detection::Split::kTrain})) {
    const size_t index = seen[recording.group]++;
    if (index < part.first || index >= part.first + part.many) continue;
    TRY(AddRecording(recording, model, windows));
  }
  return windows;
}

}  // namespace model_example
