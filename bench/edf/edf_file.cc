// Writes a generated recording of about BYTES bytes to a file and flushes it: what edf.py compares
// with dd.
//
//   bench_edf_file FILE BYTES

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/result.h"
#include "lib/synth/eeg.h"

namespace {

using base::Result;

constexpr size_t kChannels = 19;
constexpr double kRateHz = 256;
constexpr double kBytesPerSecond = kChannels * kRateHz * 2;

Result<void> WriteAll(int descriptor, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) return base::Fail(base::ErrorCode::kIo, std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Result<void> Generate(int descriptor, double bytes) {
  synth::EegSpec spec;
  TRY(spec.channels, synth::FirstChannels(kChannels));
  spec.rate_hz = kRateHz;
  spec.duration_s = bytes / kBytesPerSecond;
  formats::edf::FunctionSink sink(
      [&](std::span<const uint8_t> piece) { return WriteAll(descriptor, piece); });
  TRY(synth::GenerateEeg(spec, sink));
  if (::fsync(descriptor) != 0) return base::Fail(base::ErrorCode::kIo, std::strerror(errno));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int descriptor = ::open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return 1;
  const auto generated = Generate(descriptor, std::strtod(argv[2], nullptr));
  ::close(descriptor);
  if (generated) return 0;
  std::fprintf(stderr, "%s\n", generated.error().ToString().c_str());
  return 1;
}
