#pragma once
// Generated recordings with planted artifacts, and the comparison of findings with the truth.

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lib/synth/eeg.h"
#include "montage/analysis/artifacts/artifact_detection.h"
#include "montage/analysis/generated_testing.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

struct Planted {
  MemoryRecording recording;
  synth::Truth truth;
  QualityReport quality;
  ArtifactReport report;
};

inline synth::EegSpec ScalpSpec(double duration_s, uint64_t seed,
                                std::vector<synth::Plant> plants = {}) {
  synth::EegSpec spec;
  spec.channels = synth::FirstChannels(19).value();
  spec.duration_s = duration_s;
  spec.seed = seed;
  spec.plants = std::move(plants);
  return spec;
}

/// Generates, judges the quality, detects.
inline Planted Detect(const synth::EegSpec& spec, const ArtifactOptions& options = {}) {
  Planted planted;
  auto generator = synth::EegGenerator::Create(spec);
  if (!generator) return planted;
  planted.truth = generator->truth();
  planted.recording = Rendered(std::move(*generator));
  const RecordingView& view = planted.recording.view();
  planted.quality = AssessQuality(view, {}, {}).value_or(QualityReport());
  planted.report = DetectArtifacts(view, &planted.quality, options, {}).value_or(ArtifactReport());
  return planted;
}

inline bool Overlaps(const ArtifactFinding& finding, const synth::TruthEvent& event) {
  return finding.start_s < event.onset_s + event.duration_s && event.onset_s < finding.end_s;
}

inline size_t CountOf(const synth::Truth& truth, std::string_view kind) {
  return static_cast<size_t>(std::ranges::count(truth.events, kind, &synth::TruthEvent::kind));
}

/// Planted events of a kind that some finding of the method touches; of these findings only those
/// with the given kind, when that is not empty.
inline size_t FoundOf(const Planted& planted, ArtifactMethod method, std::string_view planted_kind,
                      std::string_view found_kind = {}) {
  const MethodFindings* findings = planted.report.Find(method);
  if (findings == nullptr) return 0;
  return static_cast<size_t>(std::ranges::count_if(planted.truth.events, [&](const auto& event) {
    return event.kind == planted_kind &&
           std::ranges::any_of(findings->findings, [&](const ArtifactFinding& finding) {
             return (found_kind.empty() || finding.kind == found_kind) && Overlaps(finding, event);
           });
  }));
}

}  // namespace montage::analysis
