#pragma once
// For tests only: what the schema, the answers kept by key and the time series must do on every
// database.

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "lib/base/random.h"
#include "montage/storage/database_fixture.h"
#include "montage/storage/idempotency.h"
#include "montage/storage/system_metrics.h"

namespace montage::storage {

using namespace std::chrono_literals;

class MigratorContract : public DatabaseTest {
 protected:
  MigratorContract() : DatabaseTest(Schema::kNone) {}
  base::ErrorCode UpCode(std::span<const Migration> migrations) {
    const auto done = Migrator(*database_, migrations, clock_).Up(kNever);
    return done ? base::ErrorCode::kInternal : done.error().code;
  }
  base::ManualClock clock_;
};

TEST_P(MigratorContract, GoesUpAndDownAndUpAgain) {
  Migrator migrator(*database_, Migrations(), clock_);
  EXPECT_EQ(migrator.Up(kNever).value(), std::ssize(Migrations()));
  EXPECT_EQ(migrator.Up(kNever).value(), 0);
  for (const char* table :
       {"users", "api_keys", "refresh_tokens", "files", "analysis_jobs", "analysis_results",
        "analysis_metrics", "system_metrics", "batches", "audit_log", "idempotency_keys",
        "clinical_records", "schema_migrations"}) {
    EXPECT_TRUE(sql::Query(*database_, std::string("SELECT * FROM ") + table, {}, kNever)) << table;
  }
  EXPECT_EQ(migrator.Down(0, kNever).value(), std::ssize(Migrations()));
  EXPECT_FALSE(migrator.Status(kNever)->at(0).applied_at_ns.has_value());
  EXPECT_EQ(migrator.Up(kNever).value(), std::ssize(Migrations()));
  EXPECT_TRUE(migrator.Status(kNever)->at(0).applied_at_ns.has_value());
}

TEST_P(MigratorContract, RefusesChangedAndUnknownMigrations) {
  std::vector<Migration> migrations = {{1, "a", {"CREATE TABLE a (x {int})"}, {"DROP TABLE a"}},
                                       {2, "b", {"CREATE TABLE b (x {int})"}, {"DROP TABLE b"}}};
  EXPECT_EQ(UpCode(migrations), base::ErrorCode::kInternal);
  EXPECT_EQ(UpCode(std::span(migrations).first(1)), base::ErrorCode::kConflict);
  migrations[0].up[0] += " ";
  EXPECT_EQ(UpCode(migrations), base::ErrorCode::kConflict);
}

TEST_P(MigratorContract, ProgramsThatStartTogetherMigrateOnce) {
  std::atomic<int64_t> applied = 0;
  std::atomic<int> failed = 0;
  std::vector<std::jthread> programs;
  for (int i = 0; i < 4; ++i) {
    programs.emplace_back([&] {
      const auto own = home_->Connect();
      const auto done = Migrator(*own, Migrations(), clock_).Up(kNever);
      applied += done.value_or(0);
      failed += done ? 0 : 1;
    });
  }
  programs.clear();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(applied, std::ssize(Migrations()));
}

TEST_P(MigratorContract, AFailingMigrationLeavesNothing) {
  const std::vector<Migration> migrations = {
      {1, "a", {"CREATE TABLE a (x {int})", "CREATE TABEL b"}, {}}};
  EXPECT_FALSE(Migrator(*database_, migrations, clock_).Up(kNever).has_value());
  EXPECT_FALSE(sql::Query(*database_, "SELECT * FROM a", {}, kNever).has_value());
}

class IdempotencyContract : public DatabaseTest {
 protected:
  IdempotentStart Begin(std::string_view owner, std::string_view key, std::string_view hash) {
    const auto start = store_.Begin(owner, key, hash, kNever);
    EXPECT_TRUE(start.has_value()) << start.error().ToString();
    return start.value_or(IdempotentStart{});
  }

