// Loading and checking 1,000 scenarios of ten steps with two expectations each.

#include <map>
#include <string>

#include <benchmark/benchmark.h>

#include "assay/plan/resolve.h"
#include "assay/scenario/tables/sample_actions.h"

namespace assay::plan {
namespace {

std::string ScenarioText(int number) {
  std::string text =
      "id: S-" + std::to_string(number) +
      "\ntitle: a scenario of ten steps\npriority: high\nvars: { base: 5 }\nsteps:\n";
  for (int i = 0; i < 10; ++i) {
    const std::string id = "s" + std::to_string(i);
    text += "  - id: " + id + "\n    http: POST /api/v1/things/" + id +
            "\n    json: { name: \"${{ fake.name() }}\", size: \"${{ vars.base + 1 }}\" }\n"
            "    expect:\n      - status == 200\n      - size(text) > 2 && body.id != ''\n";
  }
  return text;
}

void BM_CheckThousandScenarios(benchmark::State& state) {
  std::map<std::string, std::string> files = {{"assay.yaml", "name: bench\n"}};
  for (int i = 0; i < 1000; ++i) {
    files["suites/a/" + std::to_string(i) + ".yaml"] = ScenarioText(i);
  }
  const scenario::MemoryFiles memory(std::move(files));
  const scenario::SchemaRegistry registry = scenario::SampleRegistry();
  for (auto _ : state) {
    const CheckReport report = Check(memory, registry);
    if (!report.problems.ok()) state.SkipWithError("the scenarios do not load");
    benchmark::DoNotOptimize(report.expressions);
  }
}
BENCHMARK(BM_CheckThousandScenarios)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace assay::plan
