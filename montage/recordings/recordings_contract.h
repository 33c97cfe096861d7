#pragma once
// For tests only: what uploads must do on every database.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "lib/crypto/hash.h"
#include "lib/objects/fs_object_store.h"
#include "montage/jobs/queue_fixture.h"
#include "montage/jobs/worker.h"
#include "montage/recordings/recordings.h"
#include "montage/storage/database_fixture.h"

namespace montage::recordings {

using storage::kNever;

inline base::Result<std::string> AcceptEdf(objects::ByteSource& content, base::Deadline deadline) {
  TRY(const std::string text, objects::ReadAll(content, 1 << 24, deadline));
  if (!text.starts_with("EDF")) {
    return base::Fail(base::ErrorCode::kInvalid, "the content is no EDF recording");
  }
  return "edf";
}

class BrokenUpload final : public objects::ByteSource {
 public:
  base::Result<size_t> Read(std::span<char> into, base::Deadline) override {
    if (++reads_ > 3) return base::Fail(base::ErrorCode::kIo, "the client went away");
    std::ranges::fill(into, 'E');
    return into.size();
  }

 private:
  int reads_ = 0;
};

class RecordingsContract : public storage::DatabaseTest {
 protected:
  void SetUp() override {
    storage::DatabaseTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(recordings_.SweepLeftovers(kNever).has_value());
    ASSERT_TRUE(store_->EnsureBucket("results", kNever).has_value());
  }
  base::Result<Uploaded> Upload(const std::string& text, const Owner& owner = {"site", "user"}) {
    objects::TextSource source(text);
    return recordings_.Upload(owner, "john_doe.edf", source, AcceptEdf, kNever);
  }
  base::ErrorCode Refusal(const std::string& text) {
    const auto uploaded = Upload(text);
    return uploaded ? base::ErrorCode::kInternal : uploaded.error().code;
  }
  size_t Objects() { return store_->List(kBucket, {}, kNever)->objects.size(); }
  int64_t Rows() { return storage::CountRows(*database_, "files"); }
  std::string Content(const std::string& file_id) {
    const auto source = recordings_.Open(file_id, kNever);
    if (!source) return "error";
    return objects::ReadAll(**source, 1 << 24, kNever).value_or("error");
  }

