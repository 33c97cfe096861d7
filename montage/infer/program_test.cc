#include "montage/infer/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/crypto/hash.h"
#include "lib/testing/temp_dir.h"

namespace montage::infer {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

TEST(Arguments, AreAModelAndTwoOptions) {
  const std::string digest(64, 'f');
  const auto parsed = ParseArguments({"--threads", "2", "m.pt", "--sha256", digest});
  ASSERT_TRUE(parsed.has_value()) << parsed.error().ToString();
  EXPECT_EQ(parsed->model, "m.pt");
  EXPECT_EQ(parsed->threads, 2);
  EXPECT_EQ(parsed->sha256, digest);
}

TEST(Arguments, AnythingElseIsRefused) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {""},
                                             {"a", "b"},
                                             {"a", "--quick"},
                                             {"a", "--threads"},
                                             {"a", "--threads", "0"},
                                             {"a", "--threads", "65"},
                                             {"a", "--threads", "2x"},
                                             {"a", "--threads", ""},
                                             {"a", "--sha256"},
                                             {"a", "--sha256", "abc"},
                                             {"a", "--sha256", std::string(64, 'F')},
                                             {"a", "--sha256", std::string(65, 'f')}}) {
    EXPECT_FALSE(ParseArguments(words).has_value()) << testing::PrintToString(words);
  }
}

TEST(ModelFile, IsReadAndHeldAgainstItsDigest) {
  const testing_support::TempDir folder;
  const std::string path = folder.Write("m.pt", "model").string();
  const auto read = ReadModelFile({.model = path});
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->bytes, "model");
  EXPECT_EQ(read->sha256, crypto::Sha256Hex("model"));
  EXPECT_TRUE(ReadModelFile({.model = path, .sha256 = read->sha256}).has_value());
  const auto other = ReadModelFile({.model = path, .sha256 = std::string(64, '0')});
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(other.error().message, HasSubstr(read->sha256));
}

TEST(ModelFile, ThatIsMissingOrAFolderIsAnError) {
  const testing_support::TempDir folder;
  EXPECT_EQ(ReadModelFile({.model = (folder / "none").string()}).error().code,
            ErrorCode::kNotFound);
  EXPECT_FALSE(ReadModelFile({.model = folder.path().string()}).has_value());
}

}  // namespace
}  // namespace montage::infer
