#pragma once
// The rows of one table as bytes and back, the same for every kind of database: lines of JSON, the
// first with the names of the columns, each other one a row.
//
//   ["user_id","failures"]
//   ["u1",0]                   text, integer; null is null
//   ["u3",{"real":"0.1"}]      the shortest text that is read back as the same number
//   ["u2",{"blob":"AAE="}]     Base64 (RFC 4648)

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/objects/byte_source.h"
#include "lib/sql/database.h"
#include "montage/storage/migrator.h"

namespace montage::backup {

/// The tables that the migrations make, in the order in which they are made: a table only refers to
/// those before it.
std::vector<std::string> TablesOf(std::span<const storage::Migration> migrations);

/// Reads a table page by page in the order of its primary key, in the transaction of `connection`.
class TableSource final : public objects::ByteSource {
 public:
  using Watch = std::function<void(const std::vector<std::string>& columns, const sql::Row& row)>;

  /// `watch` sees every row. kUnsupported when the table has no primary key.
  static base::Result<TableSource> Open(sql::Connection& connection, std::string_view table,
                                        Watch watch, base::Deadline deadline);
  base::Result<size_t> Read(std::span<char> into, base::Deadline deadline) override;
  uint64_t rows() const { return rows_; }

 private:
  TableSource(sql::Connection& connection, std::string table, std::vector<std::string> key,
              Watch watch)
      : connection_(connection),
        table_(std::move(table)),
        key_(std::move(key)),
        watch_(std::move(watch)) {}
  base::Result<void> ReadPage(base::Deadline deadline);

  sql::Connection& connection_;
  const std::string table_;
  const std::vector<std::string> key_;
  const Watch watch_;
  std::vector<sql::Value> last_;  // the key of the last row, empty before the first page
  std::string ready_;
  size_t at_ = 0;
  uint64_t rows_ = 0;
  bool ended_ = false;
};

/// Inserts all rows of `source` into the empty table; returns how many. kCorrupt when `source` is
/// not what a TableSource gives.
base::Result<uint64_t> InsertRows(sql::Connection& connection, std::string_view table,
                                  objects::ByteSource& source, base::Deadline deadline);

}  // namespace montage::backup
