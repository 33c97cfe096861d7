#pragma once
// Runs the analyses over a corpus and makes tables of what they found.

#include <functional>
#include <string>
#include <vector>

#include "bench/detection/corpus/corpus.h"
#include "lib/base/result.h"
#include "montage/evaluation/scoring.h"

namespace detection {

/// One recording of a corpus after its analysis.
struct Outcome {
  CorpusRecording recording = {};
  montage::evaluation::Case compared = {};
  std::vector<std::string> bad_channels = {};  ///< the truth
  /// Events of the detector alone, whatever the abnormality detection says.
  std::vector<montage::evaluation::TimedEvent> ungated_events = {};
};

struct Measured {
  std::vector<montage::evaluation::FigureTable> tables = {};
  size_t recordings = 0;
  double hours = 0;  ///< recorded time
};

/// `done(n, of)` says how far it is. Errors are those of the generator and of the analyses.
using Progress = std::function<void(size_t, size_t)>;

base::Result<Measured> MeasureBadChannels(const Selection& selection, const Progress& progress);
base::Result<Measured> MeasureEvents(const Selection& selection, const Progress& progress);
base::Result<Measured> MeasureAbnormality(const Selection& selection, const Progress& progress);
base::Result<Measured> MeasureSleep(const Selection& selection, const Progress& progress);

/// The published excerpt of Sleep-EDF in `folder` (short_psg.edf, SC4001EC-Hypnogram.edf): its
/// confusion matrix in words. kNotFound when it is not there.
base::Result<std::vector<std::string>> StageExcerpt(const std::string& folder);

}  // namespace detection
