// Trains the example model of tests and documentation, from generated recordings only:
//
//   bench_train_example OUT.pt      writes the model and OUT.pt.sha256, prints figures of windows
//                                   of other recordings than it was trained on
//
// It shows that a real model runs through montage-infer. It knows generated EEG only and says
// nothing about people.

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "bench/model/network.h"
#include "bench/model/windows.h"
#include "lib/crypto/hash.h"
#include "lib/synth/eeg_spec.h"
#include "lib/testing/temp_dir.h"

namespace model_example {
namespace {

using base::Result;

constexpr uint64_t kSeed = 1;
constexpr int kEpochs = 12;
constexpr double kLeastBalanced = 0.8;  ///< on other recordings; a worse model is not written
constexpr Part kTrained{.first = 0, .many = 10};
constexpr Part kCalibrated{.first = 10, .many = 2};
constexpr Part kHeldOut{.first = 12, .many = 3};

montage::inference::ModelCard Card() {
  return {.name = "eeg-example",
          .version = "1.0.0",
          .rate_hz = 128,
          .window_s = 4,
          .channels = synth::FirstChannels(19).value(),
          .output = montage::inference::ModelOutput::kLogit};
}

/// Fp1 <-> Fp2, C3 <-> C4, ...; Cz stays.
std::vector<size_t> MirrorOf(const std::vector<std::string>& channels) {
  std::vector<size_t> mirror;
  for (size_t c = 0; c < channels.size(); ++c) {
    std::string other = channels[c];
    char& last = other.back();
    if (last >= '1' && last <= '8')
      last = static_cast<char>((last - '1') % 2 == 0 ? last + 1 : last - 1);
    const auto found = std::ranges::find(channels, other);
    mirror.push_back(found == channels.end() ? c : static_cast<size_t>(found - channels.begin()));
  }
  return mirror;
}

struct Counts {
  size_t right = 0;
  size_t all = 0;
  void Add(bool is_right) {
    right += is_right ? 1U : 0U;
    ++all;
  }
  double share() const {
    return all == 0 ? 0 : static_cast<double>(right) / static_cast<double>(all);
  }
};

/// Balanced accuracy; prints it and the share of right windows of each group and label.
double Report(const LabelledWindows& windows, const std::vector<float>& probabilities) {
  std::map<std::string, Counts> groups;
  Counts abnormal, normal;
  for (size_t w = 0; w < windows.count(); ++w) {
    const bool is_abnormal = windows.labels[w] > 0.5F;
    const bool is_right = (probabilities[w] > 0.5F) == is_abnormal;
    (is_abnormal ? abnormal : normal).Add(is_right);
    groups[fmt::format("{:<20}{}", windows.groups[w], is_abnormal ? "abnormal" : "normal")].Add(
        is_right);
  }
  for (const auto& [group, counts] : groups)
    fmt::print("  {:<30} {:>5} windows, {:5.1f} % right\n", group, counts.all,
               100 * counts.share());
  const double balanced = (abnormal.share() + normal.share()) / 2;
  fmt::print("sensitivity {:.3f} specificity {:.3f} balanced_accuracy {:.3f} windows {}\n",
             abnormal.share(), normal.share(), balanced, windows.count());
  return balanced;
}

Result<void> Run(const std::string& path) {
  const auto card = Card();
  TRY(const LabelledWindows trained, MakeWindows(card, kTrained));
  fmt::print("training windows {}\n", trained.count());
  Network::UseOneThread();
  Network network(card.channels.size(), card.samples(), kSeed);
  fmt::print("parameters {}\n", network.parameters());
  const auto mirror = MirrorOf(card.channels);
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const double rate = epoch < kEpochs - 4 ? 1e-3 : 2e-4;
    fmt::print("epoch {:>2} loss {:.4f}\n", epoch + 1,
               network.TrainEpoch(trained.samples, trained.labels, mirror, rate));
    (void)std::fflush(stdout);
  }
  TRY(const LabelledWindows calibrated, MakeWindows(card, kCalibrated));
  network.Calibrate(calibrated.samples, calibrated.labels);
  TRY(const LabelledWindows held_out, MakeWindows(card, kHeldOut));
  const double balanced =
      Report(held_out, network.Probabilities(held_out.samples, held_out.count()));
  if (balanced < kLeastBalanced) {
    return base::Fail(
        base::ErrorCode::kInternal,
        fmt::format("balanced accuracy {:.3f} is under {}", balanced, kLeastBalanced));
  }
  network.Save(path, std::string(montage::inference::kCardFile),
               boost::json::serialize(montage::inference::ToJson(card)));
  const std::string sha256 = crypto::Sha256Hex(testing_support::ReadFile(path));
  std::ofstream(path + ".sha256") << sha256 << "  " << path.substr(path.rfind('/') + 1) << '\n';
  fmt::print("sha256 {}\n", sha256);
  return {};
}

}  // namespace
}  // namespace model_example

int main(int argc, char** argv) {
  if (argc != 2) {
    (void)std::fputs("usage: bench_train_example OUT.pt\n", stderr);
    return 2;
  }
  const auto done = model_example::Run(argv[1]);
  if (!done) (void)std::fputs((done.error().ToString() + "\n").c_str(), stderr);
  return done ? 0 : 1;
}
