#include "lib/formats/hl7/mllp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace formats::hl7 {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

TEST(Mllp, FramesAndFindsMessagesInPiecesOfEverySize) {
  const std::string stream = *MllpFrame("MSH|1\rPID|1\r") + *MllpFrame("") + *MllpFrame("second");
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    MllpDecoder decoder(100);
    std::vector<std::string> messages;
    for (size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_TRUE(decoder.Feed(std::string_view(stream).substr(at, piece)));
      while (auto message = decoder.Next()) messages.push_back(*std::move(message));
    }
    EXPECT_THAT(messages, testing::ElementsAre("MSH|1\rPID|1\r", "", "second")) << piece;
    EXPECT_TRUE(decoder.at_rest());
  }
}

TEST(Mllp, AMessageIsCompleteOnlyWithBothEndBytes) {
  MllpDecoder decoder(100);
  ASSERT_TRUE(
      decoder.Feed("\x0B"
                   "abc\x1C"));
  EXPECT_EQ(decoder.Next(), std::nullopt);
  EXPECT_FALSE(decoder.at_rest());
  ASSERT_TRUE(decoder.Feed("\r"));
  EXPECT_EQ(decoder.Next(), "abc");
}

struct Violation {
  std::string bytes;
  std::string message;
};

TEST(Mllp, ViolationsNameTheByte) {
  const std::vector<Violation> violations = {
      {"MSH|", "byte 0 of the stream: an MLLP block begins with 0x0B, found 0x4D"},
      {"\x0B"
       "a\x1C\n",
       "byte 3 of the stream: 0x1C, which ends an MLLP block, is followed by 0x0D, "
       "found 0x0A"},
      {"\x0B"
       "a\x0B",
       "byte 2 of the stream: 0x0B begins an MLLP block inside another"},
      {"\x0B"
       "a\x1C\r\n",
       "byte 4 of the stream: an MLLP block begins with"}};
  for (const Violation& violation : violations) {
    MllpDecoder decoder(100);
    const auto result = decoder.Feed(violation.bytes);
    ASSERT_FALSE(result.has_value()) << violation.message;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(result.error().message, HasSubstr(violation.message));
    EXPECT_FALSE(decoder
                     .Feed("\x0B"
                           "b\x1C\r")
                     .has_value())
        << "it stays broken";
  }
}

TEST(Mllp, WhatWasCompleteBeforeAViolationStays) {
  MllpDecoder decoder(100);
  EXPECT_FALSE(decoder
                   .Feed("\x0B"
                         "good\x1C\rbad")
                   .has_value());
  EXPECT_EQ(decoder.Next(), "good");
}

TEST(Mllp, RefusesMessagesOverTheLimit) {
  MllpDecoder exact(3);
  EXPECT_TRUE(
      exact.Feed("\x0B"
                 "abc\x1C\r"));
  MllpDecoder decoder(3);
  ASSERT_TRUE(
      decoder.Feed("\x0B"
                   "ab"));
  EXPECT_EQ(decoder.Feed("cd").error().code, ErrorCode::kTooLarge);
}

TEST(Mllp, RefusesToFrameWhatHoldsItsOwnBytes) {
  const auto result = MllpFrame("a\x1C");
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("byte 1 of the message is 0x1C"));
  EXPECT_FALSE(MllpFrame("\x0B").has_value());
}

}  // namespace
}  // namespace formats::hl7
