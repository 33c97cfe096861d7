#include "montage/inference/wire.h"

#include <cstring>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace montage::inference {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename... Byte>
std::vector<uint8_t> Bytes(Byte... values) {
  return {static_cast<uint8_t>(values)...};
}

base::Result<FrameHead> Parse(const std::vector<uint8_t>& frame) {
  return ParseHead(std::span<const uint8_t, kHeadBytes>(frame.data(), kHeadBytes));
}

/// A head as it is on the wire, whether it makes sense or not.
std::vector<uint8_t> Head(uint32_t length, uint16_t version, uint16_t kind, uint32_t windows,
                          uint32_t channels, uint32_t samples) {
  std::vector<uint8_t> bytes;
  const auto add = [&](uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
  };
  add(length, 4);
  add(version, 2);
  add(kind, 2);
  add(77, 8);
  add(windows, 4);
  add(channels, 4);
  add(samples, 4);
  return bytes;
}

TEST(Wire, WindowsAreTheBytesOfTheDrawing) {
  const std::vector<float> samples = {1.0F, -2.0F};
  EXPECT_EQ(EncodeWindows(0x0102, {.windows = 1, .channels = 2, .samples = 1}, samples),
            Bytes(32, 0, 0, 0, 1, 0, 1, 0, 2, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0,
                  0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0));
}

TEST(Wire, WhatIsEncodedIsDecoded) {
  const std::vector<float> samples(24, 0.25F);
  const Shape shape{.windows = 2, .channels = 3, .samples = 4};
  const auto windows = Parse(EncodeWindows(9, shape, samples));
  ASSERT_TRUE(windows.has_value()) << windows.error().ToString();
  EXPECT_EQ(windows->kind, FrameKind::kWindows);
  EXPECT_EQ(windows->request, 9U);
  EXPECT_EQ(windows->shape, shape);
  EXPECT_EQ(windows->payload_bytes, 96U);

  const std::vector<float> two = {0.5F, 0.75F};
  const auto frame = EncodeScores(std::numeric_limits<uint64_t>::max(), two);
  const auto scores = Parse(frame);
  ASSERT_TRUE(scores.has_value());
  EXPECT_EQ(scores->kind, FrameKind::kScores);
  EXPECT_EQ(scores->request, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(scores->shape.windows, 2U);
  EXPECT_THAT(DecodeFloats(std::span(frame).subspan(kHeadBytes)), ElementsAre(0.5F, 0.75F));

  const auto refusal = EncodeError(3, "no such thing");
  const auto error = Parse(refusal);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, FrameKind::kError);
  EXPECT_EQ(DecodeText(std::span(refusal).subspan(kHeadBytes)), "no such thing");
}

TEST(Wire, AnErrorIsCutToItsLimit) {
  const auto frame = EncodeError(1, std::string(100'000, 'x'));
  EXPECT_EQ(frame.size(), kHeadBytes + kMaxErrorBytes);
  EXPECT_TRUE(Parse(frame).has_value());
}

TEST(Wire, TextOfTheOtherSideCannotBreakALog) {
  EXPECT_EQ(Printable("ok\n\x1b[31m\xff~"), "ok??[31m?~");
}

TEST(Wire, HostileHeadsAreRefused) {
  const struct {
    std::vector<uint8_t> head;
    const char* why;
  } cases[] = {
      {Head(32, 2, 1, 1, 2, 1), "version 2"},
      {Head(32, 0, 1, 1, 2, 1), "version 0"},
      {Head(32, 1, 0, 1, 2, 1), "unknown kind 0"},
      {Head(32, 1, 9, 1, 2, 1), "unknown kind 9"},
      {Head(23, 1, 3, 0, 0, 0), "less than its head"},
      {Head(0, 1, 3, 0, 0, 0), "less than its head"},
      {Head(31, 1, 1, 1, 2, 1), "7 bytes of payload"},
      {Head(0xffffffff, 1, 1, 1, 2, 1), "bytes of payload"},
      {Head(24, 1, 1, 0, 2, 1), "empty"},
      {Head(24, 1, 1, 1, 0, 1), "empty"},
      {Head(24, 1, 1, 1, 1, 0), "empty"},
      {Head(32, 1, 1, kMaxWindows + 1, 1, 1), "over"},
      {Head(32, 1, 1, 1, kMaxChannels + 1, 1), "over"},
      {Head(32, 1, 1, 1, 1, kMaxSamples + 1), "over"},
      // Counts whose product is 2 modulo 2^32.
      {Head(32, 1, 1, 0x80000001, 2, 1), "over"},
      {Head(32, 1, 1, 0xffffffff, 0xffffffff, 0xffffffff), "over"},
      {Head(24 + (1U << 26), 1, 1, 1024, 256, 64), nullptr},
      {Head(24 + (1U << 26) + 1024 * 256 * 4, 1, 1, 1024, 256, 65), "over"},
      {Head(24, 1, 2, 0, 0, 0), "bytes of payload"},
      {Head(28, 1, 2, 1, 0, 0), nullptr},
      {Head(28, 1, 2, 1, 1, 0), "bytes of payload"},
      {Head(28, 1, 2, 1, 0, 1), "bytes of payload"},
      {Head(24, 1, 2, 1, 0, 0), "0 bytes of payload"},
      {Head(24 + 4 * (kMaxWindows + 1), 1, 2, kMaxWindows + 1, 0, 0), "bytes of payload"},
      {Head(24, 1, 3, 0, 0, 0), nullptr},
      {Head(24, 1, 3, 1, 0, 0), "0 bytes of payload"},
      {Head(24 + kMaxErrorBytes + 1, 1, 3, 0, 0, 0), "4097 bytes of payload"},
  };
  for (const auto& one : cases) {
    const auto head = Parse(one.head);
    if (one.why == nullptr) {
      EXPECT_TRUE(head.has_value()) << head.error().ToString();
      continue;
    }
    ASSERT_FALSE(head.has_value()) << one.why;
    EXPECT_EQ(head.error().code, base::ErrorCode::kCorrupt);
    EXPECT_THAT(head.error().message, HasSubstr(one.why));
  }
}

TEST(Wire, ShapesThatAFrameCannotCarryAreRefusedBeforeTheyAreSent) {
  EXPECT_EQ(CheckShape({1, 0, 1}).error().code, base::ErrorCode::kInvalid);
  EXPECT_EQ(CheckShape({kMaxWindows + 1, 1, 1}).error().code, base::ErrorCode::kTooLarge);
  EXPECT_EQ(CheckShape({1024, 256, 1024}).error().code, base::ErrorCode::kTooLarge);
  EXPECT_TRUE(CheckShape({64, 19, 512}).has_value());
}

}  // namespace
}  // namespace montage::inference
