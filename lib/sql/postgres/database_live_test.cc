// PostgresDatabase against a real server: the contract of every database, and what only a server
// can do to a client.

#include <cmath>
#include <cstdlib>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "lib/sql/database_contract.h"
#include "lib/sql/open.h"
#include "lib/sql/postgres/database.h"

namespace sql {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

base::Deadline Soon() { return base::Deadline::After(std::chrono::seconds(20)); }

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string ServerUrl() { return Variable("ASSAY_LIVE_POSTGRES"); }

/// A schema of its own, dropped with the object.
class Schema {
 public:
  Schema() : name_(fmt::format("t{:x}{:08x}", ::getpid(), std::random_device()())) {
    Run("CREATE SCHEMA " + name_);
  }
  ~Schema() { Run("DROP SCHEMA " + name_ + " CASCADE"); }
  std::string Url() const { return ServerUrl() + "?options=-csearch_path%3D" + name_; }

 private:
  static void Run(const std::string& statement) {
    auto server = Open(ServerUrl(), {}, Soon());
    ASSERT_TRUE(server.has_value()) << server.error().ToString();
    const auto done = Change(**server, statement, {}, Soon());
    ASSERT_TRUE(done.has_value()) << done.error().ToString();
  }
  std::string name_;
};

struct Whole {
  Schema schema;
  std::unique_ptr<PostgresDatabase> database;
};

std::shared_ptr<Database> NewDatabase() {
  auto whole = std::make_shared<Whole>();
  whole->database = PostgresDatabase::Open({.url = whole->schema.Url()}, Soon()).value();
  // So that a deadline of milliseconds is spent on a statement and not on opening a session.
  EXPECT_TRUE(Query(*whole->database, "SELECT 1", {}, Soon()).has_value());
  return {whole, whole->database.get()};
}

DatabaseFactory Factory() {
  return [] { return ServerUrl().empty() ? nullptr : NewDatabase(); };
}

INSTANTIATE_TEST_SUITE_P(Postgres, DatabaseContract, testing::Values(Factory()));

class PostgresTest : public testing::Test {
 protected:
  void SetUp() override {
    if (ServerUrl().empty()) GTEST_SKIP() << "ASSAY_LIVE_POSTGRES names no server";
    schema_ = std::make_unique<Schema>();
  }

  std::unique_ptr<PostgresDatabase> Connect(PostgresOptions options = {}) {
    options.url = schema_->Url();
    return PostgresDatabase::Open(std::move(options), Soon()).value();
  }
  static int64_t Number(Database& database, const std::string& query) {
    const auto rows = Query(database, query, {}, Soon());
    EXPECT_TRUE(rows.has_value()) << rows.error().ToString();
    return rows ? std::get<int64_t>(rows->rows.at(0).at(0).storage()) : -1;
  }

