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
  EXPECT_EQ(Sha256(Base(60)), "30727633790f18d9730d6257d8aeeafe3436b1d3c6b14ab26ba3422f13e97637");
}

TEST(GoldenEeg, AnotherSeed) {
  EegSpec spec = Base(60);
  spec.seed = 2;
  EXPECT_EQ(Sha256(spec), "6cd0cc4f7e0496f459ba7ac0f5827cb15a8c0769798fbb92642fb00c3ae4306a");
}

TEST(GoldenEeg, EveryPlantInEdfPlus) {
  EegSpec spec = Base(120);
  spec.format = EegFormat::kEdfPlus;
  spec.annotate = true;
  for (const PlantTraits& traits : PlantKinds()) {
    Plant plant{.kind = traits.kind, .at_s = {30, 60}};
    spec.plants.push_back(plant);
  }
  EXPECT_EQ(Sha256(spec), "ac8f542e4852b6bdd17504e6a8a3f15f17898bc90f95fbdf49d4e761d586a836");
}

TEST(GoldenEeg, SleepInBdfAtAnotherRate) {
  EegSpec spec = Base(900);
  spec.channels = {"Fpz-Cz", "Pz-Oz", "C3", "E1", "E2", "EMG chin"};
  spec.rate_hz = 100;
  spec.record_duration_s = 30;
  spec.format = EegFormat::kBdf;
  for (int i = 0; i < 30; ++i) spec.hypnogram.push_back(static_cast<SleepStage>(i / 6));
  EXPECT_EQ(Sha256(spec), "4fecf39c17d7ef71a6a01389d9377228384907806618350fb586902399e77b52");
}

TEST(GoldenEeg, OpenEyesOfAChosenPersonAt1000Hz) {
  EegSpec spec = Base(60);
  spec.rate_hz = 1000;
  spec.eyes = {{false, 15}, {true, 12}};
  spec.subject[static_cast<size_t>(Trait::kAlphaHz)] = 7.5;
  spec.plants = {{.kind = PlantKind::kSlowing, .channels = {"F3"}}};
  EXPECT_EQ(Sha256(spec), "f1619103e54e16a84492784c8c7cc38c74238bfe80ee3eee04ccc7760fa62060");
}

}  // namespace
}  // namespace synth
