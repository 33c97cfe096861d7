#include "lib/objects/fs_object_store.h"

#include <fstream>

#include "lib/objects/fs_layout.h"
#include "lib/objects/memory_object_store.h"
#include "lib/objects/object_store_contract.h"
#include "lib/testing/temp_dir.h"

namespace objects {
namespace {

namespace fs = std::filesystem;
const base::SystemClock kClock;

std::shared_ptr<ObjectStore> NewStore() {
  struct Whole {
    testing_support::TempDir folder;
    std::unique_ptr<FsObjectStore> store;
  };
  auto whole = std::make_shared<Whole>();
  whole->store = FsObjectStore::Open(whole->folder / "objects", kClock).value();
  return {whole, whole->store.get()};
}

std::shared_ptr<ObjectStore> NewMemoryStore() {
  return std::make_shared<MemoryObjectStore>(kClock);
}

INSTANTIATE_TEST_SUITE_P(Memory, ObjectStoreContract, testing::Values(NewMemoryStore));
INSTANTIATE_TEST_SUITE_P(Fs, ObjectStoreContract, testing::Values(NewStore));

class FsObjectStoreTest : public testing::Test {
 protected:
  std::unique_ptr<FsObjectStore> Open() {
    auto store = FsObjectStore::Open(folder_ / "objects", kClock).value();
    EXPECT_TRUE(store->EnsureBucket("results", base::Deadline::Never()).has_value());
    return store;
  }
  fs::path FileOf(const std::string& key) {
    return folder_ / "objects" / "buckets" / "results" / FileOfKey(key);
  }
  testing_support::TempDir folder_;
};

TEST_F(FsObjectStoreTest, ObjectsAreThereAfterReopening) {
  ASSERT_TRUE(PutText(*Open(), "results", "a/b", "text", {}, base::Deadline::Never()));
  EXPECT_EQ(GetText(*Open(), "results", "a/b", 9, base::Deadline::Never()).value(), "text");
}

TEST_F(FsObjectStoreTest, DamagedOrOverwrittenFilesAreCorrupt) {
  const auto store = Open();
  const auto never = base::Deadline::Never();
  const auto code = [&] {
    const auto text = GetText(*store, "results", "key", 1 << 20, never);
    return text ? base::ErrorCode::kInternal : text.error().code;
  };
  const auto put = [&] {
    return PutText(*store, "results", "key", std::string(999, 'a'), {}, never);
  };
  ASSERT_TRUE(put());
  std::fstream(FileOf("key"), std::ios::in | std::ios::out).seekp(500) << 'b';
  EXPECT_EQ(code(), base::ErrorCode::kCorrupt);
  ASSERT_TRUE(put());
  fs::resize_file(FileOf("key"), fs::file_size(FileOf("key")) - 1);
  EXPECT_EQ(code(), base::ErrorCode::kCorrupt);
  fs::resize_file(FileOf("key"), 0);
  EXPECT_EQ(code(), base::ErrorCode::kCorrupt);
  ASSERT_TRUE(put());
  std::ofstream(FileOf("key")) << "overwritten by somebody";
  EXPECT_EQ(store->Head("results", "key", never).error().code, base::ErrorCode::kCorrupt);
}

TEST_F(FsObjectStoreTest, LeftoversOfDeadStoresGoAndThoseOfLivingStay) {
  const auto living = Open();
  const fs::path incoming = folder_ / "objects" / "incoming";
  fs::create_directories(incoming / "dead");
  std::ofstream(incoming / "dead" / "lock") << "";
  std::ofstream(incoming / "dead" / "7") << "half an object";
  const auto second = Open();
  EXPECT_FALSE(fs::exists(incoming / "dead"));
  EXPECT_EQ(std::distance(fs::directory_iterator(incoming), fs::directory_iterator()), 2);
  EXPECT_TRUE(PutText(*living, "results", "k", "x", {}, base::Deadline::Never()));
}

TEST_F(FsObjectStoreTest, DeletingTheLastObjectLeavesNoFolders) {
  const auto store = Open();
  ASSERT_TRUE(PutText(*store, "results", "a/b/c", "x", {}, base::Deadline::Never()));
  ASSERT_TRUE(store->Delete("results", "a/b/c", base::Deadline::Never()));
  EXPECT_TRUE(fs::is_empty(folder_ / "objects" / "buckets" / "results"));
}

TEST(FsLayout, ReadsBackOnlyWhatItWrites) {
  EXPECT_EQ(FileOfKey("results/j1/complete.json"), "results/j1/complete.json@");
  EXPECT_EQ(FileOfKey("../x"), "%2E./x@");
  for (const char* foreign : {"x", "a/.hidden@", "a b@", "%zz@", "%4@", "%41@", "@", "a@/b@"}) {
    EXPECT_EQ(KeyOfFile(foreign), std::nullopt) << foreign;
  }
}

}  // namespace
}  // namespace objects
