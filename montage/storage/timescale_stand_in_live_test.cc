// The branch of migration 4 for TimescaleDB, without TimescaleDB, which Debian does not have: a
// database in whose catalogue the extension is entered, with a stand-in for create_hypertable that
// has the documented parameters (docs.timescale.com, API reference) and notes its call. It shows
// that the branch is chosen where the extension is, and only there, that its SQL is accepted, and
// what it asks for. It does not show what TimescaleDB makes of that.

#include "montage/storage/database_fixture.h"
#include "montage/storage/system_metrics.h"

namespace montage::storage {
namespace {

using namespace std::chrono_literals;

class TimescaleStandInLive : public testing::Test {
 protected:
  void SetUp() override {
    const auto server = testing_support::LiveUrl("ASSAY_LIVE_POSTGRES");
    if (!server) GTEST_SKIP() << "ASSAY_LIVE_POSTGRES names no server";
    home_ = std::make_unique<OwnPostgresDatabase>(*server);
    database_ = home_->Connect();
    const auto superuser = sql::Query(
        *database_, "SELECT 1 FROM pg_roles WHERE rolname = current_user AND rolsuper", {}, kNever);
    if (superuser->empty()) GTEST_SKIP() << "only a superuser can enter an extension by hand";
    Must(*database_,
         "CREATE TABLE calls (relation text, time_column text, chunk_ns bigint, if_not_exists "
         "boolean, migrate_data boolean)");
    Must(*database_, R"(CREATE FUNCTION create_hypertable(relation regclass, time_column_name name,
        partitioning_column name DEFAULT NULL, number_partitions integer DEFAULT NULL,
        chunk_time_interval anyelement DEFAULT NULL::bigint, create_default_indexes boolean DEFAULT true,
        if_not_exists boolean DEFAULT false, migrate_data boolean DEFAULT false)
        RETURNS void LANGUAGE sql AS $$ INSERT INTO calls VALUES (relation::text, time_column_name,
        chunk_time_interval::bigint, if_not_exists, migrate_data) $$)");
  }
  /// In the catalogue of this database only, which goes away with the test.
  void EnterExtension() {
    auto transaction = sql::Transaction::Begin(*database_, kNever).value();
    ASSERT_TRUE(transaction->Execute("SET LOCAL allow_system_table_mods = on", {}, kNever));
    const auto entered = transaction->Execute(
        "INSERT INTO pg_catalog.pg_extension (oid, extname, extowner, extnamespace, "
        "extrelocatable, "
        "extversion) VALUES (9999, 'timescaledb', 10, 11, false, 'stand-in')",
        {}, kNever);
    ASSERT_TRUE(entered.has_value()) << entered.error().ToString();
    ASSERT_TRUE(transaction.Commit(kNever));
  }

  std::unique_ptr<OwnPostgresDatabase> home_;
  std::unique_ptr<sql::Database> database_;
};

TEST_F(TimescaleStandInLive, WhereTheExtensionIsTheSeriesBecomesAHypertableOfDays) {
  EnterExtension();
  MigrateUp(*database_);
  const auto calls = sql::Query(*database_,
                                "SELECT relation, time_column, chunk_ns FROM calls WHERE "
                                "if_not_exists AND migrate_data",
                                {}, kNever);
  ASSERT_TRUE(calls.has_value());
  const int64_t day_ns = std::chrono::nanoseconds(24h).count();
  EXPECT_EQ(calls->rows, (std::vector<sql::Row>{{"system_metrics", "timestamp", day_ns}}));
  EXPECT_EQ(CountRows(*database_, "calls"), 1);
}

TEST_F(TimescaleStandInLive, WhereItIsNotTheFunctionAloneIsNotCalled) {
  MigrateUp(*database_);
  EXPECT_EQ(CountRows(*database_, "calls"), 0);
}

/// The hourly query has one form for all: nothing in it depends on the extension.
TEST_F(TimescaleStandInLive, TheHourlyQueryIsTheSameOne) {
  EnterExtension();
  MigrateUp(*database_);
  const base::WallTime start(20'000 * 24h);
  std::vector<SystemSample> samples;
  for (int i = 0; i < 120; ++i)
    samples.push_back({start + i * 1min, i, static_cast<double>(i), 2.0 * i, 0.0});
  ASSERT_TRUE(StoreSamples(*database_, samples, kNever).has_value());
  const auto hours = HoursOfSystem(*database_, start, start + 2h, kNever);
  ASSERT_TRUE(hours.has_value());
  ASSERT_EQ(hours->size(), 2U);
  EXPECT_EQ((*hours)[0].mean_cpu_percent, 29.5);
  EXPECT_EQ((*hours)[1].mean_memory_mb, 179.0);
  EXPECT_EQ((*hours)[1].most_active_jobs, 119);
}

}  // namespace
}  // namespace montage::storage
