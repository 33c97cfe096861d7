#pragma once
// Compiles lists of steps; the part of the compiler that knows structure and scopes.

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "assay/plan/compile/compiler.h"

namespace assay::plan {

class StepCompiler {
 public:
  StepCompiler(const scenario::Scenario& scenario, const CompileContext& context,
               scenario::Problems& problems, CompileCounts& counts)
      : scenario_(scenario),
        context_(context),
        problems_(problems),
        counts_(counts),
        expressions_(problems, counts) {}

  /// Adds what the steps define to `names`.
  std::vector<PlannedStep> Steps(const std::vector<scenario::Step>& steps, Names& names);

  void CheckVerifies(const std::vector<scenario::Text>& ids);
  /// Complains about a text that is no identifier.
  bool CheckIdentifier(const scenario::Text& name, std::string_view what);
  ExpressionCompiler& expressions() { return expressions_; }
  const std::set<std::string>& verified() const { return verified_; }

 private:
  PlannedStep Step(const scenario::Step& source, size_t position, Names& names);
  void Identify(const scenario::Step& source, size_t position, Names& names, PlannedStep& step);
  void CheckLimits(const scenario::Step& source, const PlannedStep& step);
  void Conditions(const scenario::Step& source, const Names& names, PlannedStep& step);
  void OnOutcome(const scenario::Step& source, Names& names, PlannedStep& step);
  void Params(const scenario::Step& source, const Names& names, PlannedStep& step);
  void Blocks(const scenario::Step& source, Names& names, PlannedStep& step);
  void Parallel(const scenario::StepBlock& block, Names& names, std::vector<PlannedStep>& out);
  void ForEach(const scenario::Step& source, const Names& names, Names& inner, PlannedStep& step);
  void Use(const scenario::Step& source, Names& names, PlannedStep& step);
  void Inputs(const scenario::Step& source, const Names& names, PlannedStep& step, Names& inner);
  void Join(const scenario::Step& source, Names& names, PlannedStep& step);
  void Set(Names& names, const PlannedStep& step);
  cel::Type OutcomeType(const PlannedStep& step, const Names& names) const;
  cel::Environment OutcomeNames(const PlannedStep& step, const Names& names) const;
  void CountUnasserted(const PlannedStep& step);

  const scenario::Scenario& scenario_;
  const CompileContext& context_;
  scenario::Problems& problems_;
  CompileCounts& counts_;
  ExpressionCompiler expressions_;
  std::set<std::string> verified_;
  std::vector<std::string> using_;  // fragments being expanded, outermost first
};

}  // namespace assay::plan
