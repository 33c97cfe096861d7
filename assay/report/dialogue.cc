#include "assay/report/dialogue.h"

#include <algorithm>
#include <ranges>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/base/units.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"

namespace assay::report {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

std::string Text(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

const array* List(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr ? found->if_array() : nullptr;
}

const object* Object(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr ? found->if_object() : nullptr;
}

int64_t Number(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  if (found == nullptr || !found->is_number()) return 0;
  boost::json::error_code error;
  const auto number = found->to_number<int64_t>(error);
  return error ? 0 : number;
}

/// Text as it is, everything else as JSON in one line.
std::string Shown(const value& one) {
  return one.is_string() ? std::string(one.get_string()) : boost::json::serialize(one);
}

/// A body as the transcripts have it: text, or {size, preview} when it became a blob.
void TakeBody(const value& body, Utterance& out) {
  if (const auto* text = body.if_string()) {
    out.body = std::string(*text);
    out.size = out.body.size();
    return;
  }
  const object* reference = body.if_object();
  if (reference == nullptr) return;
  out.body = Text(*reference, "preview");
  out.size = static_cast<uint64_t>(std::max<int64_t>(Number(*reference, "size"), 0));
  out.cut = out.body.size() < out.size;
}

std::string Counted(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

void AddStatement(const object& statement, std::vector<Utterance>& said) {
  Utterance asked{.sent = true};
  const std::string table = Text(statement, "copy");
  if (table.empty()) {
    asked.body = Text(statement, "query");
    if (const array* params = List(statement, "params"); params != nullptr && !params->empty())
      asked.head = "parameters " + boost::json::serialize(*params);
  } else {
    asked.head =
        fmt::format("copy of {} into {}", Counted(Number(statement, "row_count"), "row"), table);
  }
  said.push_back(std::move(asked));
  const array* rows = List(statement, "rows");
  if (rows == nullptr) return;  // it was not carried out
  Utterance got;
  const array* columns = List(statement, "columns");
  const int64_t count = Number(statement, "row_count");
  got.head = columns != nullptr && !columns->empty()
                 ? Counted(count, "row")
                 : fmt::format("{} affected", Counted(Number(statement, "affected"), "row"));
  const auto add_row = [&](const array& cells) {
    std::vector<std::string>& row = got.rows.emplace_back();
    for (const value& cell : cells) row.push_back(Shown(cell));
  };
  if (columns != nullptr && !rows->empty()) add_row(*columns);
  for (const value& row : *rows)
    if (const array* cells = row.if_array()) add_row(*cells);
  got.cut = count > static_cast<int64_t>(rows->size());
  said.push_back(std::move(got));
}

Dialogue OfDatabase(const object& transcript, const array& statements) {
  Dialogue out{.with = Text(transcript, "endpoint")};
  for (const value& statement : statements)
    if (const object* one = statement.if_object()) AddStatement(*one, out.said);
  if (const object* refusal = Object(transcript, "refusal")) {
    Utterance refused{.head = "refused, SQLSTATE " + Text(*refusal, "sqlstate")};
    refused.body = Text(*refusal, "message");
    if (const std::string detail = Text(*refusal, "detail"); !detail.empty())
      refused.body += "\n" + detail;
    out.said.push_back(std::move(refused));
  }
  const value* transaction = transcript.if_contains("transaction");
  if (transaction != nullptr && transaction->is_bool() && transaction->get_bool()) {
    const value* committed = transcript.if_contains("committed");
    out.end = committed != nullptr && committed->is_bool() && committed->get_bool() ? "committed"
                                                                                    : "rolled back";
  }
  return out;
}

/// Frames of one connection.
Dialogue OfConnection(const object& transcript, const array& messages) {
  Dialogue out{.with = Text(transcript, "url"), .said = {}, .end = Text(transcript, "end")};
  for (const value& message : messages) {
    const object* one = message.if_object();
    if (one == nullptr) continue;
    Utterance utterance{.sent = Text(*one, "direction") == "sent"};
    utterance.head = fmt::format("{}, {}", Text(*one, "type"),
                                 base::HumanDuration(base::Duration(Number(*one, "at_ns"))));
    if (const value* body = one->if_contains("body")) TakeBody(*body, utterance);
    out.said.push_back(std::move(utterance));
  }
  return out;
}

/// Messages of a broker, commands and replies: facts and a body each.
void AddMessages(const object& transcript, std::string_view key, bool sent,
                 std::vector<Utterance>& said) {
  const array* messages = List(transcript, key);
  if (messages == nullptr) return;
  for (const value& message : *messages) {
    const object* one = message.if_object();
    if (one == nullptr) continue;
    Utterance utterance{.sent = sent};
    for (const auto& [name, fact] : *one) {
      if (name == "body" || fact.is_null() || fact == value("")) continue;
      utterance.head += fmt::format("{}{}: {}", utterance.head.empty() ? "" : ", ",
                                    std::string_view(name.data(), name.size()), Shown(fact));
    }
    if (const value* body = one->if_contains("body")) TakeBody(*body, utterance);
    said.push_back(std::move(utterance));
  }
}

}  // namespace

const Utterance* Dialogue::answer() const {
  const auto last = std::ranges::find_if(said.rbegin(), said.rend(),
                                         [](const Utterance& one) { return !one.sent; });
  return last == said.rend() ? nullptr : &*last;
}

std::optional<Dialogue> ReadDialogue(std::string_view transcript_blob, const ReportInput& input) {
  if (transcript_blob.empty()) return std::nullopt;
  const auto bytes = input.read_blob(transcript_blob);
  if (!bytes) return std::nullopt;
  const auto parsed = json::Parse(*bytes);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  const object& transcript = parsed->get_object();
  Dialogue out;
  if (const array* statements = List(transcript, "statements")) {
    out = OfDatabase(transcript, *statements);
  } else if (const array* messages = List(transcript, "messages")) {
    out = OfConnection(transcript, *messages);
  } else if (transcript.contains("sent") || transcript.contains("received")) {
    out.with = Text(transcript, "endpoint");
    AddMessages(transcript, "sent", true, out.said);
    AddMessages(transcript, "received", false, out.said);
  } else {
    return std::nullopt;
  }
  if (const std::string error = Text(transcript, "error"); !error.empty()) out.end = error;
  return out;
}

}  // namespace assay::report
