// The program that compare_scipy.py measures: it reads a raw recording, then runs the steps whose
// names come on standard input, one a line, and answers each with its processor time in seconds.
//
//   montage_signal_steps INPUT CHANNELS RATE OUTPUT_DIR
//
// INPUT: float64, channel after channel, little endian. A step's outcome goes to
// OUTPUT_DIR/<step>.f64 in the same layout. Outputs are allocated before the clock starts where the
// library writes to memory of its caller.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "montage/signal/filter/fir.h"
#include "montage/signal/filter/iir.h"
#include "montage/signal/filter/resample.h"
#include "montage/signal/spectrum.h"

namespace {

using namespace montage::signal;
using Rows = std::vector<std::vector<double>>;
using Inputs = std::vector<std::span<const double>>;

template <typename T>
T OrExit(base::Result<T> result) {
  if (result) {
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  } else {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
}

Rows ReadRows(const char* path, size_t count) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const size_t length = bytes.size() / sizeof(double) / count;
  Rows rows(count, std::vector<double>(length));
  for (size_t c = 0; c < count; ++c) {
    std::copy_n(bytes.data() + c * length * sizeof(double), length * sizeof(double),
                reinterpret_cast<char*>(rows[c].data()));
  }
  return rows;
}

/// What one step reads, and where it leaves its outcome.
struct Bench {
  Bench(Rows recording, double rate)
      : rows(std::move(recording)),
        rate_hz(rate),
        segment(static_cast<size_t>(4 * rate)),
        inputs(rows.begin(), rows.end()) {}

  /// Rows of the outcome, made on the first run.
  std::vector<std::span<double>> Outputs(size_t length) {
    if (outcome.size() != rows.size() || outcome.front().size() != length) {
      outcome.assign(rows.size(), std::vector<double>(length));
    }
    return {outcome.begin(), outcome.end()};
  }

  Rows rows;
  double rate_hz;
  size_t segment;  ///< of spectra: 4 s, half of which overlap
  Inputs inputs;
  Rows outcome;
};

/// A step prepares what is not measured and gives what is.
using Step = std::function<std::function<void()>(Bench&)>;

const std::map<std::string, Step>& Steps() {
  static const std::map<std::string, Step> steps = {
      {"band_pass",
       [](Bench& b) {
         return [&b, out = b.Outputs(b.rows[0].size())] {
           const auto band = OrExit(Butterworth(4, Band::kBandPass, {0.5, 45}, b.rate_hz));
           OrExit(FilterZeroPhase(band, b.inputs, out));
         };
       }},
      {"notch",
       [](Bench& b) {
         return [&b, out = b.Outputs(b.rows[0].size())] {
           OrExit(FilterZeroPhase(OrExit(Notch(50, 30, b.rate_hz)), b.inputs, out));
         };
       }},
      {"band_pass_fir",
       [](Bench& b) {
         return [&b, out = b.Outputs(b.rows[0].size())] {
           const auto taps = OrExit(DefaultFir(Band::kBandPass, {0.5, 45}, b.rate_hz));
           OrExit(FilterZeroPhase(taps, b.inputs, out));
         };
       }},
      {"psd",
       [](Bench& b) {
         return [&b] {
           b.outcome.clear();
           for (auto& spectrum :
                OrExit(WelchAll(b.inputs, b.rate_hz, {b.segment, b.segment / 2}))) {
             b.outcome.push_back(std::move(spectrum.density));
           }
         };
       }},
      {"coherence",
       [](Bench& b) {
         return [&b] {
           b.outcome =
               OrExit(CoherenceOfPairs(b.inputs, b.rate_hz, {b.segment, b.segment / 2}, {1, 100}));
         };
       }},
      {"resample",
       [](Bench& b) {
         return [&b, out = b.Outputs(ResampledLength(b.rows[0].size(), 25, 32))] {
           OrExit(ResampleAll(b.inputs, 25, 32, out));
         };
       }},
      {"envelope", [](Bench& b) { return [&b] { b.outcome = OrExit(EnvelopeAll(b.inputs)); }; }}};
  return steps;
}

void Write(const std::string& path, const Rows& rows) {
  std::ofstream file(path, std::ios::binary);
  for (const auto& row : rows) {
    file.write(reinterpret_cast<const char*>(row.data()),
               static_cast<std::streamsize>(row.size() * sizeof(double)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 1;
  Bench bench(ReadRows(argv[1], std::strtoul(argv[2], nullptr, 10)), std::strtod(argv[3], nullptr));
  for (std::string name; std::getline(std::cin, name);) {
    const auto step = Steps().find(name);
    if (step == Steps().end()) {
      std::fprintf(stderr, "no step \"%s\"\n", name.c_str());
      return 1;
    }
    const auto run = step->second(bench);
    const std::clock_t start = std::clock();
    run();
    std::printf("%.6f\n", static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    Write(std::string(argv[4]) + "/" + name + ".f64", bench.outcome);
    std::fflush(stdout);
  }
}
