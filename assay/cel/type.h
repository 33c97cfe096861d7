#pragma once
// The types of the checker: what is known about a value before it exists.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::cel {

enum class TypeKind : uint8_t {
  kDyn,  ///< not known before the expression runs
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kList,
  kMap,
  kType,  ///< the type of a type
  kOptional,
  kOpaque,  ///< a type that a library adds, by name
  kObject,  ///< a map whose string keys are known, with the type of each
  kParam,   ///< a type parameter of a generic signature
};

/// An immutable type, cheap to copy and shared between threads.
class Type {
 public:
  using Field = std::pair<std::string, Type>;
  /// Whether a key that is not listed is an error of the checker or simply not known.
  enum class Openness : uint8_t { kClosed, kOpen };

  /// Dyn.
  Type();

  static Type Dyn();
  static Type Null();
  static Type Bool();
  static Type Int();
  static Type Uint();
  static Type Double();
  static Type String();
  static Type Bytes();
  static Type Timestamp();
  static Type Duration();
  static Type List(Type element);
  static Type Map(Type key, Type value);
  static Type OfType(Type inner = Type());
  static Type Optional(Type inner);
  static Type Opaque(std::string name, std::vector<Type> parameters = {});
  static Type Object(std::vector<Field> fields, Openness openness = Openness::kClosed);
  static Type Param(std::string name);

  TypeKind kind() const;
  bool is_dyn() const { return kind() == TypeKind::kDyn; }
  /// The name of an opaque type or type parameter; else that of the kind.
  std::string_view name() const;
  /// list: {element}; map: {key, value}; type, optional: {inner}; opaque: its parameters.
  std::span<const Type> parameters() const;
  std::span<const Field> fields() const;
  bool open() const;
  /// The type of a field of an object type; nullptr when it is not listed.
  const Type* FindField(std::string_view name) const;

  /// `map(string, list(int))`, `{status: int, body: dyn}`.
  std::string ToString() const;
  friend bool operator==(const Type& a, const Type& b);

 private:
  struct Node;
  explicit Type(std::shared_ptr<const Node> node);
  static Type Plain(TypeKind kind);

  std::shared_ptr<const Node> node_;
};

}  // namespace assay::cel
