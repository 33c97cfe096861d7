#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/importing/slot.h"
#include "assay/importing/source/shell_words.h"
#include "assay/importing/test_support.h"

namespace assay::importing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> out;
  const auto commands = SplitCommands(Source(text));
  EXPECT_TRUE(commands) << commands.error().ToString();
  if (!commands) return out;
  for (const ShellCommand& command : *commands) {
    for (const ShellWord& word : command.words) out.push_back(word.text);
    out.emplace_back("|");
  }
  return out;
}

TEST(ShellWords, FollowTheQuotingOfPosix) {
  EXPECT_THAT(Words("a 'b c' \"d e\" f\\ g"), ElementsAre("a", "b c", "d e", "f g", "|"));
  EXPECT_THAT(Words(R"(a 'it'\''s' "say \"x\" \n \\ \$y")"),
              ElementsAre("a", "it's", R"(say "x" \n \ $y)", "|"));
  EXPECT_THAT(Words("a \\\n  b \\\r\n c"), ElementsAre("a", "b", "c", "|"));
  EXPECT_THAT(Words("a b# # c\nd; e && f"),
              ElementsAre("a", "b#", "|", "d", "|", "e", "|", "f", "|"));
  EXPECT_THAT(Words("a '' \"\""), ElementsAre("a", "", "", "|"));
  EXPECT_THAT(Words(R"(a $'tab\there\x21\u00e9\'')"), ElementsAre("a", "tab\there!\u00e9'", "|"));
  EXPECT_THAT(Words("a \"$HOST/x\" ${ID}"),
              ElementsAre("a", Slot("vars.host") + "/x", Slot("vars.id"), "|"));
  EXPECT_THAT(Words("a > out.txt 2>&1 b"), ElementsAre("a", "b", "|"));
}

TEST(ShellWords, WhatIsNotClosedIsShownWhereItBegins) {
  const auto broken = SplitCommands(Source("curl x\ncurl 'y"));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().span.line, 2U);
  EXPECT_EQ(broken.error().span.column, 6U);
  EXPECT_FALSE(SplitCommands(Source("curl \"y")));
  EXPECT_FALSE(SplitCommands(Source("curl $(cat url)")));
  EXPECT_FALSE(SplitCommands(Source("curl `cat url`")));
  EXPECT_FALSE(SplitCommands(Source("curl ${URL:-x}")));
}

TEST(Curl, ACommandBecomesAStep) {
  const Draft draft =
      Imported(Format::kCurl, R"(curl -sS -X PUT 'https://api.example.org/notes/7?draft=yes' \
  -H 'Content-Type: application/json' -H 'X-Trace: a: b' \
  --data-raw '{"text": "it'\''s", "n": 1}' --compressed -L -k --max-time 5)");
  EXPECT_EQ(ProblemsOf(draft), "");
  const std::string text = FileOf(draft, "shop.yaml");
  EXPECT_THAT(text, HasSubstr("http: PUT /notes/7"));
  EXPECT_THAT(text, HasSubstr("query: { draft: yes }"));
  EXPECT_THAT(text, HasSubstr("it's"));
  EXPECT_THAT(text, HasSubstr("follow: true"));
  EXPECT_THAT(text, HasSubstr("insecure: true"));
  EXPECT_THAT(text, HasSubstr("timeout: 5s"));
  EXPECT_EQ(draft.endpoints.front().url, "https://api.example.org");
  EXPECT_EQ(NotesOf(draft), "");
}

TEST(Curl, DataMakesAPostAndIsJoined) {
  const Draft draft = Imported(
      Format::kCurl,
      "curl h/a -d a=1 -d 'b=x y' --data-urlencode 'c=1&2'\ncurl -G h/b -d q=1 --data-urlencode "
      "'p=a b'\ncurl --json '{\"a\": 1}' h/c\ncurl -I h/d\ncurl -T up.bin h/e");
  EXPECT_EQ(ProblemsOf(draft), "");
  const std::string text = FileOf(draft, "shop.yaml");
  EXPECT_THAT(text, HasSubstr("form: { a: 1, b: x y, c: 1&2 }"));
  EXPECT_THAT(text, HasSubstr("http: GET /b"));
  EXPECT_THAT(text, HasSubstr("query: { q: 1, p: a b }"));
  EXPECT_THAT(text, HasSubstr("json: { a: 1 }"));
  EXPECT_THAT(text, HasSubstr("http: HEAD /d"));
  EXPECT_THAT(text, HasSubstr("file: up.bin"));
}

