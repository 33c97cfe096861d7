// A stand-in for montage-infer in tests. The model file's first word says how it behaves, the
// second is a path where that needs one; the score of a window is its first sample.

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "lib/crypto/hash.h"
#include "lib/testing/temp_dir.h"
#include "montage/inference/byte_stream.h"
#include "montage/inference/fake_model_testing.h"
#include "montage/inference/model_card.h"
#include "montage/inference/wire.h"

namespace montage::inference {
namespace {

base::Deadline Never() { return base::Deadline::Never(); }

void Say(std::string_view text) {
  (void)SendAll(STDOUT_FILENO, {reinterpret_cast<const uint8_t*>(text.data()), text.size()},
                Never());
}

[[noreturn]] void Hang() {
  while (true) ::pause();
}

/// The answer to one frame; may not return.
std::vector<uint8_t> Answer(const std::string& mode, const std::string& path, const FrameHead& head,
                            std::span<const float> samples) {
  std::vector<float> scores = FirstSamples(head.shape, samples);
  if (mode == "crash") std::abort();
  if (mode == "crash-once" && ::access(path.c_str(), F_OK) != 0) {
    ::close(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
    std::abort();
  }
  if (mode == "hang") Hang();
  if (mode == "refuse") return EncodeError(head.request, "not\nthis");
  if (mode == "other-request") return EncodeScores(head.request + 1, scores);
  if (mode == "garbage") return std::vector<uint8_t>(100, 0xab);
  if (mode == "bad-score") scores[0] = 1.5F;
  if (mode == "one-less") scores.pop_back();
  if (mode == "eat-memory") {
    std::vector<std::string> hoard;
    while (hoard.size() < 4096) hoard.emplace_back(size_t{1} << 24, 'x');
  }
  return EncodeScores(head.request, scores);
}

void Serve(const std::string& mode, const std::string& path) {
  while (true) {
    uint8_t bytes[kHeadBytes];
    if (!ReceiveAll(STDIN_FILENO, bytes, Never())) return;
    const FrameHead head = ParseHead(std::span(bytes)).value();
    std::vector<uint8_t> payload(head.payload_bytes);
    if (!ReceiveAll(STDIN_FILENO, payload, Never())) return;
    (void)SendAll(STDOUT_FILENO, Answer(mode, path, head, DecodeFloats(payload)), Never());
    if (mode == "one-answer" || mode == "new-card") return;
    if (mode == "chatter") Say("and another thing");
  }
}

int Run(const std::string& model) {
  const std::string content = testing_support::ReadFile(model);
  std::istringstream words(content);
  std::string mode;
  std::string path;
  words >> mode >> path;
  Hello hello{.card = {.name = "fake",
                       .version = mode == "v2" ? "2" : "1",
                       .rate_hz = 100,
                       .window_s = 2,
                       .channels = {"Fp1", "Cz", "O1"}},
              .sha256 = crypto::Sha256Hex(content)};
  if (mode == "hang-at-start") Hang();
  if (mode == "die-at-start") return 9;
  if (mode == "refuse-at-start") {
    Say(FormatRefusal("no archive"));
    return 3;
  }
  if (mode == "garbage-at-start") Say("<html>\n");
  if (mode == "endless-line") Say(std::string(kMaxHelloBytes + 1, 'x'));
  if (mode == "other-model") hello.sha256 = std::string(64, '0');
  if (mode == "new-card" && ::access(path.c_str(), F_OK) == 0) hello.card.version = "3";
  Say(FormatHello(hello));
  Serve(mode, path);
  return 0;
}

}  // namespace
}  // namespace montage::inference

int main(int argc, char** argv) { return argc > 1 ? montage::inference::Run(argv[1]) : 2; }
