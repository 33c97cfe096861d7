// Backup and restore with PostgreSQL (ASSAY_LIVE_POSTGRES), as an operator does them: what was in
// one database is in another one afterwards, whichever kinds they are.

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sql/postgres/database.h"
#include "lib/testing/temp_dir.h"
#include "lib/testing/test_server.h"
#include "montage/app/cli/program.h"
#include "montage/app/data_directory.h"
#include "montage/backup/table_rows.h"
#include "montage/clinical/records.h"
#include "montage/jobs/sql_job_queue.h"
#include "montage/jobs/worker.h"
#include "montage/recordings/recordings.h"
#include "montage/storage/database_fixture.h"
#include "montage/storage/schema.h"
#include "montage/storage/system_metrics.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

base::Deadline Soon() { return base::Deadline::After(1min); }

/// A Montage: its folder, and its database when that is not in the folder.
struct Home {
  fs::path data;
  std::string database_url;
};

base::Result<std::string> Accept(objects::ByteSource&, base::Deadline) { return "edf"; }

class RestoreLive : public testing::Test {
 protected:
  void SetUp() override {
    const auto server = testing_support::LiveUrl("ASSAY_LIVE_POSTGRES");
    if (!server) GTEST_SKIP() << "ASSAY_LIVE_POSTGRES names no server";
    server_ = *server;
  }
  Home NewPostgres(const std::string& name) {
    // Sessions are counted by database.
    databases_.push_back(std::make_unique<storage::OwnPostgresDatabase>(server_));
    return {folder_ / name, databases_.back()->Url()};
  }
  Home NewSqlite(const std::string& name) const { return {folder_ / name, ""}; }

  int Run(const Home& home, std::vector<std::string> arguments) {
    std::istringstream input("a long enough password\n");
    std::ostringstream out;
    arguments.insert(arguments.end(), {"--data", home.data.string()});
    if (!home.database_url.empty())
      arguments.insert(arguments.end(), {"--database", home.database_url});
    const int code = RunProgram(
        arguments, {.in = input, .out = out, .err = out, .environment = [](std::string_view) {
                      return std::nullopt;
                    }});
    output_ = out.str();
    return code;
  }
  std::unique_ptr<DataDirectory> Open(const Home& home) const {
    return DataDirectory::Open({.path = home.data, .database = {.url = home.database_url}}, clock_,
                               Soon())
        .value();
  }
  std::string Backup() const { return (folder_ / "backup").string(); }
  void GiveKeys(const Home& from, const Home& to) const {
    fs::create_directories(to.data);
    fs::copy_file(from.data / "keys", to.data / "keys");
  }