TEST(Curl, PartsOfAForm) {
  const Draft draft = Imported(
      Format::kCurl,
      "curl h/a -F 'file=@rec.edf;type=application/edf' -F note=hi -F 'x=y;filename=z.txt'");
  EXPECT_EQ(ProblemsOf(draft), "");
  const std::string text = FileOf(draft, "shop.yaml");
  EXPECT_THAT(text, HasSubstr("file: rec.edf"));
  EXPECT_THAT(text, HasSubstr("content_type: application/edf"));
  EXPECT_THAT(text, HasSubstr("note: hi"));
  EXPECT_THAT(text, HasSubstr("filename: z.txt"));
  EXPECT_THAT(NotesOf(draft), HasSubstr("\"rec.edf\" is looked for beside the scenario"));
}

TEST(Curl, SecretsAreCredentials) {
  const Draft draft =
      Imported(Format::kCurl,
               "curl -u ada:canary-1 h/a\ncurl -H 'Authorization: Bearer canary-22' h/b\ncurl -b "
               "'sid=canary-3' h/c\ncurl -H 'authorization: Basic YWRhOmNhbmFyeS0x' h/d\ncurl "
               "h/e?token=canary-44\ncurl -H \"X-Api-Key: $API_KEY\" h/f");
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_THAT(EverythingOf(draft), Not(HasSubstr("canary")));
  EXPECT_THAT(EverythingOf(draft), Not(HasSubstr("YWRhOmNhbmFyeS0x")));
  EXPECT_THAT(EverythingOf(draft), HasSubstr("api_key: { variable: API_KEY }"));
}

TEST(Curl, VariablesOfTheShellAreVariables) {
  const Draft draft = Imported(
      Format::kCurl,
      "curl \"$BASE/notes/$ID\" -d \"{\\\"n\\\": $COUNT}\" -H 'Content-Type: application/json'");
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_THAT(FileOf(draft, "shop.yaml"), HasSubstr("http: POST /notes/${{ vars.id }}"));
  EXPECT_THAT(NotesOf(draft), HasSubstr("--var id=VALUE"));
}

TEST(Curl, WhatAStepCannotSayIsNoted) {
  const Draft draft =
      Imported(Format::kCurl, "curl --resolve a:80:127.0.0.1 --retry 3 http://a/\necho done");
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_THAT(NotesOf(draft), HasSubstr("line 1: --resolve a:80:127.0.0.1 is left out"));
  EXPECT_THAT(NotesOf(draft), HasSubstr("line 2: \"echo\" is no curl command"));
}

TEST(Curl, WrongCommandsAreShownWithTheirPlace) {
  const base::Error unknown = Refused(Format::kCurl, "curl http://h/\ncurl --heder x http://h/");
  EXPECT_EQ(unknown.span.line, 2U);
  EXPECT_THAT(unknown.hint, HasSubstr("--header"));
  EXPECT_THAT(Refused(Format::kCurl, "curl -X").message, HasSubstr("-X has no value"));
  EXPECT_THAT(Refused(Format::kCurl, "curl -s").message, HasSubstr("no URL"));
  EXPECT_THAT(Refused(Format::kCurl, "wget http://h/").message, HasSubstr("no curl command"));
  EXPECT_THAT(Refused(Format::kCurl, "curl -H nonsense h").message, HasSubstr("no header field"));
  EXPECT_TRUE(Refused(Format::kCurl, "curl http://[::1").span.known());
  EXPECT_THAT(Refused(Format::kCurl, "").message, HasSubstr("no curl command"));
}

}  // namespace
}  // namespace assay::importing
