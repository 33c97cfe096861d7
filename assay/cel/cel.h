#pragma once
// The expression language: an Environment says what an expression may use, Compile checks it
// against that, the Program evaluates it as often as one likes.
//
//   Environment env;
//   env.Variable("status", Type::Int()).Variable("body", Type::Dyn());
//   TRY(Program program, Compile(env, "status == 200 && size(body.items) > 2", where));
//   MapActivation outcome;
//   outcome.Set("status", Value::Int(200)).Set("body", body);
//   Value verdict = program.Evaluate(outcome);     // true, false, or an error value

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cel/type.h"
#include "assay/cel/value.h"
#include "lib/base/result.h"
#include "lib/base/span.h"

namespace assay::cel {

/// Where an evaluation finds its variables. Must not change during one evaluation.
class Activation {
 public:
  virtual ~Activation() = default;
  /// Asked at most once per variable and evaluation; nullopt when there is no such variable.
  virtual std::optional<Value> Find(std::string_view name) const = 0;
};

/// Variables held in memory; `parent`, when given, answers for the rest and must outlive this.
class MapActivation final : public Activation {
 public:
  explicit MapActivation(const Activation* parent = nullptr) : parent_(parent) {}
  MapActivation& Set(std::string name, Value value);
  std::optional<Value> Find(std::string_view name) const override;

 private:
  const Activation* parent_;
  std::map<std::string, Value, std::less<>> values_;
};

/// Bounds of one evaluation. One unit is about one operation, one element or 16 bytes of text.
struct EvaluationLimits {
  uint64_t cost = 10'000'000;
};

/// Resolves the name in `matches_schema(value, "file.json")` to the schema.
using SchemaLoader = std::function<base::Result<Value>(std::string_view name)>;

/// What a function may use of the evaluation that calls it.
class CallContext {
 public:
  /// Takes `units` from the budget; false when it is used up: return anything, the evaluation ends
  /// with an error. Call before doing work that grows faster than the arguments.
  bool Charge(uint64_t units) {
    if (units > budget_) {
      budget_ = 0;
      exhausted_ = true;
      return false;
    }
    budget_ -= units;
    return true;
  }
  bool exhausted() const { return exhausted_; }
  const SchemaLoader* schema_loader() const { return schema_loader_; }

  CallContext(uint64_t budget, const SchemaLoader* loader)
      : budget_(budget), schema_loader_(loader) {}

 private:
  uint64_t budget_;
  bool exhausted_ = false;
  const SchemaLoader* schema_loader_;
};

/// Called with arguments of the declared kinds (never errors); thread-safe; returns an error value
/// for an error.
using FunctionBody = std::function<Value(std::span<const Value> arguments, CallContext& context)>;

/// One signature of a function and what it does. Of a member function the receiver is the first
/// parameter.
struct Overload {
  std::vector<Type> parameters;
  Type result;
  FunctionBody body;
  enum class Style : uint8_t { kGlobal, kMember } style = Style::kGlobal;
  /// Depends on its arguments only, so that a call on constants is made once, when compiling.
  bool foldable = false;
};

struct FunctionTable;
struct Plan;

/// What expressions may use: variables with their types, functions, a container for names. A copy
/// shares the functions, so an environment per step is cheap.
class Environment {
 public:
  /// The standard library and every extension library: strings, math, lists, sets, encoders,
  /// optionals, bindings, network, regex and our own statistics, digests and validators.
  Environment();
  /// Nothing but the operators, conversions and functions of the language definition.
  static Environment Standard();

  Environment& Variable(std::string name, Type type);
  Environment& Function(std::string name, Overload overload);
  /// Names are looked up in `a.b.c`, `a.b`, `a`, then at the top, as the language definition says.
  Environment& Container(std::string container);
  Environment& LoadSchemasWith(SchemaLoader loader);
  /// Off: an expression that does not type-check compiles, and fails when it is evaluated.
  Environment& Check(bool on);
  /// Off: has, all, map, ... are ordinary function names.
  Environment& Macros(bool on);
  /// On: cel.block, cel.index, ... as the conformance cases of the language use them.
  Environment& BlockMacros(bool on);

  const std::map<std::string, Type, std::less<>>& variables() const { return variables_; }
  const std::string& container() const { return container_; }
  bool check() const { return check_; }
  bool macros() const { return macros_; }
  bool block_macros() const { return block_macros_; }
  const FunctionTable& functions() const { return *functions_; }
  const std::shared_ptr<const FunctionTable>& shared_functions() const { return functions_; }
  const std::shared_ptr<const SchemaLoader>& schema_loader() const { return schema_loader_; }

 private:
  explicit Environment(std::shared_ptr<const FunctionTable> functions);

  std::map<std::string, Type, std::less<>> variables_;
  std::shared_ptr<const FunctionTable> functions_;
  std::shared_ptr<const SchemaLoader> schema_loader_;
  std::string container_;
  bool check_ = true;
  bool macros_ = true;
  bool block_macros_ = false;
};

/// A use of a variable: its name, then the constant keys selected from it: {"steps", "upload",
/// "status"} for `steps.upload.status` and `steps["upload"].status`.
using Reference = std::vector<std::string>;

/// A compiled expression. Copies share it; evaluation is thread-safe and re-entrant.
class Program {
 public:
  explicit Program(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}

  const Type& result_type() const;
  const std::string& source() const;
  /// Every variable used, with the longest constant path of each use, in order of appearance.
  const std::vector<Reference>& references() const;
  /// The value; of kind error when the language says so or when a limit was hit (kExhausted).
  Value Evaluate(const Activation& activation, const EvaluationLimits& limits = {}) const;

  const Plan& plan() const { return *plan_; }

 private:
  std::shared_ptr<const Plan> plan_;
};

/// `where` is the span of the first character of the expression in its file; errors point into it.
base::Result<Program> Compile(const Environment& environment, std::string_view source,
                              const base::SourceSpan& where = {});

}  // namespace assay::cel
