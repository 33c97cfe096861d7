// The same seed gives the same bytes on every machine: SHA-256 of whole files. A changed value
// means that every recording made before changes; raise the generator's version with it.

#include <array>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "lib/synth/eeg.h"

namespace synth {
namespace {

std::string Sha256(const EegSpec& spec) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  formats::edf::FunctionSink sink([&](std::span<const uint8_t> bytes) {
    EVP_DigestUpdate(context, bytes.data(), bytes.size());
    return base::Result<void>();
  });
  const auto truth = GenerateEeg(spec, sink);
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(context, digest.data(), nullptr);
  EVP_MD_CTX_free(context);
  if (!truth) return truth.error().message;
  std::string out;
  for (const unsigned char byte : digest) out += fmt::format("{:02x}", byte);
  return out;
}

EegSpec Base(double duration_s) {
  EegSpec spec;
  spec.channels = FirstChannels(19).value();
  spec.duration_s = duration_s;
  return spec;
}

TEST(GoldenEeg, Plain) {
  EXPECT_EQ(Sha256(Base(60)), "1dcbbe856708493c53e4884f28fe4323ee1a7c8534f5a52c60450970efce6848");
}

TEST(GoldenEeg, AnotherSeed) {
  EegSpec spec = Base(60);
  spec.seed = 2;
  EXPECT_EQ(Sha256(spec), "47cb028c59001efeebad39e38592ba86f20b0f2762d23ce36cc36543cd13e63f");
}

TEST(GoldenEeg, EveryPlantInEdfPlus) {
  EegSpec spec = Base(120);
  spec.format = EegFormat::kEdfPlus;
  spec.annotate = true;
  for (const PlantTraits& traits : PlantKinds()) {
    Plant plant{.kind = traits.kind, .at_s = {30, 60}};
    spec.plants.push_back(plant);
  }
  EXPECT_EQ(Sha256(spec), "26947c9b301cbb57b240ee1ecdb20eb43aca36a02d5e783b39171a95030bea0c");
}

TEST(GoldenEeg, SleepInBdfAtAnotherRate) {
  EegSpec spec = Base(900);
  spec.channels = {"Fpz-Cz", "Pz-Oz", "C3", "E1", "E2", "EMG chin"};
  spec.rate_hz = 100;
  spec.record_duration_s = 30;
  spec.format = EegFormat::kBdf;
  for (int i = 0; i < 30; ++i) spec.hypnogram.push_back(static_cast<SleepStage>(i / 6));
  EXPECT_EQ(Sha256(spec), "89de72b0df48233b6c548f0613541aeffe78616f5e0007d1865e0af470d4ad79");
}

TEST(GoldenEeg, OpenEyesOfAChosenPersonAt1000Hz) {
  EegSpec spec = Base(60);
  spec.rate_hz = 1000;
  spec.eyes = {{false, 15}, {true, 12}};
  spec.subject[static_cast<size_t>(Trait::kAlphaHz)] = 7.5;
  spec.plants = {{.kind = PlantKind::kSlowing, .channels = {"F3"}}};
  EXPECT_EQ(Sha256(spec), "80cacf8db3e9f9b37260a5ee6148edbed392c73c0d181bc901b1da70481fe659");
}

}  // namespace
}  // namespace synth
