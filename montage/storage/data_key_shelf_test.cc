#include "montage/storage/data_key_shelf.h"

#include <gtest/gtest.h>

#include "lib/objects/memory_object_store.h"
#include "lib/testing/temp_dir.h"
#include "montage/storage/sealed.h"

namespace montage::storage {
namespace {

class DataKeyShelfTest : public testing::Test {
 protected:
  DataKeyShelfTest() { EXPECT_TRUE(shelf_.Open(never_).has_value()); }
  std::string_view HeaderOf(const std::string& sealed) {
    return std::string_view(sealed).substr(0, KeyRing::kHeaderBytes);
  }

  const testing_support::TempDir dir_;
  const base::Deadline never_ = base::Deadline::Never();
  base::ManualClock clock_;
  objects::MemoryObjectStore store_{clock_};
  DataKeyShelf shelf_{store_};
  const KeyRing first_ = KeyRing::LoadOrCreate(dir_ / "keys").value();
};

TEST_F(DataKeyShelfTest, APayloadOpensAfterItsMasterKeyIsRetired) {
  const std::string sealed = first_.Seal("old", "context");
  const KeyRing both = KeyRing::Rotate(dir_ / "keys").value();
  ASSERT_TRUE(shelf_.Put(HeaderOf(sealed), both.Rewrap(HeaderOf(sealed)).value(), never_));
  KeyRing newest = KeyRing::RetireOld(dir_ / "keys").value();
  EXPECT_EQ(newest.newest(), both.newest());
  EXPECT_EQ(newest.size(), 1U);
  EXPECT_EQ(newest.Open(sealed, "context").error().code, base::ErrorCode::kNotFound);
  newest.UseShelf(shelf_);
  EXPECT_EQ(newest.Open(sealed, "context").value(), "old");
  EXPECT_EQ(first_.Open(sealed, "context").value(), "old") << "the payload itself is unchanged";
}

TEST_F(DataKeyShelfTest, TheContextStillBinds) {
  const std::string sealed = first_.Seal("old", "context");
  const KeyRing both = KeyRing::Rotate(dir_ / "keys").value();
  ASSERT_TRUE(shelf_.Put(HeaderOf(sealed), both.Rewrap(HeaderOf(sealed)).value(), never_));
  KeyRing newest = KeyRing::RetireOld(dir_ / "keys").value();
  newest.UseShelf(shelf_);
  EXPECT_EQ(newest.Open(sealed, "other").error().code, base::ErrorCode::kCorrupt);
  std::string changed = sealed;
  changed.back() ^= 1;
  EXPECT_EQ(newest.Open(changed, "context").error().code, base::ErrorCode::kCorrupt);
}

TEST_F(DataKeyShelfTest, ADataKeyOfAnotherPayloadOpensNothing) {
  const std::string sealed = first_.Seal("old", "context");
  const std::string other = first_.Seal("other", "context");
  const KeyRing both = KeyRing::Rotate(dir_ / "keys").value();
  ASSERT_TRUE(shelf_.Put(HeaderOf(sealed), both.Rewrap(HeaderOf(other)).value(), never_));
  KeyRing newest = KeyRing::RetireOld(dir_ / "keys").value();
  newest.UseShelf(shelf_);
  EXPECT_FALSE(newest.Open(sealed, "context").has_value());
  // Nor does rubbish, or a header whose key nobody has.
  ASSERT_TRUE(shelf_.Put(HeaderOf(sealed), "rubbish", never_));
  EXPECT_FALSE(newest.Open(sealed, "context").has_value());
  ASSERT_TRUE(shelf_.Put(HeaderOf(sealed), std::string(HeaderOf(other)), never_));
  EXPECT_EQ(newest.Open(sealed, "context").error().code, base::ErrorCode::kNotFound);
}

TEST_F(DataKeyShelfTest, ListsAndForgets) {
  EXPECT_EQ(shelf_.Find("header", never_).value(), std::nullopt);
  ASSERT_TRUE(shelf_.Put("header", "newer", never_));
  EXPECT_EQ(DataKeyShelf(store_).Find("header", never_).value(), "newer");
  EXPECT_EQ(shelf_.Names(never_).value(), std::vector{DataKeyShelf::NameOf("header")});
  ASSERT_TRUE(shelf_.Remove(DataKeyShelf::NameOf("header"), never_));
  EXPECT_EQ(shelf_.Find("header", never_).value(), std::nullopt);
  objects::MemoryObjectStore empty(clock_);
  EXPECT_EQ(DataKeyShelf(empty).Find("header", never_).value(), std::nullopt);
}

TEST(KeyRingIds, AreReadFromHeaders) {
  const testing_support::TempDir dir;
  const auto ring = KeyRing::LoadOrCreate(dir / "keys").value();
  EXPECT_EQ(KeyRing::KeyIdOf(ring.NewDataKey().header).value(), ring.newest());
  for (const std::string& wrong : {std::string(), std::string(72, 'x'), std::string("MSE1")})
    EXPECT_EQ(KeyRing::KeyIdOf(wrong).error().code, base::ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace montage::storage
