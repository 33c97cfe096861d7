#include "montage/app/encryption.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/testing/temp_dir.h"
#include "montage/clinical/records.h"
#include "montage/identity/tokens.h"
#include "montage/recordings/recordings.h"
#include "montage/storage/schema.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using testing::SizeIs;

const base::Deadline kNever = base::Deadline::Never();

base::Result<std::string> Accept(objects::ByteSource&, base::Deadline) { return "edf"; }

class EncryptionTest : public testing::Test {
 protected:
  EncryptionTest() {
    Reopen();
    EXPECT_TRUE(
        storage::Migrator(directory_->database(), storage::Migrations(), clock_).Up(kNever));
    EXPECT_TRUE(directory_->objects().EnsureBucket(recordings::kBucket, kNever));
  }
  /// As a program that is started again.
  void Reopen() {
    directory_ = DataDirectory::Open({.path = folder_ / "data"}, clock_, kNever).value();
  }
  recordings::Recordings Recordings() {
    return {directory_->database(), directory_->objects(), directory_->keys(), clock_, 1 << 20};
  }
  clinical::Records Records() { return {directory_->database(), directory_->keys(), clock_}; }
  std::string Upload(const std::string& content) {
    objects::TextSource source(content);
    return Recordings()
        .Upload({.tenant = "a", .owner_id = "u"}, "name of " + content, source, Accept, kNever)
        .value()
        .recording.file_id;
  }
  std::string ContentOf(const std::string& file_id) {
    const auto content = Recordings().Open(file_id, kNever);
    if (!content) return content.error().ToString();
    return objects::ReadAll(**content, 1 << 20, kNever).value_or("damaged");
  }
  std::string StoredBytes(const std::string& file_id) {
    return objects::GetText(directory_->objects(), recordings::kBucket, "files/" + file_id, 1 << 20,
                            kNever)
        .value();
  }
  base::Result<Rotation> Rotate(const std::function<void(size_t)>& progress = [](size_t) {}) {
    return RotateKeys(*directory_, kNever, progress);
  }
  size_t PayloadsUnderOldKeys() {
    size_t count = 0;
    for (const KeyUse& use : CountKeyUse(*directory_, kNever).value())
      count += use.newest ? 0 : use.payloads;
    return count;
  }
  base::Result<identity::TokenSigner> Signer(const std::string& key_id) {
    return identity::TokenSigner::Load(directory_->database(), clock_,
                                       directory_->keys().Derive("token-signing").at(key_id),
                                       kNever);
  }

