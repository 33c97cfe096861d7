#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/importing/test_support.h"

namespace assay::importing {
namespace {

using testing::HasSubstr;
using testing::Not;

/// One entry; `rest` adds members to the request.
std::string Entry(const std::string& method, const std::string& url, const std::string& request,
                  int status, const std::string& body, const std::string& headers = "",
                  const std::string& type = "application/json") {
  std::string escaped;
  for (const char c : body) escaped += c == '"' ? std::string("\\\"") : std::string(1, c);
  return R"({"request": {"method": ")" + method + R"(", "url": ")" + url + R"(")" + request +
         R"(}, "response": {"status": )" + std::to_string(status) + R"(, "headers": [)" + headers +
         R"(], "content": {"mimeType": ")" + type + R"(", "text": ")" + escaped + R"("}}})";
}

std::string Log(const std::vector<std::string>& entries) {
  std::string all;
  for (const std::string& one : entries) all += (all.empty() ? "" : ",\n") + one;
  return R"({"log": {"version": "1.2", "entries": [)" + all + "]}}";
}

std::string Json(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '"' ? std::string("\\\"") : std::string(1, c);
  return R"(, "postData": {"mimeType": "application/json", "text": ")" + escaped + R"("})";
}

TEST(Har, AnIdOfAnAnswerBecomesAVariableWhereItComesBack) {
  const Draft draft =
      Imported(Format::kHar,
               Log({Entry("POST", "https://api.example.org/orders", Json(R"({"item": "tea"})"), 201,
                          R"({"id": 4711, "item": "tea", "made": "2026-01-01T10:00:00Z"})"),
                    Entry("GET", "https://api.example.org/orders/4711?full=1", "", 200,
                          R"({"id": 4711, "item": "tea"})"),
                    Entry("POST", "https://api.example.org/bills",
                          Json(R"({"order_id": 4711, "count": 4711})"), 204, "")}));
  EXPECT_EQ(ProblemsOf(draft), "");
  const std::string text = FileOf(draft, "shop.yaml");
  EXPECT_THAT(text, HasSubstr("save: { order_id: body.id }"));
  EXPECT_THAT(text, HasSubstr("http: GET /orders/${{ vars.order_id }}"));
  EXPECT_THAT(text, HasSubstr("order_id: \"${{ vars.order_id }}\""));
  EXPECT_THAT(text, HasSubstr("count: 4711")) << "a number under another name means something else";
  EXPECT_THAT(text, HasSubstr("status == 201"));
  EXPECT_THAT(text, HasSubstr("body.item == \"tea\""))
      << "what the answer repeats of the request holds again";
  EXPECT_THAT(text, HasSubstr("matches_schema(body, \"schemas/post-order-201.json\")"));
  EXPECT_THAT(text, Not(HasSubstr("2026-01-01"))) << "a time does not hold again";
}

TEST(Har, SecretsAreCredentialsAndStandNowhere) {
  const std::string headers =
      R"(, "headers": [{"name": "Authorization", "value": "Bearer canary-token-1"}, {"name": "Cookie", "value": "sid=canary-cookie-2; theme=dark"},
      {"name": "X-Api-Key", "value": "canary-key-3"}])";
  const Draft draft = Imported(
      Format::kHar,
      Log({Entry(
               "POST", "https://u:canary-url-4@api.example.org/login?access_token=canary-query-5",
               Json(
                   R"({"user": "ada", "password": "canary-pass-6", "note": "canary-pass-6 again"})"),
               200, R"({"ok": true})"),
           Entry("GET", "https://api.example.org/me?x=canary-key-3", headers, 200,
                 R"({"name": "ada"})")}));
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_THAT(EverythingOf(draft) + NotesOf(draft), Not(HasSubstr("canary")));
  EXPECT_THAT(EverythingOf(draft), HasSubstr("password: { variable: SHOP_PASSWORD }"));
  EXPECT_THAT(FileOf(draft, "shop.yaml"),
              HasSubstr("bearer: \"${{ environment.credentials.token }}\""));
  EXPECT_THAT(FileOf(draft, "shop.yaml"),
              HasSubstr("note: ${{ environment.credentials.password }} again"));
}

TEST(Har, ATokenThatTheSystemGaveIsSavedNotAsked) {
  const std::string bearer =
      R"(, "headers": [{"name": "Authorization", "value": "Bearer t0ken-canary-77"}])";
  const Draft draft =
      Imported(Format::kHar, Log({Entry("POST", "http://h/token", Json(R"({"user": "ada"})"), 200,
                                        R"({"access_token": "t0ken-canary-77"})"),
                                  Entry("GET", "http://h/me", bearer, 200, "{}")}));
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_THAT(FileOf(draft, "shop.yaml"), HasSubstr("bearer: \"${{ vars.access_token }}\""));
  EXPECT_THAT(EverythingOf(draft), Not(HasSubstr("canary")));
  EXPECT_THAT(EverythingOf(draft), HasSubstr("redact: { keys: [access_token] }"));
  EXPECT_TRUE(draft.credentials.empty());
}

