#pragma once
// The frames between Montage and montage-infer, little-endian, one after another on a byte stream:
//
//    0  u32  length    bytes that follow this field
//    4  u16  version   1
//    6  u16  kind      1 windows (a request), 2 scores (its answer), 3 error (its refusal)
//    8  u64  request   chosen by the caller, repeated in the answer
//   16  u32  windows
//   20  u32  channels  0 in scores and errors
//   24  u32  samples   0 in scores and errors
//   28       payload   windows: float32[windows][channels][samples]; scores: float32[windows];
//                      error: UTF-8 text, and all three counts are 0
//
// Before the first frame montage-infer sends one line of JSON, see model_card.h.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace montage::inference {

inline constexpr uint16_t kProtocolVersion = 1;
inline constexpr size_t kHeadBytes = 28;

// Bounds of one frame: a day of windows is sent in many frames, so that neither side ever holds
// more than this.
inline constexpr uint32_t kMaxWindows = 1024;
inline constexpr uint32_t kMaxChannels = 256;
inline constexpr uint32_t kMaxSamples = 65'536;
inline constexpr size_t kMaxPayloadBytes = size_t{64} << 20;
inline constexpr size_t kMaxErrorBytes = 4096;

enum class FrameKind : uint16_t { kWindows = 1, kScores = 2, kError = 3 };

/// Shape of a batch of windows, in this order in memory (the samples of a channel are neighbours).
struct Shape {
  uint32_t windows = 0;
  uint32_t channels = 0;
  uint32_t samples = 0;
  bool operator==(const Shape&) const = default;
  /// Requires counts within the bounds above; then it cannot overflow.
  size_t values() const { return size_t{windows} * channels * samples; }
};

/// kTooLarge or kInvalid when a frame cannot carry this batch.
base::Result<void> CheckShape(const Shape& shape);

struct FrameHead {
  FrameKind kind = FrameKind::kError;
  uint64_t request = 0;
  Shape shape;
  size_t payload_bytes = 0;
};

/// kCorrupt when these are not the first bytes of a frame within the bounds, whoever sent them.
/// What it returns is consistent: payload_bytes is what kind and shape call for.
base::Result<FrameHead> ParseHead(std::span<const uint8_t, kHeadBytes> bytes);

/// Requires: CheckShape(shape) and samples.size() == shape.values().
std::vector<uint8_t> EncodeWindows(uint64_t request, const Shape& shape,
                                   std::span<const float> samples);
/// Requires: at most kMaxWindows scores.
std::vector<uint8_t> EncodeScores(uint64_t request, std::span<const float> scores);
/// Cut to kMaxErrorBytes.
std::vector<uint8_t> EncodeError(uint64_t request, std::string_view message);

/// Requires: a whole number of floats.
std::vector<float> DecodeFloats(std::span<const uint8_t> payload);
std::string DecodeText(std::span<const uint8_t> payload);

/// Everything but printable ASCII replaced by '?': for text of a process that is not trusted.
std::string Printable(std::string_view text);

}  // namespace montage::inference
