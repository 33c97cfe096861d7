#pragma once
// Generates EEG recordings with known contents. The same spec gives the same bytes on every
// machine.
//
//   background (per stage: 1/f noise + rhythms)  ->  overlay (plants, sleep figures)  ->  EDF / BDF
//
// Any record can be rendered on its own; memory does not depend on the length of the recording,
// except for the events of the truth.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/formats/edf/annotations.h"
#include "lib/formats/edf/bytes.h"
#include "lib/formats/edf/header.h"
#include "lib/synth/eeg_spec.h"
#include "lib/synth/truth.h"

namespace synth {

class Background;
class Overlay;

/// One tick of a sample is 0.1 uV in every format.
class EegGenerator {
 public:
  static base::Result<EegGenerator> Create(EegSpec spec);
  EegGenerator(EegGenerator&&) noexcept;
  EegGenerator& operator=(EegGenerator&&) noexcept;
  ~EegGenerator();

  const EegSpec& spec() const { return spec_; }
  const Truth& truth() const { return truth_; }
  /// Of the file, complete with record count and annotation signal.
  const formats::edf::Header& header() const { return header_; }
  uint64_t record_count() const { return static_cast<uint64_t>(header_.record_count); }
  uint64_t bytes() const { return truth_.bytes; }
  /// What the annotation signal carries (with EegSpec::annotate).
  const std::vector<formats::edf::Annotation>& annotations() const { return annotations_; }

  /// Samples first, first + 1, ... of a channel, in ticks. Goes on behind the end of the recording,
  /// without plants, as a live device does. Thread-safe.
  void Render(size_t channel, uint64_t first, std::span<int16_t> into) const;
  /// The bytes of whole data records; `into` has header().record_bytes() for each. Thread-safe.
  void RenderRecords(uint64_t first, std::span<uint8_t> into) const;
  /// The whole file: the bytes that formats::edf::Writer would make of the same samples.
  base::Result<void> WriteTo(formats::edf::ByteSink& sink) const;

 private:
  EegGenerator();
  base::Result<void> CheckSpec();
  base::Result<void> MakeHeader();
  base::Result<void> MakeAnnotations();
  void PackAnnotations();

  EegSpec spec_;
  Truth truth_;
  formats::edf::Header header_;
  std::vector<formats::edf::Annotation> annotations_;
  std::vector<std::string> packed_;  ///< TALs by record, as far as there are any
  uint32_t samples_per_record_ = 0;
  std::unique_ptr<Background> background_;
  std::unique_ptr<Overlay> overlay_;
};

/// Writes the recording and returns what it contains.
base::Result<Truth> GenerateEeg(EegSpec spec, formats::edf::ByteSink& sink);

}  // namespace synth
