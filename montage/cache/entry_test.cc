#include "montage/cache/entry.h"

#include <gtest/gtest.h>

#include "lib/testing/temp_dir.h"

namespace montage::cache {
namespace {

class EntryTest : public testing::Test {
 protected:
  base::ErrorCode CodeOf(const CacheKey& key, std::string_view sealed) {
    const auto entry = OpenEntry(ring_, key, sealed);
    EXPECT_FALSE(entry.has_value());
    return entry ? base::ErrorCode::kInternal : entry.error().code;
  }

  const testing_support::TempDir dir_;
  const storage::KeyRing ring_ = storage::KeyRing::LoadOrCreate(dir_ / "keys").value();
  const CacheKey key_ = CacheKey::Features("f", 0);
  const Entry entry_{.mark = std::string(kMarkBytes, 'm'), .value = "patient_id 4711"};
};

TEST_F(EntryTest, OpensAsItWasSealedAndShowsNothing) {
  const std::string sealed = SealEntry(ring_, key_, entry_);
  EXPECT_EQ(sealed.find("4711"), std::string::npos);
  EXPECT_EQ(OpenEntry(ring_, key_, sealed)->value, entry_.value);
  EXPECT_EQ(OpenEntry(ring_, key_, sealed)->mark, entry_.mark);
  const std::string empty = SealEntry(ring_, key_, {.mark = entry_.mark, .value = ""});
  EXPECT_EQ(OpenEntry(ring_, key_, empty)->value, "");
}

TEST_F(EntryTest, EveryChangedBitIsFound) {
  const std::string sealed = SealEntry(ring_, key_, entry_);
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(OpenEntry(ring_, key_, changed).has_value()) << i;
    EXPECT_FALSE(OpenEntry(ring_, key_, sealed.substr(0, i)).has_value()) << i;
  }
}

TEST_F(EntryTest, AnEntryOfAnotherKeyOrVersionIsDamaged) {
  EXPECT_EQ(CodeOf(CacheKey::Features("f", 1), SealEntry(ring_, key_, entry_)),
            base::ErrorCode::kCorrupt);
  const std::string other = "MCE0" + std::string(48, 'x') + "value";
  EXPECT_EQ(CodeOf(key_, ring_.Seal(other, key_.text())), base::ErrorCode::kCorrupt);
  const std::string wrong_digest = "MCE1" + std::string(48, 'x') + "value";
  EXPECT_EQ(CodeOf(key_, ring_.Seal(wrong_digest, key_.text())), base::ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf(key_, ring_.Seal("MCE1", key_.text())), base::ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace montage::cache
