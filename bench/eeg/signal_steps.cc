// The program that compare_scipy.py measures: runs the linear steps over a raw recording, prints
// the best time of each and writes what it computed.
//
//   montage_signal_steps INPUT CHANNELS RATE OUTPUT_DIR REPEATS
//
// INPUT: float64, channel after channel, little endian. Output: <step>.f64 in the same layout.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "montage/signal/filter/fir.h"
#include "montage/signal/filter/resample.h"
#include "montage/signal/filter/iir.h"
#include "montage/signal/spectrum.h"

namespace {

using namespace montage::signal;
using Channels = std::vector<std::vector<double>>;

Channels ReadChannels(const char* path, size_t count) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const size_t length = bytes.size() / sizeof(double) / count;
  Channels channels(count, std::vector<double>(length));
  for (size_t c = 0; c < count; ++c) {
    std::copy_n(bytes.data() + c * length * sizeof(double), length * sizeof(double),
                reinterpret_cast<char*>(channels[c].data()));
  }
  return channels;
}

/// Best CPU time of the repeats; writes the last outcome.
void Measure(const std::string& name, const std::string& directory, int repeats,
             const std::function<Channels()>& step) {
  double best = 1e9;
  Channels outcome;
  for (int i = 0; i < repeats; ++i) {
    const std::clock_t start = std::clock();
    outcome = step();
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  std::printf("%s %.6f\n", name.c_str(), best);
  std::ofstream file(directory + "/" + name + ".f64", std::ios::binary);
  for (const auto& channel : outcome) {
    file.write(reinterpret_cast<const char*>(channel.data()),
               static_cast<std::streamsize>(channel.size() * sizeof(double)));
  }
}

Channels ZeroPhase(Channels channels, const Sections& sections) {
  const std::vector<std::span<double>> spans(channels.begin(), channels.end());
  if (!FilterZeroPhase(sections, spans)) std::exit(1);
  return channels;
}

Channels Spectra(const Channels& channels, double rate, size_t segment) {
  const std::vector<std::span<const double>> spans(channels.begin(), channels.end());
  const auto spectra = WelchAll(spans, rate, {segment, segment / 2});
  if (!spectra) std::exit(1);
  Channels densities;
  for (const Spectrum& spectrum : *spectra) densities.push_back(spectrum.density);
  return densities;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 1;
  const auto channels = ReadChannels(argv[1], std::strtoul(argv[2], nullptr, 10));
  const double rate = std::strtod(argv[3], nullptr);
  const std::string directory = argv[4];
  const int repeats = std::atoi(argv[5]);
  const auto band = Butterworth(4, Band::kBandPass, {0.5, 45}, rate);
  const auto notch = Notch(50, 30, rate);
  if (!band || !notch) return 1;
  Measure("band_pass", directory, repeats, [&] { return ZeroPhase(channels, *band); });
  Measure("notch", directory, repeats, [&] { return ZeroPhase(channels, *notch); });
  const auto segment = static_cast<size_t>(4 * rate);
  Measure("psd", directory, repeats, [&] { return Spectra(channels, rate, segment); });
  Measure("resample", directory, repeats, [&] {
    Channels resampled;
    for (const auto& channel : channels) resampled.push_back(Resample(channel, 25, 32).value());
    return resampled;
  });
  Measure("envelope", directory, repeats, [&] {
    const std::vector<std::span<const double>> spans(channels.begin(), channels.end());
    return EnvelopeAll(spans).value();
  });
  Measure("coherence", directory, repeats, [&] {
    const std::vector<std::span<const double>> spans(channels.begin(), channels.end());
    return CoherenceOfPairs(spans, rate, {segment, segment / 2}).value();
  });
}
