#include "assay/cel/cel.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/base/diagnostic.h"

namespace assay::cel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The result of an expression without variables, as a literal; errors as "error: ...".
std::string ResultOf(std::string_view source, const Environment& environment = {},
                     const EvaluationLimits& limits = {}) {
  const auto program = Compile(environment, source);
  if (!program) return "does not compile: " + program.error().message;
  const Value value = program->Evaluate(MapActivation(), limits);
  return value.is_error() ? "error: " + value.error().message : DebugString(value);
}

base::Error CompileError(const Environment& environment, std::string_view source,
                         const base::SourceSpan& where = {}) {
  auto program = Compile(environment, source, where);
  EXPECT_FALSE(program.has_value()) << source;
  return program ? base::Error{} : program.error();
}

Environment Outcome() {
  Environment environment;
  environment
      .Variable("outcome", Type::Object({{"status", Type::Int()},
                                         {"headers", Type::Map(Type::String(), Type::String())},
                                         {"body", Type::Dyn()}}))
      .Variable("open", Type::Object({{"known", Type::Int()}}, Type::Openness::kOpen))
      .Variable("status", Type::Int())
      .Variable("body", Type::Dyn());
  return environment;
}

TEST(CompileTest, UnknownNamesAreFoundWithASuggestion) {
  const base::Error error = CompileError(Outcome(), "stauts == 200");
  EXPECT_EQ(error.message, "undeclared reference to \"stauts\"");
  EXPECT_EQ(error.hint, "did you mean \"status\"?");
  EXPECT_EQ(CompileError(Outcome(), "sizze(body)").hint, "did you mean \"size\"?");
}

TEST(CompileTest, KeysOfClosedObjectsAreChecked) {
  const base::Error error = CompileError(Outcome(), "outcome.stauts == 200");
  EXPECT_EQ(error.message, "there is no \"stauts\" in \"outcome\"");
  EXPECT_EQ(error.hint, "did you mean \"status\"?");
  EXPECT_EQ(CompileError(Outcome(), "outcome['stauts'] == 200").hint, "did you mean \"status\"?");
  EXPECT_TRUE(Compile(Outcome(), "open.anything == 3 && open.known < 3").has_value());
  EXPECT_THAT(CompileError(Outcome(), "open.known.deeper == 1").message, HasSubstr("type int"));
  EXPECT_TRUE(Compile(Outcome(), "outcome.all(k, size(k) > 0)").has_value());
}

TEST(CompileTest, TypesAreChecked) {
  EXPECT_EQ(CompileError(Outcome(), "status + 'x' == 1").message,
            "\"+\" does not apply to int and string");
  EXPECT_THAT(CompileError(Outcome(), "status.startsWith('x')").message,
              HasSubstr("no matching overload for int.startsWith(string)"));
  EXPECT_THAT(CompileError(Outcome(), "status && true").message, HasSubstr("must be bool"));
  EXPECT_EQ(Compile(Outcome(), "outcome.headers.map(k, size(k))")->result_type().ToString(),
            "list(int)");
}

TEST(CompileTest, ConstantsThatCannotBeConvertedAreFoundEarly) {
  EXPECT_THAT(CompileError({}, "duration('5 min') > duration('1s')").message,
              HasSubstr("\"5 min\" is not a duration"));
  EXPECT_THAT(CompileError(Outcome(), "string(status).matches('(')").message,
              HasSubstr("not a regular expression"));
}

TEST(CompileTest, ErrorsPointIntoTheFileThatHoldsTheExpression) {
  const auto file = std::make_shared<const base::SourceText>(
      "demo.yaml", "steps:\n  - expect: status == 200 && bdy.ok\n");
  const base::SourceSpan where{.source = file, .line = 2, .column = 13, .length = 1};
  const base::Error error = CompileError(Outcome(), "status == 200 && bdy.ok", where);
  EXPECT_EQ(error.span.ToString(), "demo.yaml:2:30");
  EXPECT_EQ(error.span.length, 3u);
  EXPECT_THAT(base::RenderDiagnostic(error), HasSubstr("^^^"));
}

TEST(CompileTest, LinesOfABlockScalarAreFoundDespiteTheirIndentation) {
  const auto file = std::make_shared<const base::SourceText>(
      "demo.yaml", "expect: |\n    status == 200 &&\n    bdy.ok\n");
  const base::SourceSpan where{.source = file, .line = 2, .column = 5, .length = 1};
  const base::Error error = CompileError(Outcome(), "status == 200 &&\nbdy.ok\n", where);
  EXPECT_EQ(error.span.ToString(), "demo.yaml:3:5");
}

