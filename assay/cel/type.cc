#include "assay/cel/type.h"

#include <algorithm>
#include <array>

namespace assay::cel {

struct Type::Node {
  TypeKind kind = TypeKind::kDyn;
  std::string name = {};
  std::vector<Type> parameters = {};
  std::vector<Field> fields = {};
  bool open = false;
};

namespace {

constexpr std::array<std::string_view, 17> kKindNames = {"dyn",
                                                         "null_type",
                                                         "bool",
                                                         "int",
                                                         "uint",
                                                         "double",
                                                         "string",
                                                         "bytes",
                                                         "google.protobuf.Timestamp",
                                                         "google.protobuf.Duration",
                                                         "list",
                                                         "map",
                                                         "type",
                                                         "optional_type",
                                                         "opaque",
                                                         "object",
                                                         "param"};

}  // namespace

Type::Type(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
Type::Type() : Type(Plain(TypeKind::kDyn)) {}

Type Type::Plain(TypeKind kind) {
  static const auto kTypes = [] {
    std::vector<std::shared_ptr<const Node>> nodes;
    for (size_t i = 0; i < kKindNames.size(); ++i)
      nodes.push_back(std::make_shared<const Node>(
          Node{.kind = static_cast<TypeKind>(i), .name = std::string(kKindNames[i])}));
    return nodes;
  }();
  return Type(kTypes[static_cast<size_t>(kind)]);
}

Type Type::Dyn() { return Plain(TypeKind::kDyn); }
Type Type::Null() { return Plain(TypeKind::kNull); }
Type Type::Bool() { return Plain(TypeKind::kBool); }
Type Type::Int() { return Plain(TypeKind::kInt); }
Type Type::Uint() { return Plain(TypeKind::kUint); }
Type Type::Double() { return Plain(TypeKind::kDouble); }
Type Type::String() { return Plain(TypeKind::kString); }
Type Type::Bytes() { return Plain(TypeKind::kBytes); }
Type Type::Timestamp() { return Plain(TypeKind::kTimestamp); }
Type Type::Duration() { return Plain(TypeKind::kDuration); }

Type Type::List(Type element) {
  return Type(std::make_shared<const Node>(
      Node{.kind = TypeKind::kList, .name = "list", .parameters = {std::move(element)}}));
}
Type Type::Map(Type key, Type value) {
  return Type(std::make_shared<const Node>(Node{
      .kind = TypeKind::kMap, .name = "map", .parameters = {std::move(key), std::move(value)}}));
}
Type Type::OfType(Type inner) {
  return Type(std::make_shared<const Node>(
      Node{.kind = TypeKind::kType, .name = "type", .parameters = {std::move(inner)}}));
}
Type Type::Optional(Type inner) {
  return Type(std::make_shared<const Node>(Node{
      .kind = TypeKind::kOptional, .name = "optional_type", .parameters = {std::move(inner)}}));
}
Type Type::Opaque(std::string name, std::vector<Type> parameters) {
  return Type(std::make_shared<const Node>(Node{
      .kind = TypeKind::kOpaque, .name = std::move(name), .parameters = std::move(parameters)}));
}
Type Type::Object(std::vector<Field> fields, Openness openness) {
  std::ranges::sort(fields, {}, &Field::first);
  return Type(std::make_shared<const Node>(Node{.kind = TypeKind::kObject,
                                                .name = "map",
                                                .fields = std::move(fields),
                                                .open = openness == Openness::kOpen}));
}
Type Type::Param(std::string name) {
  return Type(
      std::make_shared<const Node>(Node{.kind = TypeKind::kParam, .name = std::move(name)}));
}

TypeKind Type::kind() const { return node_->kind; }
std::string_view Type::name() const { return node_->name; }
std::span<const Type> Type::parameters() const { return node_->parameters; }
std::span<const Type::Field> Type::fields() const { return node_->fields; }
bool Type::open() const { return node_->open; }

const Type* Type::FindField(std::string_view name) const {
  const auto found = std::ranges::lower_bound(node_->fields, name, {}, &Field::first);
  return found != node_->fields.end() && found->first == name ? &found->second : nullptr;
}

std::string Type::ToString() const {
  if (kind() == TypeKind::kTimestamp) return "timestamp";
  if (kind() == TypeKind::kDuration) return "duration";
  if (kind() == TypeKind::kNull) return "null";
  if (kind() == TypeKind::kObject) {
    std::string text = "{";
    for (const auto& [field, type] : fields()) {
      if (text.size() > 1) text += ", ";
      text.append(field).append(": ").append(type.ToString());
    }
    if (open()) text += text.size() > 1 ? ", ..." : "...";
    return text + "}";
  }
  std::string text(kind() == TypeKind::kOptional ? "optional" : name());
  if (parameters().empty()) return text;
  text += "(";
  for (size_t i = 0; i < parameters().size(); ++i) {
    if (i > 0) text += ", ";
    text += parameters()[i].ToString();
  }
  return text + ")";
}

bool operator==(const Type& a, const Type& b) {
  if (a.node_ == b.node_) return true;
  return a.kind() == b.kind() && a.name() == b.name() && a.open() == b.open() &&
         std::ranges::equal(a.parameters(), b.parameters()) &&
         std::ranges::equal(a.fields(), b.fields());
}

}  // namespace assay::cel
