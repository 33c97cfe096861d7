#include "assay/fault/toxics/http_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/fault/toxics/glob.h"

namespace assay::fault {
namespace {

/// The heads found when the text comes in pieces of `step` bytes; checks that nothing is lost.
std::vector<std::string> HeadsOf(const std::string& text, bool of_responses, size_t step) {
  HttpReader reader(of_responses);
  std::vector<std::string> heads;
  std::string joined;
  for (size_t from = 0; from < text.size(); from += step) {
    for (const HttpPiece& piece : reader.Feed(std::string_view(text).substr(from, step))) {
      joined += piece.bytes;
      if (!piece.head) continue;
      heads.push_back(piece.head->is_request() ? piece.head->method + " " + piece.head->target
                                               : std::to_string(piece.head->status));
    }
  }
  joined += reader.TakeRest();
  EXPECT_EQ(joined, text) << "step " << step;
  return heads;
}

void ExpectHeads(const std::string& text, bool of_responses,
                 const std::vector<std::string>& expected) {
  for (const size_t step : {size_t{1}, size_t{2}, size_t{7}, text.size()}) {
    EXPECT_EQ(HeadsOf(text, of_responses, step), expected) << "step " << step;
  }
}

TEST(HttpReader, FindsRequestsBehindBodies) {
  ExpectHeads(
      "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /GET /b?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nGET /\r\n1a\r\n"
      "abcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: t\r\n\r\nDELETE /d HTTP/1.1\r\n\r\n",
      false, {"POST /a", "GET /b?x=1", "POST /c", "DELETE /d"});
}

TEST(HttpReader, FindsResponsesWithoutBodies) {
  ExpectHeads(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n"
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 503 Busy\r\nContent-Length: "
      "0\r\n\r\n",
      true, {"100", "204", "200", "503"});
}

TEST(HttpReader, AResponseWithoutALengthGoesOnToTheEnd) {
  ExpectHeads("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", true, {"200"});
}

TEST(HttpReader, AfterAnUpgradeNothingIsHttp) {
  ExpectHeads("HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", true, {"101"});
  ExpectHeads("CONNECT h:1 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", false, {"CONNECT h:1"});
}

TEST(HttpReader, WhatIsNoHttpPassesAtOnce) {
  HttpReader reader(false);
  const auto pieces = reader.Feed("\x16\x03 binary");
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_TRUE(reader.is_opaque());
  ExpectHeads("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n", false, {});
  ExpectHeads("GET / FTP/9\r\n\r\n", false, {});
  ExpectHeads("HTTP/1.1 abc\r\n\r\n", true, {});
  ExpectHeads("GET / HTTP/1.1\r\nno colon\r\n\r\n", false, {});
  ExpectHeads("POST / HTTP/1.1\r\nContent-Length: five\r\n\r\nGET / HTTP/1.1\r\n\r\n", false,
              {"POST /"});
}

TEST(HttpReader, AnEndlessHeadIsNotWaitedFor) {
  HttpReader reader(false);
  EXPECT_TRUE(reader.Feed("GET / HTTP/1.1\r\nX: ").empty());
  EXPECT_FALSE(reader.Feed(std::string(70'000, 'x')).empty());
  EXPECT_TRUE(reader.is_opaque());
}

TEST(HttpReader, FieldsAreFoundWithoutRegardToCase) {
  const auto head = ParseHttpHead("GET / HTTP/1.1\r\nX-Trace:  abc \r\n\r\n");
  ASSERT_TRUE(head.has_value());
  ASSERT_NE(head->Field("x-trace"), nullptr);
  EXPECT_EQ(*head->Field("x-trace"), "abc");
  EXPECT_EQ(head->Field("x"), nullptr);
}

TEST(Glob, StarsAndQuestionMarks) {
  EXPECT_TRUE(MatchesGlob("*", ""));
  EXPECT_TRUE(MatchesGlob("/api/*/jobs", "/api/v1/x/jobs"));
  EXPECT_FALSE(MatchesGlob("/api/*/jobs", "/api/v1/jobs/7"));
  EXPECT_TRUE(MatchesGlob("a?c*", "abc"));
  EXPECT_FALSE(MatchesGlob("", "a"));
  EXPECT_TRUE(MatchesGlob("*aab", "aaaaab"));
}

}  // namespace
}  // namespace assay::fault