TEST(CompileTest, SyntaxErrorsSayWhatWasExpected) {
  EXPECT_THAT(CompileError({}, "1 +").message, HasSubstr("expected an expression"));
  EXPECT_THAT(CompileError({}, "a = 1").message, HasSubstr("equality is written \"==\""));
  EXPECT_THAT(CompileError({}, "a & b").message, HasSubstr("\"&&\""));
  EXPECT_THAT(CompileError({}, "'open").message, HasSubstr("not closed"));
  EXPECT_THAT(CompileError({}, "for + 1").message, HasSubstr("reserved word"));
  EXPECT_THAT(CompileError({}, "[1].all(1, true)").message, HasSubstr("name of a variable"));
  EXPECT_THAT(CompileError({}, "has(1)").message, HasSubstr("has(a.b)"));
  EXPECT_THAT(CompileError({}, "9223372036854775808").message, HasSubstr("out of range"));
}

TEST(CompileTest, HostileDepthAndSizeAreRefused) {
  for (const char* repeated : {"(", "[", "!", "-", "{1:", "f(", "a?b:", "a.", "1+"}) {
    std::string source;
    for (int i = 0; i < 20'000; ++i) source += repeated;
    EXPECT_FALSE(Compile({}, source).has_value()) << repeated;
  }
  std::string sum = "1";
  for (int i = 0; i < 5'000; ++i) sum += "+1";
  EXPECT_EQ(CompileError({}, sum).code, base::ErrorCode::kTooLarge);
  std::string terms = "true";
  for (int i = 0; i < 5'000; ++i) terms += "&&true";
  EXPECT_EQ(ResultOf(terms), "true");
}

TEST(CompileTest, LongLiteralsCompileInLinearTime) {
  std::string list = "[[]";
  for (int i = 0; i < 20'000; ++i) list += ",[]";
  EXPECT_EQ(ResultOf("size(" + list + "])"), "20001");
}

TEST(ProgramTest, ReferencesNameVariablesWithTheirConstantPaths) {
  Environment environment;
  environment.Variable("steps", Type::Dyn()).Variable("n", Type::Int());
  const auto program = Compile(
      environment, "steps.upload['status'] == 200 && steps.list.items.all(i, i.id > n) && n > 1");
  ASSERT_TRUE(program.has_value());
  EXPECT_THAT(program->references(),
              ElementsAre(ElementsAre("steps", "upload", "status"),
                          ElementsAre("steps", "list", "items"), ElementsAre("n")));
}

class CountingActivation final : public Activation {
 public:
  std::optional<Value> Find(std::string_view name) const override {
    ++asked;
    return name == "status" ? std::optional(Value::Int(200)) : std::nullopt;
  }
  mutable int asked = 0;
};

TEST(ProgramTest, VariablesAreLookedUpLazilyAndOnce) {
  const CountingActivation activation;
  const auto program = Compile(Outcome(), "status == 200 || body.x || status > 1 || body.y");
  EXPECT_TRUE(program->Evaluate(activation).is_true());
  EXPECT_EQ(activation.asked, 1);
  const auto missing = Compile(Outcome(), "body.x == 1");
  EXPECT_EQ(missing->Evaluate(activation).error().message, "variable \"body\" has no value");
}

TEST(ProgramTest, OneProgramServesManyThreads) {
  const auto program = Compile(Outcome(), "body.items.exists(i, i.id == 'b') && status == 200");
  ASSERT_TRUE(program.has_value());
  MapActivation activation;
  activation.Set("status", Value::Int(200))
      .Set("body", *ParseJson(R"({"items":[{"id":"a"},{"id":"b"}]})"));
  std::atomic<int> held{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i)
        if (program->Evaluate(activation).is_true()) ++held;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(held, 800);
}

TEST(ProgramTest, TheBudgetEndsWhatWouldNotEnd) {
  const EvaluationLimits limits{.cost = 100'000};
  for (const char* hostile :
       {"lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, true)))",
        "lists.range(1000000000000)", "lists.range(1000).map(i, lists.range(i)).size() > 0",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.replace('', "
        "'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb')"
        ".replace('', 'cccccccccccccccccccccccccccccccccccccccccccccccc').replace('', "
        "'dddddddddddddddddddddddddddddddddddddddddddddddd')",
        "true || lists.range(1000000000).exists(x, x < 0) || "
        "!lists.range(1000000000).all(x, x >= 0)"}) {
    const auto program = Compile({}, hostile);
    ASSERT_TRUE(program.has_value()) << hostile;
    const Value value = program->Evaluate(MapActivation(), limits);
    if (std::string_view(hostile).starts_with("true")) {
      EXPECT_TRUE(value.is_true());
      continue;
    }
    ASSERT_TRUE(value.is_error()) << hostile;
    EXPECT_EQ(value.error().code, base::ErrorCode::kExhausted) << hostile;
  }
}

TEST(ProgramTest, ABudgetErrorIsNotAbsorbed) {
  const auto program = Compile({}, "lists.range(1000000).all(x, x > 5) || true");
  const Value value = program->Evaluate(MapActivation(), {.cost = 1000});
  ASSERT_TRUE(value.is_error());
  EXPECT_EQ(value.error().code, base::ErrorCode::kExhausted);
}

TEST(LanguageTest, EqualityCrossesNumbersAndNull) {
  EXPECT_EQ(ResultOf("1 == 1.0 && 1u == 1 && 2.5 != 2"), "true");
  EXPECT_EQ(ResultOf("{'a': null}.a == null && 1 != null"), "true");
}

TEST(LanguageTest, TwoVariableMacros) {
  EXPECT_EQ(ResultOf("[10, 20].all(i, v, v == (i + 1) * 10)"), "true");
  EXPECT_EQ(ResultOf("{'a': 1}.exists(k, v, k == 'a' && v == 1)"), "true");
  EXPECT_EQ(ResultOf("[3, 4].existsOne(i, v, v > 3)"), "true");
  EXPECT_EQ(ResultOf("[1, 2, 3].transformList(i, v, v > 1, v * i)"), "[2, 6]");
  EXPECT_EQ(ResultOf("{'a': 1}.transformMap(k, v, v + 1)"), "{\"a\": 2}");
  EXPECT_EQ(ResultOf("['x', 'y'].transformMapEntry(i, v, {v: i})"), "{\"x\": 0, \"y\": 1}");
  EXPECT_THAT(ResultOf("['x', 'x'].transformMapEntry(i, v, {v: i})"), HasSubstr("repeats a key"));
}

TEST(LanguageTest, Optionals) {
  EXPECT_EQ(ResultOf("{'a': 1}.?b.orValue(7)"), "7");
  EXPECT_EQ(ResultOf("{'a': {'b': 2}}.?a.b.value()"), "2");
  EXPECT_EQ(ResultOf("[1, 2][?5].hasValue()"), "false");
  EXPECT_EQ(ResultOf("[?optional.of(1), ?optional.none()]"), "[1]");
  EXPECT_EQ(ResultOf("{?'a': optional.of(1), ?'b': optional.none()}"), "{\"a\": 1}");
  EXPECT_EQ(ResultOf("optional.of(3).optMap(x, x + 1).value()"), "4");
  EXPECT_EQ(ResultOf("optional.of(3).optFlatMap(x, optional.none()).hasValue()"), "false");
  EXPECT_EQ(ResultOf("optional.ofNonZeroValue('').or(optional.of('z')).value()"), "\"z\"");
}

TEST(LanguageTest, AMissingKeySuggestsTheNearest) {
  const auto program = Compile({}, "{'status': 1}.stauts");
  const Value value = program->Evaluate(MapActivation());
  EXPECT_EQ(value.error().message, "no such key: \"stauts\"");
  EXPECT_EQ(value.error().hint, "did you mean \"status\"?");
}

TEST(LanguageTest, CustomFunctionsAndContainers) {
  Environment environment;
  environment.Container("fake").Function(
      "fake.twice", {.parameters = {Type::Int()},
                     .result = Type::Int(),
                     .body = [](std::span<const Value> arguments, CallContext&) {
                       return Value::Int(arguments[0].int_value() * 2);
                     }});
  EXPECT_EQ(ResultOf("twice(21)", environment), "42");
  EXPECT_EQ(ResultOf("fake.twice(4)", environment), "8");
  EXPECT_THAT(ResultOf("twice('x')", environment), HasSubstr("no matching overload"));
}

}  // namespace
}  // namespace assay::cel
