// Any text as an expression: compiles or is refused, and evaluates within its budget.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/json/value.hpp>

#include "assay/cel/cel.h"
#include "assay/cel/explain.h"
#include "assay/cel/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace assay::cel;
  static const Environment kChecked = [] {
    Environment environment;
    environment.Variable("status", Type::Int()).Variable("body", Type::Dyn());
    return environment;
  }();
  static const Environment kUnchecked = Environment(kChecked).Check(false);
  static const MapActivation kOutcome = [] {
    MapActivation activation;
    activation.Set("status", Value::Int(200))
        .Set("body", *ParseJson(R"({"items":[{"id":"x"},{"id":1}],"text":"abc"})"));
    return activation;
  }();
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  for (const Environment* environment : {&kChecked, &kUnchecked}) {
    const auto program = Compile(*environment, source);
    if (!program) continue;
    const EvaluationLimits limits{.cost = 20'000};
    const Explanation explanation = Explain(*program, kOutcome, limits);
    if (explanation.value.is_error()) continue;
    const auto typed = FromTypedJson(ToTypedJson(explanation.value));
    if (!typed || !Identical(*typed, explanation.value)) __builtin_trap();
  }
  return 0;
}
