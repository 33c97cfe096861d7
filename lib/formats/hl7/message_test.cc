#include "lib/formats/hl7/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace formats::hl7 {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kAdmission =
    "MSH|^~\\&|ADT1|MCM|LABADT|MCM|20261130031500||ADT^A01^ADT_A01|MSG00001|P|2.5.1\r"
    "EVN|A01|20261130031500\r"
    "PID|1||PATID1234^5^M11^ADT1^MR~123456789^^^USSSA^SS||EVERYMAN&van^ADAM^A^III\r"
    "NK1|1|NUCLEAR^NELDA\r"
    "NK1|2|DOE^JANE\r";

Message Parsed(const std::string& text) {
  auto message = Parse(text);
  EXPECT_TRUE(message.has_value()) << message.error().ToString();
  return message.value_or(Message{});
}

TEST(Hl7Message, ReadsSegmentsFieldsAndTheirParts) {
  const Message message = Parsed(kAdmission);
  ASSERT_EQ(message.segments.size(), 5U);
  EXPECT_EQ(message.Value("MSH", {1}), "|");
  EXPECT_EQ(message.Value("MSH", {2}), "^~\\&");
  EXPECT_EQ(message.Value("MSH", {3}), "ADT1");
  EXPECT_EQ(message.Value("MSH", {.field = 9, .component = 3}), "ADT_A01");
  EXPECT_EQ(message.Value("MSH", {12}), "2.5.1");
  EXPECT_EQ(message.Value("PID", {3}), "PATID1234") << "the first part stands for the whole";
  EXPECT_EQ(message.Value("PID", {.field = 3, .repetition = 2, .component = 4}), "USSSA");
  EXPECT_EQ(message.Value("PID", {.field = 5, .subcomponent = 2}), "van");
  EXPECT_EQ(message.Value("PID", {.field = 5, .component = 2}), "ADAM");
  EXPECT_EQ(message.Find("NK1", 1)->Get({.field = 2}, message.delimiters), "DOE");
  EXPECT_EQ(message.Find("NK1", 2), nullptr);
  EXPECT_EQ(message.Find("PID")->Get({6}, message.delimiters), std::nullopt);
  EXPECT_EQ(message.Find("PID")->Get({.field = 3, .repetition = 3}, message.delimiters),
            std::nullopt);
  EXPECT_EQ(message.Find("PID")->Get({2}, message.delimiters), "") << "there, and empty";
}

TEST(Hl7Message, WritesTheSameBytesAgain) {
  EXPECT_EQ(Encode(Parsed(kAdmission)), kAdmission);
  const std::string odd = "MSH*+%!@*a!E!b*!broken*\"\"\rZ9X\rZZ1**\r";
  EXPECT_EQ(Encode(Parsed(odd)), odd);
  EXPECT_EQ(Encode(Parsed("MSH|^~\\&|A")), "MSH|^~\\&|A\r") << "the last CR may be missing";
}

TEST(Hl7Message, UsesTheDelimitersOfTheHeader) {
  const Message message = Parsed("MSH*+%!@*one+two*a!E!b!S!c\r");
  EXPECT_EQ(
      message.delimiters,
      (Delimiters{
          .field = '*', .component = '+', .repetition = '%', .escape = '!', .subcomponent = '@'}));
  EXPECT_EQ(message.Value("MSH", {.field = 3, .component = 2}), "two");
  EXPECT_EQ(message.Value("MSH", {4}), "a!b+c");
}

TEST(Hl7Escapes, StandForTheDelimitersAndForBytes) {
  const Delimiters usual;
  const std::string all = "|^&~\\";
  EXPECT_EQ(Escape(all, usual), "\\F\\\\S\\\\T\\\\R\\\\E\\");
  EXPECT_EQ(Unescape(Escape(all, usual), usual), all);
  EXPECT_EQ(Escape("a\rb\nc\x0B", usual), "a\\X0D\\b\\X0A\\c\\X0B\\");
  EXPECT_EQ(Unescape("\\X0d0A\\", usual), "\r\n");
  EXPECT_EQ(Unescape("J\\XC3B6\\rg", usual), "J\xC3\xB6rg");
}

TEST(Hl7Escapes, WhatStandsForNoTextStays) {
  const Delimiters usual;
  for (const char* text : {"\\H\\bold\\N\\", "a\\.br\\b", "\\C2842\\", "\\Z12\\", "\\X0\\",
                           "\\XZZ\\", "\\X\\", "C:\\path", "\\", "\\\\", "\\Q\\"}) {
    EXPECT_EQ(Unescape(text, usual), text);
  }
  EXPECT_EQ(Unescape("C:\\dir\\T\\x", usual), "C:\\dir&x")
      << "a stray escape character does not swallow the sequence after it";
}

