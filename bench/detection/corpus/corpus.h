#pragma once
// The recordings on which detection is measured. All are generated; what is in them is planted.
//
//   split   seeds            for
//   train   1 to 9999        building detectors; may be looked at
//   test    10000 and above  figures of docs/detection.md; nobody tunes on them
//
// Everything about a recording (channels, rate, person, what is planted where) is drawn from its
// seed, so a corpus is the same on every machine.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/synth/eeg_spec.h"

namespace detection {

enum class Split { kTrain, kTest };
/// `train`, `test`.
std::string_view ToString(Split split);

struct Selection {
  Split split = Split::kTest;
  bool quick = false;  ///< a fifth of the recordings, the first of each kind
};

/// The two mains frequencies and how loud the surroundings are.
enum class Noise { kQuiet, kUsual, kLoud };
std::string_view ToString(Noise noise);

struct CorpusRecording {
  std::string
      group;  ///< what the figures are broken down by: `flat`, `seizure`, `fragmented_night`
  Noise noise = Noise::kUsual;
  bool abnormal = false;  ///< as a reader would call it
  synth::EegSpec spec = {};
};

/// Two minutes; 8 to 64 channels, 128 to 1000 Hz, none to a fifth of them bad in one of five ways
/// (synth::BadChannel); blinks, muscle, mains and open eyes in the good ones.
std::vector<CorpusRecording> BadChannelCorpus(const Selection& selection);

/// Five minutes; one kind of event in each recording, and recordings without any. Groups: spike,
/// spike_wave, pled, gped, seizure, burst_suppression, blink, muscle, movement, electrode_pop,
/// none.
std::vector<CorpusRecording> EventCorpus(const Selection& selection);

/// Five minutes; normal (rest, open_eyes, blinks, muscle, mains, movement, low_alpha, high_beta)
/// and abnormal (every event of epilepsy and coma, focal_slowing, diffuse_slowing, slow_rhythm).
std::vector<CorpusRecording> AbnormalityCorpus(const Selection& selection);

/// Nights of 4 and 8 hours in five montages, with and without eyes and chin; groups are the kinds
/// of synth::NightKind.
std::vector<CorpusRecording> NightCorpus(const Selection& selection);

}  // namespace detection
