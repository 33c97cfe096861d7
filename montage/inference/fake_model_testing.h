#pragma once
// For tests only: models of the stand-in for montage-infer.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lib/crypto/hash.h"
#include "lib/testing/temp_dir.h"
#include "montage/inference/inference_client.h"
#include "montage/inference/wire.h"

namespace montage::inference {

inline std::string FakeProgram() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "montage_inference_fake")
      .string();
}

/// Writes a model that behaves as the words say.
inline InferenceOptions FakeModel(const testing_support::TempDir& folder,
                                  const std::string& words) {
  return {.process = {.program = FakeProgram(),
                      .model = folder.Write("model", words).string(),
                      .sha256 = crypto::Sha256Hex(words)}};
}

/// Its scores: the first sample of each window.
inline std::vector<float> FirstSamples(const Shape& shape, std::span<const float> samples) {
  std::vector<float> scores;
  scores.reserve(shape.windows);
  for (uint32_t w = 0; w < shape.windows; ++w)
    scores.push_back(samples[size_t{w} * shape.channels * shape.samples]);
  return scores;
}

inline constexpr size_t kFakeWindow = 600;  ///< values of one window: 3 channels x 200 samples

/// So many windows with this first sample.
inline std::vector<float> FakeWindows(size_t windows, float first) {
  std::vector<float> samples(windows * kFakeWindow, 0.25F);
  for (size_t w = 0; w < windows; ++w) samples[w * kFakeWindow] = first;
  return samples;
}

}  // namespace montage::inference
