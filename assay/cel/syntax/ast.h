#pragma once
// The syntax tree: macros are already expanded into nodes of their own, every node knows its place.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "assay/cel/type.h"
#include "assay/cel/value.h"

namespace assay::cel {

class Node;
struct Overload;

enum class ExprKind : uint8_t {
  kConstant,
  kIdent,
  kSelect,         ///< arguments: {operand}
  kCall,           ///< arguments: receiver of a member call first
  kList,           ///< arguments: elements
  kMap,            ///< arguments: key, value, key, value, ...
  kComprehension,  ///< arguments: {range, predicate or transform, transform behind a filter}
  kBind,           ///< arguments: {value of `name`, body}
  kOptionalMap,    ///< optMap, optFlatMap; arguments: {optional, body}
  kBlock,          ///< arguments: values of @index0, @index1, ..., then the body
};

enum class Macro : uint8_t {
  kNone,
  kAll,
  kExists,
  kExistsOne,
  kMap,
  kFilter,
  kTransformList,
  kTransformMap,
  kTransformMapEntry,
  kSortBy,
};

/// What the checker found an identifier to be.
enum class Binding : uint8_t { kUndeclared, kLocal, kVariable };

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// One node. What the fields mean depends on `kind`; what the checker finds out is written into the
/// last group.
struct Expr {
  ExprKind kind = ExprKind::kConstant;
  Macro macro = Macro::kNone;
  bool member = false;    ///< call: has a receiver
  bool absolute = false;  ///< ident: written with a leading dot
  bool test = false;      ///< select: has(...)
  bool optional = false;  ///< select: `?.`; optional map: optFlatMap
  uint32_t begin = 0;     ///< byte offsets in the source
  uint32_t end = 0;
  uint32_t at = 0;  ///< of the operator, field or function name
  uint32_t height = 1;
  Value constant;
  std::string name;         ///< ident, select: field, call: function, first variable of a macro
  std::string second_name;  ///< second variable of a macro
  std::vector<ExprPtr> arguments;
  std::vector<bool> optional_entries;  ///< list and map literals: which have a `?`

  Binding binding = Binding::kUndeclared;
  Type type;
  std::vector<const Overload*> overloads;  ///< call: those that may apply
  const Node* node = nullptr;              ///< what evaluates it; null inside a folded constant
  uint32_t slot = 0;                       ///< of the first variable that a macro or bind declares
};

// Names of the operators as functions, as the language definition spells them.
namespace operators {
inline constexpr const char* kAnd = "_&&_";
inline constexpr const char* kOr = "_||_";
inline constexpr const char* kNot = "!_";
inline constexpr const char* kNegate = "-_";
inline constexpr const char* kConditional = "_?_:_";
inline constexpr const char* kIndex = "_[_]";
inline constexpr const char* kOptionalIndex = "_[?_]";
inline constexpr const char* kIn = "@in";
inline constexpr const char* kEqual = "_==_";
inline constexpr const char* kNotEqual = "_!=_";
inline constexpr const char* kLess = "_<_";
inline constexpr const char* kLessEqual = "_<=_";
inline constexpr const char* kGreater = "_>_";
inline constexpr const char* kGreaterEqual = "_>=_";
inline constexpr const char* kAdd = "_+_";
inline constexpr const char* kSubtract = "_-_";
inline constexpr const char* kMultiply = "_*_";
inline constexpr const char* kDivide = "_/_";
inline constexpr const char* kModulo = "_%_";
}  // namespace operators

/// `a.b.c` for identifiers selected from identifiers; "" for anything else.
std::string QualifiedName(const Expr& expr);

}  // namespace assay::cel
