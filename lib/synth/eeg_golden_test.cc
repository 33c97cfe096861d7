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
  EXPECT_EQ(Sha256(Base(60)), "d06a18f8ce09b07b1e65bf01530963902c67a39dad319bdb1a01510b616b4e56");
}

TEST(GoldenEeg, AnotherSeed) {
  EegSpec spec = Base(60);
  spec.seed = 2;
  EXPECT_EQ(Sha256(spec), "339eab982a91d3b413105648dc7d375eb834b257e87c84b77d48f60d4f126c22");
}

TEST(GoldenEeg, EveryPlantInEdfPlus) {
  EegSpec spec = Base(120);
  spec.format = EegFormat::kEdfPlus;
  spec.annotate = true;
  for (const PlantTraits& traits : PlantKinds()) {
    Plant plant{.kind = traits.kind, .at_s = {30, 60}};
    spec.plants.push_back(plant);
  }
  EXPECT_EQ(Sha256(spec), "676323b4c0011ba1ac24182bae476ecf7cfc235bee25727951dde003bd9187e5");
}

TEST(GoldenEeg, SleepInBdfAtAnotherRate) {
  EegSpec spec = Base(900);
  spec.channels = {"Fpz-Cz", "Pz-Oz", "C3", "E1", "E2", "EMG chin"};
  spec.rate_hz = 100;
  spec.record_duration_s = 30;
  spec.format = EegFormat::kBdf;
  for (int i = 0; i < 30; ++i) spec.hypnogram.push_back(static_cast<SleepStage>(i / 6));
  EXPECT_EQ(Sha256(spec), "745a1ef7112e0a0f6c07a1354a61d5c73e471b785441299e8426360d6afcb26c");
}

}  // namespace
}  // namespace synth
