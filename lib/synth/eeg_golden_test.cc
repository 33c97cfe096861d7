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
  EXPECT_EQ(Sha256(Base(60)), "fa20d27024d484d27f863411bea4c995fee44c0f377e8b976bbc6802d7d36b94");
}

TEST(GoldenEeg, AnotherSeed) {
  EegSpec spec = Base(60);
  spec.seed = 2;
  EXPECT_EQ(Sha256(spec), "6e42586af22eb4bb124d19743f8ff4f2569bf49cacca7b403f39acf8f0346a0e");
}

TEST(GoldenEeg, EveryPlantInEdfPlus) {
  EegSpec spec = Base(120);
  spec.format = EegFormat::kEdfPlus;
  spec.annotate = true;
  for (const PlantTraits& traits : PlantKinds()) {
    Plant plant{.kind = traits.kind, .at_s = {30, 60}};
    spec.plants.push_back(plant);
  }
  EXPECT_EQ(Sha256(spec), "ce5aae62fc763845790ab39c865562c027c94f04633b66a8ba968a28cd29c13c");
}

TEST(GoldenEeg, SleepInBdfAtAnotherRate) {
  EegSpec spec = Base(900);
  spec.channels = {"Fpz-Cz", "Pz-Oz", "C3", "E1", "E2", "EMG chin"};
  spec.rate_hz = 100;
  spec.record_duration_s = 30;
  spec.format = EegFormat::kBdf;
  for (int i = 0; i < 30; ++i) spec.hypnogram.push_back(static_cast<SleepStage>(i / 6));
  EXPECT_EQ(Sha256(spec), "158fbe7ad60c1e87d8bdfd891524b2ddfd49d670fb77ea5b83e9ae169783eb83");
}

TEST(GoldenEeg, OpenEyesOfAChosenPersonAt1000Hz) {
  EegSpec spec = Base(60);
  spec.rate_hz = 1000;
  spec.eyes = {{false, 15}, {true, 12}};
  spec.subject[static_cast<size_t>(Trait::kAlphaHz)] = 7.5;
  spec.plants = {{.kind = PlantKind::kSlowing, .channels = {"F3"}}};
  EXPECT_EQ(Sha256(spec), "8cc2f82e1551857a20003d199b4deec694497609caca086a66dca3fba1f68cf7");
}

}  // namespace
}  // namespace synth
