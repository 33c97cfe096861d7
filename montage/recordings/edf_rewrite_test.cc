#include "montage/recordings/edf_rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/synth/eeg.h"

namespace montage::recordings {
namespace {

using testing::HasSubstr;

const base::Deadline kNever = base::Deadline::Never();

std::unique_ptr<EdfRecording> Synthetic(synth::EegFormat format) {
  synth::EegSpec spec{.channels = *synth::FirstChannels(3), .duration_s = 4, .format = format};
  spec.annotate = format == synth::EegFormat::kEdfPlus;
  if (spec.annotate) {
    spec.plants.push_back({.kind = synth::PlantKind::kSpike, .at_s = {2}, .channels = {"F7"}});
  }
  formats::edf::MemorySink sink;
  EXPECT_TRUE(synth::GenerateEeg(spec, sink).has_value());
  auto source = std::make_unique<formats::edf::MemorySource>(sink.Take());
  return EdfRecording::Open(std::move(source)).value();
}

std::unique_ptr<EdfRecording> Rewritten(const EdfRecording& original,
                                        const analysis::RecordingView& view) {
  formats::edf::MemorySink sink;
  const auto summary = Rewrite(original, view, sink, kNever);
  EXPECT_TRUE(summary.has_value()) << summary.error().ToString();
  auto source = std::make_unique<formats::edf::MemorySource>(sink.Take());
  return EdfRecording::Open(std::move(source)).value();
}

std::vector<double> All(EdfRecording& recording, size_t channel) {
  std::vector<double> samples(recording.view().channels[channel].samples);
  EXPECT_TRUE(recording.Read(channel, 0, samples, kNever).has_value());
  return samples;
}

/// Channel 1 is replaced by the sum of the others, ten times as large.
class Louder final : public analysis::SampleSource {
 public:
  explicit Louder(EdfRecording& original) : original_(original) {}
  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline deadline) override {
    TRY(original_.Read(channel, first, out, deadline));
    for (double& value : out) value = channel == 1 ? 1e6 : value;
    return {};
  }

 private:
  EdfRecording& original_;
};

TEST(EdfRewrite, UnchangedSamplesGiveTheSameRecording) {
  for (const auto format :
       {synth::EegFormat::kEdf, synth::EegFormat::kEdfPlus, synth::EegFormat::kBdf}) {
    const auto original = Synthetic(format);
    const auto copy = Rewritten(*original, original->view());
    EXPECT_EQ(copy->reader().header(), original->reader().header());
    for (size_t c = 0; c < 3; ++c) EXPECT_EQ(All(*copy, c), All(*original, c));
    ASSERT_EQ(copy->view().annotations.size(), original->view().annotations.size());
    for (size_t i = 0; i < copy->view().annotations.size(); ++i) {
      EXPECT_EQ(copy->view().annotations[i].text, original->view().annotations[i].text);
      EXPECT_NEAR(copy->view().annotations[i].onset_s, original->view().annotations[i].onset_s,
                  1e-6);
    }
  }
}

TEST(EdfRewrite, ChangesWhatTheViewChangesAndMovesWhatIsTooLargeToTheEnd) {
  const auto original = Synthetic(synth::EegFormat::kEdf);
  Louder louder(*original);
  analysis::RecordingView view = original->view();
  view.source = &louder;
  formats::edf::MemorySink sink;
  const auto summary = Rewrite(*original, view, sink, kNever);
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->clipped[1], 1024U);
  EXPECT_EQ(summary->clipped[0], 0U);
  const auto changed =
      EdfRecording::Open(std::make_unique<formats::edf::MemorySource>(sink.Take())).value();
  EXPECT_EQ(All(*changed, 0), All(*original, 0));
  const double largest = original->reader().header().signals[1].physical_max;
  EXPECT_NEAR(All(*changed, 1).front(), largest, 1e-6);
}

}  // namespace
}  // namespace montage::recordings