  base::ManualClock clock_{base::WallTime(std::chrono::seconds(1'700'000'000))};
  IdempotencyStore store_{*database_, clock_};
};

TEST_P(IdempotencyContract, TheFirstRequestRunsAndTheNextOneGetsItsAnswer) {
  EXPECT_EQ(Begin("ann", "k", "h").outcome, IdempotentStart::Outcome::kNew);
  EXPECT_EQ(Begin("ann", "k", "h").outcome, IdempotentStart::Outcome::kRunning);
  ASSERT_TRUE(store_.Finish("ann", "k", 202, "{\"job_id\":1}", kNever).has_value());
  const IdempotentStart again = Begin("ann", "k", "h");
  EXPECT_EQ(again.outcome, IdempotentStart::Outcome::kAnswered);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.response, "{\"job_id\":1}");
}

TEST_P(IdempotencyContract, AnotherRequestUnderTheSameKeyIsToldApartAndOwnersDoNotMeet) {
  Begin("ann", "k", "h");
  EXPECT_EQ(Begin("ann", "k", "other").outcome, IdempotentStart::Outcome::kOther);
  EXPECT_EQ(Begin("bob", "k", "other").outcome, IdempotentStart::Outcome::kNew);
}

TEST_P(IdempotencyContract, ARefusedRequestFreesItsKeyAndAnAnsweredOneDoesNot) {
  Begin("ann", "k", "h");
  ASSERT_TRUE(store_.Abandon("ann", "k", kNever).has_value());
  EXPECT_EQ(Begin("ann", "k", "other").outcome, IdempotentStart::Outcome::kNew);
  ASSERT_TRUE(store_.Finish("ann", "k", 202, "{}", kNever).has_value());
  ASSERT_TRUE(store_.Abandon("ann", "k", kNever).has_value());
  EXPECT_EQ(Begin("ann", "k", "other").outcome, IdempotentStart::Outcome::kAnswered);
}

TEST_P(IdempotencyContract, LostRequestsAndOldAnswersEnd) {
  Begin("ann", "lost", "h");
  Begin("ann", "answered", "h");
  ASSERT_TRUE(store_.Finish("ann", "answered", 202, "{}", kNever).has_value());
  clock_.Advance(IdempotencyStore::kLost);
  EXPECT_EQ(Begin("ann", "answered", "h").outcome, IdempotentStart::Outcome::kAnswered);
  EXPECT_EQ(store_.Sweep(kNever).value(), 1);
  EXPECT_EQ(Begin("ann", "lost", "h").outcome, IdempotentStart::Outcome::kNew);
  clock_.Advance(IdempotencyStore::kKept);
  EXPECT_EQ(Begin("ann", "answered", "other").outcome, IdempotentStart::Outcome::kNew);
}

TEST_P(IdempotencyContract, OfRequestsAtTheSameTimeOneRuns) {
  std::atomic<int> first = 0;
  std::atomic<int> running = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      const auto outcome = Begin("ann", "k", "h").outcome;
      first += outcome == IdempotentStart::Outcome::kNew ? 1 : 0;
      running += outcome == IdempotentStart::Outcome::kRunning ? 1 : 0;
    });
  }
  clients.clear();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(running, 7);
}

class SystemMetricsContract : public DatabaseTest {};

TEST_P(SystemMetricsContract, ADayOfMinutesIsTwentyFourHours) {
  base::Random random(4);
  const base::WallTime start(20'000 * 24h);
  std::vector<SystemSample> samples;
  for (int i = 0; i < 1440; ++i) {
    samples.push_back({start + i * 1min, static_cast<int64_t>(random.Below(51)),
                       random.Uniform(0, 100), random.Uniform(0, 16384), random.Uniform(0, 100)});
  }
  ASSERT_TRUE(StoreSamples(*database_, samples, kNever).has_value());
  const auto hours = HoursOfSystem(*database_, start, start + 24h, kNever);
  ASSERT_TRUE(hours.has_value());
  ASSERT_EQ(hours->size(), 24U);
  for (size_t h = 0; h < 24; ++h) {
    double cpu = 0;
    double memory = 0;
    int64_t most = 0;
    for (size_t i = 60 * h; i < 60 * (h + 1); ++i) {
      cpu += samples[i].cpu_percent / 60;
      memory += samples[i].memory_mb / 60;
      most = std::max(most, samples[i].active_jobs);
    }
    EXPECT_EQ((*hours)[h].hour, start + h * 1h);
    EXPECT_NEAR((*hours)[h].mean_cpu_percent, cpu, 1e-6);
    EXPECT_NEAR((*hours)[h].mean_memory_mb, memory, 1e-6);
    EXPECT_EQ((*hours)[h].most_active_jobs, most);
  }
  EXPECT_EQ(StoreSamples(*database_, samples, kNever).error().code, base::ErrorCode::kConflict);
}

}  // namespace montage::storage
