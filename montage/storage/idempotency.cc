#include "montage/storage/idempotency.h"

namespace montage::storage {

int64_t IdempotencyStore::Before(base::Duration span) const {
  return (clock_.Now() - span).time_since_epoch().count();
}

base::Result<IdempotentStart> IdempotencyStore::Begin(std::string_view owner_id,
                                                      std::string_view key,
                                                      std::string_view request_hash,
                                                      base::Deadline deadline) {
  TRY(auto transaction, sql::Transaction::Begin(database_, deadline));
  TRY(transaction->Execute(
      "DELETE FROM idempotency_keys WHERE owner_id = $1 AND idempotency_key = $2 AND "
      "(created_at <= $3 OR (status IS NULL AND created_at <= $4))",
      {owner_id, key, Before(kKept), Before(kLost)}, deadline));
  // Of several requests at the same time one inserts; the others wait for its commit here.
  TRY(const sql::Rows inserted,
      transaction->Execute(
          "INSERT INTO idempotency_keys (owner_id, idempotency_key, request_hash, created_at) "
          "VALUES ($1, $2, $3, $4) ON CONFLICT (owner_id, idempotency_key) DO NOTHING",
          {owner_id, key, request_hash, Before(base::Duration::zero())}, deadline));
  IdempotentStart start;
  if (inserted.changed == 1) {
    TRY(transaction.Commit(deadline));
    return start;
  }
  TRY(const sql::Rows rows,
      transaction->Execute("SELECT request_hash, status, response FROM idempotency_keys WHERE "
                           "owner_id = $1 AND idempotency_key = $2",
                           {owner_id, key}, deadline));
  if (rows.empty()) {  // given up this very moment: the client may send it again
    start.outcome = IdempotentStart::Outcome::kRunning;
    return start;
  }
  sql::RowReader reader(rows.rows[0]);
  const std::string hash = reader.Text();
  const std::optional<int64_t> status = reader.OptionalInt();
  start.response = reader.OptionalText().value_or("");
  TRY(reader.Finish());
  start.status = static_cast<int>(status.value_or(0));
  start.outcome = hash != request_hash ? IdempotentStart::Outcome::kOther
                  : status             ? IdempotentStart::Outcome::kAnswered
                                       : IdempotentStart::Outcome::kRunning;
  return start;
}

base::Result<void> IdempotencyStore::Finish(std::string_view owner_id, std::string_view key,
                                            int status, std::string_view response,
                                            base::Deadline deadline) {
  TRY(sql::Change(database_,
                  "UPDATE idempotency_keys SET status = $3, response = $4 WHERE owner_id = $1 AND "
                  "idempotency_key = $2",
                  {owner_id, key, status, response}, deadline));
  return {};
}

base::Result<void> IdempotencyStore::Abandon(std::string_view owner_id, std::string_view key,
                                             base::Deadline deadline) {
  TRY(sql::Change(database_,
                  "DELETE FROM idempotency_keys WHERE owner_id = $1 AND idempotency_key = $2 AND "
                  "status IS NULL",
                  {owner_id, key}, deadline));
  return {};
}

base::Result<int64_t> IdempotencyStore::Sweep(base::Deadline deadline) {
  TRY(const sql::Rows removed,
      sql::Change(database_,
                  "DELETE FROM idempotency_keys WHERE created_at <= $1 OR (status IS NULL AND "
                  "created_at <= $2)",
                  {Before(kKept), Before(kLost)}, deadline));
  return removed.changed;
}

}  // namespace montage::storage
