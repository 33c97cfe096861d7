#include "montage/backup/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/objects/memory_object_store.h"
#include "lib/sql/sqlite_database.h"
#include "lib/testing/temp_dir.h"
#include "montage/backup/restore.h"

namespace montage::backup {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::SizeIs;

const base::Deadline kNever = base::Deadline::Never();

const std::vector<storage::Migration>& Schema() {
  static const std::vector<storage::Migration> kSchema = {
      {1,
       "all",
       {"CREATE TABLE owners (id TEXT PRIMARY KEY, secret {blob}) {strict}",
        "CREATE TABLE things (sequence {identity}, owner TEXT NOT NULL REFERENCES owners(id), "
        "object_key TEXT NOT NULL) {strict}"},
       {"DROP TABLE things", "DROP TABLE owners"}}};
  return kSchema;
}

/// A system of its own: database, objects and the keys it is given.
class Subject {
 public:
  Subject(const std::filesystem::path& folder, const storage::KeyRing& ring,
          const base::Clock& clock)
      : database_(sql::SqliteDatabase::Open({.path = folder}, kNever).value()),
        objects(clock),
        ring_(ring),
        clock_(clock) {
    EXPECT_TRUE(storage::Migrator(*database_, Schema(), clock).Up(kNever).has_value());
    EXPECT_TRUE(objects.EnsureBucket("things", kNever).has_value());
    EXPECT_TRUE(objects.EnsureBucket("cache", kNever).has_value());
  }
  System system() {
    return {.database = *database_,
            .objects = objects,
            .ring = ring_,
            .clock = clock_,
            .migrations = Schema(),
            .buckets = {"things"},
            .references = {{"things", "object_key", "things"}}};
  }
  void Add(const std::string& owner, const std::string& key, const std::string& content) {
    Put("things", key, content);
    Change("INSERT INTO owners VALUES ($1, $2) ON CONFLICT DO NOTHING",
           {owner, sql::Blob{"secret of " + owner}});
    Change("INSERT INTO things (owner, object_key) VALUES ($1, $2)", {owner, key});
  }
  void Put(const std::string& bucket, const std::string& key, const std::string& content) {
    EXPECT_TRUE(objects::PutText(objects, bucket, key, content, {.content_type = "x/y"}, kNever));
  }
  void Change(const std::string& statement, std::initializer_list<sql::Value> values) {
    const auto done = sql::Change(*database_, statement, values, kNever);
    EXPECT_TRUE(done.has_value()) << done.error().ToString();
  }
  std::vector<sql::Row> Rows(const std::string& table) {
    return sql::Query(*database_, "SELECT * FROM " + table + " ORDER BY 1", {}, kNever)
        .value()
        .rows;
  }
  std::string Content(const std::string& key, const std::string& bucket = "things") {
    return objects::GetText(objects, bucket, key, 1 << 20, kNever).value_or("");
  }

 private:
  std::unique_ptr<sql::SqliteDatabase> database_;

 public:
  objects::MemoryObjectStore objects;

 private:
  const storage::KeyRing& ring_;
  const base::Clock& clock_;
};

class BackupTest : public testing::Test {
 protected:
  base::Result<BackupReport> Take(Progress progress = [](uint64_t) {}) {
    clock_.Advance(std::chrono::seconds(1));
    return TakeBackup(source_.system(), store_, progress, kNever);
  }
  base::Result<RestoreReport> RestoreTo(Subject& subject, RestoreOptions options = {}) {
    options.derived_buckets = {"cache"};
    return RestoreBackup(subject.system(), store_, options, [](uint64_t) {}, kNever);
  }
  base::Result<Examination> Examine() {
    return ExamineBackup(store_, "", [](uint64_t) {}, kNever);
  }
  /// Every byte of the backup.
  std::string Everything() {
    std::string all;
    for (const auto bucket : {kContentBucket, kSnapshotBucket}) {
      for (const auto& object : store_.List(bucket, {}, kNever)->objects)
        all += objects::GetText(store_, bucket, object.key, 1 << 20, kNever).value();
    }
    return all;
  }
  void Spoil(std::string_view bucket, const std::string& key) {
    std::string bytes = objects::GetText(store_, bucket, key, 1 << 20, kNever).value();
    bytes[bytes.size() / 2] ^= 1;
    EXPECT_TRUE(objects::PutText(store_, bucket, key, bytes, {}, kNever));
  }

