#pragma once
// Compiled expressions and templates: what the step machine evaluates.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assay/cel/cel.h"
#include "assay/cel/explain.h"
#include "assay/cel/value.h"
#include "assay/scenario/ast.h"
#include "assay/scenario/schema.h"
#include "lib/base/result.h"

namespace assay::plan {

/// Where an evaluation happens. `variables` answers for vars, env, run, scenario, environment,
/// endpoints, steps, fixtures, inputs, loop variables and, in expectations, for the variables of
/// the outcome, which come first. `fake` is added by the expression itself.
struct EvaluationScope {
  const cel::Activation& variables;
  uint64_t seed = 0;      ///< of the run
  std::string_view path;  ///< of the step with its attempt (see path.h); what fake.* depends on
  cel::EvaluationLimits limits = {};
};

/// A CEL expression that compiled.
class PlannedExpression {
 public:
  /// `place` names the field that holds it (`params.json.name`); expressions of one step at
  /// different places draw different fake data.
  PlannedExpression(cel::Program program, scenario::Expression source, std::string place);

  /// An error value is given as such; see ValueOf for a Result.
  cel::Value Evaluate(const EvaluationScope& scope) const;
  /// The value, or its error with the expression's place in the file.
  base::Result<cel::Value> ValueOf(const EvaluationScope& scope) const;
  /// Evaluates again; draws the same fake data.
  cel::Explanation Explain(const EvaluationScope& scope) const;

  const cel::Program& program() const { return program_; }
  const scenario::Expression& source() const { return source_; }
  const std::string& place() const { return place_; }

 private:
  cel::Program program_;
  scenario::Expression source_;
  std::string place_;
  bool uses_fake_ = false;
};

/// A YAML value whose expressions are compiled. Evaluating gives the value with every expression
/// replaced, converted to the types of the schema where it knows them: `30s` becomes a duration for
/// a parameter of that type, and `"abc"` is refused there.
class PlannedTemplate {
 public:
  struct Part {
    std::string literal;
    std::optional<PlannedExpression> expression;
  };
  enum class Kind { kConstant, kExpression, kText, kList, kMap };

  /// Null.
  PlannedTemplate() = default;
  static PlannedTemplate Constant(cel::Value value, base::SourceSpan span);
  static PlannedTemplate FromExpression(PlannedExpression expression, base::SourceSpan span);
  static PlannedTemplate FromText(std::vector<Part> parts, base::SourceSpan span);
  static PlannedTemplate List(std::vector<PlannedTemplate> items, base::SourceSpan span);
  static PlannedTemplate Map(std::vector<std::pair<std::string, PlannedTemplate>> entries,
                             base::SourceSpan span);
  /// The value must be, or become, one of `type`; `what` names it in errors.
  void Expect(scenario::Type type, std::string what);

  base::Result<cel::Value> Evaluate(const EvaluationScope& scope) const;

  Kind kind() const { return kind_; }
  bool is_constant() const;
  /// kConstant only.
  const cel::Value& constant() const { return constant_; }
  const base::SourceSpan& span() const { return span_; }
  const std::vector<std::pair<std::string, PlannedTemplate>>& entries() const { return entries_; }
  const PlannedTemplate* Find(std::string_view key) const;
  /// Every expression anywhere in it.
  void EachExpression(const std::function<void(const PlannedExpression&)>& visit) const;
  /// Type of what it evaluates to, as far as it is known.
  cel::Type StaticType() const;

 private:
  struct Expected {
    scenario::Type type;
    std::string what;
  };

  base::Result<cel::Value> Raw(const EvaluationScope& scope) const;

  Kind kind_ = Kind::kConstant;
  cel::Value constant_;
  base::SourceSpan span_;
  std::vector<Part> parts_;  // kExpression: one
  std::vector<PlannedTemplate> items_;
  std::vector<std::pair<std::string, PlannedTemplate>> entries_;
  std::shared_ptr<const Expected> expected_;
};

}  // namespace assay::plan
