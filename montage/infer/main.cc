// The program `montage-infer`: serves one TorchScript model to the Montage process that started it.
//
//   montage-infer MODEL [--sha256 HEX] [--threads N]
//
// Standard output gets one line of JSON (montage/inference/model_card.h), then one frame for each
// frame of standard input (montage/inference/wire.h). It is a process of its own, so that a model
// that crashes, hangs or eats memory takes nothing with it; ExitCode says why it ended.

#include <exception>
#include <memory>
#include <string>

#include <unistd.h>

#include "montage/infer/confinement.h"
#include "montage/infer/program.h"
#include "montage/infer/serve.h"
#include "montage/infer/torch_model.h"
#include "montage/inference/byte_stream.h"

namespace montage::infer {
namespace {

using base::ErrorCode;
using base::Result;

int Say(const std::string& line, int exit_code) {
  (void)inference::SendAll(STDOUT_FILENO,
                           {reinterpret_cast<const uint8_t*>(line.data()), line.size()},
                           base::Deadline::Never());
  return exit_code;
}

int Refuse(const base::Error& error, int exit_code) {
  return Say(inference::FormatRefusal(error.ToString()), exit_code);
}

Scorer ScorerOf(TorchModel& model, const inference::ModelCard& card) {
  return [&](const inference::Shape& shape,
             std::span<const float> samples) -> Result<std::vector<float>> {
    std::vector<float> scores;
    std::string error;
    if (!model.Score(samples.data(), shape.windows, shape.channels, shape.samples,
                     card.output == inference::ModelOutput::kLogit, &scores, &error)) {
      return base::Fail(ErrorCode::kInvalid, std::move(error));
    }
    return scores;
  };
}

int Run(const std::vector<std::string>& words) {
  const auto arguments = ParseArguments(words);
  if (!arguments) return Refuse(arguments.error(), kUsage);
  EndWithPeer(STDIN_FILENO);
  auto file = ReadModelFile(*arguments);
  if (!file) return Refuse(file.error(), kNotLoaded);
  TorchModel::Configure(arguments->threads);
  inference::Hello hello{.sha256 = file->sha256, .confined = DenyFiles()};
  std::string description;
  std::string error;
  const auto model =
      TorchModel::Load(file->bytes, std::string(inference::kCardFile), &description, &error);
  if (model == nullptr) return Refuse({ErrorCode::kCorrupt, std::move(error)}, kNotLoaded);
  file->bytes = std::string();
  auto card = inference::ParseCard(description);
  if (!card) return Refuse(std::move(card).error().While("reading montage.json"), kContract);
  hello.card = *std::move(card);
  const Scorer scorer = ScorerOf(*model, hello.card);
  if (const auto tested = TestModel(hello.card, scorer); !tested)
    return Refuse(tested.error(), kSelfTest);
  Say(inference::FormatHello(hello), kDone);
  return Serve(STDIN_FILENO, STDOUT_FILENO, hello.card, scorer) ? kDone : kProtocolBroken;
}

}  // namespace
}  // namespace montage::infer

int main(int argc, char** argv) {
  try {
    return montage::infer::Run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    return montage::infer::Refuse({base::ErrorCode::kInternal, error.what()},
                                  montage::infer::kNotLoaded);
  }
}
