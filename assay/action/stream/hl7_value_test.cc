#include "assay/action/stream/hl7_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cel/json.h"

namespace assay::action {
namespace {

using cel::Value;
using testing::HasSubstr;

Value Json(std::string_view text) { return cel::ParseJson(text).value(); }

std::string Text(const Value& message, std::string_view segment, size_t number,
                 std::string_view place) {
  const Value* segments = message.Find(segment);
  if (segments == nullptr || number >= segments->list().size()) return "(no segment)";
  const Value* text = segments->list()[number].Find(place);
  return text == nullptr ? "(absent)" : std::string(text->string());
}

TEST(Hl7Value, IsMadeOfSegmentsAndPlaces) {
  const auto parsed = formats::hl7::Parse(
      "MSH|^~\\&|LAB||||2026||ORU^R01|7|P|2.5.1\r"
      "PID|1||11^^^HOSP~22^^^NAT||E&van^ADAM\r"
      "OBX|1|ST|code||a\\T\\b\r"
      "OBX|2|ST|code||\"\"\r");
  ASSERT_TRUE(parsed.has_value());
  const Value message = Hl7Value(*parsed);
  EXPECT_EQ(Text(message, "MSH", 0, "1"), "|");
  EXPECT_EQ(Text(message, "MSH", 0, "2"), "^~\\&");
  EXPECT_EQ(Text(message, "MSH", 0, "9"), "ORU");
  EXPECT_EQ(Text(message, "MSH", 0, "9.2"), "R01");
  EXPECT_EQ(Text(message, "PID", 0, "3"), "11");
  EXPECT_EQ(Text(message, "PID", 0, "3.4"), "HOSP");
  EXPECT_EQ(Text(message, "PID", 0, "3(2)"), "22");
  EXPECT_EQ(Text(message, "PID", 0, "3(2).4"), "NAT");
  EXPECT_EQ(Text(message, "PID", 0, "5"), "E");
  EXPECT_EQ(Text(message, "PID", 0, "5.1.2"), "van");
  EXPECT_EQ(Text(message, "PID", 0, "5.2"), "ADAM");
  EXPECT_EQ(Text(message, "PID", 0, "2"), "") << "there, and empty";
  EXPECT_EQ(Text(message, "PID", 0, "6"), "(absent)");
  EXPECT_EQ(Text(message, "OBX", 0, "5"), "a&b") << "unescaped";
  EXPECT_EQ(Text(message, "OBX", 1, "5"), "\"\"") << "the null of HL7 is kept";
  EXPECT_EQ(Text(message, "OBX", 1, "text"), "OBX|2|ST|code||\"\"");
  EXPECT_EQ(*message.Find("segments"), Json(R"(["MSH", "PID", "OBX", "OBX"])"));
}

TEST(Hl7Value, AMessageIsBuiltOfAMap) {
  const auto message = Hl7MessageOf(Json(R"({
    "MSH": {"3": "EHR", "9": {"1": "ADT", "2": "A01"}, "10": 77, "12": "2.5.1"},
    "PID": {"3": [{"1": "11", "4": "HOSP"}, "22"], "5": {"1": {"1": "E", "2": "v|n"}, "2": "ADAM"},
            "8.1": "F", "7": null},
    "OBX": [{"1": 1, "5": "a"}, {"1": 2, "5": true}]})"));
  ASSERT_TRUE(message.has_value()) << message.error().ToString();
  EXPECT_EQ(formats::hl7::Encode(*message),
            "MSH|^~\\&|EHR||||||ADT^A01|77||2.5.1\r"
            "PID|||11^^^HOSP~22||E&v\\F\\n^ADAM|||F\r"
            "OBX|1||||a\rOBX|2||||true\r");
}

TEST(Hl7Value, AListKeepsTheOrderOfSegments) {
  const auto message = Hl7MessageOf(
      Json(R"([{"MSH": {"1": "*", "2": "+%!@", "3": "a+b"}}, {"OBR": {"1": 1}}, {"OBX": {"1": 1}},
               {"OBR": {"1": 2}}])"));
  ASSERT_TRUE(message.has_value()) << message.error().ToString();
  EXPECT_EQ(formats::hl7::Encode(*message), "MSH*+%!@*a!S!b\rOBR*1\rOBX*1\rOBR*2\r");
}

TEST(Hl7Value, AReceivedMessageCanBeSentAgain) {
  const auto parsed = formats::hl7::Parse("MSH|^~\\&|A||B\rPID|1||x^y~z\r");
  const auto again = Hl7MessageOf(Hl7Value(*parsed));
  ASSERT_TRUE(again.has_value()) << again.error().ToString();
  EXPECT_EQ(formats::hl7::Encode(*again), "MSH|^~\\&|A||B\rPID|1||x^y~z\r");
}

TEST(Hl7Value, AMessageIsReadFromText) {
  const auto message = Hl7MessageOf(Value::String("MSH|^~\\&|A\nPID|1\n"));
  ASSERT_TRUE(message.has_value()) << message.error().ToString();
  EXPECT_EQ(formats::hl7::Encode(*message), "MSH|^~\\&|A\rPID|1\r");
}

struct Mistake {
  std::string json;
  std::string message;
};

TEST(Hl7Value, MistakesAreNamed) {
  for (const Mistake& mistake : std::vector<Mistake>{
           {R"({"PID": {"1": 1}})", "begins with the segment MSH"},
           {R"([])", "begins with the segment MSH"},
           {R"({"PID": {"1": 1}, "MSH": {"3": "x"}})", "begins with the segment MSH"},
           {R"({"MSH": {"3": "x"}, "pid": {"1": 1}})", "\"pid\" is no segment id"},
           {R"({"MSH": {"3": "x"}, "PID": {"x": 1}})", "\"x\" is no place in a segment"},
           {R"({"MSH": {"3": "x"}, "PID": {"3": {"0": 1}}})",
            "PID-3: expected the number of a part"},
           {R"({"MSH": {"3": "x"}, "PID": {"3.1": ["a"]}})",
            "PID-3.1: expected a text or subcomponents"},
           {R"({"MSH": {"3": "x"}, "PID": "text"})", "PID: expected a map of fields"},
           {R"({"MSH": {"2": "^^"}})", "MSH-2 is four different encoding characters"},
           {R"("no message")", "begins with MSH"}}) {
    const auto message = Hl7MessageOf(Json(mistake.json));
    ASSERT_FALSE(message.has_value()) << mistake.json;
    EXPECT_THAT(message.error().ToString(), HasSubstr(mistake.message));
  }
}

TEST(Hl7Value, CharacterSetsAreThoseOfTheHeader) {
  EXPECT_EQ(Hl7Text("MSH|^~\\&|J\xC3\xB6rg").value(), "MSH|^~\\&|J\xC3\xB6rg");
  const std::string latin = "MSH|^~\\&|J\xF6rg||||||||||||||8859/1";
  EXPECT_THAT(Hl7Text("MSH|^~\\&|J\xF6rg|||||||||||||||8859/1").value(), HasSubstr("J\xC3\xB6rg"));
  const auto unknown = Hl7Text("MSH|^~\\&|J\xF6rg|||||||||||||||8859/15");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_THAT(unknown.error().message, HasSubstr("(MSH-18) is \"8859/15\""));
  EXPECT_FALSE(Hl7Text(latin).has_value()) << "MSH-17 is another field";
  EXPECT_FALSE(Hl7Text("\xFF").has_value());
}

}  // namespace
}  // namespace assay::action
