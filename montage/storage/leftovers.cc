#include "montage/storage/leftovers.h"

#include <set>
#include <vector>

#include <fmt/format.h>

namespace montage::storage {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

constexpr size_t kKeysOfAPage = 500;
constexpr std::string_view kIds = "{ids}";
constexpr std::string_view kNow =
    "CAST(extract(epoch FROM clock_timestamp()) * 1000000000 AS bigint)";

Result<base::WallTime> TimeOfDatabase(sql::Database& database, Deadline deadline) {
  if (database.dialect() != sql::Dialect::kPostgres) {
    return base::Fail(ErrorCode::kUnsupported,
                      "old leftovers are swept on PostgreSQL only; SQLite does it at its start");
  }
  TRY(const sql::Lease lease, database.Acquire(sql::Access::kWrite, deadline));
  TRY(const sql::Rows rows, lease->Execute(fmt::format("SELECT {}", kNow), {}, deadline));
  sql::RowReader reader(rows.rows.at(0));
  const int64_t now_ns = reader.Int();
  TRY(reader.Finish());
  return base::WallTime(std::chrono::nanoseconds(now_ns));
}

std::string IdOf(const Claims& claims, std::string_view key) {
  key.remove_prefix(claims.prefix.size());
  return std::string(key.substr(0, key.find('/')));
}

Result<std::set<std::string>> ClaimedOf(sql::Database& database, const Claims& claims,
                                        const std::vector<objects::ObjectStat>& page,
                                        Deadline deadline) {
  std::vector<sql::Value> ids;
  std::string places;
  for (const objects::ObjectStat& object : page) {
    ids.emplace_back(IdOf(claims, object.key));
    places += fmt::format("{}${}", ids.size() == 1 ? "" : ", ", ids.size());
  }
  std::string statement(claims.statement);
  statement.replace(statement.find(kIds), kIds.size(), places);
  TRY(const sql::Lease lease, database.Acquire(sql::Access::kWrite, deadline));
  TRY(const sql::Rows rows, lease->Execute(statement, ids, deadline));
  std::set<std::string> claimed;
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    claimed.insert(reader.Text());
    TRY(reader.Finish());
  }
  return claimed;
}

}  // namespace

std::string InTimeFor(base::WallTime stored, base::Duration age) {
  return fmt::format("{} < {}", kNow, (stored + age / 2).time_since_epoch().count());
}

Result<int64_t> SweepUnclaimed(sql::Database& database, objects::ObjectStore& store,
                               const Claims& claims, base::Duration age, Deadline deadline) {
  // Before anything is listed: whatever is too old by now cannot get a row later.
  TRY(const base::WallTime now, TimeOfDatabase(database, deadline));
  int64_t removed = 0;
  objects::ListQuery query{.prefix = std::string(claims.prefix), .limit = kKeysOfAPage};
  while (true) {
    TRY(const auto page, store.List(claims.bucket, query, deadline));
    if (page.objects.empty()) return removed;
    query.after = page.objects.back().key;
    TRY(const auto claimed, ClaimedOf(database, claims, page.objects, deadline));
    for (const objects::ObjectStat& object : page.objects) {
      if (claimed.contains(IdOf(claims, object.key))) continue;
      // A listing may tell another time than the one that the writer was told.
      const auto stat = store.Head(claims.bucket, object.key, deadline);
      if (!stat && stat.error().code == ErrorCode::kNotFound) continue;
      if (!stat) return base::Fail(stat.error());
      if (stat->modified + age > now) continue;
      TRY(store.Delete(claims.bucket, object.key, deadline));
      ++removed;
    }
    if (!page.more) return removed;
  }
}

}  // namespace montage::storage
