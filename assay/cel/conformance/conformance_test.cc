// The public conformance cases of the language: every case that needs no protobuf messages passes.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "assay/cel/conformance/test_case.h"
#include "assay/cel/text.h"

namespace assay::cel::conformance {
namespace {

/// Cases whose text contains `word` are not run.
struct SkipRule {
  std::string_view word;
  std::string_view reason;
  int matched = 0;
};

std::vector<SkipRule> SkipRules() {
  return {
      {.word = "TestAllTypes", .reason = "needs the protobuf test messages"},
      {.word = "google.protobuf.Value", .reason = "needs protobuf's JSON messages"},
      {.word = "Value{", .reason = "needs protobuf's wrapper messages"},
  };
}

SkipRule* RuleFor(const TestCase& test, std::vector<SkipRule>& rules) {
  for (SkipRule& rule : rules)
    if (test.text.find(rule.word) != std::string::npos) return &rule;
  return nullptr;
}

class Bindings final : public Activation {
 public:
  explicit Bindings(const TestCase& test) : test_(test) {}
  std::optional<Value> Find(std::string_view name) const override {
    const auto found = test_.bindings.find(std::string(name));
    return found == test_.bindings.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  const TestCase& test_;
};

/// "" when the case holds; else what went wrong.
std::string Judge(const TestCase& test) {
  const auto program = Compile(test.environment, test.expression);
  if (!program) return test.expects_error ? "" : "does not compile: " + program.error().ToString();
  if (test.type && !(program->result_type() == *test.type))
    return fmt::format("has type {}, expected {}", program->result_type().ToString(),
                       test.type->ToString());
  if (test.check_only) return "";
  const Value value = program->Evaluate(Bindings(test));
  if (test.expects_error)
    return value.is_error() ? "" : fmt::format("gives {}, expected an error", DebugString(value));
  if (!test.value || Identical(value, *test.value)) return "";
  return fmt::format("gives {}, expected {}", DebugString(value), DebugString(*test.value));
}

TEST(ConformanceTest, EveryCaseWithoutMessagesPasses) {
  const std::filesystem::path folder = ASSAY_SOURCE_DIR "/../shared/data/cel";
  if (!std::filesystem::is_directory(folder))
    GTEST_SKIP() << "the public conformance cases are not beside this checkout";
  std::vector<SkipRule> rules = SkipRules();
  std::vector<std::filesystem::path> files(std::filesystem::directory_iterator(folder), {});
  std::ranges::sort(files);
  int total = 0;
  for (const auto& path : files) {
    std::ifstream stream(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const auto file = ParseTextProto(text);
    ASSERT_TRUE(file.has_value()) << path << ": " << file.error().message;
    int passed = 0;
    int skipped = 0;
    for (const TestCase& test : ReadTestCases(*file)) {
      if (SkipRule* rule = RuleFor(test, rules)) {
        ++rule->matched;
        ++skipped;
        continue;
      }
      const std::string problem = Judge(test);
      EXPECT_EQ(problem, "") << path.filename() << " " << test.name << ": " << test.expression;
      passed += problem.empty() ? 1 : 0;
    }
    total += passed;
    fmt::print("{:28} {:4} passed {:4} skipped\n", path.stem().string(), passed, skipped);
  }
  fmt::print("{:28} {:4} passed\n", "all", total);
  EXPECT_GT(total, 0);
  for (const SkipRule& rule : rules) {
    EXPECT_GT(rule.matched, 0) << "no case contains \"" << rule.word << "\" any more";
    fmt::print("skipped {:4}: {} ({})\n", rule.matched, rule.reason, rule.word);
  }
}

}  // namespace
}  // namespace assay::cel::conformance
