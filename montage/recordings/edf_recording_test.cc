#include "montage/recordings/edf_recording.h"

#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "lib/formats/edf/writer.h"
#include "lib/synth/eeg.h"
#include "lib/testing/temp_dir.h"
#include "montage/recordings/spool.h"

namespace montage::recordings {
namespace {

using analysis::ChannelKind;
using testing::ElementsAre;
using testing::HasSubstr;

const base::Deadline kNever = base::Deadline::Never();

formats::edf::Signal SignalOf(std::string label, std::string dimension, uint32_t per_record) {
  return {.label = std::move(label),
          .physical_dimension = std::move(dimension),
          .physical_min = -3276.8,
          .physical_max = 3276.7,
          .samples_per_record = per_record};
}

/// Two records of one second; with `onset` of the second one for a discontinuous recording.
std::string MakeRecording(formats::edf::Variant variant, std::vector<formats::edf::Signal> signals,
                          double second_onset = 1.0) {
  formats::edf::MemorySink sink;
  const formats::edf::Header header{
      .variant = variant,
      .start = std::chrono::local_days(std::chrono::year(2026) / 1 / 1),
      .record_count = 2,
      .signals = std::move(signals)};
  auto writer = formats::edf::Writer::Create(sink, header);
  EXPECT_TRUE(writer.has_value()) << writer.error().ToString();
  for (int record = 0; record < 2; ++record) {
    std::vector<std::vector<double>> values;
    for (const auto& signal : header.signals) {
      values.emplace_back();
      for (uint32_t i = 0; i < signal.samples_per_record; ++i)
        values.back().push_back(record * 100.0 + i);
    }
    if (formats::edf::IsDiscontinuous(variant))
      EXPECT_TRUE(writer->SetNextOnset(record == 0 ? 0 : second_onset).has_value());
    std::vector<std::span<const double>> spans(values.begin(), values.end());
    EXPECT_TRUE(writer->WriteRecord(spans).has_value());
  }
  EXPECT_TRUE(writer->Finish().has_value());
  return {reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()};
}

std::string Synthetic(synth::EegFormat format) {
  synth::EegSpec spec{.channels = *synth::FirstChannels(4), .duration_s = 5, .format = format};
  formats::edf::MemorySink sink;
  EXPECT_TRUE(synth::GenerateEeg(spec, sink).has_value());
  return {reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()};
}

class EdfRecordingTest : public testing::Test {
 protected:
  base::Result<std::string> Validate(std::string bytes) {
    objects::TextSource source(std::move(bytes));
    return EdfValidation(folder_.path())(source, kNever);
  }
  std::string Refusal(std::string bytes) {
    const auto format = Validate(std::move(bytes));
    if (format) return "accepted as " + *format;
    EXPECT_EQ(format.error().code, base::ErrorCode::kInvalid);
    return format.error().message;
  }
  std::unique_ptr<EdfRecording> Open(std::string bytes) {
    objects::TextSource source(std::move(bytes));
    auto recording = EdfRecording::Open(source, folder_.path(), kNever);
    EXPECT_TRUE(recording.has_value()) << recording.error().ToString();
    return recording ? std::move(*recording) : nullptr;
  }
  std::vector<double> Samples(EdfRecording& recording, size_t channel, uint64_t first,
                              size_t count) {
    std::vector<double> samples(count);
    const auto read = recording.Read(channel, first, samples, kNever);
    EXPECT_TRUE(read.has_value()) << read.error().ToString();
    return samples;
  }

