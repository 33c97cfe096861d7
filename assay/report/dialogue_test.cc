// Transcripts of databases, brokers and connections become something that a person can read.

#include "assay/report/dialogue.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::report {
namespace {

using testing::ElementsAre;

/// Reads a transcript of this text.
std::optional<Dialogue> Read(std::string transcript) {
  const history::RunModel model;
  return ReadDialogue("blob", {.model = model,
                               .trace = {},
                               .read_blob = [&](std::string_view) -> base::Result<std::string> {
                                 return transcript;
                               }});
}

TEST(Dialogue, OfADatabaseIsStatementsAndTheirRows) {
  const auto dialogue =
      Read(R"({"kind": "sql", "endpoint": "shop", "transaction": true, "committed": false,
      "error": null, "refusal": {"sqlstate": "23505", "message": "duplicate key", "detail": "Key (id)=(1)."},
      "statements": [
        {"query": "SELECT id, name FROM item WHERE id < ?", "params": [3], "columns": ["id", "name"],
         "rows": [[1, "a"], [2, null]], "row_count": 30, "affected": 0},
        {"copy": "item", "columns": ["id"], "row_count": 1440},
        {"query": "DELETE FROM item", "params": [], "columns": [], "rows": [], "row_count": 0, "affected": 1}]})");
  ASSERT_TRUE(dialogue.has_value());
  EXPECT_EQ(dialogue->with, "shop");
  ASSERT_EQ(dialogue->said.size(), 6u);
  EXPECT_TRUE(dialogue->said[0].sent);
  EXPECT_EQ(dialogue->said[0].head, "parameters [3]");
  EXPECT_EQ(dialogue->said[0].body, "SELECT id, name FROM item WHERE id < ?");
  EXPECT_EQ(dialogue->said[1].head, "30 rows");
  EXPECT_TRUE(dialogue->said[1].cut);
  EXPECT_THAT(dialogue->said[1].rows, ElementsAre(ElementsAre("id", "name"), ElementsAre("1", "a"),
                                                  ElementsAre("2", "null")));
  EXPECT_EQ(dialogue->said[2].head, "copy of 1440 rows into item");
  EXPECT_EQ(dialogue->said[4].head, "1 row affected");
  EXPECT_EQ(dialogue->answer()->head, "refused, SQLSTATE 23505");
  EXPECT_EQ(dialogue->answer()->body, "duplicate key\nKey (id)=(1).");
  EXPECT_EQ(dialogue->end, "rolled back");
}

TEST(Dialogue, OfAConnectionIsItsFrames) {
  const auto dialogue =
      Read(R"({"kind": "websocket", "url": "ws://h/monitor", "end": "closed by the peer, 1000",
      "error": null, "messages": [
        {"direction": "sent", "type": "text", "at_ns": 2000000, "body": {"blob": "", "size": 5, "preview": "hello"}},
        {"direction": "received", "type": "binary", "at_ns": 9000000, "body": {"blob": "x", "size": 4096, "preview": ""}}]})");
  ASSERT_TRUE(dialogue.has_value());
  EXPECT_EQ(dialogue->said[0].head, "text, 2 ms");
  EXPECT_EQ(dialogue->said[0].body, "hello");
  EXPECT_FALSE(dialogue->said[0].cut);
  EXPECT_EQ(dialogue->answer(), &dialogue->said[1]);
  EXPECT_TRUE(dialogue->said[1].cut);
  EXPECT_EQ(dialogue->said[1].size, 4096u);
  EXPECT_EQ(dialogue->end, "closed by the peer, 1000");
}

TEST(Dialogue, OfABrokerIsMessagesWithTheirFacts) {
  const auto dialogue =
      Read(R"({"kind": "amqp", "endpoint": "broker", "error": "no message within 2 s",
      "sent": [{"queue": "orders", "redelivered": null, "body": "{}"}], "received": []})");
  ASSERT_TRUE(dialogue.has_value());
  EXPECT_EQ(dialogue->said[0].head, "queue: orders");
  EXPECT_EQ(dialogue->said[0].body, "{}");
  EXPECT_EQ(dialogue->answer(), nullptr);
  EXPECT_EQ(dialogue->end, "no message within 2 s");
}

TEST(Dialogue, IsNothingForOtherTranscriptsAndDamagedOnes) {
  EXPECT_FALSE(Read(R"({"kind": "http", "request": {}})").has_value());
  EXPECT_FALSE(Read("[1]").has_value());
  EXPECT_FALSE(Read("{").has_value());
  EXPECT_TRUE(Read(R"({"statements": [1, {"rows": [3]}], "refusal": 4})").has_value());
}

}  // namespace
}  // namespace assay::report
