#include "assay/cel/cel.h"

#include <fmt/format.h>

#include "assay/cel/engine/checker.h"
#include "assay/cel/engine/function_table.h"
#include "assay/cel/engine/node.h"
#include "assay/cel/engine/planner.h"
#include "assay/cel/library/library.h"
#include "assay/cel/syntax/parser.h"

namespace assay::cel {

MapActivation& MapActivation::Set(std::string name, Value value) {
  values_.insert_or_assign(std::move(name), std::move(value));
  return *this;
}

std::optional<Value> MapActivation::Find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  return parent_ == nullptr ? std::nullopt : parent_->Find(name);
}

namespace {

std::shared_ptr<const FunctionTable> BuildTable(bool extensions) {
  auto table = std::make_shared<FunctionTable>();
  RegisterStandard(*table);
  if (extensions) RegisterExtensions(*table);
  return table;
}

}  // namespace

Environment::Environment(std::shared_ptr<const FunctionTable> functions)
    : functions_(std::move(functions)) {}

Environment::Environment() {
  static const std::shared_ptr<const FunctionTable> kTable = BuildTable(true);
  functions_ = kTable;
}

Environment Environment::Standard() {
  static const std::shared_ptr<const FunctionTable> kTable = BuildTable(false);
  return Environment(kTable);
}

Environment& Environment::Variable(std::string name, Type type) {
  variables_.insert_or_assign(std::move(name), std::move(type));
  return *this;
}

Environment& Environment::Function(std::string name, Overload overload) {
  auto table = std::make_shared<FunctionTable>(*functions_);
  table->functions[std::move(name)].push_back(std::move(overload));
  functions_ = std::move(table);
  return *this;
}

Environment& Environment::Container(std::string container) {
  container_ = std::move(container);
  return *this;
}

Environment& Environment::LoadSchemasWith(SchemaLoader loader) {
  schema_loader_ = std::make_shared<const SchemaLoader>(std::move(loader));
  return *this;
}

Environment& Environment::Check(bool on) {
  check_ = on;
  return *this;
}

Environment& Environment::Macros(bool on) {
  macros_ = on;
  return *this;
}

Environment& Environment::BlockMacros(bool on) {
  block_macros_ = on;
  return *this;
}

base::Result<Program> Compile(const Environment& environment, std::string_view source,
                              const base::SourceSpan& where) {
  auto plan = std::make_shared<Plan>(SourceMap(source, where));
  const ParseOptions options{.macros = environment.macros(),
                             .block_macros = environment.block_macros()};
  TRY(plan->root, Parse(plan->source, options));
  TRY(plan->result, Check(environment, plan->source, *plan->root));
  plan->functions = environment.shared_functions();
  plan->schema_loader = environment.schema_loader();
  plan->references = CollectReferences(*plan->root);
  TRY(BuildPlan(*plan, environment.check()));
  return Program(std::move(plan));
}

Frame::Frame(const Plan& plan, const Activation& activation, const EvaluationLimits& limits)
    : plan_(plan),
      activation_(activation),
      context_(limits.cost, plan.schema_loader.get()),
      variables_(few_variables_.data()),
      locals_(few_locals_.data()),
      loaded_(few_loaded_.data()) {
  if (plan.locals > kInline) {
    many_locals_.resize(plan.locals);
    locals_ = many_locals_.data();
  }
  if (plan.variables.size() <= kInline) return;
  many_variables_.resize(plan.variables.size());
  variables_ = many_variables_.data();
  many_loaded_ = std::make_unique<bool[]>(plan.variables.size());
  loaded_ = many_loaded_.get();
}

const Value& Frame::Load(uint32_t slot) {
  const std::string& name = plan_.variables[slot];
  std::optional<Value> found = activation_.Find(name);
  variables_[slot] = found ? *std::move(found)
                           : Value::Error(base::ErrorCode::kNotFound,
                                          fmt::format("variable \"{}\" has no value", name));
  loaded_[slot] = true;
  return variables_[slot];
}

const Type& Program::result_type() const { return plan_->result; }
const std::string& Program::source() const { return plan_->source.expression(); }
const std::vector<Reference>& Program::references() const { return plan_->references; }

Value Program::Evaluate(const Activation& activation, const EvaluationLimits& limits) const {
  Frame frame(*plan_, activation, limits);
  Value scratch;
  Value result = Take(plan_->node->Eval(frame, scratch), scratch);
  if (!frame.context().exhausted()) return result;
  return Value::Error(base::Error{
      .code = base::ErrorCode::kExhausted,
      .message = fmt::format("expression used up its budget of {} operations", limits.cost),
      .span = plan_->source.Span(plan_->root->begin, plan_->root->end),
      .hint = "run over fewer elements, or nest fewer macros"});
}

}  // namespace assay::cel
