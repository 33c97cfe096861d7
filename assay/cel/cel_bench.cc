// The cost of an expectation: compiled once a run, evaluated once a step.

#include <benchmark/benchmark.h>

#include "assay/cel/cel.h"
#include "assay/cel/json.h"

namespace assay::cel {
namespace {

constexpr std::string_view kExpectation =
    "status == 200 && body.items.exists(i, i.id == 'x') && size(body.items) > 2";
constexpr std::string_view kBody =
    R"({"items":[{"id":"a","n":1},{"id":"b","n":2},{"id":"x","n":3},{"id":"d","n":4}]})";

Environment StepEnvironment() {
  Environment environment;
  environment.Variable("status", Type::Int()).Variable("body", Type::Dyn());
  return environment;
}

void BM_Compile(benchmark::State& state) {
  const Environment environment = StepEnvironment();
  for (auto _ : state) benchmark::DoNotOptimize(Compile(environment, kExpectation));
}
BENCHMARK(BM_Compile);

void Evaluate(benchmark::State& state, std::string_view expression) {
  const auto program = Compile(StepEnvironment(), expression);
  MapActivation activation;
  activation.Set("status", Value::Int(200)).Set("body", *ParseJson(kBody));
  if (!program->Evaluate(activation).is_true()) state.SkipWithError("the expression is not true");
  for (auto _ : state) benchmark::DoNotOptimize(program->Evaluate(activation));
}
BENCHMARK_CAPTURE(Evaluate, expectation, kExpectation);
BENCHMARK_CAPTURE(Evaluate, comparison, "status == 200");
BENCHMARK_CAPTURE(Evaluate, map_and_filter,
                  "size(body.items.filter(i, i.n > 1).map(i, i.n * 2)) == 3");
BENCHMARK_CAPTURE(Evaluate, regex, "body.items.all(i, i.id.matches('^[a-z]$'))");

}  // namespace
}  // namespace assay::cel