  /// Something in every table that a system in use fills, values of every kind among it.
  void Fill(const Home& home) {
    ASSERT_EQ(Run(home, {"users", "create", "anna", "--role", "clinician", "--site", "ward"}), 0)
        << output_;
    const auto directory = Open(home);
    ASSERT_TRUE(directory->objects().EnsureBucket(recordings::kBucket, Soon()).has_value());
    ASSERT_TRUE(directory->objects().EnsureBucket(jobs::kResultsBucket, Soon()).has_value());
    recordings::Recordings recordings(directory->database(), directory->objects(),
                                      directory->keys(), clock_, 1 << 22);
    jobs::SqlJobQueue queue(directory->database(), clock_);
    for (const size_t size : {size_t{1}, size_t{200'000}}) {
      objects::TextSource source(std::string(size, 'e'));
      const auto uploaded = recordings.Upload({"ward", "anna"}, fmt::format("n\xc3\xa4me {}", size),
                                              source, Accept, Soon());
      ASSERT_TRUE(uploaded.has_value()) << uploaded.error().ToString();
      file_ids_.push_back(uploaded->recording.file_id);
      ASSERT_TRUE(queue.Submit({.tenant = "ward",
                                .owner_id = "anna",
                                .file_id = file_ids_.back(),
                                .analysis_type = "quick",
                                .parameters = "{}"},
                               Soon()));
    }
    const auto claimed = queue.Claim("w", 30s, Soon()).value();
    ASSERT_TRUE(claimed.has_value());
    const std::string key = jobs::ResultKey(claimed->job.job_id);
    const auto store = [&]() -> base::Result<void> {
      TRY(objects::PutText(directory->objects(), jobs::kResultsBucket, key, "{}", {}, Soon()));
      return {};
    };
    ASSERT_TRUE(queue.Complete(claimed->lease, {"{\"a\":\"\xc3\xa4\"}", key, 7, 3}, store, Soon()));
    clinical::Records records(directory->database(), directory->keys(), clock_);
    for (const char* diagnosis : {"epilepsy", "migraine"})
      ASSERT_TRUE(records.Put(kKey, "anna", {"1", diagnosis, {"x", "y"}}, {}, Soon()).has_value());
    const storage::SystemSample sample{
        .time = base::WallTime(1h), .active_jobs = 3, .cpu_percent = 0.1, .memory_mb = 1e-9};
    ASSERT_TRUE(storage::StoreSamples(directory->database(), std::span(&sample, 1), Soon()));
  }

  /// The rows of every table, in an order that does not depend on how a database sorts text.
  std::map<std::string, std::vector<std::string>> Rows(const Home& home) const {
    std::map<std::string, std::vector<std::string>> all;
    const auto directory = Open(home);
    const auto lease = directory->database().Acquire(sql::Access::kRead, Soon()).value();
    for (const std::string& table : backup::TablesOf(storage::Migrations())) {
      auto source =
          backup::TableSource::Open(*lease, table, [](const auto&, const auto&) {}, Soon()).value();
      std::istringstream lines(objects::ReadAll(source, 1 << 26, Soon()).value());
      for (std::string line; std::getline(lines, line);) all[table].push_back(line);
      std::ranges::sort(all[table]);
    }
    return all;
  }
  void ExpectEqual(const Home& restored, const Home& source) const {
    auto found = Rows(restored);
    auto expected = Rows(source);
    // Each trail goes on with an entry of its own: backup.create, backup.restore.
    for (auto* rows : {&found, &expected}) {
      std::erase_if(rows->at("audit_log"), [](const std::string& row) {
        return row.find("\"backup.") != std::string::npos;
      });
    }
    for (const auto& [table, rows] : expected) EXPECT_EQ(found[table], rows) << table;
    EXPECT_GT(expected["audit_log"].size(), 1U);
    for (const char* table :
         {"users", "files", "analysis_jobs", "analysis_results", "clinical_records",
          "analysis_metrics", "system_metrics", "audit_log"})
      EXPECT_GE(expected[table].size(), 2U) << table << " has rows besides its heading";
  }
  /// It is not only there: it can be used.
  void ExpectUsable(const Home& home) {
    EXPECT_EQ(Run(home, {"doctor"}), 0) << output_;
    EXPECT_THAT(output_, HasSubstr("2 recordings, 0 objects without a row"));
    EXPECT_THAT(output_, HasSubstr("1 completed jobs, 0 results without one"));
    EXPECT_THAT(output_, HasSubstr("2 versions of records\n"));
    EXPECT_EQ(Run(home, {"audit", "verify"}), 0) << output_;
    const auto directory = Open(home);
    recordings::Recordings recordings(directory->database(), directory->objects(),
                                      directory->keys(), clock_, 1 << 22);
    const auto content = recordings.Open(file_ids_.at(1), Soon());
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(objects::ReadAll(**content, 1 << 22, Soon()).value(), std::string(200'000, 'e'));
    EXPECT_EQ(recordings.Find(file_ids_.at(1), Soon())->name, "n\xc3\xa4me 200000");
    clinical::Records records(directory->database(), directory->keys(), clock_);
    EXPECT_EQ(records.Get(kKey, {}, Soon())->record.diagnosis, "migraine");
    EXPECT_EQ(records.Get(kKey, 1, Soon())->record.medications,
              (std::vector<std::string>{"x", "y"}));
    jobs::SqlJobQueue queue(directory->database(), clock_);
    // Its number is a new one: the identity column goes on behind what was copied.
    EXPECT_TRUE(queue.Submit({.tenant = "ward",
                              .owner_id = "anna",
                              .file_id = file_ids_.at(0),
                              .analysis_type = "quick",
                              .parameters = "{}"},
                             Soon()))
        << home.data;
    EXPECT_EQ(queue.List({.tenant = "ward", .limit = 10}, Soon())->size(), 3U);
  }
  void CheckWay(const Home& from, const Home& to) {
    Fill(from);
    ASSERT_EQ(Run(from, {"backup", Backup()}), 0) << output_;
    GiveKeys(from, to);
    ASSERT_EQ(Run(to, {"restore", Backup()}), 0) << output_;
    EXPECT_THAT(output_, HasSubstr("restored "));
    ExpectEqual(to, from);
    ExpectUsable(to);
    EXPECT_EQ(Run(to, {"restore", Backup()}), 1) << "it is not empty any more";
    EXPECT_THAT(output_, HasSubstr("--force"));
    ASSERT_EQ(Run(to, {"restore", Backup(), "--force"}), 0) << output_;
    ExpectEqual(to, from);
  }

  static inline const clinical::RecordKey kKey{"ward", "patient:1:medical"};
  const base::SystemClock clock_;
  const testing_support::TempDir folder_;
  std::string server_;
  std::string output_;
  std::vector<std::unique_ptr<storage::OwnPostgresDatabase>> databases_;
  std::vector<std::string> file_ids_;
};

TEST_F(RestoreLive, PostgresComesBackInAnEmptyPostgres) {
  CheckWay(NewPostgres("source"), NewPostgres("target"));
}

TEST_F(RestoreLive, AnEmbeddedSystemMovesToPostgres) {
  CheckWay(NewSqlite("source"), NewPostgres("target"));
}

TEST_F(RestoreLive, PostgresComesBackInAnEmbeddedSystem) {
  CheckWay(NewPostgres("source"), NewSqlite("target"));
}

/// A restore that fails in the middle leaves the database as it was.
TEST_F(RestoreLive, ARestoreThatFailsChangesNoRow) {
  const Home home = NewPostgres("source");
  Fill(home);
  ASSERT_EQ(Run(home, {"backup", Backup()}), 0) << output_;
  const auto before = Rows(home);
  {
    const auto directory = Open(home);
    const auto planted = sql::Change(
        directory->database(),
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
        "'planted'; END $$",
        {}, Soon());
    ASSERT_TRUE(planted.has_value());
    ASSERT_TRUE(sql::Change(directory->database(),
                            "CREATE TRIGGER planted BEFORE INSERT ON clinical_records FOR EACH ROW "
                            "EXECUTE FUNCTION refuse()",
                            {}, Soon()));
  }
  EXPECT_EQ(Run(home, {"restore", Backup(), "--force"}), 1) << output_;
  EXPECT_EQ(Rows(home), before);
}

/// The lock in the data directory does not reach another machine; the sessions at the database do.
TEST_F(RestoreLive, NothingIsReplacedOrRetiredWhileAServerOfAnyMachineUsesTheDatabase) {
  const Home home = NewPostgres("source");
  Fill(home);
  ASSERT_EQ(Run(home, {"backup", Backup()}), 0) << output_;
  ASSERT_EQ(Run(home, {"encryption", "rotate"}), 0) << output_;
  const auto before = Rows(home);
  for (const char* program : {"montage serve", "montage worker"}) {
    const auto elsewhere = sql::PostgresDatabase::Open(
        {.url = home.database_url, .application_name = program}, Soon());
    ASSERT_TRUE(elsewhere.has_value()) << elsewhere.error().ToString();
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"restore", Backup(), "--force"},
          std::vector<std::string>{"encryption", "retire"},
          std::vector<std::string>{"migrate", "down", "--to", "0"}}) {
      EXPECT_EQ(Run(home, command), 1) << command[0];
      EXPECT_THAT(output_, HasSubstr(std::string(program) + " at ")) << command[0];
      EXPECT_THAT(output_, HasSubstr("uses the database")) << command[0];
      EXPECT_THAT(output_, HasSubstr("stop it first")) << command[0];
    }
  }
  EXPECT_EQ(Rows(home), before);
  ASSERT_EQ(Run(home, {"encryption", "retire"}), 0) << output_;
  EXPECT_THAT(output_, HasSubstr("retired 1 keys"));
}

}  // namespace
}  // namespace montage::app
