#pragma once
// Type parameters and what they stand for while an expression is checked.

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "assay/cel/type.h"

namespace assay::cel {

/// Finds types for the parameters of generic signatures so that arguments fit. Two types fit when
/// one can stand for the other; dyn fits everything, and null fits what may be absent.
class Unifier {
 public:
  /// A parameter that nothing is known about.
  Type Fresh();
  /// `type` with its parameters replaced by fresh ones, the same for the same name.
  Type Instantiate(const Type& type, std::unordered_map<std::string, Type>& fresh);
  /// Whether a value of type `from` may be used where `to` is expected; what that says about
  /// parameters is kept if it holds.
  bool Assign(const Type& to, const Type& from);
  /// The same for a list of arguments, all or nothing.
  bool AssignAll(const std::vector<Type>& to, const std::vector<Type>& from);
  /// A type that both fit: the more general one, or dyn.
  Type Join(const Type& a, const Type& b);
  /// `type` with known parameters replaced; unknown ones become dyn when `final`.
  Type Resolve(const Type& type, bool final) const;

 private:
  enum class Outcome { kFits, kConflict, kUnknown };

  const Type* Known(const Type& param) const;
  void Learn(const Type& param, Type type);
  bool Occurs(const Type& param, const Type& in) const;
  Outcome Substitute(const Type& to, const Type& param);
  bool Fits(const Type& to, const Type& from);
  bool FitsEach(std::span<const Type> to, std::span<const Type> from);
  bool ObjectFits(const Type& object, const Type& other);

  void Undo(size_t trail_size);

  std::vector<std::optional<Type>> known_;
  /// What was known before each change, so that a failed attempt costs only what it changed.
  std::vector<std::pair<size_t, std::optional<Type>>> trail_;
};

/// Neither more specific than the other counts as more general: dyn and parameters are the most.
bool AtLeastAsGeneral(const Type& a, const Type& b);
bool HasParameters(const Type& type);

}  // namespace assay::cel
