#include "assay/cel/engine/checker.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/cel/engine/function_table.h"
#include "assay/cel/engine/unifier.h"
#include "lib/base/suggest.h"

namespace assay::cel {
namespace {

using base::ErrorCode;
using base::Result;

struct Operator {
  std::string_view function;
  std::string_view symbol;
};
constexpr std::array<Operator, 18> kOperators = {{{operators::kAnd, "&&"},
                                                  {operators::kOr, "||"},
                                                  {operators::kNot, "!"},
                                                  {operators::kNegate, "-"},
                                                  {operators::kIndex, "[]"},
                                                  {operators::kOptionalIndex, "[?]"},
                                                  {operators::kIn, "in"},
                                                  {operators::kEqual, "=="},
                                                  {operators::kNotEqual, "!="},
                                                  {operators::kLess, "<"},
                                                  {operators::kLessEqual, "<="},
                                                  {operators::kGreater, ">"},
                                                  {operators::kGreaterEqual, ">="},
                                                  {operators::kAdd, "+"},
                                                  {operators::kSubtract, "-"},
                                                  {operators::kMultiply, "*"},
                                                  {operators::kDivide, "/"},
                                                  {operators::kModulo, "%"}}};

std::string TypeList(std::span<const Type> types) {
  std::vector<std::string> names;
  for (const Type& type : types) names.push_back(type.ToString());
  return fmt::format("({})", fmt::join(names, ", "));
}

class Checker {
 public:
  Checker(const Environment& environment, const SourceMap& source)
      : environment_(environment), source_(source) {}

  Result<Type> Run(Expr& root) {
    TRY(const Type type, Visit(root));
    return unifier_.Resolve(type, true);
  }

 private:
  struct Local {
    std::string name;
    Type type;
  };

  /// In a checked environment the error; else dyn, and evaluation reports what is wrong.
  Result<Type> Wrong(base::Error error) const {
    if (!environment_.check()) return Type::Dyn();
    return std::unexpected(std::move(error));
  }
  base::Error At(const Expr& expr, std::string message) const {
    return source_.Error(ErrorCode::kInvalid, std::move(message), expr.begin, expr.end);
  }
  base::Error AtName(const Expr& expr, std::string message) const {
    const auto size = static_cast<uint32_t>(expr.name.size());
    return source_.Error(ErrorCode::kInvalid, std::move(message), expr.at, expr.at + size);
  }

  Result<Type> Visit(Expr& expr) {
    TRY(expr.type, Dispatch(expr));
    return expr.type;
  }
  Result<Type> Dispatch(Expr& expr);
  Result<Type> Constant(const Expr& expr) const;
  Result<Type> Ident(Expr& expr);
  bool ResolveName(Expr& expr, const std::string& name);
  const Local* FindLocal(std::string_view name) const;
  bool StartsLocal(const Expr& expr) const;
  Result<Type> Undeclared(const Expr& expr) const;
  Result<Type> Select(Expr& expr);
  Result<Type> FieldType(const Expr& expr, const Type& operand) const;
  Result<Type> Call(Expr& expr);
  bool ResolveNamespace(Expr& expr);
  Result<Type> Overloads(Expr& expr, const std::vector<Overload>& candidates,
                         const std::vector<Type>& arguments);
  Result<Type> NoOverload(const Expr& expr, const std::vector<Overload>& candidates,
                          const std::vector<Type>& arguments) const;
  Result<Type> NoFunction(const Expr& expr) const;
  Result<Type> Logical(Expr& expr);
  Result<Type> Conditional(Expr& expr);
  Result<Type> IndexObject(const Expr& expr, const Type& object) const;
  Result<Type> List(Expr& expr);
  Result<Type> Map(Expr& expr);
  Result<Type> Entry(Expr& value, bool optional);
  Result<Type> Comprehension(Expr& expr);
  Result<std::pair<Type, Type>> RangeTypes(const Expr& range);
  Result<Type> ComprehensionType(Expr& expr, const Type& range, const Type& first);
  Result<void> RequireBool(Expr& expr, std::string_view what);
  Result<Type> Bind(Expr& expr);
  Result<Type> OptionalMap(Expr& expr);
  Result<Type> Block(Expr& expr);

