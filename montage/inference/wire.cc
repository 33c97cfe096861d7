#include "montage/inference/wire.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace montage::inference {
namespace {

using base::ErrorCode;

// Payloads are copied as they lie in memory.
static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(float) == 4);

constexpr size_t kLengthBytes = 4;

template <typename T>
T Load(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
void Store(uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

base::Result<FrameHead> Damaged(std::string what) {
  return base::Fail(ErrorCode::kCorrupt, "a frame of the model process " + std::move(what));
}

std::vector<uint8_t> Encode(FrameKind kind, uint64_t request, const Shape& shape,
                            const void* payload, size_t payload_bytes) {
  std::vector<uint8_t> frame(kHeadBytes + payload_bytes);
  Store(frame.data(), static_cast<uint32_t>(frame.size() - kLengthBytes));
  Store(frame.data() + 4, kProtocolVersion);
  Store(frame.data() + 6, static_cast<uint16_t>(kind));
  Store(frame.data() + 8, request);
  Store(frame.data() + 16, shape.windows);
  Store(frame.data() + 20, shape.channels);
  Store(frame.data() + 24, shape.samples);
  if (payload_bytes > 0) std::memcpy(frame.data() + kHeadBytes, payload, payload_bytes);
  return frame;
}

}  // namespace

base::Result<void> CheckShape(const Shape& shape) {
  if (shape.windows == 0 || shape.channels == 0 || shape.samples == 0) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("a batch of {} windows x {} channels x {} samples is empty",
                                  shape.windows, shape.channels, shape.samples));
  }
  if (shape.windows > kMaxWindows || shape.channels > kMaxChannels || shape.samples > kMaxSamples ||
      shape.values() > kMaxPayloadBytes / sizeof(float)) {
    return base::Fail(
        ErrorCode::kTooLarge,
        fmt::format("a batch of {} windows x {} channels x {} samples is over {} x {} x {} or "
                    "over {} bytes",
                    shape.windows, shape.channels, shape.samples, kMaxWindows, kMaxChannels,
                    kMaxSamples, kMaxPayloadBytes));
  }
  return {};
}

base::Result<FrameHead> ParseHead(std::span<const uint8_t, kHeadBytes> bytes) {
  const size_t length = Load<uint32_t>(bytes.data());
  const auto version = Load<uint16_t>(bytes.data() + 4);
  const auto kind = Load<uint16_t>(bytes.data() + 6);
  FrameHead head{.request = Load<uint64_t>(bytes.data() + 8),
                 .shape = {.windows = Load<uint32_t>(bytes.data() + 16),
                           .channels = Load<uint32_t>(bytes.data() + 20),
                           .samples = Load<uint32_t>(bytes.data() + 24)}};
  if (version != kProtocolVersion)
    return Damaged(fmt::format("has version {}, expected {}", version, kProtocolVersion));
  if (length < kHeadBytes - kLengthBytes)
    return Damaged(fmt::format("has {} bytes, less than its head", length));
  head.payload_bytes = length - (kHeadBytes - kLengthBytes);
  const Shape& shape = head.shape;
  switch (kind) {
    case static_cast<uint16_t>(FrameKind::kWindows):
      head.kind = FrameKind::kWindows;
      if (const auto fits = CheckShape(shape); !fits)
        return Damaged("says: " + fits.error().message);
      if (head.payload_bytes != shape.values() * sizeof(float)) break;
      return head;
    case static_cast<uint16_t>(FrameKind::kScores):
      head.kind = FrameKind::kScores;
      if (shape.windows == 0 || shape.windows > kMaxWindows || shape.channels != 0 ||
          shape.samples != 0 || head.payload_bytes != size_t{shape.windows} * sizeof(float)) {
        break;
      }
      return head;
    case static_cast<uint16_t>(FrameKind::kError):
      head.kind = FrameKind::kError;
      if (shape != Shape{} || head.payload_bytes > kMaxErrorBytes) break;
      return head;
    default:
      return Damaged(fmt::format("is of the unknown kind {}", kind));
  }
  return Damaged(fmt::format("of kind {} with {} x {} x {} values has {} bytes of payload", kind,
                             shape.windows, shape.channels, shape.samples, head.payload_bytes));
}

std::vector<uint8_t> EncodeWindows(uint64_t request, const Shape& shape,
                                   std::span<const float> samples) {
  return Encode(FrameKind::kWindows, request, shape, samples.data(), samples.size_bytes());
}

std::vector<uint8_t> EncodeScores(uint64_t request, std::span<const float> scores) {
  return Encode(FrameKind::kScores, request, {.windows = static_cast<uint32_t>(scores.size())},
                scores.data(), scores.size_bytes());
}

std::vector<uint8_t> EncodeError(uint64_t request, std::string_view message) {
  message = message.substr(0, kMaxErrorBytes);
  return Encode(FrameKind::kError, request, {}, message.data(), message.size());
}

std::vector<float> DecodeFloats(std::span<const uint8_t> payload) {
  std::vector<float> values(payload.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), payload.data(), values.size() * sizeof(float));
  return values;
}

std::string DecodeText(std::span<const uint8_t> payload) {
  return {payload.begin(), payload.end()};
}

std::string Printable(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

}  // namespace montage::inference
