#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/testing/temp_dir.h"
#include "montage/storage/ids.h"
#include "montage/storage/sealed.h"
#include "montage/storage/sealed_pieces.h"
#include "montage/storage/sealed_stream.h"

namespace montage::storage {
namespace {

const base::Deadline kNever = base::Deadline::Never();

TEST(SealedPieces, AreReadInAnyOrderAndHaveNoNameOnDisk) {
  const testing_support::TempDir folder;
  const auto pieces = SealedPieces::Create(folder.path()).value();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  const std::string first(SealedPieces::kBytes, 'a'), second(SealedPieces::kBytes, 'b');
  for (const std::string& piece : {first, second, std::string("end")})
    ASSERT_TRUE(pieces->Append(piece).has_value());
  EXPECT_EQ(pieces->count(), 3U);
  EXPECT_EQ(pieces->Read(2, 3).value(), "end");
  EXPECT_EQ(pieces->Read(1).value(), second);
  EXPECT_EQ(pieces->Read(0).value(), first);
  // Not the bytes that were written, nor what was never.
  EXPECT_EQ(pieces->Read(2, 2).error().code, base::ErrorCode::kIo);
  EXPECT_EQ(pieces->Read(3).error().code, base::ErrorCode::kIo);
}

TEST(SealedPieces, WithoutAFolderThereAreNone) {
  const testing_support::TempDir folder;
  const auto refused = SealedPieces::Create(folder / "absent");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kIo);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("cannot create the spool file"));
}

TEST(KeyRing, OpensWhatItSealedAndNothingElse) {
  const testing_support::TempDir folder;
  const auto ring = KeyRing::LoadOrCreate(folder / "keys").value();
  const std::string record = R"({"patient_id":"12345","diagnosis":"epilepsy"})";
  const std::string sealed = ring.Seal(record, "patient:12345:medical");
  EXPECT_EQ(ring.Open(sealed, "patient:12345:medical").value(), record);
  EXPECT_NE(ring.Seal(record, "patient:12345:medical"), sealed);
  EXPECT_THAT(sealed, testing::Not(testing::HasSubstr("epilepsy")));
  EXPECT_FALSE(ring.Open(sealed, "patient:12346:medical").has_value());
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string wrong = sealed;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    EXPECT_FALSE(ring.Open(wrong, "patient:12345:medical").has_value()) << i;
    EXPECT_FALSE(ring.Open(sealed.substr(0, i), "patient:12345:medical").has_value()) << i;
  }
  const auto other = KeyRing::LoadOrCreate(folder / "other").value();
  EXPECT_FALSE(other.Open(sealed, "patient:12345:medical").has_value());
}

TEST(KeyRing, AfterRotationOldPayloadsStillOpen) {
  const testing_support::TempDir folder;
  const auto first = KeyRing::LoadOrCreate(folder / "keys").value();
  const std::string sealed = first.Seal("old", "c");
  const auto second = KeyRing::Rotate(folder / "keys").value();
  EXPECT_NE(second.newest(), first.newest());
  EXPECT_EQ(second.Open(sealed, "c").value(), "old");
  EXPECT_FALSE(first.Open(second.Seal("new", "c"), "c").has_value());
}

TEST(KeyRing, RefusesFilesThatAreOpenToOthersOrNoKeyFiles) {
  const testing_support::TempDir folder;
  ASSERT_TRUE(KeyRing::LoadOrCreate(folder / "keys").has_value());
  namespace fs = std::filesystem;
  EXPECT_EQ(fs::status(folder / "keys").permissions(), fs::perms(0600));
  fs::permissions(folder / "keys", fs::perms(0640));
  EXPECT_EQ(KeyRing::LoadOrCreate(folder / "keys").error().code, base::ErrorCode::kForbidden);
  fs::permissions(folder / "keys", fs::perms(0600));
  std::ofstream(folder / "keys") << "montage-keys 1\nshort\n";
  EXPECT_EQ(KeyRing::LoadOrCreate(folder / "keys").error().code, base::ErrorCode::kCorrupt);
}

class SealedStreamTest : public testing::Test {
 protected:
  std::string Sealed(const std::string& plain) {
    objects::TextSource source(plain);
    SealingSource sealing(ring_, source, "files/1");
    return objects::ReadAll(sealing, 1 << 24, kNever).value();
  }
  base::Result<std::string> Opened(const std::string& sealed, const std::string& context) {
    OpeningSource opening(ring_, std::make_unique<objects::TextSource>(sealed), context);
    return objects::ReadAll(opening, 1 << 24, kNever);
  }

  testing_support::TempDir folder_;
  KeyRing ring_ = KeyRing::LoadOrCreate(folder_ / "keys").value();
};

TEST_F(SealedStreamTest, EveryLengthComesBack) {
  for (const size_t size :
       {0UL, 1UL, kFrameBytes - 1, kFrameBytes, kFrameBytes + 1, 3 * kFrameBytes, 200'000UL}) {
    std::string plain(size, 'p');
    if (size > 10) plain[size - 3] = 'q';
    const std::string sealed = Sealed(plain);
    EXPECT_EQ(Opened(sealed, "files/1").value(), plain) << size;
    EXPECT_THAT(sealed, testing::Not(testing::HasSubstr("pppp")));
    EXPECT_FALSE(Opened(sealed, "files/2").has_value());
  }
}

TEST_F(SealedStreamTest, CutSwappedAndChangedFramesAreRefused) {
  std::string plain;
  for (size_t i = 0; i < 3 * kFrameBytes; ++i) plain += static_cast<char>('a' + i % 17);
  const std::string sealed = Sealed(plain);
  const size_t frame = kFrameBytes + 28;
  const size_t header = sealed.size() - 3 * frame;
  for (const size_t length :
       {0UL, 1UL, header - 1, header, header + frame, header + 2 * frame, sealed.size() - 1}) {
    EXPECT_FALSE(Opened(sealed.substr(0, length), "files/1").has_value()) << length;
  }
  std::string swapped = sealed;
  std::swap_ranges(swapped.begin() + static_cast<std::ptrdiff_t>(header),
                   swapped.begin() + static_cast<std::ptrdiff_t>(header + frame),
                   swapped.begin() + static_cast<std::ptrdiff_t>(header + frame));
  EXPECT_FALSE(Opened(swapped, "files/1").has_value());
  EXPECT_FALSE(Opened(sealed + "x", "files/1").has_value());
  for (const size_t at : {5UL, header - 1, header + 20, header + frame + 20, sealed.size() - 1}) {
    std::string wrong = sealed;
    wrong[at] = static_cast<char>(wrong[at] ^ 4);
    EXPECT_FALSE(Opened(wrong, "files/1").has_value()) << at;
  }
}

TEST(Ids, AreDistinctVersion4Uuids) {
  EXPECT_THAT(NewId(),
              testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}"
                                    "-[0-9a-f]{12}"));
  EXPECT_NE(NewId(), NewId());
}

}  // namespace
}  // namespace montage::storage