TEST(Har, CookiesThatTheSystemSetAreLeftToTheClient) {
  const Draft draft = Imported(
      Format::kHar,
      Log({Entry("POST", "http://h/login", "", 204, "",
                 R"({"name": "Set-Cookie", "value": "sid=abc123def456; Path=/"})"),
           Entry(
               "GET", "http://h/me",
               R"(, "headers": [{"name": "Cookie", "value": "sid=abc123def456"}, {"name": "X-CSRF-Token", "value": "abc123def456"}])",
               200, "{}")}));
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_THAT(EverythingOf(draft), Not(HasSubstr("abc123def456")));
  EXPECT_THAT(FileOf(draft, "shop.yaml"), Not(HasSubstr("Cookie:")));
  EXPECT_THAT(FileOf(draft, "shop.yaml"), HasSubstr("X-CSRF-Token: \"${{ vars.sid }}\""));
}

TEST(Har, WhatThePageNeedsToShowItselfIsLeftOut) {
  const Draft draft = Imported(
      Format::kHar, Log({Entry("GET", "http://h/app.js", "", 200, "x", "", "text/javascript"),
                         Entry("GET", "http://h/logo", "", 200, "x", "", "image/png"),
                         Entry("OPTIONS", "http://h/api", "", 204, ""),
                         Entry("GET", "data:text/plain,x", "", 200, ""),
                         Entry("GET", "http://h/api", "", 200, "[]")}));
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_EQ(draft.steps, 1U);
  EXPECT_THAT(NotesOf(draft), HasSubstr("preflights that are left out: 4"));
}

TEST(Har, OtherHostsAreEndpointsOfTheirOwn) {
  const Draft draft =
      Imported(Format::kHar, Log({Entry("GET", "https://login.example.org/a", "", 200, "{}"),
                                  Entry("GET", "https://api.example.org/b", "", 200, "{}"),
                                  Entry("GET", "https://api.example.org/c", "", 200, "{}")}));
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_EQ(draft.endpoints.front().url, "https://api.example.org");
  EXPECT_THAT(FileOf(draft, "shop.yaml"), HasSubstr("http: GET login:/a"));
}

TEST(Har, ASeriesOfTheSameQuestionIsAPoll) {
  const Draft draft = Imported(
      Format::kHar, Log({Entry("GET", "http://h/jobs/1", "", 200, R"({"status": "queued"})"),
                         Entry("GET", "http://h/jobs/1", "", 200, R"({"status": "running"})"),
                         Entry("GET", "http://h/jobs/1", "", 200, R"({"status": "done"})")}));
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_EQ(draft.steps, 1U);
  EXPECT_THAT(FileOf(draft, "shop.yaml"),
              HasSubstr(R"(until: 'status == 200 && body.status == "done"')"));
}

TEST(Har, BodiesOfAllKindsAreKept) {
  const Draft draft = Imported(
      Format::kHar,
      Log({Entry(
               "POST", "http://h/form",
               R"(, "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "a=1&b=x%20y"})",
               200, ""),
           Entry(
               "POST", "http://h/twice",
               R"(, "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "a=1&a=2"})",
               200, ""),
           Entry(
               "POST", "http://h/file",
               R"(, "postData": {"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "file", "fileName": "a.edf", "contentType": "application/edf"}]})",
               200, ""),
           Entry("POST", "http://h/text",
                 R"(, "postData": {"mimeType": "text/plain", "text": "one\ntwo ${{ x }}"})", 200,
                 ""),
           Entry("POST", "http://h/big", Json(R"({"n": 18446744073709551615})"), 200, "")}));
  EXPECT_EQ(ProblemsOf(draft), "");
  const std::string text = FileOf(draft, "shop.yaml");
  EXPECT_THAT(text, HasSubstr("form: { a: 1, b: x y }"));
  EXPECT_THAT(text, HasSubstr("body: a=1&a=2"));
  EXPECT_THAT(text, HasSubstr("filename: a.edf"));
  EXPECT_THAT(text, HasSubstr("two $${{ x }}"));
  EXPECT_THAT(text, HasSubstr(R"(body: '{"n": 18446744073709551615}')"))
      << "no integer of YAML is that large";
  EXPECT_THAT(NotesOf(draft), HasSubstr("does not hold the file \"a.edf\""));
}

TEST(Har, OtherFilesAreRefusedWithTheReason) {
  EXPECT_THAT(Refused(Format::kHar, "{\"log\": {}}").message, HasSubstr("log.entries"));
  EXPECT_THAT(Refused(Format::kHar, "[1,\n2").ToString(), HasSubstr("line 2"));
  EXPECT_THAT(Refused(Format::kHar, Log({})).message, HasSubstr("no call"));
  EXPECT_THAT(Refused(Format::kHar, R"({"log": {"entries": [{}]}})").message, HasSubstr("entry 1"));
}

TEST(Har, AnEntryWithoutAnswerIsNoted) {
  const Draft draft = Imported(Format::kHar, Log({Entry("GET", "http://h/a", "", 0, "")}));
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_THAT(NotesOf(draft), HasSubstr("was not answered"));
  EXPECT_THAT(FileOf(draft, "shop.yaml"), HasSubstr("status < 400"));
}

}  // namespace
}  // namespace assay::importing
