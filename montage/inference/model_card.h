#pragma once
// What a model says about itself, and the line with which montage-infer greets.
//
// A model file is a TorchScript archive with one extra file, `montage.json`:
//
//   {"name": "eeg-screen", "version": "1.2.0", "rate_hz": 128, "window_s": 4,
//    "channels": ["Fp1", "Fp2", ...], "output": "probability"}
//
// and a method forward(float32[n, channels, samples]) -> float32[n] or [n, 1], samples being
// rate_hz * window_s, prepared as montage/analysis/abnormality/window_model.h says. `output` tells
// whether forward returns probabilities that a window is abnormal, or their logits.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/base/result.h"

namespace montage::inference {

/// Name of the extra file in the archive.
inline constexpr std::string_view kCardFile = "montage.json";

enum class ModelOutput { kProbability, kLogit };

struct ModelCard {
  std::string name;     ///< 1 to 64 letters, digits, '.', '_', '-': a label of metrics
  std::string version;  ///< the same
  double rate_hz = 0;   ///< 100 to 1000, a whole number
  double window_s = 0;  ///< 2 to 60; rate_hz * window_s is a whole number
  std::vector<std::string> channels;  ///< canonical names in the order of the input; no repeats
  ModelOutput output = ModelOutput::kProbability;

  uint32_t samples() const;  ///< of one window of one channel
  bool operator==(const ModelCard&) const = default;
};

/// kInvalid names the member, the value and what was expected. Unknown members are errors: a typing
/// mistake must not silently mean a default.
base::Result<ModelCard> ParseCard(std::string_view json);
boost::json::object ToJson(const ModelCard& card);

/// The first line of montage-infer on its standard output: either what it serves, or why not.
struct Hello {
  ModelCard card;
  std::string sha256;     ///< of the bytes that were loaded, 64 hexadecimal digits
  bool confined = false;  ///< the kernel denies the process every file
};
/// Longest line that is read, with its newline.
inline constexpr size_t kMaxHelloBytes = size_t{64} << 10;

/// Ends with a newline.
std::string FormatHello(const Hello& hello);
/// `reason` as the peer will see it in the Error of ParseHello.
std::string FormatRefusal(std::string_view reason);
/// kUnavailable with the reason of a refusal; kCorrupt when the line is neither, or of another
/// protocol.
base::Result<Hello> ParseHello(std::string_view line);

}  // namespace montage::inference