  testing_support::TempDir folder_;
};

TEST_F(EdfRecordingTest, EveryVariantIsNamed) {
  using formats::edf::Variant;
  EXPECT_EQ(Validate(Synthetic(synth::EegFormat::kEdf)).value(), "edf");
  EXPECT_EQ(Validate(Synthetic(synth::EegFormat::kEdfPlus)).value(), "edf+c");
  EXPECT_EQ(Validate(Synthetic(synth::EegFormat::kBdf)).value(), "bdf");
  EXPECT_EQ(Validate(Synthetic(synth::EegFormat::kBdfPlus)).value(), "bdf+c");
  EXPECT_EQ(Validate(MakeRecording(Variant::kEdfPlusD, {SignalOf("Cz", "uV", 4)}, 5)).value(),
            "edf+d");
}

TEST_F(EdfRecordingTest, WhatIsNoWholeRecordingIsRefusedWithTheReason) {
  const std::string whole = Synthetic(synth::EegFormat::kEdf);
  EXPECT_THAT(Refusal(whole.substr(0, whole.size() - 1)), HasSubstr("announces 5 data records"));
  EXPECT_THAT(Refusal(whole.substr(0, 300)), HasSubstr("300"));
  EXPECT_THAT(Refusal("this is a text"), testing::Not(HasSubstr("accepted")));
  EXPECT_THAT(Refusal(""), testing::Not(HasSubstr("accepted")));
  std::string damaged = whole;
  damaged.replace(236, 8, "many    ");
  EXPECT_THAT(Refusal(damaged), HasSubstr("many"));
}

TEST_F(EdfRecordingTest, AGapOfACenturyIsRefused) {
  EXPECT_THAT(
      Refusal(MakeRecording(formats::edf::Variant::kEdfPlusD, {SignalOf("Cz", "uV", 4)}, 3.0e9)),
      HasSubstr("expected at most 2678400 s"));
}

TEST_F(EdfRecordingTest, NamesAreCanonicalAndUniqueAndKindsAreKept) {
  const auto recording = Open(MakeRecording(
      formats::edf::Variant::kEdf,
      {SignalOf("EEG FP1-REF", "uV", 4), SignalOf("Fp1", "uV", 4), SignalOf("EEG T3-LE", "mV", 2),
       SignalOf("EOG left", "uV", 4), SignalOf("EEG Cz", "degC", 4)}));
  const auto& channels = recording->view().channels;
  std::vector<std::string> names;
  for (const auto& channel : channels) names.push_back(channel.name);
  ASSERT_EQ(channels.size(), 5u);
  EXPECT_EQ(names[0], "Fp1");
  EXPECT_EQ(names[1], "Fp1#2");
  EXPECT_EQ(names[2], "T7");
  EXPECT_EQ(channels[0].label, "EEG FP1-REF");
  EXPECT_EQ(channels[0].kind, ChannelKind::kEeg);
  EXPECT_EQ(channels[3].kind, ChannelKind::kEog);
  EXPECT_EQ(channels[4].kind, ChannelKind::kOther) << "a temperature is no EEG, whatever its label";
  EXPECT_EQ(channels[0].rate_hz, 4);
  EXPECT_EQ(channels[2].rate_hz, 2);
  EXPECT_EQ(channels[2].samples, 4u);
  EXPECT_EQ(recording->view().duration_s, 2);
}

TEST_F(EdfRecordingTest, SamplesAreMicrovolts) {
  const auto recording = Open(MakeRecording(formats::edf::Variant::kEdf,
                                            {SignalOf("Cz", "uV", 4), SignalOf("Pz", "mV", 2)}));
  EXPECT_THAT(Samples(*recording, 0, 2, 4),
              ElementsAre(testing::DoubleNear(2, 1e-6), testing::DoubleNear(3, 1e-6),
                          testing::DoubleNear(100, 1e-6), testing::DoubleNear(101, 1e-6)));
  EXPECT_NEAR(Samples(*recording, 1, 2, 1)[0], 100'000, 1e-3);
}

TEST_F(EdfRecordingTest, TimeThatWasNotRecordedIsNan) {
  const auto recording =
      Open(MakeRecording(formats::edf::Variant::kEdfPlusD, {SignalOf("Cz", "uV", 4)}, 2.5));
  EXPECT_EQ(recording->view().duration_s, 3.5);
  ASSERT_EQ(recording->view().channels[0].samples, 14u);
  const auto samples = Samples(*recording, 0, 0, 14);
  for (size_t i = 0; i < 14; ++i) {
    if (i < 4) EXPECT_NEAR(samples[i], static_cast<double>(i), 1e-6);
    if (i >= 4 && i < 10) EXPECT_TRUE(std::isnan(samples[i])) << i;
    if (i >= 10) EXPECT_NEAR(samples[i], 100.0 + static_cast<double>(i - 10), 1e-6);
  }
  EXPECT_TRUE(std::isnan(Samples(*recording, 0, 5, 2)[0]));
}

TEST_F(EdfRecordingTest, AnnotationsCome) {
  synth::EegSpec spec{.channels = *synth::FirstChannels(4),
                      .duration_s = 10,
                      .format = synth::EegFormat::kEdfPlus,
                      .annotate = true,
                      .plants = {{.kind = synth::PlantKind::kSpike, .at_s = {4}}}};
  formats::edf::MemorySink sink;
  ASSERT_TRUE(synth::GenerateEeg(spec, sink).has_value());
  const auto recording =
      Open({reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()});
  ASSERT_EQ(recording->view().annotations.size(), 1u);
  EXPECT_EQ(recording->view().annotations[0].text, "spike");
  EXPECT_NEAR(recording->view().annotations[0].onset_s, 4, 0.2);
}

TEST_F(EdfRecordingTest, ASpoolOnDiskGivesTheSameBytesAndLeavesNothing) {
  std::string text;
  base::Random random(3);
  while (text.size() < 200'001) text += static_cast<char>(random.Below(256));
  for (const size_t in_memory : {size_t{1} << 20, size_t{70'000}, size_t{0}}) {
    objects::TextSource content(text);
    const auto spool = SpoolAll(content, folder_.path(), kNever, in_memory).value();
    ASSERT_EQ(spool->size(), text.size()) << in_memory;
    std::vector<uint8_t> bytes(text.size());
    ASSERT_TRUE(spool->ReadAt(0, bytes).has_value());
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), text.begin(),
                           [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); }));
    std::vector<uint8_t> some(131'000);
    ASSERT_TRUE(spool->ReadAt(65'530, some).has_value());
    EXPECT_EQ(some[7], static_cast<uint8_t>(text[65'537]));
    EXPECT_FALSE(spool->ReadAt(text.size() - 1, some).has_value());
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  }
}

TEST_F(EdfRecordingTest, AnErrorOfTheContentIsNotTheRecordingsFault) {
  class Broken final : public objects::ByteSource {
    base::Result<size_t> Read(std::span<char>, base::Deadline) override {
      return base::Fail(base::ErrorCode::kCorrupt, "the stored object was changed");
    }
  } broken;
  const auto recording = EdfRecording::Open(broken, folder_.path(), kNever);
  ASSERT_FALSE(recording.has_value());
  EXPECT_EQ(recording.error().code, base::ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace montage::recordings
