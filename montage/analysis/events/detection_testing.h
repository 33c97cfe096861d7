#pragma once
// Generated recordings for the tests of abnormality and event detection. Seeds lie below 10,000:
// the others are for the figures of the evaluation.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/synth/eeg.h"
#include "montage/analysis/events/event_stage.h"
#include "montage/analysis/events/find_events.h"
#include "montage/analysis/generated_testing.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

struct Scene {
  std::vector<std::string> channels = {};  ///< empty: the 19 of the 10-20 system
  double rate_hz = 256;
  double seconds = 120;
  uint64_t seed = 7001;
  std::vector<synth::Plant> plants = {};
  std::vector<synth::SleepStage> hypnogram = {};
};

inline MemoryRecording MakeScene(const Scene& scene) {
  synth::EegSpec spec;
  spec.channels = scene.channels.empty() ? synth::FirstChannels(19).value() : scene.channels;
  spec.rate_hz = scene.rate_hz;
  spec.duration_s = scene.seconds;
  spec.seed = scene.seed;
  spec.plants = scene.plants;
  spec.hypnogram = scene.hypnogram;
  return Rendered(synth::EegGenerator::Create(spec).value());
}

inline std::shared_ptr<const SurveyedEvents> Detect(MemoryRecording& recording) {
  const auto quality = AssessQuality(recording.view(), {}, {}).value();
  return SurveyEvents(recording.view(), quality, {}).value();
}

inline std::vector<Event> EventsIn(const Scene& scene) {
  auto recording = MakeScene(scene);
  return Detect(recording)->events;
}

inline std::vector<Event> OfType(const std::vector<Event>& events, EventType type) {
  std::vector<Event> out;
  std::ranges::copy_if(events, std::back_inserter(out),
                       [&](const Event& event) { return event.type == type; });
  return out;
}

/// Those that are no artifacts.
inline std::vector<Event> Findings(const std::vector<Event>& events) {
  std::vector<Event> out;
  std::ranges::copy_if(events, std::back_inserter(out),
                       [](const Event& event) { return event.type != EventType::kArtifact; });
  return out;
}

}  // namespace montage::analysis
