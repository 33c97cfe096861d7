#pragma once
// The variables that expressions of a scenario see, and how parallel branches keep theirs apart.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cel/cel.h"
#include "assay/cel/value.h"

namespace assay::run {

/// Outer names that do not change during a scenario: run, env, environment, endpoints, scenario,
/// fixtures, the variable of the scenario's for_each.
using Globals = std::map<std::string, cel::Value, std::less<>>;

/// Innermost first: loop variables and inputs, vars and steps, globals. A branch works on a copy;
/// Merge brings its writes back, so that what a scenario sees depends on the file's order only,
/// never on which branch was faster.
class Scope final : public cel::Activation {
 public:
  explicit Scope(std::shared_ptr<const Globals> globals) : globals_(std::move(globals)) {}

  std::optional<cel::Value> Find(std::string_view name) const override;

  void SetVar(std::string name, cel::Value value);
  void SetStep(std::string id, cel::Value value);
  /// A loop variable, `index` or `inputs`; hides everything outside.
  void SetLocal(std::string name, cel::Value value);

  /// A copy that remembers only what is written from now on.
  Scope Branch() const;
  /// The scope of a fragment: sees the globals and vars, but none of the steps and locals.
  Scope Fragment(cel::Value inputs) const;
  /// Repeats the branch's writes to vars and steps here.
  void Merge(const Scope& branch);
  /// The same for vars alone: what a fragment saves stays known, its steps do not.
  void MergeVars(const Scope& branch);

 private:
  using Values = std::map<std::string, cel::Value, std::less<>>;
  struct Write {
    bool is_step;
    std::string name;
    cel::Value value;
  };

  std::shared_ptr<const Globals> globals_;
  Values vars_;
  Values steps_;
  Values locals_;
  std::vector<Write> writes_;
  // The maps as values, made when first asked for.
  mutable std::optional<cel::Value> vars_value_;
  mutable std::optional<cel::Value> steps_value_;
};

/// The entries of a map, then everything else.
class VariableScope final : public cel::Activation {
 public:
  VariableScope(const cel::Value& variables, const cel::Activation& outer)
      : variables_(variables), outer_(outer) {}
  std::optional<cel::Value> Find(std::string_view name) const override;

 private:
  const cel::Value& variables_;
  const cel::Activation& outer_;
};

/// The variables of a step's own outcome, `error`, then everything else.
class OutcomeScope final : public cel::Activation {
 public:
  OutcomeScope(const cel::Value& outcome, cel::Value error, const cel::Activation& outer)
      : outcome_(outcome), error_(std::move(error)), outer_(outer) {}
  std::optional<cel::Value> Find(std::string_view name) const override;

 private:
  const cel::Value& outcome_;
  cel::Value error_;
  const cel::Activation& outer_;
};

}  // namespace assay::run
