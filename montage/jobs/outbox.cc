#include "montage/jobs/outbox.h"

#include <algorithm>
#include <vector>

namespace montage::jobs {
namespace {

/// Rows that one transaction keeps locked while it waits for the broker.
constexpr int64_t kAtOnce = 100;

base::Result<Announcement> ReadAnnouncement(const sql::Row& row) {
  sql::RowReader reader(row);
  Announcement due;
  due.job_id = reader.Text();
  const std::string status = reader.Text();
  due.priority = static_cast<Priority>(std::clamp<int64_t>(reader.Int(), 0, 2));
  due.retry_count = reader.Int();
  due.error = reader.OptionalText().value_or("");
  TRY(reader.Finish());
  TRY(due.status, ParseJobStatus(status));
  return due;
}

}  // namespace

base::Result<size_t> Outbox::Drain(
    const std::function<base::Result<void>(std::span<const Announcement>)>& publish,
    base::Deadline deadline) {
  TRY(auto transaction, sql::Transaction::Begin(database_, deadline));
  TRY(const sql::Rows rows,
      transaction->Execute(
          "SELECT job_id, status, priority, retry_count, error FROM analysis_jobs WHERE announce = "
          "1 ORDER BY sequence LIMIT $1" +
              std::string(sql::SkipLockedClause(database_.dialect())),
          {kAtOnce}, deadline));
  if (rows.empty()) return 0;
  std::vector<Announcement> due;
  for (const sql::Row& row : rows.rows) {
    TRY(Announcement one, ReadAnnouncement(row));
    due.push_back(std::move(one));
  }
  TRY(publish(due));
  for (const Announcement& one : due) {
    TRY(transaction->Execute("UPDATE analysis_jobs SET announce = 0 WHERE job_id = $1",
                             {one.job_id}, deadline));
  }
  TRY(transaction.Commit(deadline));
  return due.size();
}

base::Result<int64_t> Outbox::AnnounceAgain(base::Duration age, base::Deadline deadline) {
  const int64_t before = (clock_.Now() - age).time_since_epoch().count();
  TRY(const sql::Rows rows,
      sql::Change(database_,
                  "UPDATE analysis_jobs SET announce = 1 WHERE status = 'pending' AND announce = 0 "
                  "AND created_at <= $1",
                  {before}, deadline));
  return rows.changed;
}

}  // namespace montage::jobs