  const testing_support::TempDir folder_;
  base::ManualClock clock_{base::WallTime(std::chrono::seconds(1'700'000'000))};
  std::unique_ptr<DataDirectory> directory_;
};

TEST_F(EncryptionTest, AfterARotationAndRetirementEverythingOldIsReadable) {
  const std::string first = Upload("first");
  const std::string second = Upload("second");
  const std::string stored = StoredBytes(first);
  const std::string old_key = directory_->keys().newest();
  const auto done = Rotate();
  ASSERT_TRUE(done.has_value()) << done.error().ToString();
  EXPECT_FALSE(done->resumed);
  EXPECT_NE(done->newest, old_key);
  EXPECT_EQ(done->rewrapped, 4U) << "two recordings and their names";
  EXPECT_EQ(StoredBytes(first), stored) << "payloads are not written";
  EXPECT_EQ(RetireKeys(*directory_, kNever), 1U);
  Reopen();
  EXPECT_FALSE(directory_->keys().Has(old_key));
  EXPECT_EQ(ContentOf(first), "first");
  EXPECT_EQ(ContentOf(second), "second");
  EXPECT_EQ(Recordings().Find(first, kNever)->name, "name of first");
  const std::string third = Upload("third");
  EXPECT_EQ(ContentOf(third), "third");
  const auto uses = CountKeyUse(*directory_, kNever).value();
  ASSERT_THAT(uses, SizeIs(1));
  EXPECT_EQ(uses[0].payloads, 6U);
}

TEST_F(EncryptionTest, ClinicalRecordsStayReadableThroughTwoRotations) {
  const clinical::RecordKey key{"ward", "patient:1:medical"};
  const clinical::Record record{.patient_id = "1", .diagnosis = "epilepsy", .medications = {"x"}};
  ASSERT_TRUE(Records().Put(key, "u", record, {}, kNever).has_value());
  for (int i = 0; i < 2; ++i) {
    const std::string old_key = directory_->keys().newest();
    const auto done = Rotate();
    ASSERT_TRUE(done.has_value()) << done.error().ToString();
    EXPECT_EQ(done->rewrapped, 1U);
    EXPECT_EQ(done->forgotten, 0U);
    EXPECT_EQ(RetireKeys(*directory_, kNever), 1U);
    Reopen();
    EXPECT_FALSE(directory_->keys().Has(old_key));
    const auto got = Records().Get(key, {}, kNever);
    ASSERT_TRUE(got.has_value()) << got.error().ToString();
    EXPECT_EQ(got->record, record);
  }
}

/// A key must not leave while a record needs it, whatever recordings need.
TEST_F(EncryptionTest, ARecordOfAServerThatRanMeanwhileKeepsItsKey) {
  auto running = std::move(directory_);
  Reopen();
  ASSERT_TRUE(Rotate().has_value());
  const clinical::Record record{.patient_id = "1", .diagnosis = "epilepsy", .medications = {}};
  ASSERT_TRUE(clinical::Records(running->database(), running->keys(), clock_)
                  .Put({"ward", "k"}, "u", record, {}, kNever));
  EXPECT_EQ(PayloadsUnderOldKeys(), 1U);
  EXPECT_EQ(RetireKeys(*directory_, kNever).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(Rotate()->resumed);
  EXPECT_EQ(RetireKeys(*directory_, kNever), 1U);
}

TEST_F(EncryptionTest, ASecondRotationSealsWhatIsOnTheShelfAnew) {
  const std::string id = Upload("first");
  ASSERT_TRUE(Rotate().has_value());
  EXPECT_EQ(RetireKeys(*directory_, kNever), 1U);
  Reopen();
  const auto done = Rotate();
  ASSERT_TRUE(done.has_value()) << done.error().ToString();
  EXPECT_EQ(done->rewrapped, 2U);
  EXPECT_EQ(RetireKeys(*directory_, kNever), 1U);
  Reopen();
  EXPECT_EQ(ContentOf(id), "first");
}

TEST_F(EncryptionTest, AServerThatRunsMeanwhileIsNotDisturbed) {
  const std::string before = Upload("before");
  auto running = std::move(directory_);
  Reopen();
  ASSERT_TRUE(Rotate().has_value());
  directory_ = std::move(running);
  EXPECT_EQ(ContentOf(before), "before");
  // It still seals with the key it has, which is noticed.
  const std::string meanwhile = Upload("meanwhile");
  EXPECT_EQ(PayloadsUnderOldKeys(), 2U);
  EXPECT_EQ(RetireKeys(*directory_, kNever).error().code, ErrorCode::kConflict);
  Reopen();
  const auto finished = Rotate();
  ASSERT_TRUE(finished.has_value());
  EXPECT_TRUE(finished->resumed);
  EXPECT_EQ(finished->rewrapped, 2U);
  EXPECT_EQ(RetireKeys(*directory_, kNever), 1U);
  Reopen();
  EXPECT_EQ(ContentOf(meanwhile), "meanwhile");
}

/// What a killed process leaves: the new key is there, some data keys are sealed anew.
TEST_F(EncryptionTest, AnInterruptedRotationGoesOnWithTheSameKey) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(Upload("content " + std::to_string(i)));
  struct Killed {};
  EXPECT_THROW((void)Rotate([](size_t seen) {
                 if (seen == 4) throw Killed();
               }),
               Killed);
  Reopen();
  const std::string newest = directory_->keys().newest();
  EXPECT_EQ(PayloadsUnderOldKeys(), 7U);
  EXPECT_EQ(RetireKeys(*directory_, kNever).error().code, ErrorCode::kConflict);
  for (size_t i = 0; i < ids.size(); ++i)
    EXPECT_EQ(ContentOf(ids[i]), "content " + std::to_string(i)) << "also half-way";
  const auto done = Rotate();
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->resumed);
  EXPECT_EQ(done->newest, newest);
  EXPECT_EQ(done->rewrapped, 7U);
  EXPECT_EQ(RetireKeys(*directory_, kNever), 1U);
  Reopen();
  for (size_t i = 0; i < ids.size(); ++i)
    EXPECT_EQ(ContentOf(ids[i]), "content " + std::to_string(i));
}

TEST_F(EncryptionTest, TheDataKeysOfDeletedRecordingsAreForgotten) {
  const std::string id = Upload("first");
  Upload("second");
  ASSERT_TRUE(Rotate().has_value());
  ASSERT_TRUE(Recordings().Delete(id, kNever).has_value());
  EXPECT_EQ(Rotate()->forgotten, 2U);
}

TEST_F(EncryptionTest, TokensStayGood) {
  const std::string old_key = directory_->keys().newest();
  const std::string token =
      Signer(old_key)->Sign({.subject = "u",
                             .family = "f",
                             .issued = clock_.Now(),
                             .expires = clock_.Now() + std::chrono::minutes(30)});
  ASSERT_TRUE(Rotate().has_value());
  EXPECT_EQ(RetireKeys(*directory_, kNever), 1U);
  Reopen();
  const auto signer = Signer(directory_->keys().newest());
  ASSERT_TRUE(signer.has_value()) << signer.error().ToString();
  EXPECT_TRUE(signer->Verify(token).has_value());
}

TEST_F(EncryptionTest, WithoutTheKeyThatSealedItNothingIsRotated) {
  Upload("first");
  std::filesystem::remove(folder_ / "data" / "keys");
  Reopen();
  const auto uses = CountKeyUse(*directory_, kNever).value();
  ASSERT_THAT(uses, SizeIs(2));
  EXPECT_FALSE(uses[1].present);
  EXPECT_EQ(Rotate().error().code, ErrorCode::kNotFound);
  EXPECT_EQ(RetireKeys(*directory_, kNever).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace montage::app
