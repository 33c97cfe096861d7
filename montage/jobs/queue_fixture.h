#pragma once
// For tests only: a job queue over a new SQLite file.

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sql/sqlite_database.h"
#include "lib/testing/temp_dir.h"
#include "montage/jobs/sql_job_queue.h"
#include "montage/storage/schema.h"

namespace montage::jobs {

inline const base::Deadline kNever = base::Deadline::Never();
inline constexpr base::Duration kLease = std::chrono::seconds(30);

inline std::unique_ptr<sql::SqliteDatabase> OpenDatabase(const std::filesystem::path& file) {
  static const base::SystemClock clock;
  auto database = sql::SqliteDatabase::Open({.path = file}, kNever).value();
  EXPECT_TRUE(storage::Migrator(*database, storage::Migrations(), clock).Up(kNever).has_value());
  return database;
}

inline JobRequest Request(Priority priority = Priority::kNormal) {
  return {.tenant = "site",
          .owner_id = "user",
          .file_id = "file",
          .analysis_type = "quick",
          .priority = priority};
}

inline base::Result<void> NoObject() { return {}; }

inline int64_t CountRows(sql::Database& database, const std::string& from) {
  const auto rows = sql::Query(database, "SELECT count(*) FROM " + from, {}, kNever).value();
  return std::get<int64_t>(rows.rows.at(0).at(0).storage());
}

}  // namespace montage::jobs
