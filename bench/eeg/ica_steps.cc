// The program that compare_ica.py measures: decomposes a raw recording with both methods, prints
// what each took and how it ended, and writes the unmixings.
//
//   montage_ica_steps INPUT CHANNELS COMPONENTS OUTPUT_DIR REPEATS
//
// INPUT: float64, channel after channel, little endian. Output: <method>.f64, components x
// channels.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "montage/signal/ica/ica.h"

namespace {

using namespace montage::signal;

/// Best CPU time of the repeats; writes the last outcome.
void Measure(IcaMethod method, std::span<const std::span<const double>> channels, size_t components,
             const std::string& directory, int repeats) {
  double best = 1e9;
  IcaModel model;
  for (int i = 0; i < repeats; ++i) {
    const std::clock_t start = std::clock();
    auto fitted = FitIca(channels, {.method = method, .limit = {.count = components}});
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    if (!fitted) std::exit(1);
    model = std::move(*fitted);
  }
  const std::string name(ToString(method));
  const IcaConvergence& end = model.convergence;
  std::printf("%s %.6f converged=%d iterations=%zu passes=%.1f residual=%.1e\n", name.c_str(), best,
              end.converged ? 1 : 0, end.iterations, end.passes, end.residual);
  std::ofstream file(directory + "/" + name + ".f64", std::ios::binary);
  file.write(reinterpret_cast<const char*>(model.unmixing.values.data()),
             static_cast<std::streamsize>(model.unmixing.values.size() * sizeof(double)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 1;
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const size_t count = std::strtoul(argv[2], nullptr, 10);
  const size_t length = bytes.size() / sizeof(double) / count;
  const std::span samples(reinterpret_cast<const double*>(bytes.data()), count * length);
  std::vector<std::span<const double>> channels;
  for (size_t c = 0; c < count; ++c) channels.push_back(samples.subspan(c * length, length));
  const size_t components = std::strtoul(argv[3], nullptr, 10);
  for (const IcaMethod method : {IcaMethod::kFastIca, IcaMethod::kExtendedInfomax}) {
    Measure(method, channels, components, argv[4], std::atoi(argv[5]));
  }
}
