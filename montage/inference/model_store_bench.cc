// What a submission costs while nothing is wrong with the model.

#include <benchmark/benchmark.h>

#include "montage/inference/fake_model_testing.h"
#include "montage/inference/model_store.h"

namespace montage::inference {
namespace {

void AdmitUnchanged(benchmark::State& state) {
  const testing_support::TempDir folder;
  const std::string words = "ok";
  const base::SystemClock clock;
  ModelStore store(
      {.file = {.model = folder.Write("model", words).string(), .sha256 = crypto::Sha256Hex(words)},
       .inference = {.process = {.program = FakeProgram()}}},
      clock);
  store.Prepare(base::Deadline::Never());
  for (auto _ : state) {
    auto refusal = store.Admit(base::Deadline::Never());
    if (refusal) state.SkipWithError(refusal->error.message.c_str());
    benchmark::DoNotOptimize(refusal);
  }
}
BENCHMARK(AdmitUnchanged);

}  // namespace
}  // namespace montage::inference
