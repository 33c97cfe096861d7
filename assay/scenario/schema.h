#pragma once
// The tables that say what a file may contain. One source for validation, for the JSON Schema of
// `assay schema` and for the reference pages.
//
// An action registers one ActionSchema: the table of its parameters and the table of its outcome.
//
//   ActionSchema http{.name = "http", .doc = "Sends one HTTP request.",
//                     .shorthand = "request", .shorthand_doc = "METHOD target"};
//   http.params.fields = {
//       {.name = "request", .type = Type::String(), .doc = "Method and target: `GET /health`."},
//       {.name = "headers", .type = Type::Map(Type::String()), .doc = "Header fields to send."}};
//   http.outcome = {{.name = "status", .type = Type::Int(), .doc = "Status code."}};
//   TRY(registry.AddAction(std::move(http)));
//
// In a step `http: GET /health` fills the parameter `request`; the other parameters are keys beside
// it or, in the long form, inside it. Every parameter value may hold `${{ }}` whatever its type;
// the type is then checked when the value is known. Parameters of type Expression (a bare CEL
// condition such as `until`) and Steps are not evaluated with the others: see PlannedAction in
// assay/plan.

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace assay::scenario {

enum class TypeKind {
  kAny,         ///< any value
  kString,      ///< text; a number or boolean is taken as it is written
  kInt,         ///<
  kNumber,      ///< integer or fraction
  kBool,        ///<
  kDuration,    ///< `250ms`, `1m30s`
  kSize,        ///< `64KiB`, or a number of bytes
  kBytes,       ///< outcome fields only
  kTimestamp,   ///< outcome fields only
  kExpression,  ///< bare CEL, without `${{ }}`
  kEnum,        ///< one of a list of words
  kList,        ///< list of an element type
  kMap,         ///< any keys, values of an element type
  kObject,      ///< the fields of a table
  kSteps,       ///< list of steps
  kAnyOf,       ///< one of several types
};

struct ObjectSchema;

/// The type of a field: a small immutable tree.
class Type {
 public:
  static Type Any() { return Type(TypeKind::kAny); }
  static Type String() { return Type(TypeKind::kString); }
  static Type Int() { return Type(TypeKind::kInt); }
  static Type Number() { return Type(TypeKind::kNumber); }
  static Type Bool() { return Type(TypeKind::kBool); }
  static Type Duration() { return Type(TypeKind::kDuration); }
  static Type Size() { return Type(TypeKind::kSize); }
  static Type Bytes() { return Type(TypeKind::kBytes); }
  static Type Timestamp() { return Type(TypeKind::kTimestamp); }
  static Type Expression() { return Type(TypeKind::kExpression); }
  static Type Steps() { return Type(TypeKind::kSteps); }
  static Type Enum(std::vector<std::string> words);
  static Type List(Type element);
  static Type Map(Type element);
  static Type Object(std::shared_ptr<const ObjectSchema> table);
  static Type Object(ObjectSchema table);
  static Type AnyOf(std::vector<Type> alternatives);
  /// A list, or one element without the brackets.
  static Type OneOrMore(const Type& element) { return AnyOf({List(element), element}); }

  TypeKind kind() const { return kind_; }
  const std::vector<std::string>& words() const { return words_; }
  /// Element of a list or map.
  const Type& element() const { return parts_->front(); }
  /// Alternatives of kAnyOf.
  std::span<const Type> alternatives() const { return *parts_; }
  const ObjectSchema& table() const { return *table_; }
  /// For messages: `a duration such as 30s`, `one of low, high`.
  std::string Expected() const;
  /// For the reference pages: `list of string`.
  std::string Name() const;

 private:
  explicit Type(TypeKind kind) : kind_(kind) {}

  TypeKind kind_;
  std::vector<std::string> words_;
  std::shared_ptr<const std::vector<Type>> parts_;
  std::shared_ptr<const ObjectSchema> table_;
};

struct Field {
  std::string name;
  Type type = Type::Any();
  bool required = false;
  std::string default_text = {};  ///< as one would write it in the file; empty when there is none
  std::string doc = {};           ///< one sentence
  std::string since = "0.1";      ///< first version that knows the field
  /// Outcome fields only: has a value also when the system refused what was asked. The step is an
  /// error then, unless an expectation uses this field (or `error`).
  bool tells_refusal = false;
  /// Of type Expression only: what it may use instead of the outcome's variables.
  std::vector<Field> sees = {};
  /// Of type Expression only: judged on the outcome like an expectation, in this role
  /// (`threshold`).
  std::string judged_as = {};
};

/// Fields of which one must be (`required`) or at most one may be present.
struct OneOf {
  std::vector<std::string> names;
  bool required = true;
};

/// A named table of fields. With `open` further keys are allowed and keep any value.
struct ObjectSchema {
  std::string name;
  std::string doc;
  std::vector<Field> fields = {};
  std::vector<OneOf> one_of = {};
  bool open = false;

  const Field* Find(std::string_view field) const;
  std::vector<std::string> FieldNames() const;
};

/// The kinds of files, as `assay schema KIND` names them.
enum class FileKind { kProject, kScenario, kFragment, kRequirements, kPlan, kEnvironment };
std::string_view ToString(FileKind kind);

/// Who carries the action out.
enum class ActionRole {
  kAction,     ///< an Action of assay/action or a layer above
  kStructure,  ///< the step machine itself: group, parallel, for_each, repeat, use, join, set, ...
};

struct ActionSchema {
  std::string name;
  std::string doc;
  std::string shorthand = {};      ///< the parameter that a value which is no map fills
  std::string shorthand_doc = {};  ///< how that value is written, for the reference
  /// The action's value is always the shorthand's, also when it is a map (`set: {a: 1}`).
  bool shorthand_takes_maps = false;
  ObjectSchema params = {};
  /// A text `unmet` that is not empty fails the step, unless an expectation asks for it.
  std::vector<Field> outcome = {};
  /// Outcomes have fields beyond the table; unknown names in expressions are then no errors.
  bool outcome_open = false;
  ActionRole role = ActionRole::kAction;
  /// Lasts as long as its parameters say (`wait`, `workload`): no default timeout.
  bool own_time = false;
  /// Waits for what others send: must be given a limit (`timeout`, or the parameter `limit_param`,
  /// `collect.for`), and calls ActionContext::armed, for which the steps after a background step
  /// wait.
  bool listens = false;
  /// It only listens when one of these parameters is given; empty: always.
  std::vector<std::string> listening_params = {};
  std::string limit_param = {};  ///< may also be a field of the parameter that makes it listen
};

/// The actions that files may use. Not thread-safe while being filled.
class SchemaRegistry {
 public:
  /// kConflict when the name is taken or is a step field, or when a parameter has the name of a
  /// step field (`timeout`, `expect`, ...); kInvalid when the shorthand names no parameter.
  base::Result<void> AddAction(ActionSchema action);
  const ActionSchema* FindAction(std::string_view name) const;
  /// Sorted.
  std::vector<std::string> ActionNames() const;
  const std::map<std::string, ActionSchema, std::less<>>& actions() const { return actions_; }

 private:
  std::map<std::string, ActionSchema, std::less<>> actions_;
};

/// group, parallel, for_each, repeat, use, join, set, note: what the step machine does itself, so
/// assay/action must not register them.
base::Result<void> RegisterStructureActions(SchemaRegistry& registry);

}  // namespace assay::scenario