TEST(Hl7Message, SetsValuesAndAddsWhatIsMissingBeforeThem) {
  const Delimiters usual;
  Segment segment("PID");
  ASSERT_TRUE(segment.Set({3}, "A|B", usual));
  ASSERT_TRUE(segment.Set({.field = 5, .component = 2}, "ADAM", usual));
  ASSERT_TRUE(
      segment.Set({.field = 5, .repetition = 2, .component = 1, .subcomponent = 3}, "x", usual));
  EXPECT_EQ(segment.field(3), "A\\F\\B");
  EXPECT_EQ(segment.field(5), "^ADAM~&&x");
  ASSERT_TRUE(segment.Set({.field = 5, .component = 2}, "EVE", usual));
  EXPECT_EQ(segment.field(5), "^EVE~&&x");
  EXPECT_EQ(segment.Set({kMostFields + 1}, "x", usual).error().code, ErrorCode::kInvalid);
  Segment header("MSH");
  EXPECT_EQ(header.Set({2}, "x", usual).error().code, ErrorCode::kInvalid);
}

TEST(Hl7Position, IsFieldRepetitionComponentSubcomponent) {
  EXPECT_EQ(ParsePosition("5").value(), (Position{.field = 5}));
  EXPECT_EQ(ParsePosition("5.2").value(), (Position{.field = 5, .component = 2}));
  EXPECT_EQ(ParsePosition("12(3).2.4").value(),
            (Position{.field = 12, .repetition = 3, .component = 2, .subcomponent = 4}));
  for (const char* text : {"", "0", "x", "5.", "5.0", "5(", "5()", "5(1", "5.1.2.3", "5 ", "-1",
                           "5.x", "99999999999999999999"}) {
    const auto result = ParsePosition(text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_THAT(result.error().message, HasSubstr("5(2).1")) << text;
  }
}

struct Refusal {
  std::string text;
  std::string message;
};

TEST(Hl7Parse, SaysWhatIsWrongAndWhere) {
  const std::vector<Refusal> refusals = {
      {"", "begins with MSH, found \"\""},
      {"PID|1\r", "begins with MSH, found \"PID|1\\x0d\""},
      {"MSH", "followed by the field separator"},
      {"MSHA^~\\&|", "followed by the field separator"},
      {"MSH|^~\\|A\r",
       "MSH-2 is four different encoding characters, usually ^~\\&, found \"^~\\\""},
      {"MSH|^~\\^|A\r", "four different"},
      {"MSH|^~\\a|A\r", "four different"},
      {"MSH|^~\\&|A\rpid|1\r", "segment 2: \"pid|1\" begins with no segment id"},
      {"MSH|^~\\&|A\rPID^1\r", "segment 2: PID is followed by the field separator |"},
      {"MSH|^~\\&|A\r\rPID|1\r", "segment 2 is empty"},
      {"MSH|^~\\&|A\nPID|1\r", "segment 1: a line feed (0x0A) inside"},
      {"MSH|^~\\&|A\r\nPID|1\r", "segment 2: a line feed (0x0A) inside"},
      {"MSH|^~\\&|A\rMSH|^~\\&|B\r", "segment 2: a second MSH"},
      {std::string("MSH|^~\\&|A\rPID|\0", 16), "segment 2: a zero byte"}};
  for (const Refusal& refusal : refusals) {
    const auto result = Parse(refusal.text);
    ASSERT_FALSE(result.has_value()) << refusal.text;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalid) << refusal.text;
    EXPECT_THAT(result.error().message, HasSubstr(refusal.message));
  }
  EXPECT_EQ(Parse(kAdmission, {.max_segments = 4}).error().code, ErrorCode::kTooLarge);
}

TEST(Hl7Parse, TakesTheLineEndsOfEditorsWhenAsked) {
  const std::string text = "MSH|^~\\&|A\n\nPID|1\r\nPV1|2\rEVN|3";
  const auto message = Parse(text, {.line_ends = LineEnds::kAny});
  ASSERT_TRUE(message.has_value()) << message.error().ToString();
  EXPECT_EQ(Encode(*message), "MSH|^~\\&|A\rPID|1\rPV1|2\rEVN|3\r");
}

TEST(Hl7Parse, TakesTheTruncationCharacterOfNewerVersions) {
  EXPECT_EQ(Parsed("MSH|^~\\&#|A\r").Value("MSH", {2}), "^~\\&#");
}

TEST(Hl7Acknowledgement, AnswersAMessage) {
  const Message acknowledgement =
      MakeAcknowledgement(Parsed(kAdmission), "AE", "ACK1", "no such ward|bed");
  EXPECT_EQ(Encode(acknowledgement),
            "MSH|^~\\&|LABADT|MCM|ADT1|MCM|||ACK^A01|ACK1|P|2.5.1\r"
            "MSA|AE|MSG00001|no such ward\\F\\bed\r");
  const auto read = AcknowledgementOf(acknowledgement);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->code, "AE");
  EXPECT_EQ(read->control_id, "MSG00001");
  EXPECT_EQ(read->text, "no such ward|bed");
  EXPECT_FALSE(AcknowledgementOf(Parsed(kAdmission)).has_value());
}

TEST(Hl7Split, KeepsEmptyParts) {
  EXPECT_THAT(Split("a||b|", '|'), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(Split("", '|'), ElementsAre(""));
}

}  // namespace
}  // namespace formats::hl7