  const testing_support::TempDir dir_;
  base::ManualClock clock_{base::WallTime(std::chrono::seconds(1'700'000'000))};
  const storage::KeyRing ring_ = storage::KeyRing::LoadOrCreate(dir_ / "keys").value();
  objects::MemoryObjectStore store_{clock_};
  Subject source_{dir_ / "source.db", ring_, clock_};
  Subject target_{dir_ / "target.db", ring_, clock_};
};

TEST_F(BackupTest, WhatWasBackedUpComesBack) {
  source_.Add("ann", "t/1", "one");
  source_.Add("ann", "t/2", "two");
  source_.Add("bob", "t/3", "one");
  const auto taken = Take();
  ASSERT_TRUE(taken.has_value()) << taken.error().ToString();
  EXPECT_EQ(taken->manifest.objects, 3U);
  EXPECT_EQ(taken->copied, 2U) << "equal content is kept once";
  EXPECT_EQ(taken->manifest.schema, 1);
  EXPECT_THAT(Everything(), testing::Not(HasSubstr("secret of ann")));
  const auto restored = RestoreTo(target_);
  ASSERT_TRUE(restored.has_value()) << restored.error().ToString();
  EXPECT_EQ(restored->rows, 5U);
  EXPECT_EQ(restored->objects, 3U);
  for (const char* table : {"owners", "things"})
    EXPECT_EQ(target_.Rows(table), source_.Rows(table)) << table;
  for (const char* key : {"t/1", "t/2", "t/3"})
    EXPECT_EQ(target_.Content(key), source_.Content(key));
  EXPECT_EQ(target_.objects.Head("things", "t/1", kNever)->content_type, "x/y");
  // The next row does not get the number of one that was restored.
  target_.Add("eve", "t/4", "four");
  EXPECT_EQ(target_.Rows("things").back()[0], sql::Value(4));
}

TEST_F(BackupTest, TheNextSnapshotCopiesOnlyWhatIsNew) {
  source_.Add("ann", "t/1", "one");
  ASSERT_TRUE(Take().has_value());
  source_.Add("ann", "t/2", "two");
  const auto second = Take();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->copied, 1U);
  EXPECT_EQ(second->manifest.objects, 2U);
  const auto names = ListSnapshots(store_, kNever).value();
  ASSERT_THAT(names, SizeIs(2));
  EXPECT_EQ(names[0], second->manifest.name);
  ASSERT_TRUE(RestoreTo(target_, {.snapshot = names[1]}).has_value());
  EXPECT_EQ(target_.Rows("things").size(), 1U);
  EXPECT_EQ(target_.Content("t/2"), "");
}

TEST_F(BackupTest, AnObjectThatChangedIsCopiedAgain) {
  source_.Add("ann", "t/1", "one");
  ASSERT_TRUE(Take().has_value());
  source_.Put("things", "t/1", "uno");
  EXPECT_EQ(Take()->copied, 1U);
  ASSERT_TRUE(RestoreTo(target_).has_value());
  EXPECT_EQ(target_.Content("t/1"), "uno");
}

TEST_F(BackupTest, WhatIsDeletedMeanwhileIsNotInTheSnapshot) {
  source_.Add("ann", "t/1", "one");
  source_.Add("ann", "t/2", "two");
  bool first = true;
  const auto taken = Take([&](uint64_t) {
    if (!std::exchange(first, false)) return;
    source_.Change("DELETE FROM things WHERE object_key = $1", {"t/2"});
    EXPECT_TRUE(source_.objects.Delete("things", "t/2", kNever).has_value());
  });
  ASSERT_TRUE(taken.has_value()) << taken.error().ToString();
  ASSERT_TRUE(RestoreTo(target_).has_value());
  EXPECT_EQ(target_.Rows("things").size(), 1U);
}

TEST_F(BackupTest, ALostObjectIsNoticed) {
  source_.Add("ann", "t/1", "one");
  ASSERT_TRUE(source_.objects.Delete("things", "t/1", kNever).has_value());
  const auto refused = Take();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr("things/t/1"));
  EXPECT_THAT(ListSnapshots(store_, kNever).value(), SizeIs(0));
}

TEST_F(BackupTest, IsNotRestoredOverWhatIsThereUnlessForced) {
  source_.Add("ann", "t/1", "one");
  ASSERT_TRUE(Take().has_value());
  target_.Add("zoe", "t/9", "nine");
  target_.Put("cache", "derived", "x");
  const auto refused = RestoreTo(target_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().hint, HasSubstr("--force"));
  EXPECT_EQ(target_.Content("t/9"), "nine");
  EXPECT_EQ(target_.Rows("owners").size(), 1U);
  ASSERT_TRUE(RestoreTo(target_, {.force = true}).has_value());
  EXPECT_EQ(target_.Rows("owners"), source_.Rows("owners"));
  EXPECT_EQ(target_.Content("t/9"), "");
  EXPECT_EQ(target_.Content("derived", "cache"), "");
  EXPECT_EQ(target_.Content("t/1"), "one");
}

TEST_F(BackupTest, ADamagedBackupChangesNothing) {
  source_.Add("ann", "t/1", "one");
  const auto taken = Take();
  ASSERT_TRUE(taken.has_value());
  ASSERT_TRUE(Examine().has_value());
  const std::string name = taken->manifest.name;
  const auto content = store_.List(kContentBucket, {}, kNever)->objects.at(0).key;
  const std::vector<std::pair<std::string_view, std::string>> parts = {
      {kContentBucket, content},
      {kSnapshotBucket, TableKey(name, "owners")},
      {kSnapshotBucket, ObjectsKey(name)}};
  for (const auto& [bucket, key] : parts) {
    Spoil(bucket, key);
    EXPECT_EQ(Examine().error().code, ErrorCode::kCorrupt) << key;
    EXPECT_EQ(RestoreTo(target_, {.force = true}).error().code, ErrorCode::kCorrupt) << key;
    EXPECT_TRUE(target_.Rows("owners").empty());
    Spoil(bucket, key);
    ASSERT_TRUE(Examine().has_value()) << "the change is undone";
  }
  ASSERT_TRUE(store_.Delete(kContentBucket, content, kNever).has_value());
  EXPECT_THAT(Examine().error().message, HasSubstr("is missing"));
}

TEST_F(BackupTest, WithoutItsKeyItIsRefused) {
  source_.Add("ann", "t/1", "one");
  ASSERT_TRUE(Take().has_value());
  const auto other = storage::KeyRing::LoadOrCreate(dir_ / "other keys").value();
  Subject stranger(dir_ / "stranger.db", other, clock_);
  const auto refused = RestoreTo(stranger);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(refused.error().message, HasSubstr(ring_.newest()));
  EXPECT_TRUE(stranger.Rows("owners").empty());
}

TEST_F(BackupTest, WhatWasNotFinishedIsNone) {
  EXPECT_EQ(Examine().error().code, ErrorCode::kNotFound);
  source_.Add("ann", "t/1", "one");
  const auto taken = Take();
  ASSERT_TRUE(taken.has_value());
  ASSERT_TRUE(store_.Delete(kSnapshotBucket, ManifestKey(taken->manifest.name), kNever));
  EXPECT_EQ(Examine().error().code, ErrorCode::kNotFound);
  EXPECT_EQ(RestoreTo(target_, {.snapshot = "other"}).error().code, ErrorCode::kNotFound);
}

TEST_F(BackupTest, ANewerSchemaIsRefused) {
  source_.Add("ann", "t/1", "one");
  const auto taken = Take();
  ASSERT_TRUE(taken.has_value());
  Manifest newer = taken->manifest;
  newer.schema = 99;
  ASSERT_TRUE(objects::PutText(store_, kSnapshotBucket, ManifestKey(newer.name),
                               FormatManifest(newer), {}, kNever));
  EXPECT_EQ(RestoreTo(target_).error().code, ErrorCode::kUnsupported);
}

TEST(Manifest, IsReadAsItWasWritten) {
  const Manifest manifest{.name = "n",
                          .created = base::WallTime(std::chrono::seconds(7)),
                          .dialect = "sqlite",
                          .schema = 3,
                          .key_id = "abcdefgh",
                          .tables = {{"users", 2, 300, "ff"}},
                          .objects = 1,
                          .object_bytes = 9,
                          .objects_sha256 = "ee"};
  const auto read = ParseManifest(FormatManifest(manifest));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(FormatManifest(*read), FormatManifest(manifest));
  EXPECT_EQ(ParseManifest(R"({"format":2})").error().code, ErrorCode::kUnsupported);
  for (const char* wrong : {"", "[]", "{}", R"({"format":1})", R"({"format":"1"})"})
    EXPECT_EQ(ParseManifest(wrong).error().code, ErrorCode::kCorrupt) << wrong;
}

}  // namespace
}  // namespace montage::backup
