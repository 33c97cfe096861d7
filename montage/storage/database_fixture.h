#pragma once
// For tests only: what Montage keeps in a database is tested on every kind of database. A suite is
// written once, in a header x_contract.h, as TEST_P of a class derived from DatabaseTest. x_test.cc
// instantiates it on SQLite, x_live_test.cc on the PostgreSQL that ASSAY_LIVE_POSTGRES names:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, JobQueueContract, testing::Values(storage::NewSqliteFile));

#include <memory>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "lib/sql/open.h"
#include "lib/testing/temp_dir.h"
#include "lib/testing/test_server.h"
#include "montage/storage/schema.h"

namespace montage::storage {

inline const base::Deadline kNever = base::Deadline::Never();

/// An empty database, gone with the object.
class TestDatabase {
 public:
  virtual ~TestDatabase() = default;
  virtual std::string Url() const = 0;
  /// As one more program sees it.
  std::unique_ptr<sql::Database> Connect() const {
    auto opened =
        sql::Open(Url(), {.connections = 6}, base::Deadline::After(std::chrono::minutes(1)));
    EXPECT_TRUE(opened.has_value()) << opened.error().ToString();
    return *std::move(opened);
  }
};

using TestDatabaseFactory = std::unique_ptr<TestDatabase> (*)();

class SqliteFile final : public TestDatabase {
 public:
  std::string Url() const override {
    return "sqlite:" + (folder_ / "montage.db").string() + "?mode=rwc";
  }

 private:
  testing_support::TempDir folder_;
};

inline std::unique_ptr<TestDatabase> NewSqliteFile() { return std::make_unique<SqliteFile>(); }

/// A schema of its own in the database of the URL.
class PostgresSchema final : public TestDatabase {
 public:
  explicit PostgresSchema(std::string server)
      : server_(std::move(server)),
        name_(fmt::format("t{:x}_{:08x}", ::getpid(), std::random_device()())) {
    Run("CREATE SCHEMA " + name_);
  }
  ~PostgresSchema() override { Run("DROP SCHEMA " + name_ + " CASCADE"); }
  std::string Url() const override { return server_ + "?options=-csearch_path%3D" + name_; }

 private:
  void Run(const std::string& statement) const {
    const auto soon = base::Deadline::After(std::chrono::minutes(1));
    const auto server = sql::Open(server_, {}, soon);
    ASSERT_TRUE(server.has_value()) << server.error().ToString();
    const auto done = sql::Change(**server, statement, {}, soon);
    ASSERT_TRUE(done.has_value()) << done.error().ToString();
  }

  const std::string server_;
  const std::string name_;
};

/// A whole database on the server of the URL, for what is counted or installed by database.
class OwnPostgresDatabase final : public TestDatabase {
 public:
  explicit OwnPostgresDatabase(std::string server)
      : server_(std::move(server)),
        name_(fmt::format("d{:x}_{:08x}", ::getpid(), std::random_device()())) {
    Run("CREATE DATABASE " + name_);
  }
  ~OwnPostgresDatabase() override { Run("DROP DATABASE " + name_ + " WITH (FORCE)"); }
  std::string Url() const override { return server_.substr(0, server_.rfind('/') + 1) + name_; }

 private:
  /// Outside of a transaction, in which neither of the two statements is allowed.
  void Run(const std::string& statement) const {
    const auto soon = base::Deadline::After(std::chrono::minutes(1));
    const auto server = sql::Open(server_, {}, soon);
    ASSERT_TRUE(server.has_value()) << server.error().ToString();
    const auto lease = (*server)->Acquire(sql::Access::kWrite, soon);
    ASSERT_TRUE(lease.has_value()) << lease.error().ToString();
    const auto done = (*lease)->Execute(statement, {}, soon);
    ASSERT_TRUE(done.has_value()) << done.error().ToString();
  }

  const std::string server_;
  const std::string name_;
};

/// Null when this test run has no PostgreSQL.
inline std::unique_ptr<TestDatabase> NewPostgresSchema() {
  const auto server = testing_support::LiveUrl("ASSAY_LIVE_POSTGRES");
  if (!server) return nullptr;
  return std::make_unique<PostgresSchema>(*server);
}

inline void MigrateUp(sql::Database& database) {
  const base::SystemClock clock;
  const auto done = Migrator(database, Migrations(), clock).Up(kNever);
  EXPECT_TRUE(done.has_value()) << done.error().ToString();
}

/// A connection to a new database that gets the whole schema.
inline std::unique_ptr<sql::Database> ConnectMigrated(const TestDatabase& home) {
  auto database = home.Connect();
  MigrateUp(*database);
  return database;
}

inline void Must(sql::Database& database, const std::string& statement) {
  const auto done = sql::Change(database, statement, {}, kNever);
  ASSERT_TRUE(done.has_value()) << statement << ": " << done.error().ToString();
}

/// `from`: a table, and what may follow it in a query.
inline int64_t CountRows(sql::Database& database, const std::string& from) {
  const auto rows = sql::Query(database, "SELECT count(*) FROM " + from, {}, kNever);
  EXPECT_TRUE(rows.has_value()) << rows.error().ToString();
  return rows ? std::get<int64_t>(rows->rows.at(0).at(0).storage()) : -1;
}

/// From now on each statement that does `event` (INSERT, UPDATE) to a row of `table` is carried out
/// and then refused.
inline void PlantFault(sql::Database& database, const std::string& table,
                       const std::string& event) {
  if (database.dialect() == sql::Dialect::kSqlite) {
    Must(database, fmt::format("CREATE TRIGGER planted AFTER {} ON {} BEGIN SELECT RAISE(ABORT, "
                               "'planted'); END",
                               event, table));
    return;
  }
  Must(database,
       "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE "
       "EXCEPTION 'planted'; END $$");
  Must(database, fmt::format("CREATE TRIGGER planted AFTER {} ON {} FOR EACH ROW EXECUTE FUNCTION "
                             "refuse()",
                             event, table));
}

inline void RemoveFault(sql::Database& database, const std::string& table) {
  const bool names_table = database.dialect() == sql::Dialect::kPostgres;
  Must(database, "DROP TRIGGER planted" + (names_table ? " ON " + table : std::string()));
}

/// Each test has a database of its own, with the whole schema unless it migrates itself.
class DatabaseTest : public testing::TestWithParam<TestDatabaseFactory> {
 protected:
  enum class Schema { kWhole, kNone };
  explicit DatabaseTest(Schema schema = Schema::kWhole)
      : home_(GetParam()()), has_server_(home_ != nullptr) {
    // Members of derived classes want some database, also when their test is skipped.
    if (!has_server_) home_ = NewSqliteFile();
    database_ = home_->Connect();
    if (schema == Schema::kWhole) MigrateUp(*database_);
  }
  void SetUp() override {
    if (!has_server_) GTEST_SKIP() << "ASSAY_LIVE_POSTGRES names no server";
  }

  std::unique_ptr<TestDatabase> home_;
  const bool has_server_;
  std::unique_ptr<sql::Database> database_;
};

}  // namespace montage::storage