  const Environment& environment_;
  const SourceMap& source_;
  Unifier unifier_;
  std::vector<Local> locals_;
};

Result<Type> Checker::Dispatch(Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kConstant:
      return Constant(expr);
    case ExprKind::kIdent:
      return Ident(expr);
    case ExprKind::kSelect:
      return Select(expr);
    case ExprKind::kCall:
      return Call(expr);
    case ExprKind::kList:
      return List(expr);
    case ExprKind::kMap:
      return Map(expr);
    case ExprKind::kComprehension:
      return Comprehension(expr);
    case ExprKind::kBind:
      return Bind(expr);
    case ExprKind::kOptionalMap:
      return OptionalMap(expr);
    case ExprKind::kBlock:
      return Block(expr);
  }
  std::unreachable();
}

Result<Type> Checker::Constant(const Expr& expr) const {
  switch (expr.constant.kind()) {
    case Kind::kNull:
      return Type::Null();
    case Kind::kBool:
      return Type::Bool();
    case Kind::kInt:
      return Type::Int();
    case Kind::kUint:
      return Type::Uint();
    case Kind::kDouble:
      return Type::Double();
    case Kind::kString:
      return Type::String();
    case Kind::kBytes:
      return Type::Bytes();
    case Kind::kType:
      return Type::OfType(expr.constant.type());
    default:
      return Type::Dyn();
  }
}

const Checker::Local* Checker::FindLocal(std::string_view name) const {
  const auto found = std::ranges::find(locals_.rbegin(), locals_.rend(), name, &Local::name);
  return found == locals_.rend() ? nullptr : &*found;
}

/// Whether a chain of selections begins with a variable of a macro.
bool Checker::StartsLocal(const Expr& expr) const {
  const Expr* root = &expr;
  while (root->kind == ExprKind::kSelect) root = root->arguments[0].get();
  return root->kind == ExprKind::kIdent && !root->absolute && FindLocal(root->name) != nullptr;
}

/// Makes `expr` the variable or type that `name` (maybe qualified) stands for.
bool Checker::ResolveName(Expr& expr, const std::string& name) {
  for (std::string& candidate : CandidateNames(environment_.container(), name)) {
    if (const auto found = environment_.variables().find(candidate);
        found != environment_.variables().end()) {
      expr.kind = ExprKind::kIdent;
      expr.binding = Binding::kVariable;
      expr.name = std::move(candidate);
      expr.type = found->second;
      expr.arguments.clear();
      return true;
    }
    if (const Type* type = FindNamedType(candidate)) {
      expr.kind = ExprKind::kConstant;
      expr.constant = Value::OfType(*type);
      expr.type = Type::OfType(*type);
      expr.arguments.clear();
      return true;
    }
  }
  return false;
}

Result<Type> Checker::Ident(Expr& expr) {
  const Local* local = expr.absolute ? nullptr : FindLocal(expr.name);
  if (local != nullptr) {
    expr.binding = Binding::kLocal;
    return local->type;
  }
  if (ResolveName(expr, QualifiedName(expr))) return expr.type;
  return Undeclared(expr);
}

Result<Type> Checker::Undeclared(const Expr& expr) const {
  std::vector<std::string> known;
  for (const auto& [name, type] : environment_.variables()) known.push_back(name);
  for (const Local& local : locals_) known.push_back(local.name);
  return Wrong(At(expr, fmt::format("undeclared reference to \"{}\"", expr.name))
                   .Hint(known.empty() ? "no variables are declared here"
                                       : base::SuggestionFor(expr.name, known)));
}

Result<Type> Checker::Select(Expr& expr) {
  const std::string qualified = StartsLocal(expr) ? std::string() : QualifiedName(expr);
  if (!qualified.empty() && ResolveName(expr, qualified)) return expr.type;
  TRY(const Type operand, Visit(*expr.arguments[0]));
  const Type resolved = unifier_.Resolve(operand, false);
  const bool optional = resolved.kind() == TypeKind::kOptional;
  TRY(const Type field, FieldType(expr, optional ? resolved.parameters()[0] : resolved));
  if (expr.test) return Type::Bool();
  return optional || expr.optional ? Type::Optional(field) : field;
}

Result<Type> Checker::FieldType(const Expr& expr, const Type& operand) const {
  switch (operand.kind()) {
    case TypeKind::kDyn:
    case TypeKind::kParam:
      return Type::Dyn();
    case TypeKind::kMap:
      return operand.parameters()[1];
    case TypeKind::kObject: {
      if (const Type* field = operand.FindField(expr.name)) return *field;
      if (operand.open()) return Type::Dyn();
      std::vector<std::string> known;
      for (const auto& [name, type] : operand.fields()) known.push_back(name);
      return Wrong(
          AtName(expr, fmt::format("there is no \"{}\" in \"{}\"", expr.name,
                                   source_.Text(expr.arguments[0]->begin, expr.arguments[0]->end)))
              .Hint(known.empty() ? "it has no fields" : base::SuggestionFor(expr.name, known)));
    }
    default:
      return Wrong(AtName(expr, fmt::format("a value of type {} has no fields, so no \"{}\"",
                                            operand.ToString(), expr.name)));
  }
}

/// `math.greatest(x)`: a receiver that is a namespace becomes part of the function's name.
bool Checker::ResolveNamespace(Expr& expr) {
  const Expr* receiver = expr.member ? expr.arguments[0].get() : nullptr;
  std::string name = expr.absolute ? "." + expr.name : expr.name;
  if (receiver != nullptr) {
    const std::string scope = QualifiedName(*receiver);
    if (scope.empty() || StartsLocal(*receiver)) return false;
    name = scope + "." + expr.name;
  }
  for (std::string& candidate : CandidateNames(environment_.container(), name)) {
    if (environment_.functions().Find(candidate) == nullptr) continue;
    expr.name = std::move(candidate);
    if (receiver != nullptr) expr.arguments.erase(expr.arguments.begin());
    expr.member = false;
    return true;
  }
  return false;
}

Result<Type> Checker::Call(Expr& expr) {
  if (expr.name == operators::kAnd || expr.name == operators::kOr) return Logical(expr);
  if (expr.name == operators::kConditional) return Conditional(expr);
  ResolveNamespace(expr);
  std::vector<Type> arguments;
  for (const ExprPtr& argument : expr.arguments) {
    TRY(Type type, Visit(*argument));
    arguments.push_back(unifier_.Resolve(type, false));
  }
  if (expr.name == operators::kIndex && arguments[0].kind() == TypeKind::kObject) {
    TRY(Type field, IndexObject(expr, arguments[0]));
    TRY(Overloads(expr, *environment_.functions().Find(expr.name), arguments));
    return field;
  }
  const std::vector<Overload>* candidates = environment_.functions().Find(expr.name);
  if (candidates == nullptr) return NoFunction(expr);
  return Overloads(expr, *candidates, arguments);
}

Result<Type> Checker::NoFunction(const Expr& expr) const {
  std::vector<std::string> known;
  for (const auto& [name, overloads] : environment_.functions().functions)
    if (name.find_first_of("_@") == std::string::npos || name.size() > 5) known.push_back(name);
  for (const char* macro : {"has", "all", "exists", "exists_one", "map", "filter"})
    known.emplace_back(macro);
  std::string nearest = base::Nearest(expr.name, known);
  base::Error error = AtName(expr, fmt::format("undeclared function \"{}\"", expr.name));
  if (!nearest.empty()) error.hint = fmt::format("did you mean \"{}\"?", nearest);
  return Wrong(std::move(error));
}

Result<Type> Checker::Overloads(Expr& expr, const std::vector<Overload>& candidates,
                                const std::vector<Type>& arguments) {
  std::optional<Type> result;
  const auto style = expr.member ? Overload::Style::kMember : Overload::Style::kGlobal;
  for (const Overload& overload : candidates) {
    if (overload.style != style || overload.parameters.size() != arguments.size()) continue;
    std::unordered_map<std::string, Type> fresh;
    std::vector<Type> parameters;
    for (const Type& parameter : overload.parameters)
      parameters.push_back(unifier_.Instantiate(parameter, fresh));
    const Type type = unifier_.Instantiate(overload.result, fresh);
    if (!unifier_.AssignAll(parameters, arguments)) continue;
    expr.overloads.push_back(&overload);
    const Type resolved = unifier_.Resolve(type, false);
    result = !result || *result == resolved ? resolved : Type::Dyn();
  }
  if (result) return *result;
  if (!environment_.check())
    for (const Overload& overload : candidates) expr.overloads.push_back(&overload);
  return NoOverload(expr, candidates, arguments);
}

Result<Type> Checker::NoOverload(const Expr& expr, const std::vector<Overload>& candidates,
                                 const std::vector<Type>& arguments) const {
  std::vector<Type> shown;
  for (const Type& argument : arguments) shown.push_back(unifier_.Resolve(argument, true));
  const auto symbol = std::ranges::find(kOperators, expr.name, &Operator::function);
  if (symbol != kOperators.end()) {
    base::Error error =
        shown.size() == 1
            ? At(expr,
                 fmt::format("\"{}\" does not apply to {}", symbol->symbol, shown[0].ToString()))
            : At(expr, fmt::format("\"{}\" does not apply to {} and {}", symbol->symbol,
                                   shown[0].ToString(), shown[1].ToString()));
    return Wrong(
        std::move(error).Hint("convert a side, for example with int(), double() or string()"));
  }
  std::vector<std::string> forms;
  for (const Overload& overload : candidates) {
    const std::span<const Type> all = overload.parameters;
    if (overload.style == Overload::Style::kMember)
      forms.push_back(
          fmt::format("{}.{}{}", all[0].ToString(), expr.name, TypeList(all.subspan(1))));
    else
      forms.push_back(expr.name + TypeList(all));
  }
  const std::string used = expr.member ? fmt::format("{}.{}{}", shown[0].ToString(), expr.name,
                                                     TypeList(std::span(shown).subspan(1)))
                                       : expr.name + TypeList(shown);
  return Wrong(At(expr, fmt::format("found no matching overload for {}", used))
                   .Hint(fmt::format("there is {}", fmt::join(forms, ", "))));
}

Result<void> Checker::RequireBool(Expr& expr, std::string_view what) {
  TRY(const Type type, Visit(expr));
  if (unifier_.Assign(Type::Bool(), type)) return {};
  TRY(Wrong(At(expr, fmt::format("{} must be bool, found {}", what,
                                 unifier_.Resolve(type, true).ToString()))));
  return {};
}

Result<Type> Checker::Logical(Expr& expr) {
  const std::string what =
      fmt::format("an operand of \"{}\"", expr.name == operators::kAnd ? "&&" : "||");
  for (const ExprPtr& argument : expr.arguments) TRY(RequireBool(*argument, what));
  return Type::Bool();
}

Result<Type> Checker::Conditional(Expr& expr) {
  TRY(RequireBool(*expr.arguments[0], "the condition before \"?\""));
  TRY(const Type yes, Visit(*expr.arguments[1]));
  TRY(const Type no, Visit(*expr.arguments[2]));
  const Type result = unifier_.Fresh();
  if (unifier_.AssignAll({result, result}, {yes, no})) return unifier_.Resolve(result, false);
  return Wrong(At(expr, fmt::format("the two branches have different types: {} and {}",
                                    unifier_.Resolve(yes, true).ToString(),
                                    unifier_.Resolve(no, true).ToString()))
                   .Hint("wrap one in dyn() if that is intended"));
}

Result<Type> Checker::IndexObject(const Expr& expr, const Type& object) const {
  const Expr& key = *expr.arguments[1];
  if (key.kind != ExprKind::kConstant || !key.constant.is_string()) return Type::Dyn();
  Expr field;
  field.name = key.constant.string();
  field.at = key.begin;
  field.arguments.push_back(std::make_unique<Expr>());
  field.arguments[0]->begin = expr.arguments[0]->begin;
  field.arguments[0]->end = expr.arguments[0]->end;
  return FieldType(field, object);
}

/// The type of an element or map value; a `?` takes it out of its optional.
Result<Type> Checker::Entry(Expr& value, bool optional) {
  TRY(const Type type, Visit(value));
  if (!optional) return type;
  const Type inner = unifier_.Fresh();
  if (unifier_.Assign(Type::Optional(inner), type)) return unifier_.Resolve(inner, false);
  return Wrong(At(value, fmt::format("an entry with \"?\" takes an optional, found {}",
                                     unifier_.Resolve(type, true).ToString())));
}

Result<Type> Checker::List(Expr& expr) {
  std::optional<Type> element;
  for (size_t i = 0; i < expr.arguments.size(); ++i) {
    TRY(const Type type, Entry(*expr.arguments[i], expr.optional_entries[i]));
    element = element ? unifier_.Join(*element, type) : type;
  }
  return Type::List(element ? *element : unifier_.Fresh());
}

Result<Type> Checker::Map(Expr& expr) {
  std::optional<Type> key;
  std::optional<Type> value;
  for (size_t i = 0; i < expr.arguments.size(); i += 2) {
    TRY(const Type key_type, Visit(*expr.arguments[i]));
    key = key ? unifier_.Join(*key, key_type) : key_type;
    TRY(const Type value_type, Entry(*expr.arguments[i + 1], expr.optional_entries[i / 2]));
    value = value ? unifier_.Join(*value, value_type) : value_type;
  }
  return Type::Map(key ? *key : unifier_.Fresh(), value ? *value : unifier_.Fresh());
}

/// Types of the two variables of a macro over `range`: index and element, or key and value.
Result<std::pair<Type, Type>> Checker::RangeTypes(const Expr& range) {
  const Type type = unifier_.Resolve(range.type, false);
  switch (type.kind()) {
    case TypeKind::kList:
      return std::pair(Type::Int(), type.parameters()[0]);
    case TypeKind::kMap:
      return std::pair(type.parameters()[0], type.parameters()[1]);
    case TypeKind::kObject:
      return std::pair(Type::String(), Type::Dyn());
    case TypeKind::kDyn:
    case TypeKind::kParam:
      return std::pair(Type::Dyn(), Type::Dyn());
    default:
      TRY(Wrong(
          At(range, fmt::format("a macro runs over a list or map, found {}", type.ToString()))));
      return std::pair(Type::Dyn(), Type::Dyn());
  }
}

Result<Type> Checker::Comprehension(Expr& expr) {
  TRY(const Type range, Visit(*expr.arguments[0]));
  TRY(auto types, RangeTypes(*expr.arguments[0]));
  const size_t outer = locals_.size();
  const bool list = unifier_.Resolve(range, false).kind() == TypeKind::kList;
  const bool two = !expr.second_name.empty();
  locals_.push_back({expr.name, !two && list ? types.second : types.first});
  if (two) locals_.push_back({expr.second_name, types.second});
  // A copy: the list of locals grows below.
  const Type first = locals_[outer].type;
  Result<Type> result = ComprehensionType(expr, range, first);
  locals_.resize(outer);
  return result;
}

Result<Type> Checker::ComprehensionType(Expr& expr, const Type& range, const Type& first) {
  const bool filtered = expr.arguments.size() == 3;
  if (filtered) TRY(RequireBool(*expr.arguments[1], "the filter of a macro"));
  Expr& last = *expr.arguments.back();
  const bool predicate = expr.macro == Macro::kAll || expr.macro == Macro::kExists ||
                         expr.macro == Macro::kExistsOne || expr.macro == Macro::kFilter;
  if (predicate) {
    TRY(RequireBool(last, "the predicate of a macro"));
    return expr.macro == Macro::kFilter ? Type::List(first) : Type::Bool();
  }
  TRY(const Type type, Visit(last));
  switch (expr.macro) {
    case Macro::kSortBy:
      return range;
    case Macro::kTransformMap:
      return Type::Map(first, type);
    case Macro::kTransformMapEntry: {
      const Type entry = Type::Map(unifier_.Fresh(), unifier_.Fresh());
      if (unifier_.Assign(entry, type)) return unifier_.Resolve(entry, false);
      return Wrong(At(last, fmt::format("transformMapEntry makes maps, found {}",
                                        unifier_.Resolve(type, true).ToString())));
    }
    default:
      return Type::List(type);
  }
}

Result<Type> Checker::Bind(Expr& expr) {
  TRY(Type value, Visit(*expr.arguments[0]));
  locals_.push_back({expr.name, std::move(value)});
  Result<Type> result = Visit(*expr.arguments[1]);
  locals_.pop_back();
  return result;
}

Result<Type> Checker::OptionalMap(Expr& expr) {
  TRY(const Type optional, Visit(*expr.arguments[0]));
  const Type inner = unifier_.Fresh();
  if (!unifier_.Assign(Type::Optional(inner), optional))
    TRY(Wrong(
        At(*expr.arguments[0], fmt::format("optMap and optFlatMap apply to an optional, found {}",
                                           unifier_.Resolve(optional, true).ToString()))));
  locals_.push_back({expr.name, unifier_.Resolve(inner, false)});
  Result<Type> result = Visit(*expr.arguments[1]);
  locals_.pop_back();
  if (!result) return result;
  if (!expr.optional) return Type::Optional(*result);
  const Type flat = Type::Optional(unifier_.Fresh());
  if (unifier_.Assign(flat, *result)) return unifier_.Resolve(flat, false);
  return Wrong(At(*expr.arguments[1], "the body of optFlatMap must be an optional"));
}

Result<Type> Checker::Block(Expr& expr) {
  const size_t outer = locals_.size();
  for (size_t i = 0; i + 1 < expr.arguments.size(); ++i) {
    TRY(Type type, Visit(*expr.arguments[i]));
    locals_.push_back({fmt::format("@index{}", i), std::move(type)});
  }
  Result<Type> result = Visit(*expr.arguments.back());
  locals_.resize(outer);
  return result;
}

/// Collects the constant path that ends in `expr`; false when it does not start at a variable.
bool ReferencePath(const Expr& expr, Reference& path) {
  if (expr.kind == ExprKind::kIdent && expr.binding == Binding::kVariable) {
    path.push_back(expr.name);
    return true;
  }
  if (expr.kind == ExprKind::kSelect && ReferencePath(*expr.arguments[0], path)) {
    path.push_back(expr.name);
    return true;
  }
  const bool index = expr.kind == ExprKind::kCall &&
                     (expr.name == operators::kIndex || expr.name == operators::kOptionalIndex);
  if (!index || expr.arguments[1]->kind != ExprKind::kConstant ||
      !expr.arguments[1]->constant.is_string())
    return false;
  if (!ReferencePath(*expr.arguments[0], path)) return false;
  path.emplace_back(expr.arguments[1]->constant.string());
  return true;
}

void Collect(const Expr& expr, std::vector<Reference>& references) {
  Reference path;
  if (ReferencePath(expr, path)) {
    if (std::ranges::find(references, path) == references.end())
      references.push_back(std::move(path));
    return;
  }
  for (const ExprPtr& argument : expr.arguments) Collect(*argument, references);
}

}  // namespace

