#pragma once
// Internal to the sleep analysis: stretches of one derivation at a working rate of about 100 Hz.
//
//   channel --+
//             +-- minus --> low-pass 35 Hz, every k-th sample --> Trace
//   other   --+                 and, second by second, whether it is usable
//
// A trace depends only on its place in the recording, so blocks can be read in any order and a day
// needs no more memory than five minutes.

#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"
#include "montage/analysis/sleep/derivations.h"

namespace montage::analysis {

/// Samples in microvolts without their mean; where nothing is recorded they are 0.
struct Trace {
  double rate_hz = 0;
  int64_t first = 0;  ///< index of samples[0], counted at rate_hz from the start of the recording
  std::vector<double> samples = {};
  double usable_from_s = 0;          ///< time of the first second of `usable`
  std::vector<uint8_t> usable = {};  ///< by second

  /// Index into samples nearest to a time; clamped to the trace.
  size_t IndexAt(double seconds) const;
  double TimeAt(size_t index) const {
    return static_cast<double>(first + static_cast<int64_t>(index)) / rate_hz;
  }
  /// Whether every second that touches [from_s, to_s) is usable.
  bool IsUsable(double from_s, double to_s) const;
};

class TraceReader {
 public:
  /// Neither is owned; quality may be null. Requires: derivation channels exist, rates at least
  /// kMinSleepRateHz.
  TraceReader(const RecordingView& recording, const QualityReport* quality, Derivation derivation);

  const Derivation& derivation() const { return derivation_; }
  /// Rate of the channel over the largest whole number that leaves at least 100 Hz.
  double rate_hz() const { return rate_hz_; }
  /// Fills `trace` with [from_s, to_s); whole seconds, which may lie outside the recording.
  /// A second is not usable when samples are missing, when it is flat (under 0.2 uV peak to peak),
  /// swings by more than 1 mV, or when the quality control saw a pop, movement, clipping or
  /// flatness in it. Errors of the source only.
  base::Result<void> Read(double from_s, double to_s, const Control& control, Trace& trace);

 private:
  base::Result<void> ReadPiece(int64_t first, std::span<double> out, const Control& control);
  void MarkSeconds(std::span<const double> native, int64_t native_first, double from_s,
                   Trace& trace) const;
  void MarkArtifacts(Trace& trace) const;

  const RecordingView& recording_;
  const QualityReport* quality_;
  Derivation derivation_;
  double native_hz_;
  int64_t factor_;
  double rate_hz_;
  std::vector<double> taps_;  ///< odd number, symmetric; one when no rate is reduced
  std::vector<double> native_, other_;
};

}  // namespace montage::analysis
