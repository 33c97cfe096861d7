#include "montage/audit/audit_log.h"

#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/crypto/hash.h"
#include "lib/json/canonical.h"

namespace montage::audit {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

// `seq` is given by the statement that inserts, inside the writer's transaction: no gaps, no
// duplicates.
constexpr std::string_view kColumns =
    "seq, time_ns, actor, action, object, decision, request_id, prev, hash";
constexpr int64_t kVerifyPiece = 5000;

const std::string kZero(64, '0');

std::string HashOf(const Entry& entry) {
  boost::json::object form = ToJson(entry);
  form.erase("hash");
  return crypto::Sha256Hex(entry.prev + json::Canonical(form));
}

Result<Entry> ReadEntry(const sql::Row& row) {
  sql::RowReader reader(row);
  Entry entry;
  entry.seq = reader.Int();
  entry.time = base::WallTime(base::Duration(reader.Int()));
  entry.actor = reader.Text();
  entry.action = reader.Text();
  entry.object = reader.Text();
  const std::string decision = reader.Text();
  entry.request_id = reader.Text();
  entry.prev = reader.Text();
  entry.hash = reader.Text();
  TRY(reader.Finish());
  for (const Decision candidate : {Decision::kAllowed, Decision::kDenied, Decision::kFailed}) {
    if (ToString(candidate) == decision) entry.decision = candidate;
  }
  if (ToString(entry.decision) != decision) {
    return base::Fail(
        ErrorCode::kCorrupt,
        fmt::format("audit entry {} has the unknown decision \"{}\"", entry.seq, decision));
  }
  return entry;
}

}  // namespace

std::string_view ToString(Decision decision) {
  switch (decision) {
    case Decision::kAllowed:
      return "allowed";
    case Decision::kDenied:
      return "denied";
    case Decision::kFailed:
      return "failed";
  }
  std::unreachable();
}

boost::json::object ToJson(const Entry& entry) {
  return {{"seq", entry.seq},
          {"time", base::FormatRfc3339(entry.time)},
          {"actor", entry.actor},
          {"action", entry.action},
          {"object", entry.object},
          {"decision", ToString(entry.decision)},
          {"request_id", entry.request_id},
          {"prev", entry.prev},
          {"hash", entry.hash}};
}

AuditLog::AuditLog(sql::Database& database, const base::Clock& clock)
    : database_(database), clock_(clock) {}

Result<void> AuditLog::Append(const Record& record, Deadline deadline) {
  TRY(auto transaction, sql::Transaction::Begin(database_, deadline));
  TRY(AppendIn(*transaction, record, deadline));
  return transaction.Commit(deadline);
}

Result<void> AuditLog::AppendIn(sql::Connection& connection, const Record& record,
                                Deadline deadline) {
  // Where several writers can be in transactions at once, the lock keeps the chain in one line.
  if (connection.dialect() == sql::Dialect::kPostgres) {
    TRY(connection.Execute("LOCK TABLE audit_log IN EXCLUSIVE MODE", {}, deadline));
  }
  TRY(const auto last,
      connection.Execute("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1", {},
                         deadline));
  Entry entry{.seq = 1,
              .time = clock_.Now(),
              .actor = record.actor,
              .action = record.action,
              .object = record.object,
              .decision = record.decision,
              .request_id = record.request_id,
              .prev = kZero};
  if (!last.empty()) {
    sql::RowReader reader(last.rows.front());
    entry.seq = reader.Int() + 1;
    entry.prev = reader.Text();
    TRY(reader.Finish());
  }
  entry.hash = HashOf(entry);
  TRY(connection.Execute(
      fmt::format("INSERT INTO audit_log ({}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                  kColumns),
      {entry.seq, entry.time.time_since_epoch().count(), entry.actor, entry.action, entry.object,
       ToString(entry.decision), entry.request_id, entry.prev, entry.hash},
      deadline));
  return {};
}

Result<std::vector<Entry>> AuditLog::List(const Filter& filter, Deadline deadline) {
  TRY(const auto rows,
      sql::Query(database_,
                 fmt::format("SELECT {} FROM audit_log WHERE seq > $1 AND ($2 = '' OR actor = $2) "
                             "AND ($3 = '' OR action = $3)"
                             " ORDER BY seq LIMIT $4",
                             kColumns),
                 {filter.after_seq, filter.actor, filter.action, filter.limit}, deadline));
  std::vector<Entry> entries;
  for (const sql::Row& row : rows.rows) {
    TRY(Entry entry, ReadEntry(row));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<Verification> AuditLog::Verify(std::string_view expected_head, Deadline deadline) {
  Verification result{.head = kZero};
  bool head_seen = expected_head.empty();
  while (true) {
    TRY(const auto entries, List({.after_seq = result.entries, .limit = kVerifyPiece}, deadline));
    for (const Entry& entry : entries) {
      const int64_t expected_seq = result.entries + 1;
      if (entry.seq != expected_seq) {
        result.problem = fmt::format("entry {} is missing; {} follows", expected_seq, entry.seq);
      } else if (entry.prev != result.head) {
        result.problem = fmt::format("entry {} does not follow the one before", entry.seq);
      } else if (entry.hash != HashOf(entry)) {
        result.problem =
            fmt::format("entry {} was changed: its hash does not fit its content", entry.seq);
      }
      if (!result.problem.empty()) {
        result.first_broken = expected_seq;
        return result;
      }
      result.head = entry.hash;
      head_seen = head_seen || entry.hash == expected_head;
      ++result.entries;
    }
    if (static_cast<int64_t>(entries.size()) < kVerifyPiece) break;
  }
  if (!head_seen) {
    result.first_broken = result.entries + 1;
    result.problem =
        fmt::format("the chain ends at entry {} without the expected head; its end was removed",
                    result.entries);
  }
  return result;
}

}  // namespace montage::audit
