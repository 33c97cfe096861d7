#pragma once
// For tests only: what records must do on every database.

#include <atomic>
#include <filesystem>
#include <string_view>
#include <thread>
#include <vector>

#include "montage/clinical/records.h"
#include "montage/storage/database_fixture.h"

namespace montage::clinical {

using storage::kNever;

class RecordsContract : public storage::DatabaseTest {
 protected:
  static RecordKey Key(std::string name = "patient:12345:medical") {
    return {"ward", std::move(name)};
  }
  static Record Epilepsy() {
    return {.patient_id = "12345",
            .diagnosis = "epilepsy",
            .medications = {"levetiracetam", "lamotrigine"}};
  }
  static Record Migraine() {
    return {.patient_id = "12345", .diagnosis = "migraine", .medications = {}};
  }

  base::Result<Written> Put(const Record& record, std::optional<int64_t> expected = {},
                            const RecordKey& key = Key()) {
    return records_.Put(key, "u1", record, expected, kNever);
  }
  base::Result<StoredRecord> Get(const RecordKey& key = Key(),
                                 std::optional<int64_t> version = {}) {
    return records_.Get(key, version, kNever);
  }
  std::string Sealed(int64_t version, const RecordKey& key = Key()) {
    const auto rows = sql::Query(*database_,
                                 "SELECT sealed FROM clinical_records WHERE tenant = $1 AND "
                                 "record_key = $2 AND version = $3",
                                 {key.tenant, key.name, version}, kNever);
    return std::get<sql::Blob>(rows->rows.at(0).at(0).storage()).bytes;
  }
  void Overwrite(std::string sealed, int64_t version = 1) {
    ASSERT_TRUE(sql::Change(*database_,
                            "UPDATE clinical_records SET sealed = $1 WHERE record_key = $2 AND "
                            "version = $3",
                            {sql::Blob{std::move(sealed)}, Key().name, version}, kNever));
  }
  /// The error must not have a word of the record either.
  static void ExpectNoData(const base::Result<StoredRecord>& got, const std::string& how) {
    ASSERT_FALSE(got.has_value()) << how;
    EXPECT_EQ(got.error().code, base::ErrorCode::kCorrupt) << how;
    for (const char* word : {"patient_id", "diagnosis", "medications", "epilepsy", "levetiracetam",
                             "lamotrigine", "12345"}) {
      EXPECT_EQ(got.error().ToString().find(word), std::string::npos) << how << ": " << word;
    }
  }