  testing_support::TempDir folder_;
  base::SystemClock clock_;
  std::unique_ptr<objects::FsObjectStore> store_ =
      objects::FsObjectStore::Open(folder_ / "objects", clock_).value();
  storage::KeyRing ring_ = storage::KeyRing::LoadOrCreate(folder_ / "keys").value();
  Recordings recordings_{*database_, *store_, ring_, clock_, 300'000};
};

TEST_P(RecordingsContract, AnUploadComesBackAndIsSealedAtRest) {
  const std::string text = "EDF" + std::string(200'000, 'm');
  const auto uploaded = Upload(text);
  ASSERT_TRUE(uploaded.has_value()) << uploaded.error().ToString();
  EXPECT_EQ(uploaded->recording.sha256, crypto::Sha256Hex(text));
  EXPECT_EQ(uploaded->recording.size, std::ssize(text));
  EXPECT_EQ(Content(uploaded->recording.file_id), text);
  EXPECT_EQ(recordings_.Find(uploaded->recording.file_id, kNever)->name, "john_doe.edf");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string raw = testing_support::ReadFile(entry.path());
    EXPECT_EQ(raw.find("john_doe"), std::string::npos) << entry.path();
    EXPECT_EQ(raw.find("mmmmmmmm"), std::string::npos) << entry.path();
  }
}

TEST_P(RecordingsContract, TheSameBytesOfOneOwnerAreOneFile) {
  const std::string first = Upload("EDF 1")->recording.file_id;
  const auto again = Upload("EDF 1");
  EXPECT_EQ(again->recording.file_id, first);
  EXPECT_FALSE(again->is_new);
  EXPECT_NE(Upload("EDF 1", {"site", "other"})->recording.file_id, first);
  EXPECT_NE(Upload("EDF 1", {"elsewhere", "user"})->recording.file_id, first);
  EXPECT_EQ(Objects(), 3U);
  EXPECT_EQ(recordings_.List({"site", "user"}, kNever)->size(), 1U);
}

TEST_P(RecordingsContract, RefusedUploadsLeaveNothing) {
  EXPECT_EQ(Refusal(""), base::ErrorCode::kInvalid);
  EXPECT_EQ(Refusal("no recording"), base::ErrorCode::kInvalid);
  EXPECT_EQ(Refusal("EDF" + std::string(300'000, 'x')), base::ErrorCode::kTooLarge);
  BrokenUpload broken;
  EXPECT_EQ(recordings_.Upload({"s", "u"}, "n", broken, AcceptEdf, kNever).error().code,
            base::ErrorCode::kIo);
  EXPECT_EQ(Objects(), 0U);
  EXPECT_EQ(Rows(), 0);
}

TEST_P(RecordingsContract, ConcurrentUploadsOfTheSameBytesAreOneFile) {
  std::mutex mutex;
  std::set<std::string> ids;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&] {
        const auto uploaded = Upload("EDF same");
        const std::scoped_lock lock(mutex);
        ids.insert(uploaded ? uploaded->recording.file_id : uploaded.error().ToString());
      });
    }
  }
  EXPECT_EQ(ids.size(), 1U) << *ids.begin();
  EXPECT_EQ(Objects(), 1U);
  EXPECT_EQ(Rows(), 1);
}

TEST_P(RecordingsContract, DeletingTakesJobsAndResultsAlong) {
  const std::string id = Upload("EDF")->recording.file_id;
  jobs::SqlJobQueue queue(*database_, clock_);
  jobs::JobRequest request = jobs::Request();
  request.file_id = id;
  const std::string job = queue.Submit(request, kNever)->job_id;
  EXPECT_EQ(recordings_.Delete(id, kNever).error().code, base::ErrorCode::kConflict);
  const auto claimed = queue.Claim("w", jobs::kLease, kNever).value().value();
  const std::string key = jobs::ResultKey(job);
  ASSERT_TRUE(objects::PutText(*store_, "results", key, "{}", {}, kNever));
  ASSERT_TRUE(queue.Complete(claimed.lease, {"{}", key, 1, 1}, jobs::NoObject, kNever));
  ASSERT_TRUE(recordings_.Delete(id, kNever).has_value());
  EXPECT_EQ(Rows() + storage::CountRows(*database_, "analysis_jobs") +
                storage::CountRows(*database_, "analysis_results") +
                storage::CountRows(*database_, "analysis_metrics"),
            0);
  EXPECT_EQ(Objects(), 0U);
  EXPECT_FALSE(store_->Head("results", key, kNever).has_value());
  EXPECT_EQ(recordings_.Delete(id, kNever).error().code, base::ErrorCode::kNotFound);
}

TEST_P(RecordingsContract, TheSweepRemovesWhatACrashLeft) {
  const std::string id = Upload("EDF")->recording.file_id;
  ASSERT_TRUE(objects::PutText(*store_, kBucket, "files/orphan", "half", {}, kNever));
  EXPECT_EQ(recordings_.SweepLeftovers(kNever).value(), 1);
  EXPECT_EQ(Content(id), "EDF");
}

/// Dies as by kill -9 when its object is stored and its row is not.
[[noreturn]] inline void UploadAndDie(const storage::TestDatabase& home,
                                      const std::filesystem::path& folder) {
  const base::SystemClock clock;
  const auto database = home.Connect();
  const auto store = objects::FsObjectStore::Open(folder / "objects", clock).value();
  const auto ring = storage::KeyRing::LoadOrCreate(folder / "keys").value();
  Recordings recordings(*database, *store, ring, clock, 300'000);
  objects::TextSource source("EDF lost");
  (void)recordings.Upload(
      {"site", "user"}, "n", source,
      [](objects::ByteSource&, base::Deadline) -> base::Result<std::string> { ::_exit(9); },
      kNever);
  ::_exit(1);
}

TEST_P(RecordingsContract, ACrashBetweenObjectAndRowIsSweptWhenItIsOld) {
  if (database_->dialect() == sql::Dialect::kSqlite) {
    EXPECT_EQ(recordings_.SweepOldLeftovers(kNever).error().code, base::ErrorCode::kUnsupported);
    return;
  }
  const std::string id = Upload("EDF kept")->recording.file_id;
  const pid_t child = ::fork();
  if (child == 0) UploadAndDie(*home_, folder_.path());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 9);
  ASSERT_EQ(Objects(), 2U);
  ASSERT_EQ(Rows(), 1);
  EXPECT_EQ(recordings_.SweepOldLeftovers(kNever).value(), 0) << "an upload may still be at it";
  EXPECT_EQ(Objects(), 2U);
  Recordings later(*database_, *store_, ring_, clock_, 300'000, base::Duration::zero());
  EXPECT_EQ(later.SweepOldLeftovers(kNever).value(), 1);
  EXPECT_EQ(Objects(), 1U);
  EXPECT_EQ(Content(id), "EDF kept");
}

/// A process that was held between object and row finds its object too old, and gives it up itself:
/// so a sweep never takes the object of an upload that is then acknowledged.
TEST_P(RecordingsContract, ARowThatComesTooLateIsRefused) {
  if (database_->dialect() == sql::Dialect::kSqlite) return;  // sweeps only before it takes uploads
  const base::ManualClock an_hour_ago(clock_.Now() - std::chrono::minutes(61));
  const auto store = objects::FsObjectStore::Open(folder_ / "held", an_hour_ago).value();
  ASSERT_TRUE(store->EnsureBucket(kBucket, kNever).has_value());
  Recordings held(*database_, *store, ring_, clock_, 300'000);
  objects::TextSource source("EDF");
  const auto refused = held.Upload({"site", "user"}, "n", source, AcceptEdf, kNever);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kUnavailable);
  EXPECT_TRUE(store->List(kBucket, {}, kNever)->objects.empty());
  EXPECT_EQ(Rows(), 0);
}

/// Sweeps that run all the time beside uploads that may take as long as they may.
TEST_P(RecordingsContract, NoUploadInFlightIsSwept) {
  if (database_->dialect() == sql::Dialect::kSqlite) return;
  Recordings shared(*database_, *store_, ring_, clock_, 300'000, std::chrono::seconds(4));
  std::atomic<bool> ended = false;
  std::jthread sweeper([&] {
    while (!ended) EXPECT_EQ(shared.SweepOldLeftovers(kNever).value_or(-1), 0);
  });
  std::vector<std::string> acknowledged;
  for (int i = 0; i < 40; ++i) {
    objects::TextSource source("EDF " + std::to_string(i));
    const auto uploaded = shared.Upload({"site", "user"}, "n", source, AcceptEdf, kNever);
    ASSERT_TRUE(uploaded.has_value()) << uploaded.error().ToString();
    acknowledged.push_back(uploaded->recording.file_id);
  }
  ended = true;
  sweeper.join();
  for (size_t i = 0; i < acknowledged.size(); ++i)
    EXPECT_EQ(Content(acknowledged[i]), "EDF " + std::to_string(i));
}

TEST_P(RecordingsContract, OldResultsOfJobsThatAreOverAreSwept) {
  if (database_->dialect() == sql::Dialect::kSqlite) return;
  jobs::SqlJobQueue queue(*database_, clock_);
  const std::string open = queue.Submit(jobs::Request(), kNever)->job_id;
  const std::string cancelled = queue.Submit(jobs::Request(), kNever)->job_id;
  ASSERT_TRUE(queue.Cancel(cancelled, kNever).has_value());
  for (const std::string& id : {open, cancelled, std::string("gone")})
    ASSERT_TRUE(objects::PutText(*store_, "results", jobs::ResultKey(id), "{}", {}, kNever));
  const auto sweep = [&](base::Duration age) {
    return jobs::SweepOldResults(*database_, *store_, age, kNever).value();
  };
  EXPECT_EQ(sweep(storage::kLeftoverAge), 0);
  EXPECT_EQ(sweep(base::Duration::zero()), 2);
  EXPECT_TRUE(store_->Head("results", jobs::ResultKey(open), kNever).has_value());
}

TEST_P(RecordingsContract, AStoredObjectThatWasOverwrittenIsCorrupt) {
  const std::string id = Upload("EDF")->recording.file_id;
  ASSERT_TRUE(objects::PutText(*store_, kBucket, "files/" + id, "EDF overwritten", {}, kNever));
  EXPECT_EQ(Content(id), "error");
}

}  // namespace montage::recordings
