#pragma once
// Where a recording holds something that is not the brain, by three methods that fail differently.
//
//   threshold     amplitudes that no brain gives; needs nothing else, misses what is small
//   statistical   epochs unlike the others of their channel; adapts, misses what lasts all the time
//   ica           sources whose field and course are those of eyes, muscles, heart, mains or a
//   loose
//                 electrode; sees small and lasting ones, needs several channels
//
// Nothing is removed here. Bad channels are left out of all three.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/artifacts/component_rules.h"
#include "montage/analysis/control.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

inline constexpr Method kArtifactMethod{"montage-artifact-detection", "1.0"};

enum class ArtifactMethod { kThreshold, kStatistical, kIca };
/// `threshold`, `statistical`, `ica`.
std::string_view ToString(ArtifactMethod method);

/// A stretch of time with one kind of artifact.
struct ArtifactFinding {
  /// threshold: amplitude, gradient, flat, line. statistical: variance, kurtosis, high_frequency,
  /// gradient. ica: a component's label.
  std::string_view kind = {};
  double start_s = 0;
  double end_s = 0;
  std::vector<std::string> channels = {};  ///< in recording order
  double score = 0;                        ///< largest ratio to the limit; 1 and more
};

/// What one method found.
struct MethodFindings {
  ArtifactMethod method = ArtifactMethod::kThreshold;
  bool has_run = false;
  std::string reason = {};  ///< why it has not run
  double epoch_s = 0;       ///< resolution of its findings
  size_t epochs = 0;
  double rejected_fraction = 0;  ///< of the epochs, those that a finding in an EEG channel touches
  std::vector<ArtifactFinding> findings = {};  ///< by start
};

/// The decomposition behind the method ica.
struct DecompositionReport {
  std::vector<std::string> channels = {};        ///< rows of the topographies
  std::vector<ComponentReport> components = {};  ///< by explained variance
  bool converged = false;  ///< false: components may be mixed, labels are uncertain
  size_t iterations = 0;
  double fitted_s = 0;          ///< length of the stretches that it was fitted on
  double removed_fraction = 0;  ///< of the recording's variance: what goes with the artifacts
};

struct ArtifactReport {
  std::vector<MethodFindings> methods = {};    ///< those asked for
  std::vector<std::string> channels = {};      ///< analysed, in recording order
  std::vector<std::string> bad_channels = {};  ///< left out
  DecompositionReport decomposition = {};      ///< empty when ica has not run

  const MethodFindings* Find(ArtifactMethod method) const;
};

struct ArtifactOptions {
  bool threshold = true;
  bool statistical = true;
  bool ica = true;
  double epoch_s = 1.0;
};

/// `quality` (may be null) names bad channels and the mains frequency. A method that cannot work on
/// the recording says why in its findings. Reads through chunks; memory: 48 bytes a channel and
/// epoch, and FitLimits::samples of every channel twice. Errors: no channel that can be analysed
/// (kInvalid); I/O, cancellation and deadlines.
base::Result<ArtifactReport> DetectArtifacts(const RecordingView& recording,
                                             const QualityReport* quality,
                                             const ArtifactOptions& options,
                                             const Control& control);

}  // namespace montage::analysis