  std::unique_ptr<Schema> schema_;
};

TEST_F(PostgresTest, ReadsEveryKindOfColumn) {
  const auto database = Connect();
  const auto rows = Query(*database,
                          "SELECT true, 7::int2, 8::int4, 0.1::float4::float8, 12.50::numeric, "
                          "'\\x00ff'::bytea, '{\"a\": 1}'::jsonb, "
                          "'2026-01-02 03:04:05.6+01'::timestamptz, DATE '2026-01-02', "
                          "NULL::int, 'NaN'::float8, '{1,2}'::int[]",
                          {}, Soon());
  ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
  const Row& row = rows->rows.at(0);
  EXPECT_EQ(row[0], Value(1));
  EXPECT_EQ(row[1], Value(7));
  EXPECT_EQ(row[2], Value(8));
  EXPECT_NEAR(std::get<double>(row[3].storage()), 0.1, 1e-7);
  EXPECT_EQ(row[4], Value("12.50"));
  EXPECT_EQ(row[5], Value(Blob{std::string("\x00\xff", 2)}));
  EXPECT_EQ(row[6], Value("{\"a\": 1}"));
  EXPECT_EQ(row[7], Value("2026-01-02 02:04:05.6+00"));
  EXPECT_EQ(row[8], Value("2026-01-02"));
  EXPECT_TRUE(row[9].is_null());
  EXPECT_TRUE(std::isnan(std::get<double>(row[10].storage())));
  EXPECT_EQ(row[11], Value("{1,2}"));
  EXPECT_THAT(rows->types,
              ElementsAre(ColumnType::kBool, ColumnType::kUnknown, ColumnType::kUnknown,
                          ColumnType::kUnknown, ColumnType::kDecimal, ColumnType::kUnknown,
                          ColumnType::kJson, ColumnType::kTimestamp, ColumnType::kUnknown,
                          ColumnType::kUnknown, ColumnType::kUnknown, ColumnType::kUnknown));
}

TEST_F(PostgresTest, ManyRowsKeepEveryByte) {
  const auto database = Connect();
  ASSERT_TRUE(
      Change(*database, "CREATE TABLE t (i bigint, s text, b bytea, d float8)", {}, Soon()));
  const std::string wild = "tab\t newline\n return\r back\\slash \\N \\. \xC3\xBC";
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  std::vector<Row> rows;
  for (int i = 0; i < 2'000; ++i) rows.push_back({i, wild, Blob{all}, i * 0.1});
  rows.push_back({nullptr, nullptr, nullptr, nullptr});
  auto writer = database->Acquire(Access::kWrite, Soon());
  ASSERT_TRUE(writer.has_value());
  const std::vector<std::string> columns = {"i", "s", "b", "d"};
  const auto done = (*writer)->InsertMany("t", columns, rows, Soon());
  ASSERT_TRUE(done.has_value()) << done.error().ToString();
  const auto back = (*writer)->Execute("SELECT i, s, b, d FROM t WHERE i = 1999", {}, Soon());
  EXPECT_EQ(back->rows.at(0), rows[1'999]);
  EXPECT_EQ(Number(*database, "SELECT count(*) FROM t"), 2'001);
  EXPECT_EQ(Number(*database, "SELECT count(*) FROM t WHERE i IS NULL AND b IS NULL"), 1);
}

TEST_F(PostgresTest, AFailedInsertOfManyLeavesItsTransactionUsable) {
  const auto database = Connect();
  ASSERT_TRUE(Change(*database, "CREATE TABLE t (i bigint PRIMARY KEY)", {}, Soon()));
  auto transaction = Transaction::Begin(*database, Soon());
  ASSERT_TRUE(transaction.has_value());
  const std::vector<std::string> columns = {"i"};
  const auto refused = (*transaction)->InsertMany("t", columns, std::vector<Row>{{1}, {1}}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_EQ((*transaction)->refusal()->sqlstate, "23505");
  ASSERT_TRUE((*transaction)->InsertMany("t", columns, std::vector<Row>{{1}, {2}}, Soon()));
  ASSERT_TRUE(transaction->Commit(Soon()));
  EXPECT_EQ(Number(*database, "SELECT count(*) FROM t"), 2);
}

TEST_F(PostgresTest, ARefusalSaysWhatTheServerSaid) {
  const auto database = Connect();
  ASSERT_TRUE(
      Change(*database, "CREATE TABLE t (name text CONSTRAINT one_name UNIQUE)", {}, Soon()));
  auto lease = database->Acquire(Access::kWrite, Soon());
  ASSERT_TRUE((*lease)->Execute("INSERT INTO t VALUES ('epilepsy')", {}, Soon()));
  EXPECT_EQ((*lease)->refusal(), nullptr);
  const auto twice = (*lease)->Execute("INSERT INTO t VALUES ($1)", {"epilepsy"}, Soon());
  ASSERT_FALSE(twice.has_value());
  EXPECT_THAT(twice.error().ToString(), Not(HasSubstr("epilepsy")));
  ASSERT_NE((*lease)->refusal(), nullptr);
  EXPECT_EQ((*lease)->refusal()->sqlstate, "23505");
  EXPECT_EQ((*lease)->refusal()->constraint, "one_name");
  EXPECT_EQ((*lease)->refusal()->table, "t");
  EXPECT_THAT((*lease)->refusal()->detail, HasSubstr("epilepsy"));
  const auto wrong = (*lease)->Execute("SELECT $1::int", {"epilepsy"}, Soon());
  EXPECT_THAT(wrong.error().ToString(), Not(HasSubstr("epilepsy"))) << "22P02 quotes the value";
}

TEST_F(PostgresTest, AStatementAfterARefusedOneCannotBeCommitted) {
  const auto database = Connect();
  ASSERT_TRUE(Change(*database, "CREATE TABLE t (i int)", {}, Soon()));
  auto transaction = Transaction::Begin(*database, Soon());
  ASSERT_TRUE((*transaction)->Execute("INSERT INTO t VALUES (1)", {}, Soon()));
  EXPECT_FALSE((*transaction)->Execute("SELECT 1 / 0", {}, Soon()).has_value());
  const auto committed = transaction->Commit(Soon());
  ASSERT_FALSE(committed.has_value()) << "the server answers COMMIT with ROLLBACK";
  EXPECT_EQ(committed.error().code, ErrorCode::kConflict);
  EXPECT_EQ(Number(*database, "SELECT count(*) FROM t"), 0);
}

TEST_F(PostgresTest, SerializableTransactionsThatCrossAreAConflict) {
  const auto database = Connect({.write_order = WriteOrder::kConcurrent});
  ASSERT_TRUE(Change(*database, "CREATE TABLE t (i int)", {}, Soon()));
  auto one = database->Acquire(Access::kWrite, Soon());
  auto two = database->Acquire(Access::kWrite, Soon());
  for (auto* lease : {&*one, &*two}) {
    ASSERT_TRUE((*lease)->Begin(Isolation::kSerializable, Soon()));
    ASSERT_TRUE((*lease)->Execute("SELECT count(*) FROM t", {}, Soon()));
    ASSERT_TRUE((*lease)->Execute("INSERT INTO t VALUES (1)", {}, Soon()));
  }
  ASSERT_TRUE((*one)->Commit(Soon()));
  const auto crossed = (*two)->Commit(Soon());
  ASSERT_FALSE(crossed.has_value());
  EXPECT_EQ(crossed.error().code, ErrorCode::kConflict);
  EXPECT_EQ((*two)->refusal()->sqlstate, "40001");
}

TEST_F(PostgresTest, ASessionThatTheServerClosedIsReplaced) {
  const auto database = Connect({.writers = 1});
  int64_t first = 0;
  {
    auto lease = database->Acquire(Access::kWrite, Soon());
    first = std::get<int64_t>(
        (*lease)->Execute("SELECT pg_backend_pid()", {}, Soon())->rows.at(0).at(0).storage());
    const auto other = Connect();
    ASSERT_TRUE(Change(*other, "SELECT pg_terminate_backend($1::int, 5000)", {first}, Soon()));
    const auto lost = (*lease)->Execute("SELECT 1", {}, Soon());
    ASSERT_FALSE(lost.has_value());
    EXPECT_EQ(lost.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ((*lease)->refusal(), nullptr);
  }
  auto lease = database->Acquire(Access::kWrite, Soon());
  ASSERT_TRUE(lease.has_value()) << lease.error().ToString();
  const auto again = (*lease)->Execute("SELECT pg_backend_pid()", {}, Soon());
  ASSERT_TRUE(again.has_value()) << again.error().ToString();
  EXPECT_NE(again->rows.at(0).at(0), Value(first));
}

TEST_F(PostgresTest, AnIdleSessionThatDiedIsNotGivenOut) {
  const auto database = Connect({.writers = 1});
  const int64_t first = std::get<int64_t>(
      Change(*database, "SELECT pg_backend_pid()", {}, Soon())->rows.at(0).at(0).storage());
  const auto other = Connect();
  ASSERT_TRUE(Change(*other, "SELECT pg_terminate_backend($1::int, 5000)", {first}, Soon()));
  EXPECT_TRUE(Change(*database, "SELECT 1", {}, Soon()).has_value());
}

TEST_F(PostgresTest, AnInterruptEndsAWaitForTheServer) {
  const auto interrupt = std::make_shared<Interrupt>();
  const auto database = Connect({.interrupt = interrupt});
  auto lease = database->Acquire(Access::kWrite, Soon());
  const std::jthread other([&] { interrupt->Raise(); });
  const auto slept = (*lease)->Execute("SELECT pg_sleep(30)", {}, Soon());
  ASSERT_FALSE(slept.has_value());
  EXPECT_EQ(slept.error().code, ErrorCode::kCancelled);
}

TEST_F(PostgresTest, TheServerGivesUpAStatementThatTheClientGaveUp) {
  const auto database = Connect();
  ASSERT_TRUE(Change(*database, "CREATE TABLE t (i int)", {}, Soon()));
  auto lease = database->Acquire(Access::kWrite, Soon());
  ASSERT_TRUE((*lease)->Begin(Soon()));
  ASSERT_TRUE((*lease)->Execute("LOCK TABLE t", {}, Soon()));
  const auto late = (*lease)->Execute("SELECT pg_sleep(30)", {},
                                      base::Deadline::After(std::chrono::milliseconds(50)));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  EXPECT_EQ((*lease)->Execute("SELECT 1", {}, Soon()).error().code, ErrorCode::kUnavailable)
      << "the session is closed";
  // The lock of the abandoned session is gone well before its 30 seconds.
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(Number(*database, "SELECT count(*) FROM t"), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(10));
}

TEST_F(PostgresTest, AStatementPreparedBeforeATableChangedStillWorks) {
  const auto database = Connect({.writers = 1});
  ASSERT_TRUE(Change(*database, "CREATE TABLE t (i int)", {}, Soon()));
  ASSERT_TRUE(Change(*database, "SELECT * FROM t", {}, Soon()));
  ASSERT_TRUE(Change(*database, "ALTER TABLE t ADD COLUMN s text", {}, Soon()));
  const auto rows = Change(*database, "SELECT * FROM t", {}, Soon());
  ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
  EXPECT_THAT(rows->columns, ElementsAre("i", "s"));
}

TEST_F(PostgresTest, MoreStatementsThanAreKeptPreparedStillWork) {
  const auto database = Connect({.writers = 1});
  for (int i = 0; i < 300; ++i) {
    const auto rows = Change(*database, "SELECT " + std::to_string(i), {}, Soon());
    ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
  }
  EXPECT_LE(
      std::get<int64_t>(Change(*database, "SELECT count(*) FROM pg_prepared_statements", {}, Soon())
                            ->rows.at(0)
                            .at(0)
                            .storage()),
      128);
}

TEST_F(PostgresTest, CopyAsAPlainStatementIsUnsupported) {
  const auto database = Connect();
  EXPECT_EQ(Change(*database, "COPY (SELECT 1) TO STDOUT", {}, Soon()).error().code,
            ErrorCode::kUnsupported);
  EXPECT_TRUE(Change(*database, "SELECT 1", {}, Soon()).has_value());
}

TEST_F(PostgresTest, AWrongPasswordOrDatabaseIsNamedWithoutThePassword) {
  std::string url = ServerUrl();
  const size_t at = url.find('@');
  const auto wrong =
      Open(url.substr(0, url.rfind(':', at)) + ":wr0ng" + url.substr(at), {}, Soon());
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, ErrorCode::kUnauthorized);
  EXPECT_THAT(wrong.error().ToString(), Not(HasSubstr("wr0ng")));
  const auto nowhere = Open(url.substr(0, url.rfind('/')) + "/nowhere", {}, Soon());
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_EQ(nowhere.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(nowhere.error().ToString(), HasSubstr("nowhere"));
}

TEST_F(PostgresTest, TlsIsVerifiedAsTheUrlAsks) {
  const std::string certificate = Variable("ASSAY_LIVE_POSTGRES_CA");
  if (certificate.empty()) GTEST_SKIP() << "ASSAY_LIVE_POSTGRES_CA names no certificate";
  const auto database =
      Open(ServerUrl() + "?sslmode=verify-full&sslrootcert=" + certificate, {}, Soon());
  ASSERT_TRUE(database.has_value()) << database.error().ToString();
  const auto tls =
      Query(**database, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", {}, Soon());
  EXPECT_EQ(tls->rows.at(0).at(0), Value(1));
  const auto untrusted =
      Open(ServerUrl() + "?sslmode=verify-full&sslrootcert=/nonexistent.pem", {}, Soon());
  ASSERT_FALSE(untrusted.has_value());
  EXPECT_THAT(untrusted.error().ToString(), HasSubstr("nonexistent.pem"));
}

TEST_F(PostgresTest, AReplicaReadsWhatThePrimaryWroteAndRefusesToWrite) {
  const std::string replica_url = Variable("ASSAY_LIVE_POSTGRES_REPLICA");
  if (replica_url.empty()) GTEST_SKIP() << "ASSAY_LIVE_POSTGRES_REPLICA names no server";
  auto replica = Open(replica_url, {}, Soon());
  ASSERT_TRUE(replica.has_value()) << replica.error().ToString();
  const auto written = Change(**replica, "CREATE TABLE never (i int)", {}, Soon());
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, ErrorCode::kForbidden);
}

TEST_F(PostgresTest, AServerThatTakesNoChangesIsLeftWhereThatWasAskedFor) {
  const std::string replica_url = Variable("ASSAY_LIVE_POSTGRES_REPLICA");
  if (replica_url.empty()) GTEST_SKIP() << "ASSAY_LIVE_POSTGRES_REPLICA names no server";
  auto replica = PostgresDatabase::Open(
      {.url = replica_url, .writers = 1, .discards_read_only = true}, Soon());
  ASSERT_TRUE(replica.has_value()) << replica.error().ToString();
  auto session = (*replica)->Acquire(Access::kWrite, Soon());
  ASSERT_TRUE(session.has_value());
  const auto written = (*session)->Execute("CREATE TABLE never (i int)", {}, Soon());
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE((*session)->Execute("SELECT 1", {}, Soon()).has_value()) << "the session is closed";
}

TEST_F(PostgresTest, AServerThatIsNotThereYetCanBeOpenedLater) {
  const auto later = PostgresDatabase::Open(
      {.url = "postgresql://u@127.0.0.1:1/d", .connects_at_once = false}, Soon());
  ASSERT_TRUE(later.has_value()) << later.error().ToString();
  const auto session = (*later)->Acquire(Access::kRead, Soon());
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(
      PostgresDatabase::Open({.url = "no url", .connects_at_once = false}, Soon()).error().code,
      ErrorCode::kInvalid);
}

}  // namespace
}  // namespace sql