Result<Type> Check(const Environment& environment, const SourceMap& source, Expr& root) {
  return Checker(environment, source).Run(root);
}

std::vector<Reference> CollectReferences(const Expr& root) {
  std::vector<Reference> references;
  Collect(root, references);
  return references;
}

std::vector<std::string> CandidateNames(std::string_view container, std::string_view name) {
  std::vector<std::string> candidates;
  if (name.starts_with('.')) {
    candidates.emplace_back(name.substr(1));
    return candidates;
  }
  while (!container.empty()) {
    candidates.push_back(fmt::format("{}.{}", container, name));
    const size_t dot = container.rfind('.');
    container = dot == std::string_view::npos ? std::string_view() : container.substr(0, dot);
  }
  candidates.emplace_back(name);
  return candidates;
}

const Type* FindNamedType(std::string_view name) {
  static const std::map<std::string, Type, std::less<>> kTypes = {
      {"bool", Type::Bool()},
      {"int", Type::Int()},
      {"uint", Type::Uint()},
      {"double", Type::Double()},
      {"string", Type::String()},
      {"bytes", Type::Bytes()},
      {"list", Type::List({})},
      {"map", Type::Map({}, {})},
      {"null_type", Type::Null()},
      {"type", Type::OfType()},
      {"optional_type", Type::Optional({})},
      {"google.protobuf.Timestamp", Type::Timestamp()},
      {"google.protobuf.Duration", Type::Duration()},
      {"net.IP", Type::Opaque("net.IP")},
      {"net.CIDR", Type::Opaque("net.CIDR")}};
  const auto found = kTypes.find(name);
  return found == kTypes.end() ? nullptr : &found->second;
}

}  // namespace assay::cel
