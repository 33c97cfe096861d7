#include <gtest/gtest.h>

#include "lib/crypto/base64.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"

namespace crypto {
namespace {

// FIPS 180-4 example "abc".
TEST(Sha256, MatchesTheStandardsExample) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, PiecesGiveTheSameDigestAsTheWholeAndTheObjectIsReusable) {
  Sha256 hash;
  hash.Update("a");
  hash.Update("bc");
  EXPECT_EQ(hash.FinishHex(), Sha256Hex("abc"));
  EXPECT_EQ(hash.FinishHex(), Sha256Hex(""));
}

// RFC 4231 test case 2.
TEST(Md5, MatchesTheTestSuiteOfRfc1321) {
  EXPECT_EQ(ToHex(Md5Of("")), "d41d8cd98f00b204e9800998ecf8427e");
  Md5 hash;
  hash.Update("message ");
  hash.Update("digest");
  EXPECT_EQ(ToHex(hash.Finish()), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(ToHex(hash.Finish()), "d41d8cd98f00b204e9800998ecf8427e");
}

TEST(HmacSha256, MatchesRfc4231) {
  EXPECT_EQ(ToHex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

// RFC 4648 section 10.
TEST(Base64, MatchesRfc4648) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(Base64(bytes), text);
    EXPECT_EQ(ParseBase64(text).value(), bytes);
  }
  EXPECT_EQ(Base64Url("\xff\xef"), "_-8");
  EXPECT_EQ(ParseBase64Url("_-8").value(), "\xff\xef");
}

TEST(Base64, RefusesDamagedText) {
  for (const char* text : {"Z", "Zg=a", "Z!==", "Zh==", "=", "====", "Zm9v\n"}) {
    EXPECT_FALSE(ParseBase64(text).has_value()) << text;
  }
}

TEST(Password, VerifiesOnlyTheRightOneAndSaltsEachHash) {
  const std::string first = HashPassword("correct horse", PasswordCost::kMinimal);
  EXPECT_TRUE(VerifyPassword(first, "correct horse"));
  EXPECT_FALSE(VerifyPassword(first, "correct horsf"));
  EXPECT_FALSE(VerifyPassword("not a hash", "correct horse"));
  EXPECT_NE(first, HashPassword("correct horse", PasswordCost::kMinimal));
}

TEST(Seal, OpensOnlyUnalteredBytesWithTheSameKeyAndContext) {
  const std::string key = RandomBytes(32);
  const std::string sealed = Seal(key, "epilepsy", "patient:1");
  EXPECT_EQ(Open(key, sealed, "patient:1").value(), "epilepsy");
  EXPECT_EQ(sealed.find("epilepsy"), std::string::npos);
  EXPECT_NE(sealed, Seal(key, "epilepsy", "patient:1"));
  EXPECT_FALSE(Open(key, sealed, "patient:2").has_value());
  EXPECT_FALSE(Open(RandomBytes(32), sealed, "patient:1").has_value());
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(Open(key, altered, "patient:1").has_value()) << i;
    EXPECT_FALSE(Open(key, sealed.substr(0, i), "patient:1").has_value()) << i;
  }
}

TEST(Sign, VerifiesOnlyTheSameMessageAndKey) {
  const SigningKey key = GenerateSigningKey();
  const std::string signature = Sign(key.secret, "head");
  EXPECT_TRUE(VerifySignature(key.public_key, "head", signature));
  EXPECT_FALSE(VerifySignature(key.public_key, "heae", signature));
  EXPECT_FALSE(VerifySignature(GenerateSigningKey().public_key, "head", signature));
  EXPECT_FALSE(VerifySignature("short", "head", signature));
}

TEST(EqualInConstantTime, ComparesLengthToo) {
  EXPECT_TRUE(EqualInConstantTime("abc", "abc"));
  EXPECT_FALSE(EqualInConstantTime("abc", "abd"));
  EXPECT_FALSE(EqualInConstantTime("abc", "ab"));
}

}  // namespace
}  // namespace crypto