  testing_support::TempDir folder_;
  base::ManualClock clock_{base::WallTime(std::chrono::seconds(1'700'000'000))};
  storage::KeyRing ring_ = storage::KeyRing::LoadOrCreate(folder_ / "keys").value();
  Records records_{*database_, ring_, clock_};
};

TEST_P(RecordsContract, ARecordComesBackAsItWasStored) {
  const auto written = Put(Epilepsy());
  ASSERT_TRUE(written.has_value()) << written.error().ToString();
  EXPECT_EQ(written->version.version, 1);
  EXPECT_TRUE(written->is_new);
  const auto got = Get();
  ASSERT_TRUE(got.has_value()) << got.error().ToString();
  EXPECT_EQ(got->record, Epilepsy());
  EXPECT_EQ(got->version.author_id, "u1");
  EXPECT_EQ(got->version.created_at_ns, 1'700'000'000'000'000'000);
  Record reversed = Epilepsy();
  std::ranges::reverse(reversed.medications);
  EXPECT_TRUE(Put(reversed)->is_new) << "the order of a list matters";
  EXPECT_EQ(Get()->record.medications.front(), "lamotrigine");
}

TEST_P(RecordsContract, TextOfEveryKindComesBack) {
  const Record odd{.patient_id = std::string("a\0b", 3),
                   .diagnosis = "line\nfeed \"quoted\" \\ \xc3\xa4 \xf0\x9f\xa7\xa0",
                   .medications = {"x", "x", std::string(kMaxMedicationBytes, 'm')}};
  ASSERT_TRUE(Put(odd).has_value());
  EXPECT_EQ(Get()->record, odd);
}

TEST_P(RecordsContract, NothingOfItIsReadableInTheDatabase) {
  ASSERT_TRUE(Put(Epilepsy()).has_value());
  std::string stored = Sealed(1);
  std::string place = home_->Url();
  if (constexpr std::string_view kScheme = "sqlite:"; place.starts_with(kScheme)) {
    place = place.substr(kScheme.size(), place.find('?') - kScheme.size());
    for (const char* part : {"", "-wal"}) stored += testing_support::ReadFile(place + part);
    ASSERT_NE(stored.find(Key().name), std::string::npos) << "the row is in these files";
  }
  for (const char* word :
       {"patient_id", "diagnosis", "medications", "epilepsy", "levetiracetam", "lamotrigine"}) {
    EXPECT_EQ(stored.find(word), std::string::npos) << word;
  }
}

TEST_P(RecordsContract, TheSameRecordTwiceIsTwoCiphertexts) {
  ASSERT_TRUE(Put(Epilepsy()).has_value());
  ASSERT_TRUE(Put(Epilepsy(), {}, Key("patient:12345:copy")).has_value());
  ASSERT_TRUE(Put(Migraine()).has_value());
  ASSERT_TRUE(Put(Epilepsy()).has_value());
  const std::vector<std::string> sealed = {Sealed(1), Sealed(3),
                                           Sealed(1, Key("patient:12345:copy"))};
  constexpr size_t kHeader = storage::KeyRing::kHeaderBytes;
  for (size_t i = 0; i < sealed.size(); ++i) {
    for (size_t k = i + 1; k < sealed.size(); ++k) {
      EXPECT_EQ(sealed[i].size(), sealed[k].size());
      EXPECT_NE(sealed[i].substr(12, kHeader - 12), sealed[k].substr(12, kHeader - 12));
      EXPECT_NE(sealed[i].substr(kHeader), sealed[k].substr(kHeader));
    }
  }
}

TEST_P(RecordsContract, EveryVersionIsKeptAndAnEqualOneIsNotWritten) {
  EXPECT_EQ(Put(Epilepsy())->version.version, 1);
  clock_.Advance(std::chrono::seconds(5));
  const auto again = Put(Epilepsy());
  EXPECT_EQ(again->version.version, 1);
  EXPECT_FALSE(again->is_new);
  EXPECT_EQ(again->version.created_at_ns, 1'700'000'000'000'000'000);
  EXPECT_EQ(Put(Migraine())->version.version, 2);
  EXPECT_EQ(Get()->record, Migraine());
  EXPECT_EQ(Get(Key(), 1)->record, Epilepsy());
  EXPECT_EQ(Get(Key(), 3).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(storage::CountRows(*database_, "clinical_records"), 2);
}

TEST_P(RecordsContract, AnExpectedVersionIsHeld) {
  EXPECT_EQ(Put(Epilepsy(), 1).error().code, base::ErrorCode::kConflict);
  EXPECT_TRUE(Put(Epilepsy(), 0).has_value());
  EXPECT_EQ(Put(Migraine(), 0).error().code, base::ErrorCode::kConflict);
  EXPECT_EQ(Put(Migraine(), 1)->version.version, 2);
  EXPECT_EQ(Put(Epilepsy(), 1).error().code, base::ErrorCode::kConflict);
  EXPECT_EQ(Get()->record, Migraine());
}

TEST_P(RecordsContract, SitesDoNotMeet) {
  ASSERT_TRUE(Put(Epilepsy()).has_value());
  EXPECT_EQ(Get({"elsewhere", Key().name}).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(Put(Migraine(), {}, {"elsewhere", Key().name})->version.version, 1);
  EXPECT_EQ(Get()->record, Epilepsy());
}

TEST_P(RecordsContract, AWrongKeyIsRefused) {
  for (const std::string& name :
       {std::string(), std::string("a/b"), std::string("a b"), std::string("caf\xc3\xa9"),
        std::string("a\0b", 3), std::string(kMaxKeyBytes + 1, 'k')}) {
    EXPECT_EQ(Put(Epilepsy(), {}, Key(name)).error().code, base::ErrorCode::kInvalid) << name;
    EXPECT_EQ(Get(Key(name)).error().code, base::ErrorCode::kInvalid) << name;
  }
  EXPECT_TRUE(Put(Epilepsy(), {}, Key(std::string(kMaxKeyBytes, 'k'))).has_value());
}

TEST_P(RecordsContract, OneFlippedBitAnywhereIsAnErrorAndNeverData) {
  ASSERT_TRUE(Put(Epilepsy()).has_value());
  const std::string sealed = Sealed(1);
  const auto opens = [&](const std::string& bytes) {
    return ring_.Open(bytes, "clinical/ward/patient:12345:medical/1");
  };
  ASSERT_TRUE(opens(sealed).has_value()) << "the context is the one that the header describes";
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string altered = sealed;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(opens(altered).has_value()) << "bit " << bit;
  }
  // Through the database a few of each part: magic, key id, data key, nonce, text, tag.
  for (const size_t byte :
       {size_t{0}, size_t{5}, size_t{20}, size_t{75}, size_t{100}, sealed.size() - 1}) {
    std::string altered = sealed;
    altered[byte] = static_cast<char>(altered[byte] ^ 1);
    Overwrite(altered);
    ExpectNoData(Get(), "byte " + std::to_string(byte));
  }
  Overwrite(sealed);
  EXPECT_TRUE(Get().has_value());
}

TEST_P(RecordsContract, ATruncatedCiphertextIsAnErrorAndNeverData) {
  ASSERT_TRUE(Put(Epilepsy()).has_value());
  const std::string sealed = Sealed(1);
  for (const size_t size : {size_t{0}, size_t{3}, size_t{71}, size_t{72}, size_t{90},
                            sealed.size() / 2, sealed.size() - 1}) {
    Overwrite(sealed.substr(0, size));
    ExpectNoData(Get(), std::to_string(size) + " bytes");
  }
  Overwrite(sealed + "x");
  ExpectNoData(Get(), "one byte more");
}

TEST_P(RecordsContract, AWrongKeyIsAnErrorAndNeverData) {
  ASSERT_TRUE(Put(Epilepsy()).has_value());
  const auto other = storage::KeyRing::LoadOrCreate(folder_ / "other keys").value();
  ExpectNoData(Records(*database_, other, clock_).Get(Key(), {}, kNever), "an unknown master key");
  // The same name for another key: the file was overwritten.
  std::string text = testing_support::ReadFile(folder_ / "other keys");
  text.replace(text.find('\n') + 1, ring_.newest().size(), ring_.newest());
  std::filesystem::permissions(folder_.Write("forged keys", text),
                               std::filesystem::perms::owner_read);
  const auto forged = storage::KeyRing::LoadOrCreate(folder_ / "forged keys").value();
  ASSERT_TRUE(forged.Has(ring_.newest()));
  ExpectNoData(Records(*database_, forged, clock_).Get(Key(), {}, kNever), "a wrong master key");
  // The data key of another version.
  ASSERT_TRUE(Put(Migraine()).has_value());
  constexpr size_t kHeader = storage::KeyRing::kHeaderBytes;
  Overwrite(Sealed(2).substr(0, kHeader) + Sealed(1).substr(kHeader));
  ExpectNoData(Get(Key(), 1), "a wrong data key");
}

TEST_P(RecordsContract, AnEnvelopeOpensInItsOwnRowOnly) {
  ASSERT_TRUE(Put(Epilepsy()).has_value());
  ASSERT_TRUE(Put(Migraine()).has_value());
  Overwrite(Sealed(1), 2);
  ExpectNoData(Get(Key(), 2), "the envelope of another version");
  EXPECT_TRUE(Get(Key(), 1).has_value());
}

TEST_P(RecordsContract, WhatDoesNotOpenIsFollowedByAGoodVersion) {
  ASSERT_TRUE(Put(Epilepsy()).has_value());
  Overwrite("damaged");
  EXPECT_EQ(Put(Epilepsy())->version.version, 2);
  EXPECT_EQ(Get()->record, Epilepsy());
  const auto examined = ExamineRecords(*database_, ring_, kNever);
  ASSERT_TRUE(examined.has_value());
  EXPECT_EQ(examined->versions, 2);
  EXPECT_THAT(examined->damaged,
              testing::ElementsAre("patient:12345:medical version 1 (site ward)"));
}

TEST_P(RecordsContract, EveryRecordIsExaminedPageByPage) {
  for (int i = 0; i < 1001; ++i)
    ASSERT_TRUE(Put(Migraine(), {}, Key("patient:" + std::to_string(i))).has_value());
  const auto examined = ExamineRecords(*database_, ring_, kNever);
  EXPECT_EQ(examined->versions, 1001);
  EXPECT_TRUE(examined->damaged.empty());
}

TEST_P(RecordsContract, WritersAtTheSameTimeAllGetAVersion) {
  std::atomic<int> failed = 0;
  std::vector<std::jthread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&, i] {
      const auto done = Put({.patient_id = "1", .diagnosis = std::to_string(i), .medications = {}});
      failed += done && done->is_new ? 0 : 1;
    });
  }
  writers.clear();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(Get()->version.version, 4);
}

}  // namespace montage::clinical
