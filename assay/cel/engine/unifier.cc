#include "assay/cel/engine/unifier.h"

#include <algorithm>
#include <charconv>

namespace assay::cel {
namespace {

constexpr char kFreshPrefix = '%';

size_t Number(const Type& param) {
  size_t number = 0;
  const std::string_view digits = param.name().substr(1);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

bool IsParam(const Type& type) { return type.kind() == TypeKind::kParam; }

bool AcceptsNull(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
    case TypeKind::kOptional:
    case TypeKind::kOpaque:
    case TypeKind::kObject:
      return true;
    default:
      return false;
  }
}

Type WithParameters(const Type& type, std::vector<Type> parameters) {
  switch (type.kind()) {
    case TypeKind::kList:
      return Type::List(std::move(parameters[0]));
    case TypeKind::kMap:
      return Type::Map(std::move(parameters[0]), std::move(parameters[1]));
    case TypeKind::kType:
      return Type::OfType(std::move(parameters[0]));
    case TypeKind::kOptional:
      return Type::Optional(std::move(parameters[0]));
    default:
      return Type::Opaque(std::string(type.name()), std::move(parameters));
  }
}

}  // namespace

bool HasParameters(const Type& type) {
  return IsParam(type) || std::ranges::any_of(type.parameters(), HasParameters);
}

bool AtLeastAsGeneral(const Type& a, const Type& b) {
  if (a.is_dyn() || IsParam(a)) return true;
  if (b.is_dyn() || IsParam(b)) return false;
  if (a.kind() == TypeKind::kMap && b.kind() == TypeKind::kObject) return true;
  return a.kind() == b.kind() && a.name() == b.name() &&
         std::ranges::equal(a.parameters(), b.parameters(), AtLeastAsGeneral);
}

Type Unifier::Fresh() {
  known_.emplace_back();
  return Type::Param(kFreshPrefix + std::to_string(known_.size() - 1));
}

Type Unifier::Instantiate(const Type& type, std::unordered_map<std::string, Type>& fresh) {
  if (IsParam(type)) {
    const auto [entry, added] = fresh.try_emplace(std::string(type.name()));
    if (added) entry->second = Fresh();
    return entry->second;
  }
  if (!HasParameters(type)) return type;
  std::vector<Type> parameters;
  for (const Type& parameter : type.parameters())
    parameters.push_back(Instantiate(parameter, fresh));
  return WithParameters(type, std::move(parameters));
}

const Type* Unifier::Known(const Type& param) const {
  const auto& known = known_[Number(param)];
  return known ? &*known : nullptr;
}

void Unifier::Learn(const Type& param, Type type) {
  const size_t number = Number(param);
  trail_.emplace_back(number, std::exchange(known_[number], std::move(type)));
}

void Unifier::Undo(size_t trail_size) {
  for (; trail_.size() > trail_size; trail_.pop_back())
    known_[trail_.back().first] = std::move(trail_.back().second);
}

bool Unifier::Occurs(const Type& param, const Type& in) const {
  if (IsParam(in)) {
    if (in.name() == param.name()) return true;
    const Type* known = Known(in);
    return known != nullptr && Occurs(param, *known);
  }
  return std::ranges::any_of(in.parameters(), [&](const Type& t) { return Occurs(param, t); });
}

Unifier::Outcome Unifier::Substitute(const Type& to, const Type& param) {
  if (to == param) return Outcome::kFits;
  if (const Type* known = Known(param)) {
    const Type current = *known;
    if (to == current) return Outcome::kFits;
    if (!Fits(to, current)) return Outcome::kConflict;
    const Type& general = AtLeastAsGeneral(to, current) ? to : current;
    if (!Occurs(param, general)) Learn(param, general);
    return Outcome::kFits;
  }
  if (Occurs(param, to)) return Outcome::kUnknown;
  Learn(param, to);
  return Outcome::kFits;
}

bool Unifier::Fits(const Type& to, const Type& from) {
  if (IsParam(from)) {
    const Outcome outcome = Substitute(to, from);
    if (outcome != Outcome::kUnknown) return outcome == Outcome::kFits;
  }
  if (IsParam(to)) return Substitute(from, to) == Outcome::kFits;
  if (to.is_dyn() || from.is_dyn()) return true;
  if (to.kind() == TypeKind::kNull || from.kind() == TypeKind::kNull)
    return to.kind() == from.kind() || AcceptsNull(to.kind() == TypeKind::kNull ? from : to);
  if (to.kind() == TypeKind::kObject) return ObjectFits(to, from);
  if (from.kind() == TypeKind::kObject) return ObjectFits(from, to);
  if (to.kind() != from.kind()) return false;
  if (to.kind() == TypeKind::kType) return true;
  return to.name() == from.name() && FitsEach(to.parameters(), from.parameters());
}

bool Unifier::FitsEach(std::span<const Type> to, std::span<const Type> from) {
  if (to.size() != from.size()) return false;
  for (size_t i = 0; i < to.size(); ++i)
    if (!Fits(to[i], from[i])) return false;
  return true;
}

bool Unifier::ObjectFits(const Type& object, const Type& other) {
  if (other.kind() == TypeKind::kMap) {
    if (!Fits(other.parameters()[0], Type::String())) return false;
    return std::ranges::all_of(object.fields(), [&](const Type::Field& field) {
      return Fits(other.parameters()[1],
                  IsParam(other.parameters()[1]) ? Type::Dyn() : field.second);
    });
  }
  if (other.kind() != TypeKind::kObject) return false;
  return std::ranges::all_of(object.fields(), [&](const Type::Field& field) {
    const Type* same = other.FindField(field.first);
    return same == nullptr ? object.open() || other.open() : Fits(field.second, *same);
  });
}

bool Unifier::Assign(const Type& to, const Type& from) {
  const size_t before = trail_.size();
  if (Fits(to, from)) return true;
  Undo(before);
  return false;
}

bool Unifier::AssignAll(const std::vector<Type>& to, const std::vector<Type>& from) {
  const size_t before = trail_.size();
  if (FitsEach(to, from)) return true;
  Undo(before);
  return false;
}

Type Unifier::Join(const Type& a, const Type& b) {
  if (!Assign(a, b)) return Type::Dyn();
  if (a.kind() == TypeKind::kNull) return b;
  if (b.kind() == TypeKind::kNull) return a;
  return AtLeastAsGeneral(a, b) ? a : b;
}

Type Unifier::Resolve(const Type& type, bool final) const {
  if (IsParam(type)) {
    if (const Type* known = Known(type)) return Resolve(*known, final);
    return final ? Type::Dyn() : type;
  }
  if (!HasParameters(type)) return type;
  std::vector<Type> parameters;
  for (const Type& parameter : type.parameters()) parameters.push_back(Resolve(parameter, final));
  return WithParameters(type, std::move(parameters));
}

}  // namespace assay::cel
